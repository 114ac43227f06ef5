"""What a line's contract promises, each direction by itself."""

import re
from typing import Final, NamedTuple, Self

_MBIT: Final = 1_000_000
_SAID: Final = re.compile(r"(\d+(?:[.,]\d{1,2})?)(?:/(\d+(?:[.,]\d{1,2})?))?", re.ASCII)
"""With either language's decimal sign. Three digits behind one are thousands in the other language:
what is meant by 1.000 is not known."""


class Contract(NamedTuple):
    """Promised rates in bits per second."""

    download: float
    upload: float

    @classmethod
    def of(cls, text: str) -> Self:
        """Return what ``DOWN/UP`` in Mbit/s says; a number alone is promised in both directions.

        Raises:
            ValueError: it says something else, or nothing above zero.
        """
        said = _SAID.fullmatch(text.strip())
        told = [_bits_per_second(each) for each in said.groups() if each] if said else [0.0]
        down, up = told[0], told[-1]
        if not (down and up):
            raise ValueError(f"{text!r} is no rate in Mbit/s like 300 or 300/100")
        return cls(down, up)


def _bits_per_second(megabits: str) -> float:
    return float(megabits.replace(",", ".")) * _MBIT
