"""Takes a month out of the ledger while collectors go on.

What takes long, comparing and counting, is read first and keeps nobody waiting. A mark, the fact
`removing_month`, holds what was read together with what is then removed: whoever changes a month
meanwhile, by folding or importing, makes it another, and the removal begins anew. PostgreSQL drops
the month's tables in one short transaction, tried until nobody is in the way. SQLite deletes some
thousand places at a time, each with what stays of them: the laws hold after every step. A removal
that was ended in the middle leaves its mark, so that nobody takes the rest for the whole month, and
is done to its end by the same command, or undone by putting the month back.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from collector.errors import LedgerBusyError, LedgerError
from collector.ledger.database import Database
from collector.ledger.engines import take_time
from collector.ledger.gone import (
    MONTH_LEFT,
    PlaceRow,
    count_places,
    keep_gone,
    month_name,
    place_queries,
    summed,
    within,
)
from collector.ledger.months import drop_month, holders, span_of
from collector.ledger.removal_mark import (
    MARK,
    ChangedError,
    marked,
    new_mark,
    refuse_changed,
)
from collector.ledger.schema import (
    corrections,
    draw_stamp,
    facts,
    latest,
    probe_keys,
    quarantine,
    records,
    seals,
    sinks,
)
from collector.ledger.tail import horizon, step_back
from collector.ledger.upsert import insert_new, replace

STEP_PLACES: Final = 2000
"""Of SQLite in one transaction: some tenths of a second, for which batches wait."""

_TRIES: Final = 12
_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 1.0
"""8 s in all until somebody who is in the way is named."""

_ROUNDS: Final = 3
"""Times that a month is read anew as somebody changed it."""

Compare = Callable[[Connection], None]
T = TypeVar("T")


# --- Removing ------------------------------------------------------------------------------------


class _Month(NamedTuple):
    database: Database
    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        return month_name(self.start)


def remove_month(
    database: Database,
    month: datetime,
    now: datetime,
    compare: Compare = lambda _: None,
    wait: Callable[[], object] = lambda: None,
) -> int:
    """Take a month out of the ledger; return how many records left.

    Args:
        database: of the ledger; collectors may run on it.
        month: a moment in it.
        now: this moment.
        compare: raises where the month may not leave; reads, and may take its time.
        wait: returns once nobody reads the month for long.

    Raises:
        LedgerError: the month is not over, a sink has not taken all of it, or the removal of
            another one was begun and has to be ended first.
        LedgerBusyError: others read or change it for long. What left by then stays away, and the
            next run goes on.
    """
    whole = _Month(database, *span_of(month))
    if whole.end > now:
        raise LedgerError(f"{whole.name} (UTC) is not over: records still come")
    left = 0
    for number in range(_ROUNDS):
        mark, newest, begun = _begin(whole)
        try:
            if _is_postgresql(database):
                return _drop(whole, mark, newest, compare, wait)
            database.read_now(compare)
            begun = True
            for count in _steps(whole, mark, newest):
                left += count
        except BaseException as error:
            if isinstance(error, ChangedError) and number < _ROUNDS - 1:
                continue
            if not begun:
                _forget(database, mark)
            raise
        return left
    raise AssertionError


def _begin(whole: _Month) -> tuple[str, int, bool]:
    """Mark the month; return the mark, its newest record's id, and whether a part of it left."""
    newest = whole.database.read_now(partial(_newest, whole=whole))
    mark = new_mark(whole.name)
    with whole.database.write() as connection:
        _refuse_before_sinks(connection, whole, newest)
        before = marked(connection)
        if before is not None and before != whole.name and not _is_postgresql(whole.database):
            raise LedgerError(
                f"the removal of {before} did not come to its end: remove that first, or put "
                "it back (linewatch collector import)"
            )
        replace(connection, facts, {"name": MARK, "value": mark}, ["value"])
    # Who writes since before that may not know of it, and is waited for.
    _tried(partial(horizon, whole.database))
    return mark, newest, before is not None and not _is_postgresql(whole.database)


def _forget(database: Database, mark: str) -> None:
    """Take back a mark, where the database still takes something."""
    with contextlib.suppress(LedgerError), database.write() as connection:
        connection.execute(delete(facts).where(facts.c.name == MARK, facts.c.value == mark))


def _newest(connection: Connection, whole: _Month) -> int:
    take_time(connection)
    query = select(func.max(records.c.id)).where(*within(records, whole.start, whole.end))
    return connection.scalar(query) or 0


def _refuse_before_sinks(connection: Connection, whole: _Month, newest: int) -> None:
    corrected = exists().where(
        *within(corrections, whole.start, whole.end), corrections.c.after_id > sinks.c.settled
    )
    # What is not on the far end's disk may have to be written again.
    behind = select(sinks.c.name).where(or_(sinks.c.settled < newest, corrected))
    names = list(connection.scalars(behind))
    if names:
        raise LedgerError(f"{whole.name} is not in every sink yet: {', '.join(sorted(names))}")


def _keys(connection: Connection, whole: _Month) -> list[dict[str, Any]]:
    query = select(seals.c.probe_id, seals.c.public_key)
    query = query.where(*within(seals, whole.start, whole.end)).distinct()
    return [dict(row) for row in connection.execute(query).mappings()]


def _finish(connection: Connection, whole: _Month) -> None:
    connection.execute(delete(latest).where(*within(latest, whole.start, whole.end)))
    # What stays in `latest` cannot tell that records behind it left.
    replace(connection, facts, {"name": MONTH_LEFT, "value": str(draw_stamp())}, ["value"])
    connection.execute(delete(facts).where(facts.c.name == MARK))


def _is_postgresql(database: Database) -> bool:
    return database.engine.dialect.name == "postgresql"


def _tried(work: Callable[[], T]) -> T:
    """Return what ``work`` returns, tried again with growing pauses where others are in the way."""
    for number in range(_TRIES - 1):
        try:
            return work()
        except ChangedError:
            raise
        except LedgerBusyError:
            time.sleep(min(_PAUSE_SECONDS * 1.5**number, _LONGEST_PAUSE_SECONDS))
    return work()


# --- PostgreSQL: all at once ---------------------------------------------------------------------


def _drop(
    whole: _Month, mark: str, newest: int, compare: Compare, wait: Callable[[], object]
) -> int:
    database = whole.database

    def read(connection: Connection) -> tuple[int, list[dict[str, Any]], list[dict[str, Any]]]:
        compare(connection)
        take_time(connection)
        return *count_places(connection, whole.start, whole.end), _keys(connection, whole)

    count, rows, keys = database.read_now(read)
    wait()

    def leave() -> None:
        with database.write() as connection:
            refuse_changed(connection, mark)
            if _newest(connection, whole) != newest:
                raise ChangedError(f"{whole.name} is not over: records still come")
            _refuse_before_sinks(connection, whole, newest)
            insert_new(connection, probe_keys, keys)
            # Before any row is locked that others wait for while they read records. Whoever holds
            # such a row and is about to read is in the way, and goes on once this is undone.
            drop_month(connection, whole.start)
            keep_gone(connection, rows)
            _finish(connection, whole)

    try:
        _tried(leave)
    except ChangedError:
        raise
    except LedgerBusyError:
        found = database.read_now(partial(holders, start=whole.start))
        who = "; ".join(map(str, found)) or "others, one after another"
        raise LedgerBusyError(f"{whole.name} is in use: {who}. Nothing was removed") from None
    return count


# --- SQLite: step by step ------------------------------------------------------------------------


def _steps(whole: _Month, mark: str, newest: int) -> Iterator[int]:
    """Take a month's places out, then its seals and the rest; yield how many records left."""
    database = whole.database
    keys = database.read_now(partial(_keys, whole=whole))
    with database.write() as connection:
        refuse_changed(connection, mark)
        insert_new(connection, probe_keys, keys)
    behind: tuple[str, str, int] = ("", "", -1)
    while page := database.read_now(partial(_page, whole=whole, newest=newest, behind=behind)):
        with database.write() as connection:
            refuse_changed(connection, mark)
            count, rows = summed(page, whole.start)
            _delete(connection, records, [row for row in page if row[5]])
            _delete(connection, quarantine, [row for row in page if not row[5]])
            keep_gone(connection, rows)
            step_back(connection)
        yield count
        # Whoever waits for the file looks again that often.
        time.sleep(_PAUSE_SECONDS)
        behind = page[-1][:3]
    for table in (seals, quarantine):
        # Lines that are no links among them.
        while rest := database.read_now(partial(_rest, table=table, whole=whole)):
            with database.write() as connection:
                refuse_changed(connection, mark)
                _delete(connection, table, rest)
    with database.write() as connection:
        refuse_changed(connection, mark)
        _finish(connection, whole)


def _page(
    connection: Connection, whole: _Month, newest: int, behind: tuple[str, str, int]
) -> list[PlaceRow]:
    """Return the next places, in their order; all that there are of each seq."""
    of_records, of_others = place_queries(whole.start, whole.end)
    parts = []
    for table, query in (
        (records, of_records.where(records.c.id <= newest)),
        (quarantine, of_others),
    ):
        place = (table.c.probe_id, table.c.chain, table.c.seq)
        further = query.where(tuple_(*place) > behind).order_by(*place).limit(STEP_PLACES)
        parts.append([tuple(row) for row in connection.execute(further)])
    page = list(islice(merge(*parts, key=itemgetter(0, 1, 2)), STEP_PLACES))
    if len(page) < STEP_PLACES:
        return page
    return [row for row in page if row[:3] != page[-1][:3]]


def _rest(connection: Connection, table: Table, whole: _Month) -> list[Any]:
    names = ("probe_id", "chain", "seq", "hash")
    query = select(*(table.c[name] for name in names))
    query = query.where(*within(table, whole.start, whole.end)).limit(STEP_PLACES)
    return [tuple(row) for row in connection.execute(query)]


def _delete(connection: Connection, table: Table, rows: list[Any]) -> None:
    if not rows:
        return
    names = ("probe_id", "chain", "seq", "hash")
    of_row = (table.c[name] == bindparam(f"own_{name}") for name in names)
    keys = [{f"own_{name}": part for name, part in zip(names, row, strict=False)} for row in rows]
    if connection.execute(delete(table).where(*of_row), keys).rowcount != len(rows):
        raise ChangedError(f"{table.name}: what was read is not there any more. Run this again")
