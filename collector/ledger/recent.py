"""The newest speed tests of many lines at once, which its main series and its state rest on.

Each database finds the newest few of many lines by another statement; what comes back is the same.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    func,
    select,
    true,
    type_coerce,
)

from collector.domain.time_correction import FUTURE_TOLERANCE
from collector.ledger.elsewhere import on_the_line
from collector.ledger.schema import SERIES_COLUMNS, latest, lines, records

_RECENT_TESTS: Final = 40
"""Speed records looked at for a line's main series and its state: five days of the default plan,
enough to find five fair ones of one series where servers and families take turns."""

_RECENT_SPAN: Final = 60 * 86_400_000_000
"""Microseconds before a line's newest test in which they are looked for on PostgreSQL, month by
month: a plan that has made fewer until then has all of its recent ones there."""

_MEASURED_LATER: Final = FUTURE_TOLERANCE // timedelta(microseconds=1)
"""By how much a record's moment may be later than its arrival."""

_OF_A_TEST: Final = (
    "measured_at",
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


def recent_speed(connection: Connection, of: Sequence[str]) -> Iterable[RowMapping]:
    """Return the newest speed tests of some lines that were made, the newest first.

    With line_id, what `collector.domain.line_state` judges by, and the columns of a series.
    """
    if connection.dialect.name == "postgresql":
        return connection.execute(_of_each_line(of)).mappings()
    newest = (
        _speed_of(lines.c.id, records.c.id)
        .order_by(records.c.measured_at.desc())
        .limit(_RECENT_TESTS)
        .correlate(lines)
    )
    test = records.alias("test")
    query = (
        select(lines.c.id.label("line_id"), *(test.c[name] for name in _OF_A_TEST))
        .join_from(lines, test, test.c.id.in_(newest))
        .where(lines.c.id.in_(of))
        .order_by(test.c.measured_at.desc())
    )
    return connection.execute(query).mappings()


def _of_each_line(of: Sequence[str]) -> Select[Any]:
    """Return the recent speed tests of some lines, the newest first, as PostgreSQL finds them.

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
        _speed_of(measured.c.line_id, *(records.c[name] for name in _OF_A_TEST))
        .where(
            records.c.probe_id == measured.c.probe_id,
            type_coerce(records.c.measured_at, BigInteger) >= since,
            type_coerce(records.c.received_at, BigInteger) >= since - _MEASURED_LATER,
        )
        .order_by(records.c.measured_at.desc())
        .limit(_RECENT_TESTS)
        .lateral("test")
    )
    return (
        select(measured.c.line_id, *(test.c[name] for name in _OF_A_TEST))
        .join_from(measured, test, true())
        .order_by(test.c.measured_at.desc())
    )


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
