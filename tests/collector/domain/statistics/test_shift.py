"""Before and after: permutation of day medians."""

import numpy as np
import pytest

from collector.domain.statistics.days import Floats
from collector.domain.statistics.shift import LEVEL, chance_of, compare, counts, days_needed, power

CHANCE = np.random.default_rng(11)
AROUND = CHANCE.normal(0, 0.08, 400)
"""Day medians about their mean, as shares: what a line's days differ by."""


def test_a_mended_line_is_found_and_one_that_only_pretends_is_not() -> None:
    """Thirty days and two weeks tell a rise of a fifth from none."""
    before, after = CHANCE.normal(200, 12, 30), CHANCE.normal(240, 12, 14)
    mended = compare(before, after, 20)
    assert mended.found
    assert mended.difference == pytest.approx(40, abs=12)
    assert not compare(before, CHANCE.normal(200, 12, 14), 20).found


def test_the_same_days_give_the_same_answer_forward_and_backward() -> None:
    """What is drawn depends on how many days there are; neighbours stay neighbours."""
    before, after = CHANCE.normal(200, 12, 20), CHANCE.normal(205, 12, 10)
    once = compare(before, after, 10)
    assert compare(before, after, 10) == once
    assert compare(before[::-1], after[::-1], 10).chance == pytest.approx(once.chance, abs=0.02)


def wandering(days: int, alike: float) -> Floats:
    """Return days around 200 that differ by 4 % and resemble those beside them."""
    found = CHANCE.standard_normal(days)
    for day in range(1, days):
        found[day] = alike * found[day - 1] + np.sqrt(1 - alike**2) * found[day]
    return 200 + 8 * found


def test_days_that_wander_together_are_no_change() -> None:
    """Where nothing changed and neighbouring days are alike, about one comparison of twenty says
    that it did to the good; by independent days it would be one of six.
    """
    called = taken_for_new = 0
    for _ in range(200):
        days = wandering(54, 0.7)
        before, after = days[:30], days[40:]
        called += (found := compare(before, after, 20)).found and found.difference > 0
        taken_for_new += chance_of(before, after) <= LEVEL and found.difference > 0
    assert called <= 18
    assert taken_for_new >= 25


def test_a_clear_change_of_days_that_are_alike_is_found() -> None:
    """However alike they are: half as much again is no wandering."""
    for _ in range(50):
        days = wandering(54, 0.85)
        assert compare(days[:30], 1.5 * days[40:], 20).found


def test_the_same_number_each_day_is_a_day_that_counts() -> None:
    """Days that do not differ at all resemble nothing; independent ones count nearly in full."""
    assert counts(np.full(9, 5.0)) == 1.0
    assert counts(CHANCE.normal(0, 1, 3000)) > 0.94
    assert counts(wandering(3000, 0.7)) == pytest.approx(np.sqrt(0.3 / 1.7), abs=0.03)


def test_false_alarms_are_as_rare_as_the_level_says() -> None:
    """Where nothing changed, at most about one of twenty comparisons says so."""
    assert power(AROUND, 0.0, 14, 14) <= 0.07


def test_power_grows_with_days_and_with_the_shift() -> None:
    """A tenth: hardly in a week each, nearly always in two, surely in four; a half of it less."""
    tenth = [power(AROUND, 0.10, days, days) for days in (7, 14, 28)]
    half = [power(AROUND, 0.05, days, days) for days in (7, 14, 28)]
    assert tenth == sorted(tenth)
    assert 0.45 < tenth[0] < 0.75
    assert tenth[1] > 0.8
    assert tenth[2] > 0.97
    assert all(small < large for small, large in zip(half, tenth, strict=True))


def test_as_many_days_as_are_needed_are_enough_and_fewer_are_not() -> None:
    """The days needed have the wanted power, half of them do not; a shift too small has none."""
    needed = days_needed(AROUND, 0.08, 20, 3)
    assert needed is not None
    assert power(AROUND, 0.08, 20, needed) >= 0.8
    assert power(AROUND, 0.08, 20, needed // 2) < 0.8
    assert days_needed(AROUND, 0.001, 20, 3) is None


def test_a_change_no_chance_can_explain_has_the_smallest_chance() -> None:
    """Sides that do not overlap are further apart than every other order of their days."""
    days = CHANCE.permutation(15).astype(np.float64)
    found = compare(days, 100 + days, 10)
    assert found.chance == pytest.approx(1 / 2000)
    assert found.days_needed is not None
