"""How what was measured becomes whole units: the one place where a number is rounded.

It is rounded as the decimal number that stands in its record, half to even. A float of seconds
times a million is not that number: half a microsecond of 0.0124275 s would go up or down as the
product happens to be rounded.
"""

from decimal import Decimal
from typing import Final

MICROSECONDS: Final = 1_000_000
"""Of a second."""


def whole(value: float, units: int) -> int:
    """Return a value in whole units, half to even.

    Args:
        value: as it was read from its record: its shortest decimal text is what stands there.
        units: how many of them one of it has, a power of ten.
    """
    return round(Decimal(repr(float(value))) * units)
