"""What the registry's commands take as words: names, speeds and days."""

from datetime import date
from typing import Any, Final

import click

from collector.domain.days import read_day
from collector.domain.speeds import parse_speed, show_speed
from collector.ledger.registry import NAME_FORM

SLOWEST_BITS_PER_SECOND: Final = 64_000
"""The slowest line that is believed: one channel of ISDN. Below it somebody forgot a letter."""


class _Name(click.ParamType[Any]):
    """A name that is safe in addresses, labels and file names."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail with what a name may look like."""
        if not NAME_FORM.fullmatch(value):
            self.fail(
                f"'{value}' cannot be a name: it is of letters A-Z and a-z without accents, "
                "digits, dot, dash and underscore, begins with a letter or digit, and has at most "
                "64 of them (example: nvh-to-1)",
                param,
                ctx,
            )
        return value


class _Speed(click.ParamType[Any]):
    """A speed such as 300M, in bits per second.

    Args:
        may_be_empty: whether an empty word is returned as it is, for "not known".
    """

    name = "speed"

    def __init__(self, *, may_be_empty: bool = False) -> None:
        self._may_be_empty = may_be_empty

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return bits per second, or fail with an example."""
        if isinstance(value, int) or (self._may_be_empty and not value.strip()):
            return value
        try:
            speed = parse_speed(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        number = value.strip()
        if number[-1].isdigit():
            self.fail(f"'{value}' has no unit: did you mean {_with_unit(number)}?", param, ctx)
        if speed < SLOWEST_BITS_PER_SECOND:
            digits = number[: len(number) - len(number.lstrip("0123456789."))]
            self.fail(
                f"'{value}' is {speed:,} bit/s, slower than any line: "
                f"did you mean {_with_unit(digits)}?",
                param,
                ctx,
            )
        return speed


def _with_unit(number: str) -> str:
    """Return a bare number as the speed that was most likely meant: 300 and 300000000 are 300M."""
    value = float(number)
    return f"{value / 1e6 if value >= SLOWEST_BITS_PER_SECOND else value:g}M"


NAME, SPEED, SPEED_OR_EMPTY = _Name(), _Speed(), _Speed(may_be_empty=True)


def speeds_in_words(download: int | None, upload: int | None) -> str:
    """Return a line's speeds (bits per second) as a sentence's part; None is not known."""
    if download is None and upload is None:
        return "no speed known"
    return f"{show_speed(download)} down, {show_speed(upload)} up"


class _Day(click.ParamType[Any]):
    """A day: 2026-10-05, or as it is written in Viet Nam, 5/10/2026.

    Args:
        may_be_empty: whether an empty word is returned as it is, for "not known".
    """

    name = "day"

    def __init__(self, *, may_be_empty: bool = False) -> None:
        self._may_be_empty = may_be_empty

    def convert(
        self, value: str | date, param: click.Parameter | None, ctx: click.Context | None
    ) -> date | str:
        """Return the day, or fail with an example."""
        if isinstance(value, date) or (self._may_be_empty and not value.strip()):
            return value
        try:
            return read_day(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DAY, DAY_OR_EMPTY = _Day(), _Day(may_be_empty=True)
