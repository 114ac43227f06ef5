"""Better, not better, cannot be said yet."""

from random import Random

import numpy as np
import pytest

from collector.domain.cases.mended import FEWEST_AFTER, Outcome, Why, compare_days
from collector.domain.statistics.days import Floats

LIMIT = 240e6


def days(mean: float, count: int, seed: int = 1, spread: float = 0.04) -> Floats:
    """Return so many days' medians around a rate."""
    chance = Random(seed)
    return np.array([mean * (1 + chance.gauss(0, spread)) for _ in range(count)])


def test_a_line_that_was_mended_is_better_and_keeps_the_limit() -> None:
    """A fortnight says so, with its chance and its power."""
    found = compare_days(days(180e6, 30), days(290e6, 14, 2), LIMIT, more_is_better=True)
    assert found.outcome is Outcome.BETTER
    assert found.within_limit is True
    assert found.chance is not None
    assert found.chance < 0.01
    assert found.days_missing is None
    assert (found.days_before, found.days_after) == (30, 14)


def test_a_line_that_is_better_may_break_the_limit_still() -> None:
    """Both are said."""
    found = compare_days(days(150e6, 30), days(200e6, 14, 2), LIMIT, more_is_better=True)
    assert (found.outcome, found.within_limit) == (Outcome.BETTER, False)


def test_a_line_that_only_is_said_to_be_mended_is_not_better() -> None:
    """The days were enough to find what was missing to the limit, and it is not there."""
    found = compare_days(days(180e6, 30), days(181e6, 14, 2), LIMIT, more_is_better=True)
    assert found.outcome is Outcome.NOT_BETTER
    assert found.power is not None
    assert found.power >= 0.8


def test_a_line_that_got_worse_is_not_better() -> None:
    """A change that is found is one to the good, or it is none."""
    found = compare_days(days(180e6, 30), days(120e6, 14, 2), LIMIT, more_is_better=True)
    assert found.outcome is Outcome.NOT_BETTER


def test_of_times_less_is_better() -> None:
    """A latency that fell."""
    found = compare_days(days(0.08, 30), days(0.03, 14, 2), 0.05, more_is_better=False)
    assert (found.outcome, found.within_limit) == (Outcome.BETTER, True)


@pytest.mark.parametrize("after", [0, 1, FEWEST_AFTER - 1])
def test_before_a_week_is_over_nothing_is_said(after: int) -> None:
    """But how many days are missing, however clear it looks."""
    found = compare_days(days(180e6, 30), days(290e6, after, 2), LIMIT, more_is_better=True)
    assert (found.outcome, found.why) == (Outcome.UNKNOWN, Why.FEW_AFTER)
    assert found.days_missing == FEWEST_AFTER - after


def test_days_that_differ_much_need_more_of_them() -> None:
    """Where a change might have been missed it is not said that there is none."""
    before, after = days(220e6, 30, 3, 0.15), days(222e6, 8, 4, 0.15)
    found = compare_days(before, after, LIMIT, more_is_better=True)
    assert (found.outcome, found.why) == (Outcome.UNKNOWN, Why.FEW_AFTER)
    assert found.power is not None
    assert found.power < 0.8
    assert found.days_missing is not None
    assert found.days_missing > 0


def test_where_no_number_of_days_would_tell_that_is_said() -> None:
    """And nobody waits for it."""
    wild = days(220e6, 10, 3, 0.9)
    found = compare_days(wild, days(220e6, 10, 4, 0.9), LIMIT, more_is_better=True)
    assert (found.outcome, found.why, found.days_missing) == (
        Outcome.UNKNOWN,
        Why.NO_POWER,
        None,
    )


def test_a_month_without_days_has_nothing_to_compare_with() -> None:
    """Nothing is made up."""
    found = compare_days(days(1e8, 4), days(1e8, 20), LIMIT, more_is_better=True)
    assert (found.outcome, found.why) == (Outcome.UNKNOWN, Why.FEW_BEFORE)


def test_a_change_that_nobody_sees_is_no_mend() -> None:
    """However sure it is: three of a hundred; of a line that missed as little it would be one."""
    before, after = days(180e6, 30, 1, 0.005), days(186e6, 14, 2, 0.005)
    found = compare_days(before, after, LIMIT, more_is_better=True)
    assert found.outcome is Outcome.NOT_BETTER
    assert found.chance is not None
    assert found.chance < 0.01
    near = compare_days(before, 1.04 * after, 190e6, more_is_better=True)
    assert (near.outcome, near.within_limit) == (Outcome.BETTER, True)


def test_false_alarms_are_rare() -> None:
    """Of lines where nothing changed hardly one in twenty is called better."""
    called = sum(
        compare_days(
            days(200e6, 30, 10 + n), days(200e6, 14, 5000 + n), LIMIT, more_is_better=True
        ).outcome
        is Outcome.BETTER
        for n in range(60)
    )
    assert called <= 5
