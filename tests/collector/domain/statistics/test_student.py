"""Student's t against printed tables."""

import pytest

from collector.domain.statistics.student import NORMAL, t_distribution, t_quantile


@pytest.mark.parametrize(
    "degrees,expected",
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (10, 2.2281), (19, 2.0930), (30, 2.0423)],
)
def test_quantiles_are_those_of_printed_tables(degrees: int, expected: float) -> None:
    """The two-sided 5 % points have the four digits that every textbook prints."""
    assert t_quantile(0.975, degrees) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("degrees", [1, 2, 5, 14, 29])
def test_the_distribution_is_symmetric_and_turned_round_by_the_quantile(degrees: int) -> None:
    """Half is below zero, both tails are alike, and the quantile gives the chance back."""
    assert t_distribution(0, degrees) == pytest.approx(0.5)
    assert t_distribution(-1.3, degrees) == pytest.approx(1 - t_distribution(1.3, degrees))
    assert t_distribution(t_quantile(0.9, degrees), degrees) == pytest.approx(0.9)


def test_many_degrees_are_the_normal_distribution() -> None:
    """With thousands of days t is the normal distribution."""
    assert t_distribution(1.96, 5001) == pytest.approx(NORMAL.cdf(1.96), abs=1e-4)
