"""A city whose truth is known, and what verdicts on it are held against.

Each line of the fleet has a story (`simulate.stories`); what verdicts say of it goes through all
that a real line goes through: probes with their keys, chains and seals, a ledger, a month's report.
Of each line and part of a month the truth is what was planted, never what was measured.

A rate is *broken* where the mean of the month's evenings is at `FOUND_AT` of the contract or below;
who is at the limit or above it must not be accused. Between the two nothing is asked, but
that no other indicator fails. Availability is broken where the way was cut on the carrier's side.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from collector.domain.cases.mended import Mended, compare_days
from collector.domain.findings import Finding, Judgement, Verdict
from collector.domain.line_month import SpeedTest
from collector.domain.quantities import RATES, Quantity
from collector.domain.standard_file import StandardFile
from collector.domain.statistics.days import Floats
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.month_rows import read_lines, read_month
from collector.ledger.terms import terms_between
from collector.reports.monthly import Month, find_lines, read_line_months
from collector.reports.summary import LineSummary, PartSummary
from collector.settings import LedgerSettings
from protocol.messages import LatencySchedule, ReachSchedule, Schedule
from simulate import USUAL, Fleet
from simulate.lines import EVENING
from simulate.plan import ZONE
from simulate.stories import Group
from tests.collector.fleet_ledger import register, store

LIMIT: Final = 0.8
"""Of the contract, in QCVN 34:2019 and in the ward's example."""

FOUND_AT: Final = 0.7
"""A tenth of the contract below the limit: what is planted there has to be found."""

ENOUGH_DAYS: Final = 20
"""A part with fewer has no verdict, by either standard."""

THINNED: Final = Schedule(
    speed=USUAL.speed,
    latency=LatencySchedule(every_seconds=14_400),
    reach=ReachSchedule(every_seconds=3_600),
)
"""The usual plan's speed tests; of what else it asks for 38 a day instead of 384."""

CLEAN: Final = (
    Group(kind="clean", lines=6),
    Group(kind="clean-evening-dip", lines=10, evening=(0.85, 0.95)),
    Group(kind="clean-wide", lines=4, evening=(0.85, 0.9), noise=(0.08, 0.12), days=(0.04, 0.05)),
)
"""Lines that keep their contract: half of them have evenings at 0.85 to 0.95 of it."""

LOOKING_SO: Final = (
    Group(kind="wifi-alone", lines=2, wifi="alone"),
    Group(kind="wifi-beside", lines=2, wifi="beside"),
    Group(kind="server-limited", lines=2, server="limited"),
    Group(kind="server-refuses", lines=2, server="refuses"),
    Group(kind="server-slow", lines=2, server="slow"),
    Group(kind="cut-power", lines=2, cut="power"),
    Group(kind="cut-gateway", lines=2, cut="gateway"),
)
"""Lines that keep their contract and do not look so."""

BROKEN: Final = (
    Group(kind="evening", lines=6, evening=(0.4, FOUND_AT)),
    Group(kind="cut-access", lines=2, cut="access"),
    Group(kind="cut-beyond", lines=2, cut="beyond"),
)
"""Lines that break it."""


ONE_SERVER: Final = (
    Group(kind="clean-one-server", lines=2, evening=(0.85, 0.95), servers=1),
    Group(kind="evening-one-server", lines=2, evening=(0.4, FOUND_AT), servers=1),
)
"""The same measured to one server; a standard that asks for a second one has no verdict on it."""

APART: Final = (
    Group(kind="near-above", lines=2, evening=(LIMIT, 0.85)),
    Group(kind="near-below", lines=2, evening=(FOUND_AT, LIMIT)),
    Group(kind="server-slow-alone", lines=1, server="slow", servers=1),
)
"""What no bar is on, and is shown: lines near the limit, of which a month of tests can tell little;
and a slow server without a flag and without a witness, which nothing tells from a slow line."""


def changing(day: date) -> tuple[Group, ...]:
    """Return lines on which something changes on a day; evenings of 0.4 to 0.6 before a mend."""
    worse = {"evening": (0.4, 0.6), "claimed_on": day}
    return (
        Group.model_validate({"kind": "mended", "lines": 2, "mended_on": day, **worse}),
        Group.model_validate({"kind": "pretended", "lines": 2, **worse}),
        Group(kind="plan-raised", lines=2, plan_on=day, plan_factor=2.0),
        Group(kind="plan-lowered", lines=2, plan_on=day, plan_factor=0.5),
        Group(kind="plan-sold", lines=2, plan_on=day, plan_factor=2.0, delivered=False),
    )


def times(groups: Iterable[Group], factor: int) -> tuple[Group, ...]:
    """Return so many times as many lines of each group."""
    return tuple(one.model_copy(update={"lines": one.lines * factor}) for one in groups)


@dataclass(frozen=True, slots=True)
class Truth:
    """What was planted on a line, from `simulate.fleet.Fleet.truth`."""

    kind: str
    cut: str | None
    evenings: Sequence[tuple[date, date, float]]

    def share(self, first: date, last: date) -> float:
        """Return what the line carries of its contract in the evenings of these days, the mean."""
        days = [first + timedelta(number) for number in range((last - first).days + 1)]
        return sum(self._on(day) for day in days) / len(days)

    def _on(self, day: date) -> float:
        return next(share for start, end, share in self.evenings if start <= day <= end)


def truths_of(planted: Mapping[str, Any]) -> dict[str, Truth]:
    """Return the truth of each line from what a fleet says that it planted."""
    return {
        one["line"]: Truth(
            one["kind"],
            one["cut"],
            [
                (date.fromisoformat(of["from"]), date.fromisoformat(of["until"]), of["share"])
                for of in one["evenings"]
            ],
        )
        for one in planted["stories"]
    }


@dataclass(slots=True)
class Tally:
    """What was said of a kind of lines by a standard.

    Attributes:
        months: line-months, or parts of them with terms of their own.
        planted: those of them in which something is broken that is to be found.
        found: of these those in which that failed.
        acquitted: of these those in which that was said to be kept.
        clean: line-months in which nothing is broken.
        accused: of all those in which something failed that is not broken; each with what.
        said: of the primary question.
    """

    months: int = 0
    planted: int = 0
    found: int = 0
    acquitted: int = 0
    clean: int = 0
    accused: list[str] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Add what was said of others of the kind."""
        for name in ("months", "planted", "found", "acquitted", "clean"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.accused += other.accused
        for name, many in other.said.items():
            self.said[name] = self.said.get(name, 0) + many


Tallies = dict[tuple[str, str], Tally]
"""By kind and standard."""


def hold(
    line: LineSummary, truth: Truth, standards: Mapping[tuple[str, int], StandardFile]
) -> Tallies:
    """Hold what is said of a line's month against its truth."""
    found: Tallies = {}
    for part in line.parts:
        for judgement in part.judgements:
            file = standards[judgement.standard, judgement.version]
            tally = found.setdefault((truth.kind, judgement.standard), Tally())
            _count(tally, line, part, judgement, truth, file)
    return found


def _count(
    tally: Tally,
    line: LineSummary,
    part: PartSummary,
    judgement: Judgement,
    truth: Truth,
    file: StandardFile,
) -> None:
    quantities = {one.id: one.quantity for one in file.standard.indicators}
    share = truth.share(part.first_day, part.last_day)
    broken: set[Quantity] = set(RATES) if share < LIMIT else set()
    if truth.cut in ("access", "beyond"):
        broken.add(Quantity.AVAILABILITY)
    wanted = [one for one in judgement.findings if _is_wanted(one, truth, quantities)]
    tally.months += 1
    tally.clean += not broken
    for one in judgement.findings:
        if one.verdict is Verdict.FAIL and quantities[one.indicator] not in broken:
            where = f"{line.id} {part.first_day}: {one.indicator} {one.window} {one.value}"
            tally.accused.append(where)
        if one.is_primary:
            tally.said[one.verdict.value] = tally.said.get(one.verdict.value, 0) + 1
    days = (part.last_day - part.first_day).days + 1
    can_say = days >= ENOUGH_DAYS and (file.standard.servers == 1 or part.witnesses)
    if can_say and broken and (share <= FOUND_AT or truth.cut):
        tally.planted += 1
        tally.found += any(one.verdict is Verdict.FAIL for one in wanted)
        tally.acquitted += any(one.verdict is Verdict.PASS for one in wanted)


def _is_wanted(one: Finding, truth: Truth, quantities: Mapping[str, Quantity]) -> bool:
    """Return whether a finding is on what was planted to be found."""
    if truth.cut:
        return quantities[one.indicator] is Quantity.AVAILABILITY
    return one.is_primary


def merge(parts: Iterable[Tallies]) -> Tallies:
    """Return the sum of what was said."""
    whole: Tallies = {}
    for part in parts:
        for key, tally in part.items():
            whole.setdefault(key, Tally()).add(tally)
    return whole


# --- Through a ledger ----------------------------------------------------------------------------


def fill(database: Database, fleet: Fleet) -> None:
    """Give an empty ledger a fleet's registry and all that it writes, day by day."""
    begins = datetime.fromtimestamp(fleet.plan.begins, UTC)
    keys = register(database, fleet, begins)
    batches: list[Any] = []
    for batch in fleet.batches():
        batches.append(batch)
        if len(batches) >= _TOGETHER:
            store(database, fleet, keys, batches)
            batches = []
    store(database, fleet, keys, batches)


_TOGETHER: Final = 32


def months_of(fleet: Fleet) -> list[Month]:
    """Return the calendar months that a fleet has days in."""
    firsts = sorted({day.replace(day=1) for day in fleet.plan.days_of()})
    return [Month(first, ZONE) for first in firsts]


def read(
    database: Database, month: Month, standards: Sequence[StandardFile]
) -> Iterator[LineSummary]:
    """Yield what is told of each line's month."""
    found = database.read_now(lambda connection: find_lines(connection, None, None))
    for known in found.values():
        for one in read_line_months(database, month, known, lambda _: standards):
            yield one.summary


def verdicts(folder: Path, fleet: Fleet, standards: Sequence[StandardFile]) -> Tallies:
    """Return what is said of a fleet's months, through a ledger in a folder."""
    files = {(one.standard.id, one.standard.version): one for one in standards}
    settings = LedgerSettings(path=folder / "ledger.sqlite")
    with closing(Database(settings)) as database:
        migrate(database)
        fill(database, fleet)
        truths = truths_of(json.loads(json.dumps(fleet.truth()["planted"])))
        return merge(
            hold(line, truths[line.id], files)
            for month in months_of(fleet)
            for line in read(database, month, standards)
        )


# --- Before and after ----------------------------------------------------------------------------


def compare_evenings(
    database: Database, line: str, before: Month, since: date, until: date
) -> Mended:
    """Return whether a line's evenings got better, as a case's second measurement tells it.

    Args:
        database: the ledger.
        line: which.
        before: the month of the complaint.
        since: the first day that counts after what the carrier says is a mend.
        until: the last one.
    """
    known = database.read_now(lambda connection: read_lines(connection, [line]))[line]
    span = before.span[0], datetime.combine(until + timedelta(1), time(), before.zone)
    found = database.read_now(lambda c: read_month(c, known, before.name, span, before.zone))
    (terms,) = (
        part.terms
        for part in database.read_now(lambda c: terms_between(c, [line], since, until))[line]
    )
    promised = terms.contracted_download_bits_per_second
    days_before, days_after = (
        _evenings(found.part(first, last, terms).tests)
        for first, last in ((before.first_day, before.last_day), (since, until))
    )
    limit = promised and LIMIT * promised
    return compare_days(days_before, days_after, limit, more_is_better=True)


def _evenings(tests: Sequence[SpeedTest]) -> Floats:
    """Return the median of each day's evening."""
    by_day: dict[date, list[float]] = {}
    for one in tests:
        if EVENING[0] <= one.at.hour < EVENING[1] and one.download_bits_per_second:
            by_day.setdefault(one.at.date(), []).append(one.download_bits_per_second)
    return np.array([np.median(rates) for rates in by_day.values()], np.float64)
