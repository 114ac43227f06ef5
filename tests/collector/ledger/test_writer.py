"""The one writer on a real file: groups, errors of one job, limits, a full disk, another's lock."""

import asyncio
import contextlib
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from collector.errors import LedgerBusyError, LedgerError
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.schema import carriers, records
from collector.ledger.writer import Writer
from collector.settings import LedgerSettings, LimitSettings
from protocol.chain import check_follows, read_link
from tests.collector.conftest import Start

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return a ledger with its tables."""
    settings = LedgerSettings(path=tmp_path / "l.sqlite", busy_timeout_seconds=0.3)
    with contextlib.closing(Database(settings)) as made:
        migrate(made)
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
        with pytest.raises(Exception, match="UNIQUE"):
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


def test_while_another_program_holds_the_file_nothing_is_half_written(
    database: Database, tmp_path: Path
) -> None:
    """All jobs of the group fail with a sentence; afterwards the writer works again."""
    other = sqlite3.connect(tmp_path / "l.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with writing(database) as writer:
        answers = [writer.submit(partial(add, name=f"c{i}")) for i in range(3)]
        for answer in answers:
            with pytest.raises(LedgerError, match="locked"):
                answer.result(10)
        assert writer.counts.failures >= 1
        other.execute("ROLLBACK")
        other.close()
        writer.submit(lambda c: add(c, "after")).result(10)
        assert writer.counts.failing is False
    assert names(database) == {"after"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 2 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "small", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


async def test_a_full_disk_loses_nothing_that_was_acknowledged(
    start: Start, small_disk: Path
) -> None:
    """Batches are refused with 503 until there is room, then taken; none is there by half."""
    collector = await start(ledger=small_disk / "l.sqlite")
    device = collector.device()
    for number in range(400):
        device.add(NOW - timedelta(days=10) + timedelta(minutes=10 * number))
    acknowledged = 0
    async with asyncio.timeout(60):
        while acknowledged < 400:
            body = device.batch(acknowledged, acknowledged + 20)
            status, answer, headers = await collector.post(device, body)
            if status != 200:
                break
            acknowledged = answer["next_seq"]
    assert (status, headers["Retry-After"]) == (503, "30")
    assert 0 < acknowledged < 400
    assert collector.count(records) == acknowledged
    async with collector.client.get(collector.url + "/healthz") as health:
        assert health.status == 200
    async with collector.client.get(collector.url + "/metrics") as metrics:
        assert "linewatch_collector_writer_failing 1.0" in await metrics.text()
    grow = ["mount", "-o", "remount,size=40m", str(small_disk)]
    await (await asyncio.create_subprocess_exec(*grow)).wait()
    while acknowledged < 400:
        body = device.batch(acknowledged, acknowledged + 20)
        status, answer, _ = await collector.post(device, body)
        assert status == 200
        acknowledged = answer["next_seq"]
    rows = collector.rows(records, records.c.seq)
    assert [row["line"] for row in rows] == device.lines
    links = [read_link(row["line"]) for row in rows]
    for number in range(1, len(links)):
        check_follows(links[number - 1], links[number], number)
    check = collector.database.read_now(
        lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one()
    )
    assert check == "ok"
    assert (
        collector.database.read_now(
            lambda c: c.execute(select(func.count()).select_from(records)).scalar_one()
        )
        == 400
    )
