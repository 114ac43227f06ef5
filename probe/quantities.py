"""Numbers for people, each with the signs of the language that it stands in.

In Vietnamese the comma is the decimal sign and the point parts thousands, in English the other way
round: with the wrong signs a rate is read as a thousandth of itself.
"""

from dataclasses import dataclass
from typing import Final

_VIETNAMESE: Final = str.maketrans(",.", ".,")
_EITHER: Final = str.maketrans(",.", "\N{NO-BREAK SPACE},")

_MEGA: Final = 1_000_000
_GBIT_FROM_MBIT: Final = 10_000
"""A line of 1 Gbit/s and a port of 2.5 still read as Mbit/s, as contracts have it."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit.

    Attributes:
        en: as English writes it, and as Python does: 1,234.5 ms.
    """

    en: str

    @property
    def vi(self) -> str:
        """As Vietnamese writes it: 1.234,5 ms."""
        return self.en.translate(_VIETNAMESE)

    @property
    def both(self) -> str:
        """As readers of both take it alike: 1 234,5 ms, thousands parted as in ISO 80000-1.

        For texts that say a number once, between words of both languages.
        """
        return self.en.translate(_EITHER)


def megabits(bits_per_second: float) -> Quantity:
    """Return a rate in Mbit/s as a contract promises it: whole, or with the decimals it has."""
    return Quantity(f"{bits_per_second / _MEGA:,g}")


def rate(bits_per_second: float) -> Quantity:
    """Return a rate with its unit, three digits or more of it."""
    value = bits_per_second / _MEGA
    if round(value) >= _GBIT_FROM_MBIT:
        return Quantity(f"{value / 1000:,.1f} Gbit/s")
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2  # noqa: PLR2004 - powers of ten
    return Quantity(f"{value:,.{digits}f} Mbit/s")


def size(count: int) -> Quantity:
    """Return a number of bytes with its unit."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:  # noqa: PLR2004 - SI
            return Quantity(f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}")
        value /= 1000
    return Quantity(f"{value:,.1f} GB")


def milliseconds(seconds: float, digits: int = 1) -> Quantity:
    """Return a duration in ms."""
    return Quantity(f"{seconds * 1e3:,.{digits}f} ms")


def percent(ratio: float, digits: int = 0) -> Quantity:
    """Return a ratio as a percentage."""
    return Quantity(f"{ratio * 100:.{digits}f} %")
