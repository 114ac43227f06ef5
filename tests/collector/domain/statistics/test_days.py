"""Means by resampling whole days."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.statistics.days import (
    RESAMPLES,
    Weights,
    by_day,
    drawn,
    left_out,
    ratio,
    widening,
)
from tests.collector.domain.statistics.months import MONTHS, days_of, normal_month


def test_each_draw_has_as_many_days_as_there_are_and_no_day_is_preferred() -> None:
    """A draw is whole days with replacement: their number is kept, each as likely as another."""
    draws = drawn(20)
    assert set(draws.sum(axis=0)) == {20}
    assert draws.mean(axis=1) == pytest.approx(np.ones(20), abs=5 / RESAMPLES**0.5)


def test_what_is_drawn_never_changes() -> None:
    """The first draws are these, on every machine and with every version of numpy."""
    assert drawn(7)[:, :3].T.astype(int).tolist() == FIRST_DRAWS


FIRST_DRAWS = [[1, 2, 0, 1, 0, 3, 0], [1, 0, 2, 2, 1, 1, 0], [3, 2, 1, 1, 0, 0, 0]]


@settings(max_examples=50, deadline=None)
@given(MONTHS, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(month: list[list[int]], chance: object) -> None:
    """The same values in another order, and days of other numbers in the same order, give the
    same mean and the same interval to the last bit.
    """
    pairs = [(3 * day + 7, float(value)) for day, values in enumerate(month) for value in values]
    chance.shuffle(pairs)  # type: ignore[attr-defined]
    shuffled = by_day([day for day, _ in pairs], [value for _, value in pairs])
    assert shuffled.mean() == days_of(month).mean()


@settings(max_examples=50, deadline=None)
@given(MONTHS)
def test_an_interval_holds_its_estimate_and_lies_within_the_values(month: list[list[int]]) -> None:
    """Low ≤ mean ≤ high, none of them beyond the least and the largest value."""
    values = [value for day in month for value in day]
    found = days_of(month).mean()
    assert found.low is not None
    assert found.high is not None
    slack = 1e-6 * max(values)
    assert min(values) - slack <= found.low <= found.value <= found.high <= max(values) + slack


@settings(max_examples=50, deadline=None)
@given(MONTHS, st.integers(1, 1000))
def test_twice_the_rate_is_twice_the_mean_and_its_interval(
    month: list[list[int]], factor: int
) -> None:
    """The unit does not matter."""
    once = days_of(month).mean()
    many = days_of([[factor * value for value in day] for day in month]).mean()
    assert many == pytest.approx(tuple((one or 0) * factor for one in once), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("days", [10, 30])
def test_a_limit_is_outside_of_the_interval_exactly_where_its_chance_is_below_5_percent(
    seed: int, days: int
) -> None:
    """Interval and chance are one method: each limit just inside has more, just outside less."""
    month = normal_month(seed, days)
    found = month.mean()
    assert found.low is not None
    assert found.high is not None
    step = 1e-6 * found.value
    for limit, at_least in ((found.high, True), (found.low, False)):
        outwards = step if at_least else -step
        assert 2 * month.mean_chance(limit - outwards, at_least=at_least) > 0.05
        assert 2 * month.mean_chance(limit + outwards, at_least=at_least) <= 0.05


def test_no_chance_is_zero_or_above_one() -> None:
    """However far a limit is, a chance is one of so many draws at least."""
    month = normal_month(1)
    for limit in (-inf, 0.0, 1e3, inf):
        for at_least in (True, False):
            assert 0 < month.mean_chance(min(max(limit, -1e18), 1e18), at_least=at_least) <= 1
    assert 2 * month.mean_chance(1e9, at_least=True) * 30 < 0.05


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=15, max_size=15), st.integers(1, 10**9))
def test_where_all_tests_are_just_at_the_limit_rounding_takes_no_side(
    counts: list[int], rate: int
) -> None:
    """With whatever weights: the mean is the limit itself, as likely too high as too low."""
    blocks = np.repeat(np.arange(15) % 3, counts)
    month = by_day(
        np.repeat(np.arange(15), counts), [rate] * sum(counts), Weights(blocks, (7, 3, 11))
    )
    assert month.mean().value == rate
    for at_least in (True, False):
        assert month.mean_chance(rate, at_least=at_least) == pytest.approx(0.5, abs=1e-3)


def test_few_days_have_a_mean_and_no_interval() -> None:
    """Below five days nothing is said of how sure a mean is."""
    assert days_of([[1, 2], [3], [4], [5]]).mean() == (3.0, None, None)


def test_percentiles_lie_further_out_the_fewer_days_there_are() -> None:
    """The expansion is Hesterberg's: 1.7 to 1.9 % instead of 2.5 % of 30 days, less of fewer."""
    shares = [left_out(days) for days in (5, 10, 20, 30, 300)]
    assert shares == sorted(shares)
    assert 0.017 < left_out(30) < 0.021
    assert left_out(300) == pytest.approx(0.025, abs=0.001)


def test_a_ratio_counts_days_by_what_they_have() -> None:
    """Loss is packets lost over packets sent, not a mean of days' shares."""
    lost, sent = np.array([0.0, 0, 0, 0, 10]), np.array([100.0, 100, 100, 100, 10])
    assert ratio(lost, sent).value == pytest.approx(10 / 410)


def test_days_that_resemble_their_neighbours_widen_an_interval_and_others_do_not() -> None:
    """A slow wave over the month widens it by far, a zigzag not at all, even days neither."""
    wave = np.sin(np.arange(30) / 5)
    assert widening(wave - wave.mean()) > 2
    assert widening(np.array([1.0, -1.0] * 15)) == 1
    assert widening(np.zeros(30)) == 1
