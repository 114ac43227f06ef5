"""Which language a visitor reads, and how numbers, times and ages are written in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from collector.web.texts import TEXTS

LANGUAGE_PARAMETER = "lang"
LANGUAGE_COOKIE = "linewatch_lang"
LANGUAGE_COOKIE_SECONDS = 365 * 24 * 3600

MEGABIT = 1e6
GIGABIT = 1e9
_MOST_MEGABITS = 10_000
"""From here on rates are in Gbit/s: 26.036 Mbit/s, as Vietnamese writes it, is read as 26."""

_MOST_PERCENT = 999
"""More is no measure of a line: its contract is not what is registered, or it is a test setup."""

DASH = "–"
"""Stands where nothing was measured."""

_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_NO_BREAK_SPACE = "\u00a0"
_VIETNAMESE_SIGNS = str.maketrans(",.", ".,")


class Language(StrEnum):
    """A language of the pages. The first is the default."""

    VI = "vi"
    EN = "en"


def choose_language(
    query: Mapping[str, str], cookies: Mapping[str, str], accept_language: str
) -> Language:
    """Return the language asked for: by the address, else the cookie, else the browser."""
    for wanted in (query.get(LANGUAGE_PARAMETER), cookies.get(LANGUAGE_COOKIE)):
        if wanted in set(Language):
            return Language(wanted)
    for wanted in _preferred(accept_language):
        if wanted in set(Language):
            return Language(wanted)
    return Language.VI


def _preferred(accept_language: str) -> list[str]:
    """Return the primary subtags of an Accept-Language header, the most wanted first."""
    weighed = []
    for part in accept_language[:200].split(","):
        tag, _, rest = part.strip().partition(";")
        name, _, number = rest.strip().partition("=")
        try:
            weight = float(number) if name == "q" else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((-weight, tag.partition("-")[0].lower()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]


@dataclass(frozen=True, slots=True)
class Words:
    """Writes for one visitor: texts, numbers and times in their language, in the local zone.

    Attributes:
        language: of the visitor.
        zone: of the pages.
        now: aware; ages count back from it.
    """

    language: Language
    zone: ZoneInfo
    now: datetime

    def text(self, key: str, **values: object) -> str:
        """Return the text ``key``, its names filled."""
        both = TEXTS[key]
        chosen = both.vi if self.language is Language.VI else both.en
        return chosen.format(**values) if values else chosen

    def count_of(self, key: str, count: int) -> str:
        """Return the text ``key`` for a number of things; ``key``_one where there is one."""
        one = f"{key}_one"
        if count == 1 and one in TEXTS:
            return self.text(one)
        return self.text(key, count=self.number(count))

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with this language's signs: 1.234,5 or 1,234.5."""
        written = f"{value:,.{digits}f}"
        if self.language is Language.VI:
            return written.translate(_VIETNAMESE_SIGNS)
        return written

    def megabits(self, bits_per_second: float) -> str:
        """Return a rate in Mbit/s, without its unit, with three or so meaningful digits."""
        value = bits_per_second / MEGABIT
        return self.number(value, _digits(value))

    def speed(self, bits_per_second: float | None) -> str:
        """Return a rate with its unit; a dash where it was not measured."""
        if bits_per_second is None:
            return DASH
        if rate_unit(bits_per_second) == GIGABIT:
            return f"{self.number(bits_per_second / GIGABIT, 1)}{_NO_BREAK_SPACE}Gbit/s"
        return f"{self.megabits(bits_per_second)}{_NO_BREAK_SPACE}Mbit/s"

    def at_least(self, written: str, is_bound: bool) -> str:
        """Return a value as written, or where it is a lower bound, that it is at least that."""
        return self.text("at_least", value=written) if is_bound and written != DASH else written

    def milliseconds(self, seconds: float) -> str:
        """Return a duration in ms, without its unit."""
        value = seconds * 1000
        return self.number(value, _digits(value))

    def latency(self, seconds: float | None) -> str:
        """Return a duration in ms with its unit; a dash where it was not measured."""
        if seconds is None:
            return DASH
        return f"{self.milliseconds(seconds)}{_NO_BREAK_SPACE}ms"

    def latencies(self, *seconds: float | None) -> str:
        """Return several durations in ms with one unit; one dash where none was measured."""
        if all(value is None for value in seconds):
            return DASH
        written = [DASH if value is None else self.milliseconds(value) for value in seconds]
        return f"{' / '.join(written)}{_NO_BREAK_SPACE}ms"

    def percent(self, ratio: float | None, digits: int = 0) -> str:
        """Return a ratio as a percentage; a dash where there is none, "> 999 %" above that."""
        if ratio is None:
            return DASH
        space = _NO_BREAK_SPACE if self.language is Language.VI else ""
        if round(ratio * 100) > _MOST_PERCENT:
            return f">{_NO_BREAK_SPACE}{_MOST_PERCENT}{space}%"
        return f"{self.number(ratio * 100, digits)}{space}%"

    def local(self, moment: datetime) -> datetime:
        """Return the moment on the clock of the pages' zone."""
        return moment.astimezone(self.zone)

    def day(self, moment: datetime | date) -> str:
        """Return a date: 21/11/2026 or 21 Nov 2026."""
        if isinstance(moment, datetime):
            moment = self.local(moment).date()
        if self.language is Language.VI:
            return f"{moment.day:02}/{moment.month:02}/{moment.year}"
        return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"

    def short_day(self, moment: datetime | date) -> str:
        """Return a date without its year: 21/11 or 21 Nov."""
        if isinstance(moment, datetime):
            moment = self.local(moment).date()
        if self.language is Language.VI:
            return f"{moment.day:02}/{moment.month:02}"
        return f"{moment.day} {_MONTHS[moment.month - 1]}"

    def clock(self, moment: datetime) -> str:
        """Return the local time of day, HH:MM."""
        local = self.local(moment)
        return f"{local.hour:02}:{local.minute:02}"

    def moment(self, moment: datetime) -> str:
        """Return date and time of day."""
        if self.language is Language.VI:
            return f"{self.clock(moment)}, {self.day(moment)}"
        return f"{self.day(moment)}, {self.clock(moment)}"

    def short_moment(self, moment: datetime) -> str:
        """Return date and time of day without the year."""
        # A page has hundreds of them: the way to the local clock is gone once.
        local = self.local(moment)
        return f"{self.short_day(local.date())} {local.hour:02}:{local.minute:02}"

    def age(self, moment: datetime) -> str:
        """Return how long ago a moment was, in words."""
        seconds = max(0.0, (self.now - moment).total_seconds())
        if seconds < _MINUTE:
            return self.text("age_now")
        if seconds < _HOUR:
            return self.count_of("age_minutes", int(seconds // _MINUTE))
        if seconds < 2 * _DAY:
            return self.count_of("age_hours", int(seconds // _HOUR))
        return self.count_of("age_days", int(seconds // _DAY))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def rate_unit(bits_per_second: float) -> float:
    """Return the unit that a rate is written in: `MEGABIT` or `GIGABIT`."""
    return GIGABIT if round(bits_per_second / MEGABIT) >= _MOST_MEGABITS else MEGABIT


def _digits(value: float) -> int:
    """Return how many decimals show about three meaningful digits."""
    if value >= 100:  # noqa: PLR2004 - three digits before the point
        return 0
    return 1 if value >= 10 else 2  # noqa: PLR2004 - two digits before the point
