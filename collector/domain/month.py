"""Sorts a line's records of a month: what counts, what does not and why. Pure.

One series stands for the line all month long (`collector.domain.series.main_series`), so that no
verdict rests on two servers, ways or methods mixed. Full tests to a server of another network, over
the same way and by the same method, are its witnesses. Reachability and latency are of the way that
the main series is measured over. Everything else is set aside with its reason.
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
from collector.domain.series import Seen, SeriesId, main_series
from collector.domain.standing import OF_LATENCY, OF_RATES, Standing, standing
from collector.domain.terms import Terms
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
        main: the series that stands for the line; None: no test was measured.
        checks: of reachability, over the main series' way.
    """

    line: Line
    month: str
    zone: tzinfo
    main: SeriesId | None
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

        server = self.main and self.main.server
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
            tests=[one for one in self.tests if of_days(one.at)],
            witnesses=[one for one in witnesses if one.tests],
            latency=[one for one in self.latency if of_days(one.at)],
            outages=find_outages(checks, self.zone),
            watched_seconds=watched_seconds(checks),
            excluded=[one for one in self.excluded if of_days(one.at)],
        )


def sort_month(
    line: Line,
    month: str,
    zone: tzinfo,
    speed: Iterable[Row[Speeds]],
    latency: Iterable[Row[LatencyHour]],
    reach: Iterable[Reached],
) -> SortedMonth:
    """Sort all that there is of a line's month.

    Args:
        line: whose records they are.
        month: as 2026-10.
        zone: in which people have their days.
        speed: its speed records, the oldest first.
        latency: its latency records, or hours of them, likewise.
        reach: what its reachability checks say, likewise.
    """
    speed, latency, reach = list(speed), list(latency), list(reach)
    main = _main_series(speed, line.server)
    way = _way(main, reach)
    reach = [one for one in reach if one[1].way == way]
    checks = [Check(at, found.cut) for at, found in reach if found.tells]
    around = _Surroundings(reach, checks)
    tests = _Speed(line, main, around)
    for row in speed:
        tests.take(row)
    hours, set_aside = _latency(latency, way, around)
    return SortedMonth(
        line=line,
        month=month,
        zone=zone,
        main=main,
        tests=tests.tests,
        witnesses=dict(sorted(tests.witnesses.items())),
        latency=hours,
        checks=checks,
        excluded=[*tests.excluded, *set_aside],
    )


# --- Ways and what else was seen of them ----------------------------------------------------------


def _main_series(rows: Iterable[AnyRow], server: str | None) -> SeriesId | None:
    kinds = (Seen(row.series, row.outcome, row.flags) for row in rows if row.outcome != LOST)
    return main_series(Counter(kinds), server)


def _way_of(series: SeriesId) -> tuple[str, str]:
    return series.probe, series.path


def _way(main: SeriesId | None, reach: Iterable[Reached]) -> tuple[str, str] | None:
    """Return the main series' way; where there is none, the one that was watched most."""
    if main is not None:
        return _way_of(main)
    watched = Counter(found.way for _, found in reach)
    return min(watched, key=lambda way: (-watched[way], way), default=None)


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
        main: the series that counts.
        values: what its results may be values of.
    """

    main: SeriesId | None
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
        if self.main is None or not self.main.fits(row.series):
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

    def __init__(self, line: Line, main: SeriesId | None, around: _Surroundings) -> None:
        super().__init__(main, OF_RATES, around)
        self._line = line
        self.tests: list[SpeedTest] = []
        self.excluded: list[Excluded] = []
        self.witnesses: dict[str, list[SpeedTest]] = defaultdict(list)

    def take(self, row: Row[Speeds]) -> None:
        """Sort a record."""
        counting = self.tests if row.series == self.main else None
        if counting is None and self._is_witness(row.series):
            counting = self.witnesses[row.series.server or ""]
        why = self.why_not(row)
        if why is None and counting is None:
            why = Exclusion.OTHER_SERIES, row.series.server or ""
        if why is not None:
            self.excluded.append(Excluded(row.found.record, row.at, "speed", *why))
        elif counting is not None:
            counting.append(_test(row))

    def _is_witness(self, series: SeriesId) -> bool:
        if self.main is None or series._replace(server=self.main.server) != self.main:
            return False
        networks = self._line.networks
        own, others = networks.get(self.main.server or ""), networks.get(series.server or "")
        return own is not None and others is not None and own != others


def _test(row: Row[Speeds]) -> SpeedTest:
    bound = standing(row.flags) is Standing.AT_LEAST
    record, down, up, *latencies = row.found
    # What waited in a queue of the device or the server is no latency of the line.
    idle, loaded_down, loaded_up = (None if bound else one for one in latencies)
    return SpeedTest(row.at, down, up, bound, idle, loaded_down, loaded_up, record)


def _latency(
    rows: Sequence[Row[LatencyHour]], way: tuple[str, str] | None, around: _Surroundings
) -> tuple[list[LatencyHour], list[Excluded]]:
    """Return what counts of latency records, and what does not."""
    main = _main_series((row for row in rows if _way_of(row.series) == way), None)
    sorter = _Sorter(main, OF_LATENCY, around)
    counting, excluded = [], []
    for row in rows:
        why = sorter.why_not(row)
        if why is None and row.series != main:
            why = Exclusion.OTHER_SERIES, row.series.server or ""
        if why is None:
            counting.append(row.found)
        else:
            excluded.append(Excluded(None, row.at, "latency", *why, records=row.found.records))
    return counting, excluded
