"""What a line's contract promises, each direction by itself."""

import re
from typing import Final, NamedTuple, Self

_MBIT: Final = 1_000_000
_SAID: Final = re.compile(r"(\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?", re.ASCII)


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
        down = float(said[1]) * _MBIT if said else 0.0
        up = float(said[2]) * _MBIT if said and said[2] else down
        if not (down and up):
            raise ValueError(f"{text!r} is no rate in Mbit/s like 300 or 300/100")
        return cls(down, up)

    def __str__(self) -> str:
        """Return it as it is written in `of`."""
        return f"{self.download / _MBIT:g}/{self.upload / _MBIT:g}"
