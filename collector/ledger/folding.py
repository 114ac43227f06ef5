"""Folds latency records that are older than a configured time into hours, for ever.

A step is one transaction: whatever ends it, each record is either still there or in its hour, once.
What is folded is gone from the records, so folding again finds nothing. What comes in later, old as
it may be, is found by the next round (`collector.ledger.due`).
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from pydantic import ValidationError
from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    delete,
    literal,
    select,
    tuple_,
    update,
)

from collector.domain.hours import Hour, hour_of
from collector.ledger.due import find_lines, is_due
from collector.ledger.fold import keep_places, put_into_hours
from collector.ledger.removal_mark import disturb
from collector.ledger.schema import (
    SERIES_COLUMNS,
    Moment,
    draw_stamp,
    facts,
    latest,
    records,
)
from collector.ledger.tail import step_back
from collector.ledger.upsert import insert_new
from protocol.records import RECORD, LatencyRecord

STEP_RECORDS: Final = 500
STEP_LINES: Final = 50
"""In one transaction: what comes in meanwhile waits for it."""

_TURN: Final = "latency_folding"
"""The fact whose row is locked by whoever folds."""

T = TypeVar("T")


class Run(Protocol):
    """Runs a job with a connection, and returns what it returns."""

    def __call__(self, job: Callable[[Connection], T], /) -> Awaitable[T]:
        """Return what ``job`` returns; a job that writes is committed by then."""


class Start(NamedTuple):
    """Where the folding of a line goes on.

    Attributes:
        line: its id; None: of the paths that belong to none.
        behind: moment and id of the last record that was looked at; None: at the oldest.
    """

    line: str | None
    behind: tuple[datetime, int] | None = None


class Step(NamedTuple):
    """What one step came to.

    Attributes:
        folded: how many records.
        unreadable: those that stay, as this program's model does not read them.
        rest: what is left to be folded of the step's lines.
    """

    folded: int
    unreadable: int
    rest: Sequence[Start]


class Folded(NamedTuple):
    """What folding came to: see `Step`."""

    records: int
    unreadable: int


async def fold_old(
    read: Run,
    write: Run,
    before: datetime,
    now: datetime,
    told: Callable[[int], object] = lambda _: None,
) -> Folded:
    """Fold all latency records that are older than a moment, line by line.

    Left as they are: records of an unsure moment, as it may be put right; those that a sink has not
    taken yet; and those that this program's model does not read.

    Args:
        read: for queries.
        write: for steps.
        before: its hour's beginning is taken.
        now: this moment.
        told: is told after each step how many it folded.

    Raises:
        LedgerError: the ledger cannot be read or written; what was folded before is.
    """
    before = hour_of(before)
    done, unreadable = 0, 0
    after: str | None = None
    while True:
        found = await read(partial(find_lines, before=before, after=after))
        rest: Sequence[Start] = [Start(line) for line in found.lines]
        # Ends: every step leaves a line behind it, or some of its records.
        while rest:
            step = await write(partial(fold_step, starts=rest, before=before, now=now))
            rest = step.rest
            done += step.folded
            unreadable += step.unreadable
            told(step.folded)
        if found.upto is None:
            return Folded(done, unreadable)
        after = found.upto


def fold_step(
    connection: Connection, starts: Sequence[Start], before: datetime, now: datetime
) -> Step:
    """Fold the oldest latency records of some lines, as many as one transaction may.

    Args:
        connection: of the writer.
        starts: the lines, and where each goes on.
        before: older records are folded; an hour's beginning.
        now: this moment.
    """
    _take_turn(connection)
    conditions = is_due(connection, before)
    rows: list[RowMapping] = []
    rest = list(starts)
    for start in starts[:STEP_LINES]:
        most = STEP_RECORDS - len(rows)
        found = oldest(connection, conditions, start, most)
        rows += found
        rest.pop(0)
        if len(found) == most:
            rest.insert(0, Start(start.line, (found[-1]["measured_at"], found[-1]["id"])))
            break
    measured = [(row, _measured(row["line"])) for row in rows]
    readable = [(row, hour) for row, hour in measured if hour is not None]
    put_into_hours(connection, readable)
    gone = [row for row, _ in readable]
    keep_places(connection, gone, now)
    _remove(connection, gone)
    disturb(connection, {row["received_at"] for row in gone})
    return Step(len(gone), len(rows) - len(gone), rest)


def _take_turn(connection: Connection) -> None:
    """Wait for whoever folds at the same time: what they fold is not there any more then."""
    insert_new(connection, facts, [{"name": _TURN, "value": ""}])
    connection.scalar(select(facts.c.value).where(facts.c.name == _TURN).with_for_update())


_COLUMNS: Final = tuple(
    dict.fromkeys(
        (
            "id",
            "probe_id",
            "chain",
            "seq",
            "hash",
            "prev",
            "received_at",
            "line_id",
            "outcome",
            "failure_code",
            "flags",
            *SERIES_COLUMNS,
            "measured_at",
            "line",
        )
    )
)


def oldest(
    connection: Connection, conditions: Iterable[Any], start: Start, most: int
) -> Sequence[RowMapping]:
    """Return the oldest records of a line that fulfil conditions, behind where it goes on."""
    place = (records.c.measured_at, records.c.id)
    query = (
        select(*(records.c[name] for name in _COLUMNS))
        .where(records.c.line_id == start.line, *conditions)
        .order_by(*place)
        .limit(most)
    )
    if start.behind is not None:
        moment, number = start.behind
        query = query.where(tuple_(*place) > tuple_(literal(moment, Moment), number))
    return connection.execute(query).mappings().all()


def _measured(line: bytes) -> Hour | None:
    """Return what one record measured; None where it is of a model that is not today's."""
    try:
        record = RECORD.validate_json(line)
    except ValidationError:
        return None
    latency = record.latency if isinstance(record, LatencyRecord) else None
    if latency is None:
        return Hour(records=1)
    trip = latency.round_trip
    variation = latency.delay_variation_p95_seconds
    return Hour(
        records=1,
        sent=trip.sent,
        received=trip.received,
        minimum_seconds=trip.minimum_seconds,
        round_trips=() if trip.median_seconds is None else (trip.median_seconds,),
        delay_variations=() if variation is None else (variation,),
    )


def _remove(connection: Connection, rows: Sequence[RowMapping]) -> None:
    own = ("id", "probe_id", "received_at")
    gone = [{f"own_{name}": row[name] for name in own} for row in rows]
    if gone:
        of_row = (records.c[name] == bindparam(f"own_{name}") for name in own)
        connection.execute(delete(records).where(*of_row), gone)
        step_back(connection)
        # A line that is silent for so long loses its newest one, too.
        last = max(row["measured_at"] for row in rows)
        silent = (
            latest.c.line_id.in_({row["line_id"] for row in rows}),
            latest.c.task == "latency",
            latest.c.measured_at <= last,
        )
        connection.execute(update(latest).where(*silent).values(stamp=draw_stamp()))
