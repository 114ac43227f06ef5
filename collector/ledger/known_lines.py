"""What the ledger says of lines now: read once, and again only of lines that have news.

What has news is told by the stamps of `latest`, which are drawn anew in the transaction that stores
a record, dates it anew or folds it, and by the fact that a month left. They are read together with
the records, as of one moment: what is known of a line is what reading it again would tell, whoever
wrote it. A collector that starts knows nothing, and reads everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Connection, RowMapping, case, cast, func, select

from collector.domain.line_state import ReachCheck, RecentTest, telling
from collector.domain.series import Seen, SeriesId, main_series
from collector.domain.standing import OF_LATENCY, standing
from collector.ledger.elsewhere import was_elsewhere
from collector.ledger.gone import MONTH_LEFT
from collector.ledger.newest import newest_records
from collector.ledger.recent import SpeedTest, recent_speed
from collector.ledger.schema import SERIES_COLUMNS, facts, latest, to_moment

_AT_ONCE: Final = 250
"""Lines in one query: 10,000 speed tests at most are in memory."""

_OF_A_RECORD: Final = (
    "outcome",
    "flags",
    *SERIES_COLUMNS,
    "ipv6_state",
    "round_trip_seconds",
    "lost_ratio",
    "gateway_reached",
    "dns_reached",
    "ipv4_reached",
    "ipv6_reached",
    "server_reached",
)

_NONE: Final[Mapping[Any, Any]] = {}


@dataclass(frozen=True, slots=True)
class Tested:
    """What a line's speed tests say.

    Attributes:
        main: the main series; None: there is no test.
        tests: of it, those that its state may rest on, the newest first.
        shown: the newest that counts, or where none does, that measured; None: none.
    """

    main: SeriesId | None
    tests: Sequence[RecentTest]
    shown: SpeedTest | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a line's newest records say.

    Attributes:
        at: the moment of the newest of any task; None: there is none.
        latency: the newest latency record that counts; empty: there is none.
        check: the newest reachability check; empty: there is none.
    """

    at: datetime | None
    latency: Mapping[Any, Any]
    check: Mapping[Any, Any]

    @property
    def reach(self) -> ReachCheck | None:
        """What the check found; None where there was none."""
        check = self.check
        if not check:
            return None
        return ReachCheck(
            gateway=check["gateway_reached"],
            resolver=check["dns_reached"],
            far_ends=(check["ipv4_reached"], check["ipv6_reached"]),
            server=check["server_reached"],
        )


class _Source(NamedTuple):
    """What all that is known of a line follows from: the same source, the same knowledge.

    Attributes:
        stamps: the sum of the line's stamps; 0: it has no records.
        speed_stamps: of those of speed tests.
        server: that its plan puts first; None: the plan names none.
    """

    stamps: int
    speed_stamps: int
    server: str | None

    def tests_as(self, other: "_Source") -> bool:
        """Return whether the speed tests and the choice among them are the other's, too."""
        return self[1:] == other[1:]


@dataclass(frozen=True, slots=True)
class KnownLine:
    """What is known of a line."""

    source: _Source
    tested: Tested
    heard: Heard


class KnownLines:
    """What was read of each line so far. Not for two threads at once."""

    def __init__(self) -> None:
        self._known: dict[str, KnownLine] = {}
        self._month_left: str | None = None

    def read(
        self, connection: Connection, servers: Mapping[str, str | None]
    ) -> Mapping[str, KnownLine]:
        """Return what the ledger says now of each of some lines.

        Args:
            connection: to the ledger.
            servers: of each line the one that its plan puts first; None: the plan names none.
        """
        month_left = connection.scalar(select(facts.c.value).where(facts.c.name == MONTH_LEFT))
        before = self._known if month_left == self._month_left else {}
        stamps = _stamps(connection)
        sources = {
            line: _Source(*stamps.get(line, (0, 0)), server) for line, server in servers.items()
        }
        known = {
            line: before[line]
            for line, source in sources.items()
            if line in before and before[line].source == source
        }
        stale = [line for line in sources if line not in known]
        for first in range(0, len(stale), _AT_ONCE):
            part = {line: sources[line] for line in stale[first : first + _AT_ONCE]}
            known |= _read_part(connection, part, before)
        self._known, self._month_left = known, month_left
        return known


def _stamps(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return the sums of each line's stamps, and of those of its speed tests."""
    of_speed = case((latest.c.task == "speed", latest.c.stamp), else_=0)
    sums = (cast(func.sum(stamp), BigInteger) for stamp in (latest.c.stamp, of_speed))
    query = select(latest.c.line_id, *sums).group_by(latest.c.line_id)
    return {line: (every, speed) for line, every, speed in connection.execute(query)}


def _read_part(
    connection: Connection, sources: Mapping[str, _Source], before: Mapping[str, KnownLine]
) -> dict[str, KnownLine]:
    """Return what the ledger says of lines, reading no speed test without need."""
    tested = {
        line: before[line].tested
        for line, source in sources.items()
        if line in before and before[line].source.tests_as(source)
    }
    to_read = [line for line in sources if line not in tested]
    recent = recent_speed(connection, to_read) if to_read else {}
    tested |= {line: _tested(recent.get(line, ()), sources[line].server) for line in to_read}
    newest = _grouped(_newest_of(connection, list(sources)))
    return {
        line: KnownLine(source, tested[line], _heard(newest.get(line, ()), tested[line].main))
        for line, source in sources.items()
    }


def _newest_of(connection: Connection, of: Sequence[str]) -> Iterable[RowMapping]:
    query = newest_records(connection, _OF_A_RECORD).where(latest.c.line_id.in_(of))
    return connection.execute(query.order_by(latest.c.measured_at.desc())).mappings()


def _grouped(rows: Iterable[RowMapping]) -> dict[str, list[RowMapping]]:
    """Return rows by their line, keeping their order."""
    grouped: dict[str, list[RowMapping]] = {}
    for row in rows:
        grouped.setdefault(row["line_id"], []).append(row)
    return grouped


def _tested(recent: Sequence[SpeedTest], server: str | None) -> Tested:
    """Return what a line's newest speed tests say."""
    seen = [Seen(test.series, test.outcome, test.flags) for test in recent]
    main = main_series(seen, server)
    of_main = [test for test, one in zip(recent, seen, strict=True) if _is_of(one, main)]
    measured = [test for test in of_main if test.outcome == "measured"]
    counted = (test for test in measured if standing(test.flags).counts)
    shown = next(counted, measured[0] if measured else None)
    return Tested(main, telling(map(_recent_test, of_main)), shown)


def _recent_test(test: SpeedTest) -> RecentTest:
    return RecentTest(
        to_moment(test.at_microseconds),
        test.outcome,
        test.flags,
        test.failure_code,
        test.download_bits_per_second,
        test.upload_bits_per_second,
    )


def _heard(newest: Sequence[RowMapping], main: SeriesId | None) -> Heard:
    """Return what a line's newest records of each task and series say, the newest first."""
    of_line = [row for row in newest if not was_elsewhere(row)]
    latency = (
        row
        for row in of_line
        if row["task"] == "latency"
        and row["outcome"] == "measured"
        and standing(row["flags"]) in OF_LATENCY
        and _goes_with(row, main)
    )
    return Heard(
        at=newest[0]["measured_at"] if newest else None,
        latency=next(latency, _NONE),
        check=_newest_check(of_line, main),
    )


def _is_of(one: Seen, main: SeriesId | None) -> bool:
    """Return whether a speed test is of the main series, or may be, where it has no result."""
    if main is None or one.outcome == "measured":
        return one.series == main
    return main.fits(one.series)


def _goes_with(row: RowMapping, main: SeriesId | None) -> bool:
    """Return whether a latency record was made over the main series' path and family."""
    way = (row["probe_id"], row["path"], row["ip_version"])
    return main is None or way == (main.probe, main.path, main.ip_version)


def _newest_check(newest: Sequence[RowMapping], main: SeriesId | None) -> Mapping[Any, Any]:
    """Return the newest reachability check of the main series' path, or of any."""
    checks = [row for row in newest if row["task"] == "reach"]
    way = (main.probe, main.path) if main else None
    own = (row for row in checks if (row["probe_id"], row["path"]) == way)
    return next(own, checks[0] if checks else _NONE)
