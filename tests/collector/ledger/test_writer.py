"""The one writer on a real file: groups, errors of one job, limits, a full disk, another's lock."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import Connection, insert, select

from collector.errors import LedgerBusyError, LedgerError
from collector.ledger.database import Database
from collector.ledger.schema import carriers
from collector.ledger.writer import Shared, Writer
from collector.settings import LedgerSettings, LimitSettings
from tests.collector.conftest import ON_BOTH, NewLedger

NOW = datetime(2026, 11, 21, tzinfo=UTC)

pytestmark = ON_BOTH


@pytest.fixture
def settings(new_ledger: NewLedger) -> LedgerSettings:
    """Return where the ledger is: one that waits little for others."""
    return new_ledger(busy_timeout_seconds=0.3)


@pytest.fixture
def database(settings: LedgerSettings) -> Iterator[Database]:
    """Return a ledger with its tables."""
    with contextlib.closing(Database(settings)) as made:
        yield made


@contextlib.contextmanager
def writing(database: Database, **limits: int) -> Iterator[Writer]:
    """Run a writer."""
    writer = Writer(database, LimitSettings(**limits))
    writer.start()
    try:
        yield writer
    finally:
        writer.close()


def carrier(name: str) -> dict[str, object]:
    """Return a row: any small thing to write."""
    return {"id": name, "name": name, "created_at": NOW}


def add(connection: Connection, name: str) -> str:
    """Write a row; return its name."""
    connection.execute(insert(carriers).values(**carrier(name)))
    return name


def names(database: Database) -> set[str]:
    """Return what is written."""
    return database.read_now(lambda c: set(c.execute(select(carriers.c.id)).scalars()))


class Held:
    """Holds the writer in a job until it is let go, so that others queue behind it."""

    def __init__(self, writer: Writer) -> None:
        self._go = threading.Event()
        self._began = threading.Event()
        self.answer = writer.submit(self._hold)
        assert self._began.wait(5)

    def _hold(self, connection: Connection) -> None:
        del connection
        self._began.set()
        assert self._go.wait(10)

    def let_go(self) -> None:
        """Let the writer go on."""
        self._go.set()


def test_what_waits_is_written_in_one_commit(database: Database) -> None:
    """A hundred jobs that came while the writer was busy cost one commit."""
    with writing(database) as writer:
        held = Held(writer)
        answers = [writer.submit(partial(add, name=f"c{i}")) for i in range(100)]
        held.let_go()
        assert [answer.result(10) for answer in answers] == [f"c{i}" for i in range(100)]
        assert (writer.counts.commits, writer.counts.jobs) == (2, 101)
    assert len(names(database)) == 100


def test_a_group_has_a_size(database: Database) -> None:
    """What is above the group's bytes goes into the next commit."""
    with writing(database, group_bytes=250) as writer:
        held = Held(writer)
        answers = [writer.submit(partial(add, name=f"c{i}"), 100) for i in range(6)]
        held.let_go()
        for answer in answers:
            answer.result(10)
        assert writer.counts.commits == 4
        assert writer.queued_bytes == 0


def test_a_job_that_fails_undoes_itself_alone(database: Database) -> None:
    """Its neighbours in the same commit are written, whatever it raised."""

    def fail(connection: Connection) -> None:
        add(connection, "half")
        raise KeyError("half")

    with writing(database) as writer:
        held = Held(writer)
        before = writer.submit(lambda c: add(c, "before"))
        broken = writer.submit(fail)
        taken = writer.submit(lambda c: add(c, "before"))
        after = writer.submit(lambda c: add(c, "after"))
        held.let_go()
        assert (before.result(10), after.result(10)) == ("before", "after")
        with pytest.raises(KeyError):
            broken.result(10)
        with pytest.raises(Exception, match=r"(?i)unique"):
            taken.result(10)
    assert names(database) == {"before", "after"}


def test_what_nobody_foresaw_fails_its_group_and_the_writer_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is nobody's job's fails the group with a sentence; the next one is written."""

    def spoil(connection: Connection, job: object) -> None:
        del connection, job
        raise MemoryError("no memory")

    with writing(database) as writer:
        with monkeypatch.context() as spoilt:
            spoilt.setattr("collector.ledger.writer._run_apart", spoil)
            with pytest.raises(LedgerError, match="nothing was written: MemoryError: no memory"):
                writer.submit(partial(add, name="a")).result(5)
        assert writer.counts.failures == 1
        assert writer.submit(partial(add, name="b")).result(5) == "b"
    assert names(database) == {"b"}


def test_above_its_bytes_the_queue_refuses(database: Database) -> None:
    """One job always finds room; more than the limit does not."""
    with writing(database, queued_bytes=1000) as writer:
        held = Held(writer)
        writer.submit(lambda c: add(c, "large"), 5000)
        with pytest.raises(LedgerBusyError):
            writer.submit(lambda c: add(c, "more"), 1)
        held.let_go()
    assert names(database) == {"large"}
    assert writer.counts.refused == 1


def test_closing_writes_what_waits_and_takes_no_more(database: Database) -> None:
    """An answer that was promised is given before the end."""
    with writing(database) as writer:
        held = Held(writer)
        answers = [writer.submit(partial(add, name=f"c{i}")) for i in range(10)]
        with ThreadPoolExecutor(1) as pool:
            closed = pool.submit(writer.close)
            held.let_go()
            closed.result(10)
        assert all(answer.done() for answer in answers)
        with pytest.raises(LedgerBusyError):
            writer.submit(lambda c: add(c, "late"))
    assert len(names(database)) == 10


def test_a_job_that_nobody_waits_for_any_more_is_left_out(database: Database) -> None:
    """A request that was cancelled before its turn writes nothing."""
    with writing(database) as writer:
        held = Held(writer)
        answer = writer.submit(lambda c: add(c, "cancelled"))
        assert answer.cancel()
        held.let_go()
        writer.submit(lambda c: add(c, "kept")).result(10)
    assert names(database) == {"kept"}


def test_while_another_program_holds_what_is_written_nothing_is_half_written(
    database: Database, settings: LedgerSettings
) -> None:
    """All jobs of the group fail with a sentence; afterwards the writer works again."""
    with writing(database) as writer:
        with contextlib.closing(Database(settings)) as other, other.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE carriers IN EXCLUSIVE MODE")
            answers = [writer.submit(partial(add, name=f"c{i}")) for i in range(3)]
            for answer in answers:
                with pytest.raises(LedgerError, match=r"locked|lock timeout"):
                    answer.result(10)
            assert writer.counts.failures >= 1
        writer.submit(lambda c: add(c, "after")).result(10)
        assert writer.counts.failing is False
    assert names(database) == {"after"}


class Together:
    """Writes names at once, and remembers which; one of them may be refused, one may break all."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, connection: Connection, wanted: Sequence[str]) -> list[str | Exception]:
        """Write the names."""
        self.calls.append(list(wanted))
        for name in wanted:
            if name != "refused":
                add(connection, name)
            if name == "broken":
                raise ValueError(name)
        return [KeyError(name) if name == "refused" else name for name in wanted]


def test_jobs_of_a_kind_are_done_at_once(database: Database) -> None:
    """Those of different keys in one call; those of one key one after the other."""
    do = Together()
    with writing(database) as writer:
        held = Held(writer)
        wanted = [("b", "b1"), ("a", "a1"), ("b", "b2"), ("c", "refused"), ("b", "b3")]
        answers = [writer.submit(Shared(do, name), 1, key) for key, name in wanted]
        alone = writer.submit(partial(add, name="alone"))
        held.let_go()
        assert [answers[i].result(10) for i in (0, 1, 2, 4)] == ["b1", "a1", "b2", "b3"]
        assert alone.result(10) == "alone"
        with pytest.raises(KeyError, match="refused"):
            answers[3].result(10)
        assert (writer.counts.commits, writer.counts.jobs) == (2, 7)
    assert do.calls == [["a1", "b1", "refused"], ["b2"], ["b3"]]
    assert names(database) == {"a1", "b1", "b2", "b3", "alone"}


def test_one_that_breaks_what_is_done_at_once_fails_alone(database: Database) -> None:
    """Nothing of the call is kept; each is done by itself then, and the others are written."""
    do = Together()
    with writing(database) as writer:
        held = Held(writer)
        first, broken, last = (
            writer.submit(Shared(do, name), 1, key)
            for key, name in (("a", "first"), ("b", "broken"), ("c", "last"))
        )
        held.let_go()
        assert (first.result(10), last.result(10)) == ("first", "last")
        with pytest.raises(ValueError, match="broken"):
            broken.result(10)
    assert do.calls == [["first", "broken", "last"], ["first"], ["broken"], ["last"]]
    assert names(database) == {"first", "last"}
