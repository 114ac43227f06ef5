"""Before and after: permutation of day medians."""

import numpy as np
import pytest

from collector.domain.statistics.shift import compare, days_needed, power

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


def test_the_same_days_give_the_same_answer_in_any_order() -> None:
    """What is drawn depends on how many days there are; the order within a side does not matter."""
    before, after = CHANCE.normal(200, 12, 20), CHANCE.normal(205, 12, 10)
    once = compare(before, after, 10)
    assert compare(before, after, 10) == once
    assert compare(before, after[::-1], 10).chance == pytest.approx(once.chance, abs=0.02)


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
    found = compare(np.arange(15.0), np.arange(100.0, 115.0), 10)
    assert found.chance == pytest.approx(1 / 2000)
    assert found.days_needed is not None
