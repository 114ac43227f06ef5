"""PostgreSQL in trouble: gone, crashed, without connections, slow. Nothing is half stored."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, make_url

from collector.errors import LedgerBusyError, LedgerError
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.schema import records
from collector.settings import LedgerSettings
from tests.collector import postgres
from tests.collector.conftest import Running, Start
from tests.collector.device import Device

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def fragile() -> Iterator[postgres.Server]:
    """Return a server of these tests' own, to be stopped; it takes few connections."""
    with postgres.serving(max_connections="12", superuser_reserved_connections="0") as server:
        yield server


@pytest.fixture
def ledger(fragile: postgres.Server) -> LedgerSettings:
    """Return a ledger on it, with its tables."""
    settings = fragile.settings(fragile.new_database(), busy_timeout_seconds=0.5)
    with contextlib.closing(Database(settings)) as database:
        migrate(database)
    return settings


def filled(collector: Running, count: int) -> Device:
    """Return an enrolled device with some records."""
    device = collector.device()
    for number in range(count):
        device.add_reach(START + timedelta(minutes=5 * number))
    return device


async def assert_refused(collector: Running, device: Device, first: int, end: int) -> None:
    """Assert that the collector asks to send a batch again later, and says that it is not well."""
    status, answer, headers = await collector.post(device, device.batch(first, end))
    assert (status, headers["Retry-After"], answer["status"]) == (503, "30", 503)
    async with collector.client.get(collector.url + "/healthz") as health:
        assert health.status == 503


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_while_the_server_is_gone_probes_are_asked_to_come_again(
    start: Start, fragile: postgres.Server, ledger: LedgerSettings, how: signal.Signals
) -> None:
    """Stopped or crashed: 503 with Retry-After; once it is back the next batch is taken, with
    nothing done to the collector, and what was acknowledged is there.
    """
    collector = await start(ledger=ledger)
    device = filled(collector, 60)
    assert (await collector.post(device, device.batch(0, 20)))[0] == 200
    await asyncio.to_thread(fragile.stop, how)
    await assert_refused(collector, device, 20, 40)
    await asyncio.to_thread(fragile.start)
    status, answer, _ = await collector.post(device, device.batch(20, 60))
    assert (status, answer["stored"]) == (200, 40)
    rows = collector.rows(records, records.c.seq)
    assert [row["line"] for row in rows] == device.lines


async def test_a_server_that_dies_within_a_commit_leaves_all_or_nothing(
    start: Start, fragile: postgres.Server, ledger: LedgerSettings
) -> None:
    """Batches that come while it crashes are answered, and what is sent again is there once."""
    collector = await start(ledger=ledger)
    device = filled(collector, 200)
    came = {seen: asyncio.Event() for seen in (30, 90, 150)}

    async def send() -> None:
        acknowledged = 0
        while acknowledged < 200:
            body = device.batch(acknowledged, acknowledged + 5)
            status, answer, _ = await collector.post(device, body)
            assert status in (200, 503)
            if status == 200:
                acknowledged = answer["next_seq"]
            if acknowledged in came:
                came[acknowledged].set()

    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        tasks.create_task(send())
        for seen in came.values():
            await seen.wait()
            await asyncio.to_thread(fragile.stop, signal.SIGQUIT)
            await asyncio.to_thread(fragile.start)
    rows = collector.rows(records, records.c.seq)
    assert [row["line"] for row in rows] == device.lines


async def test_where_others_hold_all_connections_probes_are_asked_to_come_again(
    start: Start, fragile: postgres.Server, ledger: LedgerSettings
) -> None:
    """A collector that gets no connection answers 503; when there is one again it goes on."""
    collector = await start(ledger=ledger)
    device = filled(collector, 20)
    with contextlib.ExitStack() as held:
        # Those of the collector end at the server's side: it may be reading over one just now.
        ending = held.enter_context(psycopg.connect(fragile.address("postgres"), autocommit=True))
        while ending.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'linewatch'"
        ).fetchall():
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(psycopg.connect(fragile.address("postgres")))
        await assert_refused(collector, device, 0, 20)
    await asyncio.to_thread(fragile.wait_until_others_left)
    status, answer, _ = await collector.post(device, device.batch(0, 20))
    assert (status, answer["stored"]) == (200, 20)


async def test_however_many_ask_a_collector_has_few_connections(
    start: Start, fragile: postgres.Server, ledger: LedgerSettings
) -> None:
    """Its pages and its writer share them; nobody is refused for it."""
    collector = await start(ledger=ledger)
    counts: list[int] = []

    async def ask() -> int:
        async with collector.client.get(collector.url + "/v1/lines") as answer:
            status: int = answer.status
            return status

    statuses = await asyncio.gather(*(ask() for _ in range(40)))
    with psycopg.connect(fragile.address("postgres")) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'linewatch'"
        counts += [row[0] for row in connection.execute(query)]
    assert statuses == [200] * 40
    assert 1 <= counts[0] <= 8


def test_a_statement_that_takes_too_long_is_given_up(ledger: LedgerSettings) -> None:
    """The database ends it, reading or writing; the error says that it is busy, not broken."""

    def sleep(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT pg_sleep(60)")

    quick = ledger.model_copy(update={"statement_timeout_seconds": 0.2})
    with contextlib.closing(Database(quick)) as database:
        with pytest.raises(LedgerBusyError, match="statement timeout"):
            database.read_now(sleep)
        with (
            pytest.raises(LedgerBusyError, match="statement timeout"),
            database.write() as connection,
        ):
            sleep(connection)


def test_whoever_reads_changes_nothing_and_sees_one_moment(ledger: LedgerSettings) -> None:
    """A read sees nothing that is committed while it lasts, and cannot write."""
    count = "SELECT count(*) FROM carriers"
    with contextlib.closing(Database(ledger)) as database:

        def read(connection: Connection) -> None:
            before = connection.exec_driver_sql(count).scalar_one()
            with database.write() as other:
                other.exec_driver_sql(
                    "INSERT INTO carriers (id, name, created_at) VALUES ('a', 'A', 0)"
                )
            assert connection.exec_driver_sql(count).scalar_one() == before == 0

        database.read_now(read)
        assert database.read_now(lambda c: c.exec_driver_sql(count).scalar_one()) == 1
        with pytest.raises(LedgerError, match="read-only transaction"):
            database.read_now(lambda c: c.exec_driver_sql("DELETE FROM carriers"))


@pytest.mark.parametrize(
    "change,words",
    [
        ({"username": "nobody"}, 'role "nobody" does not exist'),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"query": {"host": "/nowhere"}}, "No such file or directory"),
        ({"drivername": "postgres", "database": "nowhere"}, 'database "nowhere" does not exist'),
    ],
)
def test_a_place_that_is_none_is_named_by_its_setting(
    server: postgres.Server, change: dict[str, Any], words: str
) -> None:
    """Whatever of the address is wrong, the sentence names the setting and where help is."""
    settings = server.settings("ledger_template")
    assert settings.url is not None
    url = make_url(settings.url.get_secret_value())
    changed = url.set(**({"query": dict(url.query)} | change)).render_as_string(hide_password=False)
    wrong = LedgerSettings.model_validate({"url": changed})
    with contextlib.closing(Database(wrong)) as database, pytest.raises(LedgerError) as caught:
        migrate(database)
    assert words in str(caught.value)
    assert "collector.ledger.url" in str(caught.value)
    assert "docs/ledger.md" in str(caught.value)


def test_a_user_who_may_not_is_told_what_is_missing(server: postgres.Server) -> None:
    """One who owns nothing in the database cannot make the tables."""
    name = server.new_database()
    server.run("CREATE ROLE stranger LOGIN")
    url = make_url(server.settings(name).url.get_secret_value())  # type: ignore[union-attr] # has one
    theirs = url.set(username="stranger").render_as_string(hide_password=False)
    wrong = LedgerSettings.model_validate({"url": theirs})
    with (
        contextlib.closing(Database(wrong)) as database,
        pytest.raises(LedgerError, match=r"permission denied.*collector\.ledger\.url has to own"),
    ):
        migrate(database)
    server.drop(name)
    server.run("DROP ROLE stranger")
