"""Sorts a line's records of a month: what counts, what does not and why. Pure.

One series stands for the line all month long, or where its probe was replaced one after the other
(`collector.domain.succession`), so that no verdict rests on two servers, methods or probes of the
same days mixed. Full tests to a server of another network, over the same way and by the same
method, are its witnesses. Reachability and latency are of the way that stands for the line when
they were measured. Everything else is set aside with its reason.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, Generic, NamedTuple, TypeVar

from collector.domain.line_month import (
    Excluded,
    Exclusion,
    LatencyHour,
    LinePart,
    ProbeTurn,
    RecordRef,
    SpeedTest,
    Witness,
)
from collector.domain.line_state import SERVER_FAILURES
from collector.domain.outages import (
    KNOWN_STEPS,
    Check,
    Reached,
    find_outages,
    usual_step,
    watched_seconds,
)
from collector.domain.series import Seen, SeriesId
from collector.domain.standing import OF_LATENCY, OF_RATES, Standing, standing
from collector.domain.succession import (
    Leg,
    Result,
    Succession,
    Turns,
    find_kind,
    find_succession,
    kind_of,
    way_of,
)
from collector.domain.terms import Terms
from protocol.failures import Failure
from protocol.flags import ELSEWHERE

_DAY: Final = timedelta(days=1)

LOST: Final = "lost"
"""What stands for the outcome of a record that its probe could not keep."""

_NO_RESULT: Final = {
    "skipped": Exclusion.SKIPPED,
    "missed": Exclusion.MISSED,
    LOST: Exclusion.LOST,
}
"""Outcomes of slots that have nothing to tell of the line."""

_NOTHING: Final = 3
"""The tier (`collector.domain.series.Seen`) of what measured nothing, or nobody knows when."""


class Speeds(NamedTuple):
    """Which speed test it was, and what it measured; bit/s and seconds. None: it did not."""

    record: RecordRef
    download_bits_per_second: float | None
    upload_bits_per_second: float | None
    idle_latency_seconds: float | None
    download_latency_seconds: float | None
    upload_latency_seconds: float | None


F = TypeVar("F", Speeds, LatencyHour)


class Row(NamedTuple, Generic[F]):
    """A speed or latency record of a line.

    Attributes:
        at: the best known moment, local; of its slot where nothing better is known.
        timed: whether somebody vouches for it.
        outcome: of the record; `LOST` of a tombstone.
        failure: '' where there is none.
        flags: a space between.
        found: what its task found.
    """

    at: datetime
    timed: bool
    outcome: str
    failure: str
    flags: str
    series: SeriesId
    found: F


AnyRow = Row[Speeds] | Row[LatencyHour]


@dataclass(frozen=True, slots=True)
class Line:
    """What the registry knows of a line that a month is made for.

    Attributes:
        id, technology: of the line.
        server: the plan's main one; None: not known.
        networks: server → whose network it stands in; None: not known.
    """

    id: str
    technology: str
    server: str | None
    networks: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class SortedMonth:
    """A line's month, sorted; each list in the order of time.

    Attributes:
        stands: what stands for the line, in whose place nothing else counts; None: nothing does.
        checks: of reachability, over the way that stands for the line.
    """

    line: Line
    month: str
    zone: tzinfo
    stands: Succession | None
    tests: Sequence[SpeedTest]
    witnesses: Mapping[str, Sequence[SpeedTest]]
    latency: Sequence[LatencyHour]
    checks: Sequence[Check]
    excluded: Sequence[Excluded]

    def part(self, first_day: date, last_day: date, terms: Terms) -> LinePart:
        """Return what is of some days, both included, under the terms of these days."""
        begin = datetime.combine(first_day, time(), self.zone)
        end = datetime.combine(last_day + _DAY, time(), self.zone)
        begin_seconds, end_seconds = begin.timestamp(), end.timestamp()

        def of_days(moment: datetime) -> bool:
            # Of one zone: by what its clocks show.
            return begin <= moment < end

        kind = self.stands.kind if self.stands else None
        server = kind.server if kind else None
        checks = [one for one in self.checks if begin_seconds <= one.at_seconds < end_seconds]
        witnesses = (
            Witness(name, self.line.networks.get(name), [one for one in tests if of_days(one.at)])
            for name, tests in self.witnesses.items()
        )
        return LinePart(
            line=self.line.id,
            technology=self.line.technology,
            month=self.month,
            first_day=first_day,
            last_day=last_day,
            terms=terms,
            server=server,
            network=self.line.networks.get(server) if server else None,
            kind=kind,
            probes=self._probes(begin, end),
            tests=[one for one in self.tests if of_days(one.at)],
            witnesses=[one for one in witnesses if one.tests],
            latency=[one for one in self.latency if of_days(one.at)],
            outages=find_outages(checks, self.zone),
            watched_seconds=watched_seconds(checks),
            excluded=[one for one in self.excluded if of_days(one.at)],
        )

    def _probes(self, begin: datetime, end: datetime) -> list[ProbeTurn]:
        """Return which probes stand for the line in some days, in the order of time."""
        found: list[ProbeTurn] = []
        for way, since in self.stands.turns.legs if self.stands else ():
            if since is None or since <= begin:
                found = [ProbeTurn(*way, None)]
            elif since < end:
                found.append(ProbeTurn(*way, since))
        return found


def sort_month(
    line: Line,
    month: str,
    zone: tzinfo,
    speed: Iterable[Row[Speeds]],
    latency: Iterable[Row[LatencyHour]],
    reach: Iterable[Reached],
    *,
    one_way: bool = False,
) -> SortedMonth:
    """Sort all that there is of a line's month.

    Args:
        line: whose records they are.
        month: as 2026-10.
        zone: in which people have their days.
        speed: its speed records, the oldest first.
        latency: its latency records, or hours of them, likewise.
        reach: what its reachability checks say, likewise.
        one_way: whether a single way is to stand for all of it, also where a probe was replaced.
    """
    speed, latency, reach = list(speed), list(latency), list(reach)
    results = (_result(row, OF_RATES) for row in speed if row.outcome != LOST)
    stands = find_succession(results, line.server, one_way=one_way)
    turns = stands.turns if stands else _most_watched(reach)
    reach = _over(turns, reach)
    checks = [Check(at, found.cut) for at, found in reach if found.tells]
    around = _Surroundings(reach, checks)
    tests = _Speed(line, stands, around)
    for row in speed:
        tests.take(row)
    hours, set_aside = _latency(latency, turns, around)
    return SortedMonth(
        line=line,
        month=month,
        zone=zone,
        stands=stands,
        tests=tests.tests,
        witnesses=dict(sorted(tests.witnesses.items())),
        latency=hours,
        checks=checks,
        excluded=[*tests.excluded, *set_aside],
    )


# --- Ways and what else was seen of them ----------------------------------------------------------


def _result(row: AnyRow, values: frozenset[Standing]) -> Result:
    """Return a record as the choice of what stands for the line looks at it.

    Args:
        row: of any task.
        values: what results of this task may be values of.
    """
    tier = Seen(row.series, row.outcome, row.flags).tier if row.timed else _NOTHING
    if not tier and standing(row.flags) not in values:
        tier = 1
    # A probe that nobody plugged in any more is not on the line, whatever its records say.
    ran = row.outcome == "measured" or (
        row.outcome == "failed" and row.failure != Failure.INTERFACE_MISSING
    )
    ran = ran and row.timed and not _went_elsewhere(row)
    records = row.found.records if isinstance(row.found, LatencyHour) else 1
    return Result(row.series, row.at, tier, ran, records)


def _most_watched(reach: Iterable[Reached]) -> Turns | None:
    """Return the way that was watched most; None: none was."""
    watched = Counter(found.way for _, found in reach)
    way = min(watched, key=lambda way: (-watched[way], way), default=None)
    return Turns([Leg(way)]) if way else None


def _over(turns: Turns | None, reach: Sequence[Reached]) -> list[Reached]:
    """Return the checks over the way that stood for the line then."""
    if turns is None:
        return []
    if turns.only:
        return [one for one in reach if one[1].way == turns.only]
    return [one for one in reach if one[1].way == turns.at(one[0])]


def _went_elsewhere(row: AnyRow) -> bool:
    return not ELSEWHERE.isdisjoint(row.flags.split())


class _Surroundings:
    """What reachability found around a moment.

    Args:
        reach: of the way, in the order of time.
        checks: those of them that tell of it.
    """

    def __init__(self, reach: Sequence[Reached], checks: Sequence[Check]) -> None:
        self._moments = [one.at_seconds for one in checks]
        self._checks = checks
        self._step = KNOWN_STEPS * usual_step(checks)
        self._away = [at for at, found in reach if found.server_away]

    def out(self, moment: datetime) -> bool:
        """Return whether the check before or the check behind found the way cut."""
        at = moment.timestamp()
        place = bisect_right(self._moments, at)
        around = self._checks[max(0, place - 1) : place + 1]
        return any(one.cut is not None and abs(one.at_seconds - at) <= self._step for one in around)

    def server_away(self, moment: datetime) -> bool:
        """Return whether the check before or the check behind missed the server alone."""
        at = moment.timestamp()
        place = bisect_right(self._away, at)
        around = self._away[max(0, place - 1) : place + 1]
        return any(abs(one - at) <= self._step for one in around)


# --- What counts ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sorter:
    """Tells of a record of one task why it does not count.

    Attributes:
        stands: whose results count; None: nothing's.
        values: what results may be values of.
    """

    stands: Succession | None
    values: frozenset[Standing]
    around: _Surroundings

    def why_not(self, row: AnyRow) -> tuple[Exclusion, str] | None:
        """Return the reason and its detail; None: it counts, or would in another series."""
        if _went_elsewhere(row):
            return Exclusion.ELSEWHERE, row.flags
        if row.outcome in _NO_RESULT:
            return _NO_RESULT[row.outcome], row.failure
        if not row.timed:
            return Exclusion.UNTIMED, ""
        return self._why_failed(row) if row.outcome == "failed" else self._why_no_value(row)

    def _why_no_value(self, row: AnyRow) -> tuple[Exclusion, str] | None:
        if row.series.profile == "quick":
            return Exclusion.NOT_FULL, row.flags
        if standing(row.flags) not in self.values:
            return Exclusion.FLAGGED, row.flags
        return None

    def _why_failed(self, row: AnyRow) -> tuple[Exclusion, str]:
        if self.stands is None or not self.stands.at(row.at).fits(row.series):
            return Exclusion.OTHER_SERIES, row.failure
        if row.failure in SERVER_FAILURES or self.around.server_away(row.at):
            return Exclusion.SERVER_FAILED, row.failure
        if self.around.out(row.at):
            return Exclusion.IN_OUTAGE, row.failure
        return Exclusion.FAILED, row.failure


class _Speed(_Sorter):
    """Sorts speed tests.

    Attributes:
        tests, witnesses: those that count; witnesses by their server.
        excluded: those that do not.
    """

    def __init__(self, line: Line, stands: Succession | None, around: _Surroundings) -> None:
        super().__init__(stands, OF_RATES, around)
        self._line = line
        self.tests: list[SpeedTest] = []
        self.excluded: list[Excluded] = []
        self.witnesses: dict[str, list[SpeedTest]] = defaultdict(list)

    def take(self, row: Row[Speeds]) -> None:
        """Sort a record."""
        main = self.stands.at(row.at) if self.stands else None
        counting = self.tests if row.series == main else None
        if counting is None and main is not None and self._is_witness(row.series, main):
            counting = self.witnesses[row.series.server or ""]
        why = self.why_not(row)
        if why is None and counting is None:
            why = Exclusion.OTHER_SERIES, row.series.server or ""
        if why is not None:
            self.excluded.append(Excluded(row.found.record, row.at, "speed", *why))
        elif counting is not None:
            counting.append(_test(row))

    def _is_witness(self, series: SeriesId, main: SeriesId) -> bool:
        if series._replace(server=main.server) != main:
            return False
        networks = self._line.networks
        own, others = networks.get(main.server or ""), networks.get(series.server or "")
        return own is not None and others is not None and own != others


def _test(row: Row[Speeds]) -> SpeedTest:
    bound = standing(row.flags) is Standing.AT_LEAST
    record, down, up, *latencies = row.found
    # What waited in a queue of the device or the server is no latency of the line.
    idle, loaded_down, loaded_up = (None if bound else one for one in latencies)
    return SpeedTest(row.at, down, up, bound, idle, loaded_down, loaded_up, record)


def _latency(
    rows: Sequence[Row[LatencyHour]], turns: Turns | None, around: _Surroundings
) -> tuple[list[LatencyHour], list[Excluded]]:
    """Return what counts of latency records, and what does not."""
    stands = _latency_series(rows, turns.by_hour()) if turns else None
    sorter = _Sorter(stands, OF_LATENCY, around)
    counting, excluded = [], []
    for row in rows:
        why = sorter.why_not(row)
        if why is None and (stands is None or row.series != stands.at(row.at)):
            why = Exclusion.OTHER_SERIES, row.series.server or ""
        if why is None:
            counting.append(row.found)
        else:
            excluded.append(Excluded(None, row.at, "latency", *why, records=row.found.records))
    return counting, excluded


def _latency_series(rows: Iterable[Row[LatencyHour]], turns: Turns) -> Succession | None:
    """Return what stands for the line's latency, over the ways that stand for the line."""
    only = turns.only
    found = [
        row
        for row in rows
        if row.outcome != LOST and way_of(row.series) == (only or turns.at(row.at.timestamp()))
    ]
    # Of a month's thousands there is nearly always one kind: then there is nothing to count.
    kinds = {kind_of(series) for series in {row.series for row in found}}
    kind = kinds.pop() if len(kinds) == 1 else find_kind(_result(row, OF_LATENCY) for row in found)
    return Succession(kind, turns) if kind else None
