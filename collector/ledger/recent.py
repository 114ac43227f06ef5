"""The newest speed tests of many lines at once, which its main series and its state rest on.

Each database finds the newest few of many lines by another statement; what comes back is the same.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    func,
    select,
    text,
    true,
    type_coerce,
)

from collector.domain.series import SeriesId
from collector.domain.time_correction import FUTURE_TOLERANCE
from collector.ledger.elsewhere import on_the_line
from collector.ledger.schema import SERIES_COLUMNS, latest, lines, records

_RECENT_TESTS: Final = 40
"""Speed records looked at for a line's main series and its state: five days of the default plan,
enough to find five fair ones of one series where servers and families take turns."""

_RECENT_SPAN: Final = 60 * 86_400_000_000
"""Microseconds before a line's newest test in which they are looked for on PostgreSQL, month by
month: a plan that has made fewer until then has all of its recent ones there."""

MEASURED_LATER: Final = FUTURE_TOLERANCE // timedelta(microseconds=1)
"""By how much a record's moment may be later than its arrival."""


class SpeedTest(NamedTuple):
    """A speed test of a line, of which thousands are read at once.

    Attributes:
        line: its id.
        at_microseconds: since 1970-01-01 UTC.
        series: what it may be compared with.
    """

    line: str
    at_microseconds: int
    outcome: str
    flags: str
    failure_code: str | None
    download_bits_per_second: float | None
    upload_bits_per_second: float | None
    idle_latency_seconds: float | None
    download_latency_seconds: float | None
    upload_latency_seconds: float | None
    series: SeriesId


_COLUMNS: Final = (
    "outcome",
    "flags",
    "failure_code",
    "download_bits_per_second",
    "upload_bits_per_second",
    "idle_latency_seconds",
    "download_latency_seconds",
    "upload_latency_seconds",
    *SERIES_COLUMNS,
)
"""Those of a `SpeedTest` behind its line and its moment, in its order; the last are its series."""

_SERIES_FROM: Final = -len(SERIES_COLUMNS)


def recent_speed(connection: Connection, of: Sequence[str]) -> dict[str, list[SpeedTest]]:
    """Return the newest speed tests of some lines that were made, the newest first.

    What `collector.domain.line_state` judges by. A line without any is not in it.
    """
    postgresql = connection.dialect.name == "postgresql"
    read = _read_month_by_month if postgresql else _read_in_one_table
    found: dict[str, list[SpeedTest]] = {}
    for row in read(connection, of):
        test = SpeedTest._make((*row[:_SERIES_FROM], SeriesId(*row[_SERIES_FROM:])))
        found.setdefault(test.line, []).append(test)
    for tests in found.values():
        tests.sort(key=attrgetter("at_microseconds"), reverse=True)
    return found


def _read_in_one_table(connection: Connection, of: Sequence[str]) -> Iterable[Sequence[Any]]:
    newest = (
        _speed_of(lines.c.id, records.c.id)
        .order_by(records.c.measured_at.desc())
        .limit(_RECENT_TESTS)
        .correlate(lines)
    )
    test = records.alias("test")
    query = (
        select(lines.c.id, *_of_a_test(test))
        .join_from(lines, test, test.c.id.in_(newest))
        .where(lines.c.id.in_(of))
    )
    return connection.execute(query).all()


def _read_month_by_month(connection: Connection, of: Sequence[str]) -> Iterable[Sequence[Any]]:
    """Return the recent speed tests of some lines as PostgreSQL finds them.

    Line by line, and probe by probe, so that a distributed database does it where the records are;
    in the months that can hold them, not in all.
    """
    newest = func.max(type_coerce(latest.c.measured_at, BigInteger)).label("newest")
    measured = (
        select(latest.c.probe_id, latest.c.line_id, newest)
        .where(latest.c.task == "speed", latest.c.line_id.in_(of))
        .group_by(latest.c.probe_id, latest.c.line_id)
        .subquery("measured")
    )
    since = measured.c.newest - _RECENT_SPAN
    test = (
        _speed_of(
            measured.c.line_id, records.c.measured_at, *(records.c[name] for name in _COLUMNS)
        )
        .where(
            records.c.probe_id == measured.c.probe_id,
            type_coerce(records.c.measured_at, BigInteger) >= since,
            type_coerce(records.c.received_at, BigInteger) >= since - MEASURED_LATER,
        )
        .order_by(records.c.measured_at.desc())
        .limit(_RECENT_TESTS)
        .lateral("test")
    )
    query = select(measured.c.line_id, *_of_a_test(test)).join_from(measured, test, true())
    # The planner cannot know how many tests a line has in the span, takes them to be a handful, and
    # would read and sort all of them; merging the months in order ends with the newest ones.
    connection.execute(text("SET LOCAL enable_sort = off"))
    rows = connection.execute(query).all()
    connection.execute(text("SET LOCAL enable_sort TO DEFAULT"))
    return rows


def _of_a_test(test: FromClause) -> list[ColumnElement[Any]]:
    moment = type_coerce(test.c.measured_at, BigInteger).label("at_microseconds")
    return [moment, *(test.c[name] for name in _COLUMNS)]


def _speed_of(line: ColumnElement[str], *columns: ColumnElement[Any]) -> Select[Any]:
    """Return the query of a line's speed tests that were made, over the line."""
    return (
        select(*columns)
        .where(records.c.line_id == line, records.c.task == "speed")
        .where(records.c.measured_at.is_not(None))
        # Skipped and missed slots say nothing of the line, and a week of them would hide it.
        .where(records.c.outcome.in_(("measured", "failed")))
        .where(on_the_line())
    )
