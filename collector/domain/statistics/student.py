"""Student's t and the normal distribution, exact, from formulas that a reader can check."""

from functools import lru_cache
from math import atan, cos, pi, sin, sqrt
from statistics import NormalDist
from typing import Final

NORMAL: Final = NormalDist()

LEVEL: Final = 0.95
"""Of every interval."""

ONE_SIDE: Final = (1 - LEVEL) / 2

_HALVINGS: Final = 80
"""Of a range of 10^4: to 10^-20, finer than a float."""

_FARTHEST: Final = 1e4


def t_distribution(t: float, degrees: int) -> float:
    """Return the chance of at most ``t``, by the finite sums for whole degrees of freedom.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    # 1 + 1/2 cos^2 + (1 3)/(2 4) cos^4 + ... for even degrees; cos + 2/3 cos^3 + ... for odd ones.
    term = cos(angle) if odd else 1.0
    total = term if degrees > 1 else 0.0
    for factor in range(1 + odd, degrees - 2, 2):
        term *= cos(angle) ** 2 * factor / (factor + 1)
        total += term
    within = 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
    return (1 + within) / 2


@lru_cache(maxsize=256)
def t_quantile(chance: float, degrees: int) -> float:
    """Return what a t is at most with a chance, to the last digits of a float."""
    low, high = -_FARTHEST, _FARTHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if t_distribution(middle, degrees) < chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2
