"""What a ward's plans aim at: lines of 1 Gbit/s, Wi-Fi at community houses, offices on IPv6. Pure.

What cannot be said is None everywhere, and counted apart.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from collector.domain.figures import SHARE_OF_PROMISE
from collector.domain.findings import Verdict
from collector.domain.standard_file import StandardFile
from collector.domain.year.counts import FEWEST_DAYS, Count, count
from collector.domain.year.months import LineMonth, Speed
from protocol.results import Ipv6State

GIGABIT: Final = 1e9

READY_SHARE: Final = 0.9
"""Of the days of a quarter: an office on IPv6 is one where it works, but for some bad days. No
regulation has the number."""

_READY: Final = frozenset({Ipv6State.READY, Ipv6State.SLOWER})


# --- Lines of 1 Gbit/s -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GigabitLine:
    """Whether a line can carry 1 Gbit/s; bit/s.

    Attributes:
        contracted_bits_per_second: download, on the year's last day that is told of; null: nobody
            said.
        is_contracted: of 1 Gbit/s or more.
        best_month, best: the month with the highest median download, of those with enough days.
        carries: whether that reaches `SHARE_OF_PROMISE` of it; null: no month has enough days, or
            the probe's or the server's own limit hides it.
    """

    line: str
    site: str
    contracted_bits_per_second: float | None
    is_contracted: bool | None
    best_month: str | None
    best: Speed | None
    carries: bool | None


@dataclass(frozen=True, slots=True)
class Gigabit:
    """All fixed lines; of mobile ones nobody asks it."""

    contracted: Count
    carrying: Count
    reached_from_bits_per_second: float
    lines: Sequence[GigabitLine]


def gigabit_line(
    line: str, site: str, contracted: float | None, months: Sequence[LineMonth]
) -> GigabitLine:
    """Return whether a line can carry 1 Gbit/s."""
    enough = [one for one in months if one.days >= FEWEST_DAYS and one.download]
    best = max(enough, key=lambda one: one.download.value if one.download else 0.0, default=None)
    said = [one.download.reaches(SHARE_OF_PROMISE * GIGABIT) for one in enough if one.download]
    carries = None if not said or (None in said and True not in said) else True in said
    found = None if best is None else best.download
    return GigabitLine(
        line,
        site,
        contracted,
        None if contracted is None else contracted >= GIGABIT,
        None if best is None else best.month,
        None if found is None else Speed(found.value, found.at_least),
        carries,
    )


def gigabit(lines: Sequence[GigabitLine]) -> Gigabit:
    """Return how many lines are of 1 Gbit/s, by contract and as measured."""
    return Gigabit(
        count(one.is_contracted for one in lines),
        count(one.carries for one in lines),
        SHARE_OF_PROMISE * GIGABIT,
        lines,
    )


# --- Wi-Fi at community houses ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WifiSite:
    """A community house's Wi-Fi in the year's last month that is told of.

    Attributes:
        is_measured: whether a probe there measures a way over Wi-Fi beside the wired one.
        days_measured: with a test over Wi-Fi that gave a result.
        days_tried: with a test over Wi-Fi, whatever came of it.
        download_bits_per_second: median of what was measured there; null: nothing.
        works: on `FEWEST_DAYS` days at least; null: not measured, or tried on fewer days.
    """

    site: str
    name: str
    is_measured: bool
    days_measured: int
    days_tried: int
    download_bits_per_second: float | None
    works: bool | None


@dataclass(frozen=True, slots=True)
class Wifi:
    """All community houses.

    Attributes:
        month: that it is of.
        working: those where it works.
        not_measured: those without a way over Wi-Fi: counted among the unknown.
        of_no_kind: sites of which nobody said what they are: they may be community houses.
    """

    month: str
    working: Count
    not_measured: int
    of_no_kind: int
    sites: Sequence[WifiSite]


def works(days_measured: int, days_tried: int) -> bool | None:
    """Return whether Wi-Fi worked in a month; None: it was not tried on enough days."""
    if days_measured >= FEWEST_DAYS:
        return True
    return False if days_tried >= FEWEST_DAYS else None


def wifi(month: str, sites: Sequence[WifiSite], of_no_kind: int) -> Wifi:
    """Return at how many community houses Wi-Fi works."""
    missing = sum(not one.is_measured for one in sites)
    return Wifi(month, count(one.works for one in sites), missing, of_no_kind, sites)


# --- Offices on IPv6 -------------------------------------------------------------------------

StatesOfDays = Mapping[date, Mapping[str, int]]
"""Of each local day: how many reach records said which `Ipv6State` of a line."""


@dataclass(frozen=True, slots=True)
class ReadyMonth:
    """Days of a month: on which it is known whether IPv6 worked, and on which it did."""

    month: str
    ready_days: int
    known_days: int


@dataclass(frozen=True, slots=True)
class Ipv6Site:
    """A site's IPv6.

    A day is ready where most checks of one line at least found it so: people there had IPv6.

    Attributes:
        ready_days, known_days: of the last quarter.
        last_ready_day: of the year; null: none.
        state: what most checks of the quarter's days that were not ready said; null: none were.
        ready: null: fewer than `FEWEST_DAYS` days are known.
        months: of the year.
    """

    site: str
    name: str
    ready_days: int
    known_days: int
    last_ready_day: date | None
    state: str | None
    ready: bool | None
    months: Sequence[ReadyMonth]


@dataclass(frozen=True, slots=True)
class Ipv6:
    """All offices; and all sites, whatever they are, for the forms.

    Attributes:
        quarter: the months of the year's last three that are told of.
        of_no_kind: sites of which nobody said what they are: they may be offices.
    """

    quarter: Sequence[str]
    offices: Count
    all_sites: Count
    of_no_kind: int
    sites: Sequence[Ipv6Site]


def ready_day(states: Mapping[str, int]) -> bool | None:
    """Return whether most of a day's checks found IPv6 ready; None: none could tell."""
    known = {state: many for state, many in states.items() if state != Ipv6State.UNKNOWN}
    total = sum(known.values())
    ready = sum(many for state, many in known.items() if state in _READY)
    return 2 * ready > total if total else None


def ipv6_site(
    site: str, name: str, lines: Sequence[StatesOfDays], months: Sequence[str]
) -> Ipv6Site:
    """Return what is known of a site's IPv6.

    Args:
        site: its id.
        name: as people write it.
        lines: what checks of each of its lines said.
        months: of the year that is told of.
    """
    days: dict[date, bool] = {}
    wrong: dict[date, Counter[str]] = {}
    for line in lines:
        for day, states in line.items():
            said = ready_day(states)
            if said is not None:
                days[day] = days.get(day, False) or said
                bad = {key: many for key, many in states.items() if key not in _READY}
                wrong.setdefault(day, Counter()).update(bad)
    quarter = _of(days, months[-3:])
    failed = sum((wrong[day] for day, said in quarter.items() if not said), Counter[str]())
    del failed[Ipv6State.UNKNOWN]
    ready = sum(quarter.values())
    enough = len(quarter) >= FEWEST_DAYS
    return Ipv6Site(
        site=site,
        name=name,
        ready_days=ready,
        known_days=len(quarter),
        last_ready_day=max((day for day, said in days.items() if said), default=None),
        state=min(failed, key=lambda state: (-failed[state], state), default=None),
        ready=ready >= READY_SHARE * len(quarter) if enough else None,
        months=[_ready_month(month, _of(days, [month])) for month in months],
    )


def _of(days: Mapping[date, bool], months: Collection[str]) -> dict[date, bool]:
    return {day: said for day, said in days.items() if f"{day:%Y-%m}" in months}


def _ready_month(month: str, days: Mapping[date, bool]) -> ReadyMonth:
    return ReadyMonth(month, sum(days.values()), len(days))


def ipv6(
    months: Sequence[str],
    offices: Sequence[Ipv6Site],
    all_sites: Sequence[Ipv6Site],
    of_no_kind: int,
) -> Ipv6:
    """Return how many offices are on IPv6."""
    return Ipv6(
        list(months[-3:]),
        count(one.ready for one in offices),
        count(one.ready for one in all_sites),
        of_no_kind,
        offices,
    )


# --- Mobile lines ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MobileMonth:
    """What a standard said to its first question of a mobile line; bit/s.

    Attributes:
        mean_bits_per_second, limit_bits_per_second: null: not measured; nobody knows the number.
        verified: whether somebody read the number in the text itself.
    """

    month: str
    mean_bits_per_second: float | None
    limit_bits_per_second: float | None
    verified: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class MobileLine:
    """A mobile line, against a standard for its technology."""

    line: str
    site: str
    technology: str
    standard: str
    months: Sequence[MobileMonth]

    @property
    def latest(self) -> MobileMonth | None:
        """The newest month that was measured; None: none was."""
        measured = [one for one in self.months if one.mean_bits_per_second is not None]
        return measured[-1] if measured else None


@dataclass(frozen=True, slots=True)
class Mobile:
    """All mobile lines that a standard of means is for.

    Attributes:
        reaching: whose newest measured month keeps the standard's first question.
    """

    reaching: Count
    lines: Sequence[MobileLine]


def mobile_lines(
    line: str,
    site: str,
    technology: str,
    months: Sequence[LineMonth],
    standards: Sequence[StandardFile],
) -> list[MobileLine]:
    """Return a mobile line against each standard of its technology alone."""
    found = []
    for file in standards:
        standard = file.standard
        if not is_apart(file, technology):
            continue
        told = [
            MobileMonth(one.month, said.value, said.limit, said.verified, said.verdict)
            for one in months
            if (said := one.primary.get(standard.id)) is not None
        ]
        found.append(MobileLine(line, site, technology, standard.id, told))
    return found


def is_apart(file: StandardFile, technology: str) -> bool:
    """Return whether a standard is for one technology alone, and that is it."""
    return tuple(file.standard.fits) == (technology,)


def mobile(lines: Sequence[MobileLine]) -> Mobile:
    """Return how many mobile lines keep their standards."""
    return Mobile(count(_reaches(one.latest) for one in lines), lines)


def _reaches(month: MobileMonth | None) -> bool | None:
    if month is None or month.verdict is Verdict.NOT_ENOUGH_DATA:
        return None
    return month.verdict is Verdict.PASS
