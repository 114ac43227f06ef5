"""What takes records in `bench.ingest`: collectors on either database, and others' programs."""

import asyncio
import json
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
from sqlalchemy import BigInteger, func, insert, literal, select, type_coerce

from bench.ingest_load import Load
from bench.processes import LINEWATCH, Process, cpu_seconds, resident_bytes, running
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.months import ensure_month
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.schema import records
from collector.settings import LedgerSettings
from collector.sinks.reading import read_page
from protocol.errors import LinewatchError
from simulate.sending import Sender
from tests.collector.postgres import serving

DURABLE: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "autovacuum": "on",
}
"""A PostgreSQL that keeps what it has confirmed, with the room that a small machine gives it."""

_DAY_US: Final = 86_400_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
_MONTH: Final = timedelta(days=30)
_PAGE: Final = 500
_SAMPLE_SECONDS: Final = 1.0
_MONTHS: Final = 12
"""Over which copies are spread, as the ledger's tables are by month."""


class BenchError(LinewatchError):
    """A target did not take what it was sent."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run found.

    Attributes:
        records: that were durably taken.
        seconds: from the first request to the last answer.
        p50_seconds, p99_seconds: of the answers to batches.
        cpu_seconds: of all of the target's processes, its database's too; None where they are not
            ours to ask.
        again: requests that had to be sent more than once.
        asked_rate: records per second that were to be sent; None: as many as are taken.
        resident_bytes: of the collectors' processes, from before the run to behind it, a sample
            every `_SAMPLE_SECONDS`.
    """

    records: int
    seconds: float
    p50_seconds: float
    p99_seconds: float
    cpu_seconds: float | None = None
    again: int = 0
    asked_rate: float | None = None
    resident_bytes: tuple[int, ...] = ()

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.records / self.seconds

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return asdict(self) | {"records_per_second": self.rate}


def quantile(seconds: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(seconds)
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


def family_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of those that it started, the ended ones too."""
    used = cpu_seconds(pid, ended_children=True)
    for child in children(pid):
        # One that ends meanwhile is among the ended ones, next time.
        with suppress(FileNotFoundError, ProcessLookupError):
            used += cpu_seconds(child)
    return used


class _Memory:
    """Samples what processes hold, on a thread of its own, while the block runs."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.samples = [read()]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.samples.append(self._read())

    def _sample(self) -> None:
        # Ends with the block.
        while not self._ended.wait(_SAMPLE_SECONDS):
            self.samples.append(self._read())


# --- Collectors ------------------------------------------------------------------------------


@contextmanager
def ledger(kind: str, folder: Path) -> Iterator[LedgerSettings]:
    """Yield the settings of an empty ledger: `sqlite` or `postgresql`."""
    if kind == "sqlite":
        yield LedgerSettings(path=folder / "ledger.sqlite")
        return
    with serving(**DURABLE) as server:
        yield server.settings(server.new_database())


class Collectors:
    """Collectors that run on one ledger, which knows a load's fleet.

    Args:
        settings: of the ledger.
        load: what they will be sent.
        processes: the collectors.
        urls: theirs.
    """

    def __init__(
        self,
        settings: LedgerSettings,
        load: Load,
        processes: Sequence[Process],
        urls: Sequence[str],
    ) -> None:
        self._settings = settings
        self._load = load
        self._processes = processes
        self._urls = list(urls)

    def stored(self) -> int:
        """Return how many records the ledger has."""
        return int(_on(self._settings, _count))

    def resident_bytes(self) -> int:
        """Return the memory of all of them."""
        return sum(map(resident_bytes, self._pids()))

    def _pids(self) -> list[int]:
        """Return the processes of all of them: a collector may check batches in others."""
        own = [process.popen.pid for process in self._processes]
        return own + [child for pid in own for child in children(pid)]

    def take(
        self, count: int | None, concurrency: int, *, rate: float | None = None, seconds: float = 0
    ) -> Taken:
        """Send records and wait for all answers.

        Args:
            count: at least so many; None: for ``seconds``.
            concurrency: requests at the same time.
            rate: records per second at most.
            seconds: for how long, where there is no number.

        Raises:
            BenchError: not all of them are in the ledger afterwards.
        """
        stored, cpu = self.stored(), self._cpu_seconds()
        sender = Sender(self._urls, self._load.keys, concurrency=concurrency, rate=rate)
        # Made before the clock runs, as far as memory allows: it is not what is measured.
        parcels = self._load.parcels(count)
        ready = iter(list(parcels)) if count is not None else parcels
        began = time.perf_counter()
        with _Memory(self.resident_bytes) as memory:
            asyncio.run(_send(sender, ready, None if count is not None else seconds))
        took = time.perf_counter() - began
        delivered = sender.delivered
        missing = delivered.records - (self.stored() - stored)
        if missing or delivered.stored != delivered.records:
            raise BenchError(f"{missing} of {delivered.records} records are not in the ledger")
        return Taken(
            records=delivered.records,
            seconds=took,
            p50_seconds=quantile(delivered.seconds, 0.5),
            p99_seconds=quantile(delivered.seconds, 0.99),
            cpu_seconds=self._cpu_seconds() - cpu,
            again=delivered.again,
            asked_rate=rate,
            resident_bytes=tuple(memory.samples),
        )

    def _cpu_seconds(self) -> float:
        servers = [_postmaster(self._settings)] if self._settings.url else []
        own = [process.popen.pid for process in self._processes]
        return sum(map(family_cpu_seconds, (*own, *servers)))

    def grow(self, size: int) -> None:
        """Bring the ledger to so many records, by copies of what it has in other chains."""

        def copy(connection: Any) -> int:  # noqa: ANN401 - SQLAlchemy's
            have = _count(connection)
            if have < size:
                back = have % _MONTHS * _MONTH
                ensure_month(connection, datetime.now(UTC) - back)
                connection.execute(_copying(size - have, have, back))
            return _count(connection)

        # Ends: each turn adds a copy of everything that was really sent.
        while _on(self._settings, copy, write=True) < size:
            pass


async def _send(sender: Sender, parcels: Iterator[Any], seconds: float | None) -> None:
    if seconds is not None:
        asyncio.get_running_loop().call_later(seconds, sender.stop)
    await sender.send(parcels)


def _count(connection: Any) -> int:  # noqa: ANN401 - SQLAlchemy's
    return int(connection.scalar(select(func.count()).select_from(records)))


def _postmaster(settings: LedgerSettings) -> int:
    """Return the process that has started all others of a PostgreSQL."""
    folder = _on(settings, lambda one: one.exec_driver_sql("SHOW data_directory").scalar_one())
    return int(Path(folder, "postmaster.pid").read_text().splitlines()[0])


def _copying(many: int, have: int, back: timedelta) -> Any:  # noqa: ANN401 - SQLAlchemy's
    """Return a statement that copies rows that were sent: other chains, days that lie before.

    No chain's own name has an `x`: it is hexadecimal.
    """
    columns = [column for column in records.columns if column.name != "id"]
    changed = {
        "chain": records.c.chain + literal(f"x{have}"),
        "measured_at": type_coerce(records.c.measured_at, BigInteger) - _DAY_US * (1 + have % 300),
        "received_at": type_coerce(records.c.received_at, BigInteger) - back // _MICROSECOND,
    }
    source = (
        select(*(changed.get(column.name, column) for column in columns))
        .where(records.c.chain.not_like("%x%"))
        .order_by(records.c.id)
        .limit(many)
    )
    return insert(records).from_select([column.name for column in columns], source)


def _on(settings: LedgerSettings, job: Callable[[Any], Any], *, write: bool = False) -> Any:  # noqa: ANN401
    # Copying millions of rows takes longer than any statement of a collector may.
    database = Database(settings.model_copy(update={"statement_timeout_seconds": 3600.0}))
    try:
        if not write:
            return database.read_now(job)
        with database.write() as connection:
            return job(connection)
    finally:
        database.close()


@contextmanager
def collectors(
    settings: LedgerSettings, folder: Path, load: Load, many: int, checking: int = 0
) -> Iterator[Collectors]:
    """Run collectors on a ledger until the block ends; a ledger without the fleet gets it.

    Args:
        settings: of the ledger.
        folder: for their configuration and their logs.
        load: what they will be sent.
        many: collectors.
        checking: processes that check batches for each of them; 0: its own threads.
    """
    database = Database(settings)
    migrate(database)
    content = RegistryFile.model_validate_json(json.dumps(load.fleet.registry()))
    with database.write() as connection:
        import_registry(connection, content, datetime.now(UTC))
    database.close()
    url = settings.url
    place = {"url": url.get_secret_value()} if url else {"path": str(settings.path)}
    configuration = folder / "config.yaml"
    limits = {"verifying_processes": checking}
    configuration.write_text(json.dumps({"collector": {"ledger": place, "limits": limits}}))
    words = [LINEWATCH, "collector", "run", "--listen", "127.0.0.1:0"]
    with ExitStack() as started:
        processes = [
            started.enter_context(
                running(f"collector-{number}", [*words, "--config", str(configuration)], folder)
            )
            for number in range(many)
        ]
        urls = [process.wait_for(r"listening on (http://\S+)")[1] for process in processes]
        yield Collectors(settings, load, processes, urls)


# --- Others ----------------------------------------------------------------------------------


def bare_sqlite(folder: Path, lines: Sequence[Sequence[bytes]]) -> Taken:
    """Keep the same lines in a bare table, a commit a batch: durable, and nothing else."""
    bare = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, line BLOB)")
    waits = []
    began, used = time.perf_counter(), time.process_time()
    for batch in lines:
        start = time.perf_counter()
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany("INSERT INTO t (line) VALUES (?)", [(line,) for line in batch])
        bare.execute("COMMIT")
        waits.append(time.perf_counter() - start)
    took, cpu = time.perf_counter() - began, time.process_time() - used
    bare.close()
    many = sum(map(len, lines))
    return Taken(many, took, quantile(waits, 0.5), quantile(waits, 0.99), cpu)


def points(settings: LedgerSettings, batch: int) -> list[tuple[int, bytes]]:
    """Return what the sinks write of a ledger: records and line protocol, batch by batch."""

    def read(connection: Any) -> list[Sequence[str]]:  # noqa: ANN401 - SQLAlchemy's
        found: list[Sequence[str]] = []
        after, end = 0, int(connection.scalar(select(func.max(records.c.id))))
        while after < end:
            page = read_page(connection, after, end, _PAGE)
            found += [point.lines for point in page.points]
            if page.end is None:
                break
            after = page.end
        return found

    lines: list[Sequence[str]] = _on(settings, read)
    parts = [lines[first : first + batch] for first in range(0, len(lines), batch)]
    return [(len(part), "\n".join(line for one in part for line in one).encode()) for part in parts]


def swallow(
    process: Process, url: str, parts: Sequence[tuple[int, bytes]], concurrency: int
) -> Taken:
    """Write line protocol to a series database, as many requests at once as a collector gets.

    Raises:
        BenchError: it did not take a part.
    """
    resident, cpu = resident_bytes(process.popen.pid), process.cpu_seconds()
    waits: list[float] = []

    async def write(client: aiohttp.ClientSession, turn: Iterator[tuple[int, bytes]]) -> None:
        for _, body in turn:
            start = time.perf_counter()
            async with client.post(url, data=body) as answer:
                if not answer.ok:
                    raise BenchError(f"{url}: {answer.status} {(await answer.text())[:200]}")
            waits.append(time.perf_counter() - start)

    async def everybody() -> None:
        turn = iter(parts)
        async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(write(client, turn))

    began = time.perf_counter()
    asyncio.run(everybody())
    took = time.perf_counter() - began
    return Taken(
        records=sum(many for many, _ in parts),
        seconds=took,
        p50_seconds=quantile(waits, 0.5),
        p99_seconds=quantile(waits, 0.99),
        cpu_seconds=process.cpu_seconds() - cpu,
        resident_bytes=(resident, resident_bytes(process.popen.pid)),
    )


def make_database(url: str, name: str) -> None:
    """Make a database of an InfluxDB 1.x."""
    request = urllib.request.Request(  # noqa: S310 - on loopback
        f"{url}/query?q=CREATE+DATABASE+{name}", method="POST"
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - on loopback
        pass
