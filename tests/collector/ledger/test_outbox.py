"""The outbox in the ledger, on both databases."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from collector.domain.cases.steps import Event, Role, Step
from collector.ledger import cases, outbox
from collector.ledger.database import Database
from collector.ledger.outbox import LEASE, Mail
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = ON_BOTH


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Iterator[Database]:
    """Return a ledger with two cases."""
    with contextlib.closing(Database(new_ledger())) as database:
        fill_registry(database, NOW)
        event = Event(1, Step.OPENED, NOW, date(2026, 11, 2), Role.CLERK)
        with database.write() as connection:
            for month in ("2026-09", "2026-10"):
                row = {"carrier_id": "vnpt", "carrier_name": "V", "month": month, "ward": None}
                cases.open_case(connection, row, [], [], event)
        yield database


def put(
    ledger: Database,
    case: int = 1,
    key: str = "complaint/1",
    body: str = "xin chào",
    *,
    message_id: str | None = None,
    now: datetime = NOW,
    again: bool = False,
) -> bool:
    """Put a mail into the outbox."""
    with ledger.write() as connection:
        return outbox.put(
            connection,
            key,
            case,
            message_id=message_id or f"<{key}@x>",
            sender="a@b.example",
            recipients=["c@d.example", "e@f.example"],
            subject="Kiến nghị",
            body=body,
            files=[1, 2],
            now=now,
            give_up_at=now + HOUR,
            again=again,
        )


def take(ledger: Database, holder: str, at: datetime = NOW, case: int | None = None) -> Mail | None:
    """Take a mail."""
    with ledger.write() as connection:
        return outbox.take(connection, holder, at, case)


def read(ledger: Database, key: str = "complaint/1") -> Mail:
    """Return a mail that is there."""
    found = ledger.read_now(lambda c: outbox.read(c, key))
    assert found is not None
    return found


def test_a_mail_is_put_once(ledger: Database) -> None:
    """A second one of its key is none, whatever it says."""
    assert put(ledger)
    assert not put(ledger, body="something else")
    found = read(ledger)
    assert (found.body, found.files, found.state) == ("xin chào", [1, 2], "waiting")
    assert found.recipients == ["c@d.example", "e@f.example"]
    assert ledger.read_now(lambda c: outbox.keys(c, "complaint/")) == {"complaint/1"}
    assert ledger.read_now(lambda c: outbox.keys(c, "reminder/")) == set()


def test_of_many_who_take_one_gets_it(ledger: Database) -> None:
    """Collectors beside each other never hold the same mail."""
    for number in range(3):
        put(ledger, key=f"complaint/{number}")
    taken: list[str] = []

    def work(name: str) -> None:
        # Ends when nothing is free.
        while (mail := take(ledger, name)) is not None:
            taken.append(mail.key)

    threads = [threading.Thread(target=work, args=(f"collector {n}",)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(taken) == ["complaint/0", "complaint/1", "complaint/2"]


def test_who_was_killed_lets_go_after_the_lease(ledger: Database) -> None:
    """Not before; the attempt that nobody noted counts as one."""
    put(ledger)
    assert take(ledger, "one") is not None
    assert take(ledger, "two", NOW + LEASE) is None
    late = take(ledger, "two", NOW + LEASE + timedelta(seconds=1))
    assert late is not None
    assert late.tries == 2
    with ledger.write() as connection:
        assert not outbox.note_sent(connection, late.key, "one", NOW)
        assert outbox.note_sent(connection, late.key, "two", NOW)
    assert read(ledger).state == "sent"
    assert take(ledger, "three", NOW + 10 * LEASE) is None


def test_a_failed_attempt_waits_for_its_turn(ledger: Database) -> None:
    """What went wrong is there to be read; asked for by its case it is taken at once."""
    put(ledger)
    take(ledger, "one")
    with ledger.write() as connection:
        outbox.note_failed(connection, "complaint/1", "one", "450 later", NOW + HOUR)
    assert read(ledger).problem == "450 later"
    assert take(ledger, "one", NOW + HOUR - timedelta(seconds=1)) is None
    assert take(ledger, "one", NOW, case=2) is None
    assert take(ledger, "one", NOW, case=1) is not None


def test_what_was_given_up_is_tried_again_when_asked_to(ledger: Database) -> None:
    """As it was composed; what was sent is not."""
    put(ledger)
    put(ledger, 2, "complaint/2")
    for key in ("complaint/1", "complaint/2"):
        take(ledger, key)
        with ledger.write() as connection:
            if key == "complaint/1":
                outbox.note_given_up(connection, key, key, "550 nobody")
            else:
                outbox.note_sent(connection, key, key, NOW)
    assert ledger.read_now(outbox.counts) == {"waiting": 0, "sent": 1, "given_up": 1}
    assert ledger.read_now(outbox.oldest_waiting) is None
    assert put(ledger, again=True)
    assert not put(ledger, 2, "complaint/2", again=True)
    assert ledger.read_now(outbox.oldest_waiting) == NOW
    assert take(ledger, "one") is not None


@pytest.mark.parametrize("is_same", [True, False])
def test_what_is_tried_again_is_the_same_mail_or_another_one(
    ledger: Database, *, is_same: bool
) -> None:
    """By its Message-ID: as it was composed, or what is put in its place with all that it says."""
    put(ledger)
    assert take(ledger, "one") is not None
    with ledger.write() as connection:
        outbox.note_given_up(connection, "complaint/1", "one", "550 no")
    before = read(ledger)
    message_id = before.message_id if is_same else "<other@x>"
    assert put(ledger, body="khác", message_id=message_id, now=NOW + HOUR, again=True)
    again = read(ledger)
    assert (again.state, again.next_at, again.give_up_at) == (
        "waiting",
        NOW + HOUR,
        NOW + 2 * HOUR,
    )
    said = (again.message_id, again.body, again.composed_at, again.tries, again.problem)
    if is_same:
        assert said == (before.message_id, "xin chào", NOW, 1, "550 no")
    else:
        assert said == ("<other@x>", "khác", NOW + HOUR, 0, None)


def test_what_is_being_sent_is_not_withdrawn(ledger: Database) -> None:
    """What waits is, and what nobody holds any more."""
    put(ledger)
    with ledger.write() as connection:
        outbox.take(connection, "one", NOW)
        assert not outbox.withdraw(connection, "complaint/1", "by post", NOW)
    assert read(ledger).state == "waiting"
    with ledger.write() as connection:
        later = NOW + outbox.LEASE + HOUR
        assert outbox.withdraw(connection, "complaint/1", "by post", later)
        assert not outbox.note_sent(connection, "complaint/1", "one", later)
        assert outbox.withdraw(connection, "complaint/2", "there is none", NOW)
    assert (read(ledger).state, read(ledger).problem) == ("given_up", "by post")


def test_a_closed_cases_mail_waits_no_more(ledger: Database) -> None:
    """And another case's goes on."""
    put(ledger)
    put(ledger, 2, "complaint/2")
    with ledger.write() as connection:
        outbox.cancel(connection, 1, "the case was closed first")
    assert (read(ledger).state, read(ledger).problem) == ("given_up", "the case was closed first")
    assert read(ledger, "complaint/2").state == "waiting"
    assert [one.key for one in ledger.read_now(lambda c: outbox.of_case(c, 2))] == ["complaint/2"]
