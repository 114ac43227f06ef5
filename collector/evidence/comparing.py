"""Compares what a summary says with what was found, number by number. Pure."""

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

TOLERANCE: Final = 1e-6
"""Relative, of numbers with a fraction: another machine may round their last digits otherwise."""

_NAMES: Final = (
    ("id",),
    ("standard", "version"),
    ("quantity", "statistic", "window"),
    ("indicator", "window"),
    ("task", "reason", "detail"),
    ("begins_at",),
    ("first_day",),
)
"""What tells the things of a list apart, the first that they have."""


class Difference(NamedTuple):
    """A figure that is not the same.

    Attributes:
        figure: where, as a path.
        said: what the summary says; `ABSENT`: nothing.
        found: what was found.
    """

    figure: str
    said: Any
    found: Any

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"the summary says {_shown(self.said)}, the records say {_shown(self.found)}"


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, float) else f"{value:.10g}"
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - a line of a terminal


def differences(said: Any, found: Any, figure: str = "") -> Iterator[Difference]:  # noqa: ANN401 - JSON
    """Yield where two trees of JSON differ.

    Numbers with a fraction may differ by `TOLERANCE`; all else may not.
    """
    if isinstance(said, dict) and isinstance(found, dict):
        for name in {**said, **found}:
            below = f"{figure}.{name}" if figure else name
            yield from differences(said.get(name, ABSENT), found.get(name, ABSENT), below)
    elif isinstance(said, list) and isinstance(found, list):
        longest = max(len(said), len(found))
        for index in range(longest):
            one = said[index] if index < len(said) else ABSENT
            other = found[index] if index < len(found) else ABSENT
            yield from differences(one, other, f"{figure}[{_name(other, one, index)}]")
    elif not _same(said, found):
        yield Difference(figure, said, found)


def _name(found: object, said: object, index: int) -> str:
    thing = found if isinstance(found, dict) else said
    if isinstance(thing, dict):
        for names in _NAMES:
            if all(name in thing for name in names):
                return " ".join(str(thing[name]) for name in names)
    return str(index)


def _same(said: Any, found: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(said, bool) or isinstance(found, bool):
        return said is found
    numbers = isinstance(said, int | float) and isinstance(found, int | float)
    if numbers and (isinstance(said, float) or isinstance(found, float)):
        return math.isclose(said, found, rel_tol=TOLERANCE, abs_tol=1e-12)
    return bool(type(said) is type(found) and said == found)
