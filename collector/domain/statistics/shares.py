"""Shares of tests: Wilson's interval and the exact binomial test, on the effective sample size.

Tests of a day resemble each other, so n tests tell as much as fewer independent ones: n / deff,
where deff is by how much a share's variance between days is larger than that of as many independent
tests (Kish, Survey Sampling, 1965). It comes from D days itself, so t with D-1 degrees of freedom
takes the place of the normal quantile, as a further cut of n by (z / t)^2 (Korn and Graubard,
Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated from
Survey Data, Survey Methodology 24, 1998). Of both cuts together n never gets larger.
"""

from math import ceil, exp, lgamma, log, log1p
from typing import Any, Final

import numpy as np

from collector.domain.statistics.days import FEWEST_DAYS, Estimate, Floats
from collector.domain.statistics.student import NORMAL, ONE_SIDE, t_quantile

Z: Final = NORMAL.inv_cdf(1 - ONE_SIDE)


def design_effect(hits: Floats, sizes: Floats) -> Any:  # noqa: ANN401 - one number for each row
    """Return by how much a share varies more than one of as many independent tests.

    [Var(daily shares) / days] / [p(1-p) / n] where all days have as many tests; where not, days
    count by their tests.

    Args:
        hits: of each day, in the last dimension; two days at least.
        sizes: the same of its tests.
    """
    days = sizes.shape[-1]
    total = sizes.sum(axis=-1)
    share = hits.sum(axis=-1) / total
    residuals = hits - share[..., None] * sizes
    between = (residuals**2).sum(axis=-1) * days / (days - 1) / total**2
    independent = share * (1 - share) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(independent > 0, between / independent, 1.0)


def effective_size(hits: Floats, sizes: Floats) -> Any:  # noqa: ANN401 - as above
    """Return how many independent tests tell as much as these of some days; never more."""
    cut = design_effect(hits, sizes) * (t_quantile(1 - ONE_SIDE, sizes.shape[-1] - 1) / Z) ** 2
    return sizes.sum(axis=-1) / np.maximum(cut, 1)


def wilson(share: Any, size: Any) -> tuple[Any, Any]:  # noqa: ANN401 - as above
    """Return Wilson's interval of 95 % of a share of so many independent tests."""
    centre = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z * np.sqrt(share * (1 - share) / size + Z**2 / (4 * size**2)) / (1 + Z**2 / size)
    return centre - half, centre + half


def share_of(hits: Floats, sizes: Floats) -> Estimate:
    """Return the share of tests that are hits, of all days."""
    value = float(hits.sum() / sizes.sum())
    if len(sizes) < FEWEST_DAYS:
        return Estimate(value)
    low, high = wilson(value, effective_size(hits, sizes))
    # Rounding may put an end of a share of 0 or 1 beyond it.
    return Estimate(value, max(0.0, min(float(low), value)), min(1.0, max(float(high), value)))


def binomial_chance(hits: int, size: int, share: float) -> float:
    """Return the chance of so few hits or fewer among independent tests of which a share hits."""
    if not 0 < share < 1:
        return float(share <= 0 or hits >= size)
    # By logarithms: of some thousand tests the coefficients are larger than any float.
    of_all = lgamma(size + 1)
    terms = (
        of_all - lgamma(k + 1) - lgamma(size - k + 1) + k * log(share) + (size - k) * log1p(-share)
        for k in range(hits + 1)
    )
    return min(1.0, sum(map(exp, terms)))


def share_chance(hits: Floats, sizes: Floats, limit: float) -> float:
    """Return the exact one-sided chance of so few hits where the true share just keeps the limit.

    On the effective size. What it and the hits are in whole numbers is rounded against a breach.
    """
    size = float(effective_size(hits, sizes))
    share = float(hits.sum() / sizes.sum())
    whole = max(1, int(size))
    return binomial_chance(min(whole, ceil(share * whole)), whole, limit)
