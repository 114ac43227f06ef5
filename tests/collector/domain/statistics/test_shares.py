"""Shares on the effective sample size."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.statistics.shares import (
    binomial_chance,
    design_effect,
    effective_size,
    share_chance,
    share_of,
    wilson,
)

DAYS = st.lists(
    st.integers(1, 24).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))),
    min_size=5,
    max_size=31,
)
"""Hits and tests of each day."""


@pytest.mark.parametrize("hits,size,low,high", [(9, 30, 17, 48), (72, 240, 25, 36)])
def test_wilsons_interval_is_the_published_one(hits: int, size: int, low: int, high: int) -> None:
    """9 of 30 are 17 to 48 %, 72 of 240 are 25 to 36 %."""
    found = wilson(hits / size, size)
    assert [round(100 * float(one)) for one in found] == [low, high]


@pytest.mark.parametrize(
    "size,share,failures",
    [
        (30, 0.95, 5),
        (60, 0.95, 7),
        (100, 0.95, 10),
        (300, 0.95, 22),
        (30, 0.90, 7),
        (100, 0.90, 16),
        (30, 0.80, 11),
        (100, 0.80, 28),
    ],
)
def test_so_many_failures_reject_a_share(size: int, share: float, failures: int) -> None:
    """The exact one-sided test at 5 % needs as many failures as tables say, and no fewer."""
    assert binomial_chance(size - failures, size, share) <= 0.05
    assert binomial_chance(size - failures + 1, size, share) > 0.05


def test_the_chance_of_thousands_of_tests_is_the_exact_one() -> None:
    """A line that is measured every quarter of an hour: a month of it has as many."""
    for size, share, hits in ((2976, 0.8, 2300), (1100, 0.95, 1045), (40, 0.5, 9)):
        whole = Fraction(str(share))
        exact = sum(comb(size, k) * whole**k * (1 - whole) ** (size - k) for k in range(hits + 1))
        assert binomial_chance(hits, size, share) == pytest.approx(float(exact), rel=1e-9)
    assert binomial_chance(9, 10, 1.0) == 0
    assert binomial_chance(10, 10, 1.0) == binomial_chance(0, 10, 0.0) == 1


def test_the_design_effect_is_that_of_equal_days() -> None:
    """Of days with as many tests each it is [Var(daily shares)/days] / [p(1-p)/n]."""
    hits, sizes = np.array([8.0, 2, 6, 0, 4, 8]), np.full(6, 8.0)
    share = hits.sum() / sizes.sum()
    variance = (hits / 8).var(ddof=1) / 6
    expected = variance / (share * (1 - share) / 48)
    assert float(design_effect(hits, sizes)) == pytest.approx(expected)


def test_days_that_are_all_or_nothing_tell_as_much_as_one_test_each() -> None:
    """Where all the tests of a day agree, a month of them is as many tests as it has days."""
    hits, sizes = np.array([24.0, 0] * 15), np.full(30, 24.0)
    assert float(effective_size(hits, sizes)) < 30


@settings(max_examples=50, deadline=None)
@given(DAYS)
def test_the_effective_size_is_never_more_than_the_tests(days: list[tuple[int, int]]) -> None:
    """Correlation only ever takes away; a share of none or all is no exception."""
    hits, sizes = np.array(days, np.float64).T
    assert 0 < float(effective_size(hits, sizes)) <= sizes.sum()


@settings(max_examples=50, deadline=None)
@given(DAYS)
def test_an_interval_of_a_share_holds_it_and_stays_between_none_and_all(
    days: list[tuple[int, int]],
) -> None:
    """0 ≤ low ≤ share ≤ high ≤ 1."""
    hits, sizes = np.array(days, np.float64).T
    found = share_of(hits, sizes)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.floats(0, 1), st.data())
def test_more_failures_are_never_likelier_a_line_that_keeps_its_share(
    size: int, share: float, data: st.DataObject
) -> None:
    """One hit less never raises the chance."""
    hits = data.draw(st.integers(1, size))
    assert binomial_chance(hits - 1, size, share) <= binomial_chance(hits, size, share)


def test_the_same_share_tells_less_where_its_failures_are_of_few_days() -> None:
    """A bad weekend accuses less than as many failures all month long."""
    sizes = np.full(30, 8.0)
    spread = np.where(np.arange(30) % 2 == 0, 6.0, 4.0)
    lumped = np.where(np.arange(30) < 12, 0.5, 8.0)
    assert lumped.sum() == pytest.approx(spread.sum(), abs=0.01)
    assert share_chance(lumped, sizes, 0.8) > share_chance(spread, sizes, 0.8)
