"""A share as it is told: so many of so many, and of how many nobody knows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FEWEST_DAYS: Final = 20
"""Days with data that something is said by: as many as a verdict asks of a month."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of some things are so.

    Attributes:
        numerator: those that are.
        denominator: those of which it is known.
        unknown: the rest: among neither, and never taken for "no".
    """

    numerator: int
    denominator: int
    unknown: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None: it is known of none."""
        return self.numerator / self.denominator if self.denominator else None


def count(answers: Iterable[bool | None]) -> Count:
    """Return how many answers are yes; None is one that nobody knows."""
    given = list(answers)
    known = [one for one in given if one is not None]
    return Count(sum(known), len(known), len(given) - len(known))
