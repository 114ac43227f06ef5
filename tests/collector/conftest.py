"""A real collector on loopback with a ledger of its own, and probes that it knows.

A ledger is a new SQLite file, or in a test marked `ON_BOTH` also a new database of PostgreSQL: one
server for each process of tests, started when the first test needs it.
"""

import contextlib
import io
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psycopg
import pytest
from sqlalchemy import Table, func, select, update

from collector.app import build
from collector.ledger import registry, schema
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.months import ensure_month
from collector.serving import Serving, serve
from collector.settings import CollectorSettings, LedgerSettings
from protocol.constants import RECORDS_PATH
from protocol.messages import MeasuredPath, Schedule
from tests.collector import postgres, simulated_month
from tests.collector.device import Device

NO_SCHEDULE = Schedule(speed=None, latency=None, reach=None)


ON_BOTH = pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
"""Marks tests whose ledger is once in SQLite, once in PostgreSQL."""

NewLedger = Callable[..., LedgerSettings]
"""Returns the settings of one more ledger that has its tables; takes others of its settings."""


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """Return this process's PostgreSQL, with `ledger_template`: a ledger that nothing is in."""
    with postgres.serving() as made:
        made.run("CREATE DATABASE ledger_template")
        database = Database(made.settings("ledger_template"))
        migrate(database)
        database.close()
        yield made


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Return the kind of database that the test's ledgers are in."""
    kind: str = getattr(request, "param", "sqlite")
    return kind


@pytest.fixture
def new_ledger(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewLedger]:
    """Return a function that makes ledgers; they are gone after the test."""
    made: list[str] = []

    def in_file(**others: Any) -> LedgerSettings:
        made.append(f"ledger{len(made)}.sqlite")
        settings = LedgerSettings(path=tmp_path / made[-1], **others)
        database = Database(settings)
        migrate(database)
        database.close()
        return settings

    if engine == "sqlite":
        yield in_file
        return
    server: postgres.Server = request.getfixturevalue("server")

    def in_server(**others: Any) -> LedgerSettings:
        made.append(server.new_database("ledger_template"))
        return server.settings(made[-1], **others)

    yield in_server
    for name in made:
        server.drop(name)


def fill_registry(database: Database, now: datetime) -> None:
    """Register a carrier, a site and two lines."""
    with database.write() as connection:
        registry.add(connection, schema.carriers, {"id": "vnpt", "name": "VNPT"}, now)
        site = {"id": "nvh-1", "name": "Nhà văn hóa số 1", "ward": "Thạch Khôi"}
        registry.add(connection, schema.sites, site, now)
        for line in ("l1", "l2"):
            row: dict[str, Any] = {
                "id": line,
                "site_id": "nvh-1",
                "carrier_id": "vnpt",
                "technology": "fibre",
            }
            row["contracted_download_bits_per_second"] = 300_000_000
            registry.add(connection, schema.lines, row, now)


def register(database: Database, device: Device, line: str, now: datetime) -> str:
    """Register a device as a probe of a line; return its one-time code."""
    path = MeasuredPath(name="default", line=line, schedule=NO_SCHEDULE)
    with database.write() as connection:
        made = registry.add_probe(
            connection, device.probe, "nvh-1", [path], timedelta(hours=1), now
        )
    return made.code


def enrol_directly(database: Database, device: Device, line: str = "l1") -> Device:
    """Register a device and give it its key at once."""
    now = datetime.now(UTC)
    register(database, device, line, now)
    with database.write() as connection:
        connection.execute(
            update(schema.probes)
            .where(schema.probes.c.id == device.probe)
            .values(public_key=device.public_key, enrolled_at=now)
        )
    return device


@dataclass
class Running:
    """A collector that runs in this process, and a client for it."""

    url: str
    database: Database
    serving: Serving
    client: aiohttp.ClientSession

    @property
    def place(self) -> tuple[str, int]:
        """Where it listens: host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def device(self, probe: str = "p1", line: str = "l1") -> Device:
        """Return a device that is enrolled."""
        return enrol_directly(self.database, Device(probe), line)

    async def post(
        self, device: Device, body: bytes, **headers: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Send a batch; return the status, the JSON answered and the headers."""
        sent = {"Authorization": f"Bearer {device.token()}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        data = io.BytesIO(body)
        async with self.client.post(self.url + RECORDS_PATH, data=data, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None), dict(answer.headers)

    def rows(self, table: Table, *order: Any) -> list[dict[str, Any]]:
        """Return a table's rows."""
        return self.database.read_now(
            lambda c: [dict(row) for row in c.execute(select(table).order_by(*order)).mappings()]
        )

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        return self.database.read_now(
            lambda c: c.execute(select(func.count()).select_from(table)).scalar_one()
        )


Start = Callable[..., Any]


@pytest.fixture
async def start(new_ledger: NewLedger) -> AsyncIterator[Start]:
    """Return a function that starts a collector with changed settings; all are stopped after."""
    running: list[Running] = []

    async def begin(
        *,
        now: Callable[[], datetime] | None = None,
        ledger: Path | LedgerSettings | None = None,
        **sections: Any,
    ) -> Running:
        kept = LedgerSettings(path=ledger) if isinstance(ledger, Path) else ledger
        settings = CollectorSettings.model_validate(
            {"listen": "127.0.0.1:0", "ledger": kept or new_ledger(), **sections}
        )
        database = Database(settings.ledger)
        migrate(database)
        if not database.read_now(lambda c: c.execute(select(schema.carriers)).first()):
            fill_registry(database, datetime.now(UTC))
        clock = {"now": now} if now else {}
        serving = await serve(build(settings, database, **clock), settings)
        made = Running(serving.url, database, serving, aiohttp.ClientSession())
        running.append(made)
        return made

    yield begin
    for one in running:
        await one.client.close()
        await one.serving.stop()
        one.database.close()


@pytest.fixture
async def collector(start: Start) -> Running:
    """Return a collector with default settings."""
    made: Running = await start()
    return made


@pytest.fixture(scope="session")
def month_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a ledger with a simulated month, written once for all tests; they only read it."""
    path = tmp_path_factory.mktemp("month") / "ledger.sqlite"
    database = Database(LedgerSettings(path=path))
    migrate(database)
    with database.write() as connection:
        simulated_month.fill(connection)
    database.close()
    return path


@pytest.fixture(scope="session")
def month_database(server: postgres.Server, month_ledger: Path) -> LedgerSettings:
    """Return `month_ledger` as a database of PostgreSQL; tests roll back what they write."""
    name = server.new_database("ledger_template")
    settings = server.settings(name)
    with contextlib.closing(Database(settings)) as database, database.write() as connection:
        ensure_month(connection, simulated_month.NOW - timedelta(days=62), ahead=2)
    with (
        contextlib.closing(sqlite3.connect(month_ledger)) as source,
        psycopg.connect(server.address(name)) as target,
        target.cursor() as cursor,
    ):
        # What a ledger draws for itself when it is made.
        cursor.execute("DELETE FROM facts")
        for table in schema.metadata.sorted_tables:
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN".encode()) as copy:
                for row in source.execute(f"SELECT {columns} FROM {table.name}"):  # noqa: S608 - ours
                    copy.write_row(row)
        cursor.execute("SELECT setval('records_id_seq', max(id)) FROM records")
    server.run("ANALYZE", database=name)
    return settings


@pytest.fixture
async def month(start: Start, month_ledger: Path) -> Running:
    """Return a collector that shows the simulated month, on its last evening."""
    made: Running = await start(now=lambda: simulated_month.NOW, ledger=month_ledger)
    return made
