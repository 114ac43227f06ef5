"""Several questions asked of the same data: Holm's method."""

from collections.abc import Sequence


def holm(chances: Sequence[float]) -> list[float]:
    """Return each chance as it is for one of a family: below a level, with the family's error.

    Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of
    Statistics 6, 1979: the smallest times their number, the next times one less, and none below one
    before it. Right however the questions depend on each other.
    """
    adjusted = [1.0] * len(chances)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        highest = max(highest, min(1.0, (len(chances) - place) * chances[index]))
        adjusted[index] = highest
    return adjusted
