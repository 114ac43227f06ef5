"""Rows that come back as they were: what a record says is read from its line again.

Only what the ledger itself had decided is taken from the archive, as far as it can be: when a
record came, on which line its path was, and its moment, where the same rule could have given it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from collector.domain.time_correction import (
    FUTURE_TOLERANCE,
    ClockReading,
    Dated,
    TimeQuality,
    date_record,
)
from collector.errors import ArchiveError
from collector.ingest.columns import Content, Received
from collector.ledger import bookkeeping
from collector.ledger.bulk import insert_rows
from collector.ledger.schema import lines, quarantine, records

_KINDS: Final = frozenset({"fork", "invalid", "late"})

Row = Mapping[str, Any]


class Back(NamedTuple):
    """Rows for the ledger.

    Attributes:
        records: with the ids that they had.
        apart: for the quarantine.
    """

    records: list[dict[str, Any]]
    apart: list[dict[str, Any]]


def rows_of(where: str, pairs: Iterable[tuple[Row, Received]]) -> Back:
    """Return what an archive's rows are in the ledger.

    Args:
        where: they stand, for an error.
        pairs: each row, and its line as it was read.

    Raises:
        ArchiveError: a line is no record, or the archive's word of its moment cannot be.
    """
    back = Back([], [])
    for row, one in pairs:
        if "kind" in row:
            back.apart.append(_apart(where, row, one))
        else:
            back.records.append(_record(where, row, one))
    return back


def store_back(connection: Connection, back: Back, *, keep_ids: bool) -> None:
    """Store rows that are not there.

    Args:
        connection: that writes, and holds their chains; their month is there.
        back: the rows.
        keep_ids: whether the records' ids are this ledger's own. They are kept where they are free.

    Raises:
        ArchiveError: a record names a line that is not in the registry.
    """
    if back.apart:
        insert_rows(connection, quarantine, back.apart)
    rows = back.records
    if not rows:
        return
    named = {row["line_id"] for row in rows} - {None}
    missing = named - set(connection.scalars(select(lines.c.id).where(lines.c.id.in_(named))))
    if missing:
        raise ArchiveError(
            f"records name line {min(missing)}, which is neither in this registry nor in the "
            "archive's: add it (linewatch line add), then import again"
        )
    if not keep_ids or _are_taken(connection, [row["id"] for row in rows]):
        rows = [{name: row[name] for name in row if name != "id"} for row in rows]
    insert_rows(connection, records, rows, with_ids="id" in rows[0])
    bookkeeping.note_latest(connection, rows)


def _are_taken(connection: Connection, ids: list[int]) -> bool:
    """Tell whether a record has one of these ids, or will: a copy of the ledger went on by itself.

    Sinks go by ids, so none may be given twice; no key forbids it over months.
    """
    if connection.scalar(select(records.c.id).where(records.c.id.in_(ids)).limit(1)) is not None:
        return True
    if connection.dialect.name != "postgresql":
        return False
    newest = connection.exec_driver_sql("SELECT last_value FROM records_id_seq").scalar_one()
    return max(ids) > int(newest)


def _record(where: str, row: Row, one: Received) -> dict[str, Any]:
    if one.content is None:
        raise ArchiveError(f"{where}: seq {row['seq']} is no record: {one.reason}")
    dated = _dated(f"{where}: seq {row['seq']}", row, one.content)
    return {
        **dict.fromkeys(column.name for column in records.columns),
        **one.content.columns,
        "id": row["id"],
        "probe_id": one.link.probe,
        "chain": one.link.chain,
        "seq": one.link.seq,
        "hash": one.link.hash,
        "prev": one.link.prev,
        "line": one.line,
        "received_at": row["received_at"],
        "line_id": row["line_id"],
        "measured_at": dated.measured_at if dated else None,
        "time_quality": dated.quality.value if dated else TimeQuality.NONE.value,
    }


def _dated(where: str, row: Row, content: Content) -> Dated | None:
    """Return a record's moment: its own word, or a correction that the archive tells of."""
    at: datetime = row["received_at"]
    clock = content.clock
    if clock is None:
        slot = content.columns["slot"]
        return None if slot is None else Dated(min(slot, at), TimeQuality.NONE)
    alone = date_record(clock, at)
    if row["time_quality"] != TimeQuality.CORRECTED.value:
        if (row["measured_at"], row["time_quality"]) != (alone.measured_at, alone.quality.value):
            raise ArchiveError(f"{where}: its moment is not what the record says")
        return alone
    moment = row["measured_at"]
    if not _can_be_corrected(clock, alone) or moment is None or moment > at + FUTURE_TOLERANCE:
        raise ArchiveError(f"{where}: its moment cannot have been corrected so")
    return Dated(moment, TimeQuality.CORRECTED)


def _can_be_corrected(clock: ClockReading, alone: Dated) -> bool:
    return alone.quality is TimeQuality.NONE and not clock.missed and clock.boot_id is not None


def _apart(where: str, row: Row, one: Received) -> dict[str, Any]:
    if row["kind"] not in _KINDS:
        raise ArchiveError(f"{where}: seq {row['seq']} was kept apart as '{row['kind']}'")
    return {
        "probe_id": one.link.probe,
        "chain": one.link.chain,
        "seq": one.link.seq,
        "hash": one.link.hash,
        "prev": one.link.prev,
        "kind": row["kind"],
        "reason": row["reason"],
        "line": one.line,
        "received_at": row["received_at"],
    }
