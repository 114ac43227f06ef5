"""How far each sink is: its row in the ledger. All of it runs inside a caller's transaction.

Conservation: the records up to a sink's cursor are each counted as exactly one of written, held
back and set aside. A record whose moment comes later goes from held back to written at its turn.

A far end may say yes and lose it again: a VictoriaMetrics that is killed forgets what it took in
the last seconds. So each sink knows up to where it wrote long enough ago (`SETTLE`); what lies
between there and its cursor is written again after each new connection, and once when all is quiet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, or_, select, update

from collector.ledger.schema import records, set_aside, sinks
from collector.ledger.upsert import insert_new

LEASE: Final = timedelta(seconds=60)
"""How long a collector feeds a sink before it says again that it does. One that is gone without a
word keeps the others waiting for so long; two at once would write the same points twice."""


SETTLE: Final = timedelta(seconds=60)
"""After this what was taken is on the far end's disk. A VictoriaMetrics 1.79 that was killed had
lost what it took 10 s before, and had what it took 20 s before."""


LONGEST_SETTLE: Final = 10 * SETTLE
"""The same where each write is on a new connection: what is written again has to end somewhere."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a sink is.

    Attributes:
        name: as the settings call it.
        cursor: the records up to this id are dealt with.
        written, held_back, set_aside: what became of them.
        settled: the records up to this id are on the far end's disk.
        settling: where the cursor was at ``settling_since``.
        holder: the collector that feeds it.
        held_until: until when it does without saying so again.
    """

    name: str
    cursor: int
    written: int
    held_back: int
    set_aside: int
    settled: int
    settling: int
    settling_since: datetime
    holder: str | None
    held_until: datetime | None


_BEGINNING: Final = dict.fromkeys(
    ("cursor", "written", "held_back", "set_aside", "settled", "settling"), 0
)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a sink is behind the ledger.

    Attributes:
        records: behind its cursor; where numbers were given and not used, at most.
        seconds: since the first of them arrived; 0 where there is none.
    """

    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Aside:
    """A record that the far end will never take."""

    probe_id: str
    record_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Advance:
    """What a sink has dealt with: from one cursor to another.

    Attributes:
        steady: the far end is certainly the one that took what came before.
    """

    start: int
    end: int
    written: int
    held_back: int
    set_aside: Sequence[Aside]
    steady: bool


def add_missing(connection: Connection, far_ends: Mapping[str, str], now: datetime) -> None:
    """Make the rows of sinks that are new: they begin with the ledger's first record.

    Args:
        connection: that writes.
        far_ends: where each of the settings' sinks is, by its name.
        now: this moment.
    """
    times = {"settling_since": now, "created_at": now}
    rows = [
        {"name": name, "far_end": far_end, **_BEGINNING, **times}
        for name, far_end in far_ends.items()
    ]
    insert_new(connection, sinks, rows)
    for name, far_end in far_ends.items():
        # Where nothing was written yet, nothing is elsewhere.
        free = or_(sinks.c.far_end.is_(None), sinks.c.cursor == 0)
        connection.execute(
            update(sinks)
            .where(sinks.c.name == name, free, sinks.c.far_end.is_distinct_from(far_end))
            .values(far_end=far_end)
        )


def moved(connection: Connection, far_ends: Mapping[str, str]) -> dict[str, str]:
    """Return where the sinks were filled that are elsewhere now, by their names.

    Args:
        connection: to the ledger.
        far_ends: where the settings say that they are.
    """
    known = connection.execute(select(sinks.c.name, sinks.c.far_end).order_by(sinks.c.name))
    return {
        name: before
        for name, before in known
        if name in far_ends and before is not None and before != far_ends[name]
    }


def note_far_end(connection: Connection, name: str, far_end: str) -> None:
    """Note that a sink's records are where the settings say."""
    connection.execute(update(sinks).where(sinks.c.name == name).values(far_end=far_end))


def read(connection: Connection, name: str) -> State:
    """Return how far a sink is; its row is there."""
    columns = [sinks.c[field] for field in State.__slots__]
    return State(*connection.execute(select(*columns).where(sinks.c.name == name)).one())


def newest(connection: Connection) -> int:
    """Return the id of the newest record; 0: there is none."""
    found: int | None = connection.execute(select(func.max(records.c.id))).scalar()
    return found or 0


def names(connection: Connection) -> list[str]:
    """Return the sinks that the ledger knows, those of former settings among them."""
    return list(connection.execute(select(sinks.c.name).order_by(sinks.c.name)).scalars())


def forget(connection: Connection, name: str) -> None:
    """Remove what the ledger knows of a sink: nothing has to be kept for it any more."""
    for table, column in ((set_aside, set_aside.c.sink), (sinks, sinks.c.name)):
        connection.execute(delete(table).where(column == name))


def lag_of(connection: Connection, state: State, now: datetime) -> Lag:
    """Return how far a sink is behind."""
    oldest = connection.execute(
        select(records.c.received_at)
        .where(records.c.id > state.cursor)
        .order_by(records.c.id)
        .limit(1)
    ).scalar()
    seconds = (now - oldest).total_seconds() if oldest else 0.0
    return Lag(max(newest(connection) - state.cursor, 0), max(seconds, 0.0))


def take(connection: Connection, name: str, holder: str, now: datetime) -> bool:
    """Take a sink, or hold on to it; return whether it is this collector's now."""
    free = or_(sinks.c.holder.is_(None), sinks.c.holder == holder, sinks.c.held_until < now)
    done = connection.execute(
        update(sinks)
        .where(sinks.c.name == name, free)
        .values(holder=holder, held_until=now + LEASE)
    )
    return done.rowcount == 1


def release(connection: Connection, name: str, holder: str) -> None:
    """Let another collector feed a sink at once."""
    connection.execute(
        update(sinks)
        .where(sinks.c.name == name, sinks.c.holder == holder)
        .values(holder=None, held_until=None)
    )


def advance(connection: Connection, name: str, done: Advance, now: datetime) -> bool:
    """Move a sink's cursor; return False, and count nothing, where it is elsewhere meanwhile."""
    moved = connection.execute(
        update(sinks)
        .where(sinks.c.name == name, sinks.c.cursor == done.start)
        .values(
            cursor=done.end,
            written=sinks.c.written + done.written,
            held_back=sinks.c.held_back + done.held_back,
            set_aside=sinks.c.set_aside + len(done.set_aside),
        )
    )
    if moved.rowcount != 1:
        return False
    enough = SETTLE if done.steady else LONGEST_SETTLE
    connection.execute(
        update(sinks)
        .where(sinks.c.name == name, sinks.c.settling_since <= now - enough)
        .values(settled=sinks.c.settling, settling=done.end, settling_since=now)
    )
    rows = [
        {
            "sink": name,
            "probe_id": one.probe_id,
            "record_id": one.record_id,
            "reason": one.reason,
            "at": now,
        }
        for one in done.set_aside
    ]
    insert_new(connection, set_aside, rows)
    return True


def settle(connection: Connection, name: str, upto: int) -> None:
    """Note that the records up to ``upto`` are on the far end's disk."""
    connection.execute(
        update(sinks)
        .where(sinks.c.name == name, sinks.c.cursor == upto)
        .values(settled=upto, settling=upto)
    )


def begin_again(connection: Connection, name: str) -> None:
    """Put a sink's cursor before the first record; what was set aside gets another chance."""
    connection.execute(delete(set_aside).where(set_aside.c.sink == name))
    connection.execute(update(sinks).where(sinks.c.name == name).values(**_BEGINNING))
