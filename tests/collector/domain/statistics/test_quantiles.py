"""Medians and other quantiles by shares."""

from fractions import Fraction
from itertools import accumulate
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.samples import block_weights
from collector.domain.statistics.days import Days, Weights, by_day
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
    doubled = [1 if value > 5 else 2 for value in values]
    blocks = np.array([times - 1 for times in doubled])
    weighted = by_day(days, values, Weights(blocks, (1, 2)))
    repeated = by_day(
        [day for day, times in zip(days, doubled, strict=True) for _ in range(times)],
        [value for value, times in zip(values, doubled, strict=True) for _ in range(times)],
    )
    for percent in (20, 50, 75):
        assert quantile(weighted, percent).value == quantile(repeated, percent).value
    assert weighted.mean().value == pytest.approx(repeated.mean().value)


BLOCKED = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=90
)
"""Tests: their day, their block and their value, of which many are the same."""

LENGTHS = st.lists(st.integers(1, 12), min_size=4, max_size=4)


def weighted(tests: list[tuple[int, int, int]], lengths: list[int]) -> tuple[Days, list[Fraction]]:
    """Return tests whose blocks count by their lengths; and what each counts, by the definition."""
    days, blocks, values = (list(column) for column in zip(*tests, strict=True))
    counts = [blocks.count(block) for block in range(len(lengths))]
    there = sum(length for length, count in zip(lengths, counts, strict=True) if count)
    each = [
        min(Fraction(lengths[block] * len(tests), there * counts[block]), Fraction(4))
        for block in blocks
    ]
    weights = Weights(np.array(blocks), block_weights(counts, lengths))
    return by_day(days, [float(one) for one in values], weights), each


@settings(max_examples=200, deadline=None)
@given(BLOCKED, LENGTHS, st.integers(1, 99))
def test_a_weighted_quantile_and_mean_are_those_of_exact_fractions(
    tests: list[tuple[int, int, int]], lengths: list[int], percent: int
) -> None:
    """Where the share is reached exactly it is the middle of two values; the mean is rounded once;
    and what a day's tests stand for sums up to as many as there are.
    """
    month, each = weighted(tests, lengths)
    ordered = sorted(zip((value for _, _, value in tests), each, strict=True))
    wanted = Fraction(percent, 100) * sum(each)
    reached = list(accumulate(weight for _, weight in ordered))
    rank = next(rank for rank, of in enumerate(reached) if of >= wanted)
    above = rank + 1 if reached[rank] == wanted else rank
    assert quantile(month, percent).value == (ordered[rank][0] + ordered[above][0]) / 2
    mean = sum(value * weight for value, weight in ordered) / sum(each)
    assert month.mean().value == float(mean)
    assert month.sizes.sum() == pytest.approx(len(tests), rel=1e-14)


def test_half_of_the_weight_in_slow_evenings_is_half_of_it() -> None:
    """Of 14 tests of the night, 60 of the day and 45 of the evening the slow ones weigh exactly
    half: the median is in the middle between the two speeds, wherever they were measured.
    """
    slow = {0: 13, 1: 9, 2: 36}
    tests = [
        (number % 31, block, 100 if number < slow[block] else 140)
        for block, count in ((0, 14), (1, 60), (2, 45))
        for number in range(count)
    ]
    month, _ = weighted(tests, [7, 12, 4, 1])
    assert quantile(month, 50).value == 120


def test_no_number_of_tests_is_too_large_to_be_exact() -> None:
    """Counts without a common divisor, whose product no machine's word holds."""
    counts = [9973, 14983, 7919, 2003, 10007, 2999, 4001, 1999]
    weights = block_weights(counts, [3] * 8)
    assert weights[0] * counts[0] == weights[5] * counts[5]
    assert sum(weights) > 2**64
    blocks = np.repeat(np.arange(8), counts)
    month = by_day(
        np.arange(len(blocks)) % 30, np.where(blocks < 4, 1.0, 3.0), Weights(blocks, weights)
    )
    assert quantile(month, 50).value == 2
    assert month.mean().value == 2


def test_the_how_many_beyond_a_quantile_are_those_of_its_thinner_side() -> None:
    """P10 of sixty tests has six of them below it."""
    month = by_day(np.repeat(np.arange(20), 3), np.arange(60.0))
    assert how_many_beyond(month, quantile(month, 10).value) == 6
    assert how_many_beyond(month, quantile(month, 90).value) == 6
