"""Mail that is to be sent, as the ledger keeps it. Within a caller's transaction.

A mail is composed once and stored with its Message-ID; whoever sends it makes the same bytes of it
each time. It is taken for a time (a lease): a program that is killed while it sends lets go of it
when that ends, and another, or the same one started again, tries anew. What a server took before
the kill, and what was not noted any more, is sent twice then, under the same Message-ID.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, func, or_, select, update

from collector.ledger.schema import outbox
from collector.ledger.upsert import insert_new

LEASE: Final = timedelta(minutes=10)
"""Longer than a whole attempt may take (`collector.cases.smtp.ATTEMPT_SECONDS`)."""

WAITING: Final = "waiting"
SENT: Final = "sent"
GIVEN_UP: Final = "given_up"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of the outbox.

    Attributes:
        key: what it is; nothing is sent twice under one key.
        files: numbers of the case's files that are attached.
        state: waiting, sent or given_up.
        tries: attempts that began.
        problem: of the last attempt.
    """

    key: str
    case_id: int
    message_id: str
    sender: str
    recipients: Sequence[str]
    subject: str
    body: str
    files: Sequence[int]
    composed_at: datetime
    state: str
    tries: int
    next_at: datetime
    give_up_at: datetime
    problem: str | None
    sent_at: datetime | None


def cancel(connection: Connection, case: int, problem: str) -> None:
    """Try no more what a case has waiting, and say why."""
    waiting = (outbox.c.case_id == case, outbox.c.state == WAITING)
    connection.execute(update(outbox).where(*waiting).values(state=GIVEN_UP, problem=problem))


def withdraw(connection: Connection, key: str, problem: str, now: datetime) -> bool:
    """Try a mail no more, and say why; return False where somebody is sending it just now."""
    waiting = (outbox.c.key == key, outbox.c.state == WAITING)
    values = {"state": GIVEN_UP, "problem": problem, "holder": None, "held_until": None}
    connection.execute(update(outbox).where(*waiting, _free(now)).values(values))
    return connection.scalar(select(outbox.c.key).where(*waiting)) is None


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(outbox.c.holder.is_(None), outbox.c.held_until < now)


def put(  # noqa: PLR0913 - each is a column
    connection: Connection,
    key: str,
    case: int,
    *,
    message_id: str,
    sender: str,
    recipients: Sequence[str],
    subject: str,
    body: str,
    files: Sequence[int],
    now: datetime,
    give_up_at: datetime,
    again: bool = False,
) -> bool:
    """Put a mail into the outbox; return whether it was not there yet.

    With `again` the one of this key that was given up is tried again, and it returns whether there
    was one: as it was where its Message-ID is this one's, else this one stands in its place.
    """
    before = connection.scalar(select(outbox.c.key).where(outbox.c.key == key))
    row = {
        "key": key,
        "case_id": case,
        "message_id": message_id,
        "sender": sender,
        "recipients": " ".join(recipients),
        "subject": subject,
        "body": body,
        "files": " ".join(map(str, files)),
        "composed_at": now,
        "state": WAITING,
        "tries": 0,
        "next_at": now,
        "give_up_at": give_up_at,
    }
    if again:
        return _put_again(connection, row)
    insert_new(connection, outbox, [row])
    return before is None


def _put_again(connection: Connection, row: Mapping[str, Any]) -> bool:
    given_up = update(outbox).where(outbox.c.key == row["key"], outbox.c.state == GIVEN_UP)
    same = given_up.where(outbox.c.message_id == row["message_id"])
    # The moment of composing is in the mail: it stays.
    as_it_was = {name: row[name] for name in ("state", "next_at", "give_up_at")}
    if connection.execute(same.values(as_it_was)).rowcount == 1:
        return True
    return connection.execute(given_up.values({**row, "problem": None})).rowcount == 1


def read(connection: Connection, key: str) -> Mail | None:
    """Return a mail; None: there is none."""
    row = connection.execute(select(outbox).where(outbox.c.key == key)).mappings().first()
    return None if row is None else _mail(row)


def of_case(connection: Connection, case: int) -> list[Mail]:
    """Return the mails of a case in the order in which they were composed."""
    query = select(outbox).where(outbox.c.case_id == case)
    rows = connection.execute(query.order_by(outbox.c.composed_at, outbox.c.key)).mappings()
    return [_mail(row) for row in rows]


def keys(connection: Connection, prefix: str) -> set[str]:
    """Return the keys that begin so."""
    query = select(outbox.c.key).where(outbox.c.key.startswith(prefix, autoescape=True))
    return set(connection.scalars(query))


def _mail(row: RowMapping) -> Mail:
    values: dict[str, Any] = {name: row[name] for name in Mail.__slots__}
    values["recipients"] = row["recipients"].split()
    values["files"] = [int(number) for number in row["files"].split()]
    return Mail(**values)


def take(
    connection: Connection, holder: str, now: datetime, case: int | None = None
) -> Mail | None:
    """Take the mail whose turn it is, for `LEASE`; None: there is none.

    Args:
        connection: that writes.
        holder: who takes it.
        now: this moment.
        case: of this case alone, whether its turn has come or not.
    """
    due = outbox.c.next_at <= now if case is None else outbox.c.case_id == case
    wanted = (
        select(outbox.c.key)
        .where(outbox.c.state == WAITING, due, _free(now))
        .order_by(outbox.c.next_at, outbox.c.key)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    key = connection.scalar(wanted)
    if key is None:
        return None
    connection.execute(
        update(outbox)
        .where(outbox.c.key == key)
        .values(holder=holder, held_until=now + LEASE, tries=outbox.c.tries + 1)
    )
    return read(connection, key)


def note_sent(connection: Connection, key: str, holder: str, now: datetime) -> bool:
    """Note that a mail was taken by its server; return False where it is somebody else's now."""
    values = {"state": SENT, "sent_at": now, "problem": None}
    return _let_go(connection, key, holder, values)


def note_failed(
    connection: Connection, key: str, holder: str, problem: str, next_at: datetime
) -> bool:
    """Note why an attempt failed and when the next one is; False where it is somebody else's."""
    return _let_go(connection, key, holder, {"problem": problem, "next_at": next_at})


def note_given_up(connection: Connection, key: str, holder: str, problem: str) -> bool:
    """Note that a mail is tried no more; False where it is somebody else's now."""
    return _let_go(connection, key, holder, {"problem": problem, "state": GIVEN_UP})


def _let_go(connection: Connection, key: str, holder: str, values: Mapping[str, Any]) -> bool:
    mine = (outbox.c.key == key, outbox.c.holder == holder, outbox.c.state == WAITING)
    done = connection.execute(
        update(outbox).where(*mine).values(holder=None, held_until=None, **values)
    )
    return done.rowcount == 1


def counts(connection: Connection) -> dict[str, int]:
    """Return how many mails there are in each state."""
    query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    found = {state: int(count) for state, count in connection.execute(query)}
    return {state: found.get(state, 0) for state in (WAITING, SENT, GIVEN_UP)}


def oldest_waiting(connection: Connection) -> datetime | None:
    """Return when the mail was composed that waits longest; None: none waits."""
    return connection.scalar(
        select(outbox.c.composed_at)
        .where(outbox.c.state == WAITING)
        .order_by(outbox.c.composed_at)
        .limit(1)
    )
