"""Medians and other quantiles by shares."""

from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.statistics.days import by_day
from collector.domain.statistics.quantiles import how_many_beyond, quantile, quantile_chance
from tests.collector.domain.statistics.months import MONTHS, days_of, normal_month


@settings(max_examples=50, deadline=None)
@given(MONTHS)
def test_the_median_is_the_usual_one(month: list[list[int]]) -> None:
    """The middle value, or the middle between two."""
    assert quantile(days_of(month), 50).value == median(v for day in month for v in day)


@settings(max_examples=50, deadline=None)
@given(MONTHS, st.integers(1, 99))
def test_an_interval_holds_its_quantile_between_values_that_were_measured(
    month: list[list[int]], percent: int
) -> None:
    """Low ≤ quantile ≤ high, and both ends are measured values or the quantile itself."""
    found = quantile(days_of(month), percent)
    measured = {float(value) for day in month for value in day} | {found.value}
    assert found.low in measured
    assert found.high in measured
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high


@settings(max_examples=50, deadline=None)
@given(MONTHS, st.integers(1, 99))
def test_a_quantile_turned_upside_down_is_the_opposite_one(
    month: list[list[int]], percent: int
) -> None:
    """P10 of rates is minus P90 of minus the rates, with its interval."""
    places = [day for day, values in enumerate(month) for _ in values]
    turned = by_day(places, [-float(value) for values in month for value in values])
    found, other = quantile(days_of(month), percent), quantile(turned, 100 - percent)
    assert found.low is not None
    assert found.high is not None
    assert other == (-found.value, -found.high, -found.low)


def test_independent_tests_have_the_interval_of_order_statistics() -> None:
    """Of 240 independent values the median lies from the 105th to the 136th or next to them."""
    chance = np.random.default_rng(3)
    values = chance.permutation(np.arange(1, 241)).astype(np.float64)
    found = quantile(by_day(np.repeat(np.arange(240), 1), values), 50)
    assert found.low == pytest.approx(105, abs=1)
    assert found.high == pytest.approx(136, abs=1)


@pytest.mark.parametrize("percent", [10, 50, 90])
@pytest.mark.parametrize("seed", range(10))
def test_a_limit_beyond_the_interval_has_a_chance_below_5_percent(seed: int, percent: int) -> None:
    """Interval and chance are one method: just beyond an end it is unlikely, at it it is not."""
    month = normal_month(seed)
    found = quantile(month, percent)
    assert found.low is not None
    assert found.high is not None
    for end, step, at_least in ((found.high, 1, True), (found.low, -1, False)):
        assert 2 * quantile_chance(month, percent, end + step, at_least=at_least) < 0.05
        assert 2 * quantile_chance(month, percent, end - step, at_least=at_least) > 0.03


def test_weights_move_a_quantile_as_repeated_tests_would() -> None:
    """Tests that count double are two tests."""
    days = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    values = [float(one) for one in (5, 1, 4, 9, 3, 7, 2, 8, 6, 10)]
    doubled = np.array([1.0 if value > 5 else 2.0 for value in values])
    weighted = by_day(days, values, doubled * len(values) / doubled.sum())
    repeated = by_day(
        [day for day, times in zip(days, doubled, strict=True) for _ in range(int(times))],
        [value for value, times in zip(values, doubled, strict=True) for _ in range(int(times))],
    )
    for percent in (20, 50, 75):
        assert quantile(weighted, percent).value == quantile(repeated, percent).value
    assert weighted.mean().value == pytest.approx(repeated.mean().value)


def test_the_how_many_beyond_a_quantile_are_those_of_its_thinner_side() -> None:
    """P10 of sixty tests has six of them below it."""
    month = by_day(np.repeat(np.arange(20), 3), np.arange(60.0))
    assert how_many_beyond(month, quantile(month, 10).value) == 6
    assert how_many_beyond(month, quantile(month, 90).value) == 6
