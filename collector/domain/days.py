"""Days as people write them: 5/10/2026, 05.10.2026, 2026-10-05. The day stands before the month."""

import re
from datetime import date
from typing import Final

_DAY_FIRST: Final = re.compile(r"(\d{1,2})\s*[/.-]\s*(\d{1,2})\s*[/.-]\s*(\d{4}|\d{2})")
_YEAR_FIRST: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")

_CENTURY: Final = 2000
_YEARS: Final = range(1990, 2100)
"""Of contracts: a year outside is a slip."""


def read_day(text: str) -> date:
    """Return the day.

    Raises:
        ValueError: it is none, or of a year of no contract.
    """
    text = text.strip()
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year = map(int, found.groups())
        year += _CENTURY if year < 100 else 0  # noqa: PLR2004 - two digits
    else:
        year = month = day = 0
    try:
        if year not in _YEARS:
            raise ValueError
        return date(year, month, day)
    except ValueError:
        msg = f"'{text}' is no day: write 5/10/2026 or 2026-10-05 for 5 October 2026"
        raise ValueError(msg) from None
