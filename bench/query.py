"""How long pages, lists and series take on a ledger with a year of a city.

    make bench-query
    python -m bench.query [--lines 5000] [--full 4] [--days 365] [--requests 200] [--json]

A real collector answers over HTTP, one request after another, on SQLite and on PostgreSQL, while
lines have news as they would in the field. What the ledger holds, and what of a city it leaves out:
`bench.query_ledger`. All of it runs on this machine. The bars: p99 below 300 ms, of `/metrics` at
most 0.5 s.
"""

import http.client
import itertools
import json
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, update

from bench.ingest_targets import BenchError, ledger, quantile
from bench.processes import LINEWATCH, resident_bytes, running
from bench.query_ledger import City, Filled, Source, fill
from collector.api.overview import PAGE_LINES
from collector.ledger.database import Database
from collector.ledger.queries import overview
from collector.ledger.schema import latest
from collector.ledger.series_queries import latency_points, speed_points
from collector.settings import LedgerSettings

NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

PAGE_BAR_SECONDS: Final = 0.3
METRICS_BAR_SECONDS: Final = 0.5

NEWS_EVERY_SECONDS: Final = 300.0
"""How often a line has news: its probe checks reachability as often."""

_SPEED_NEWS: Final = 36
"""One of so many news of a line is a speed test's: eight a day."""

_MONTH: Final = timedelta(days=30)
_TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be measured, on which ledger."""

    city: City = field(default_factory=City)
    requests: int = 200
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long one kind of question took, and how long it may."""

    requests: int
    p50_seconds: float
    p99_seconds: float
    most_seconds: float
    bar_seconds: float | None
    answer_bytes: int | None

    @classmethod
    def of(cls, seconds: Sequence[float], bar: float | None, size: int | None = None) -> "Waits":
        """Return the figures of some waits, and of the largest answer."""
        p50, p99 = quantile(seconds, 0.5), quantile(seconds, 0.99)
        return cls(len(seconds), p50, p99, max(seconds), bar, size)


@dataclass(slots=True)
class Found:
    """What was found on one database.

    Attributes:
        filled: what the ledger holds.
        ledger_bytes: on the disk.
        waits: by question.
        first_overview_seconds: the list of lines, read by a collector that has just started.
        resident_bytes: of the collector at the end.
        load: of the machine, over the minutes of measuring.
    """

    filled: Filled
    ledger_bytes: int
    waits: dict[str, Waits] = field(default_factory=dict)
    first_overview_seconds: float = 0.0
    resident_bytes: int = 0
    load: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return {
            "records": self.filled.records,
            "lines": self.filled.lines,
            "full_lines": len(self.filled.full_lines),
            "ledger_bytes": self.ledger_bytes,
            "first_overview_seconds": self.first_overview_seconds,
            "resident_bytes": self.resident_bytes,
            "load": self.load,
            "waits": {name: asdict(waits) for name, waits in self.waits.items()},
        }


def measure(options: Options, say: Console) -> dict[str, Found]:
    """Measure everything, and say on the way what is being done."""
    found = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        say.print("simulating records to copy …")
        source = Source(options.city, Path(made))
        for kind in options.databases:
            folder = Path(made) / kind
            folder.mkdir()
            with ledger(kind, folder) as settings:
                say.print(f"{NAMES[kind]}: filling the ledger …")
                filled = fill(settings, source)
                say.print(f"{NAMES[kind]}: {filled.records:,} records; measuring …")
                found[NAMES[kind]] = _measure(settings, folder, filled, options.requests)
    return found


def _measure(settings: LedgerSettings, folder: Path, filled: Filled, requests: int) -> Found:
    url = settings.url
    place = {"url": url.get_secret_value()} if url else {"path": str(settings.path)}
    configuration = folder / "config.yaml"
    configuration.write_text(json.dumps({"collector": {"ledger": place, "web": {"public": True}}}))
    words = [LINEWATCH, "collector", "run", "--listen", "127.0.0.1:0"]
    with closing(Database(settings)) as database:
        found = Found(filled, _ledger_bytes(database, settings))
        began = time.perf_counter()
        database.read_now(lambda connection: overview(connection, datetime.now(UTC)))
        found.first_overview_seconds = time.perf_counter() - began
        found.waits["a month of a line, the ledger's queries"] = _own_queries(
            database, filled, requests
        )
        command = [*words, "--config", str(configuration)]
        with (
            running("collector", command, folder) as process,
            _news(database, [*filled.full_lines, *filled.sparse_lines]),
        ):
            address = process.wait_for(r"listening on http://(\S+)")[1]
            found.waits |= _over_http(address, filled, requests)
            found.resident_bytes = resident_bytes(process.popen.pid)
    found.load = os.getloadavg()[0]
    return found


def _ledger_bytes(database: Database, settings: LedgerSettings) -> int:
    if settings.url is None:
        return settings.path.stat().st_size
    query = "SELECT pg_database_size(current_database())"
    return int(database.read_now(lambda c: c.exec_driver_sql(query).scalar_one()))


def _own_queries(database: Database, filled: Filled, requests: int) -> Waits:
    """Return how long a month of speed tests and one of latency take without HTTP."""
    end = datetime.now(UTC)
    waits = []
    for number in range(requests):
        line = filled.full_lines[number % len(filled.full_lines)]
        until = end - timedelta(days=number * 7 % 330)
        month = (line, until - _MONTH, until)
        began = time.perf_counter()
        for read in (speed_points, latency_points):
            database.read_now(partial(_read, read, month))
        waits.append(time.perf_counter() - began)
    return Waits.of(waits, PAGE_BAR_SECONDS)


def _read(
    read: Callable[[Connection, str, datetime, datetime], object],
    month: tuple[str, datetime, datetime],
    connection: Connection,
) -> object:
    return read(connection, *month)


@contextmanager
def _news(database: Database, lines: Sequence[str]) -> Iterator[None]:
    """Let lines have news, as when their probes deliver: what is known of them is old then."""
    ended = threading.Event()
    each = NEWS_EVERY_SECONDS / len(lines)

    def tell() -> None:
        dice = random.Random(1)  # noqa: S311 - no secret
        for turn in itertools.count():
            many = max(1, round(1 / each))
            some = dice.sample(lines, min(many, len(lines)))
            task = "speed" if turn % _SPEED_NEWS == 0 else "reach"
            with database.write() as connection:
                of_them = latest.c.line_id.in_(some), latest.c.task == task
                # Its value is drawn by the column itself.
                connection.execute(
                    update(latest).where(*of_them).values(record_id=latest.c.record_id)
                )
            if ended.wait(max(1.0, each)):
                return

    thread = threading.Thread(target=tell, name="news")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _over_http(address: str, filled: Filled, requests: int) -> dict[str, Waits]:
    """Return how long each kind of request takes, of requests in turns of all kinds."""
    asked = _questions(filled)
    waits: dict[str, list[float]] = {name: [] for name in asked}
    sizes = dict.fromkeys(asked, 0)
    parts = urlsplit(f"//{address}")
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, _TIMEOUT_SECONDS)
    with closing(client):
        # The first ones make what is kept between requests: `first_overview_seconds` tells of it.
        for path_of, _ in asked.values():
            _get(client, path_of(0))
        for number in range(1, requests + 1):
            for name, (path_of, _) in asked.items():
                began = time.perf_counter()
                size = _get(client, path_of(number))
                waits[name].append(time.perf_counter() - began)
                sizes[name] = max(sizes[name], size)
    return {name: Waits.of(waits[name], bar, sizes[name]) for name, (_, bar) in asked.items()}


def _get(client: http.client.HTTPConnection, path: str) -> int:
    client.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = client.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise BenchError(f"{path}: {answer.status} {body[:200]!r}")
    return len(body)


def _questions(filled: Filled) -> Mapping[str, tuple[Callable[[int], str], float]]:
    """Return by name what is asked, each time something else, and how long it may take."""
    full, sparse = filled.full_lines, filled.sparse_lines or filled.full_lines
    pages = -(-filled.lines // PAGE_LINES)

    def month(task: str, limit: int) -> Callable[[int], str]:
        def path(number: int) -> str:
            end = datetime.now(UTC) - timedelta(days=number * 7 % 330)
            span = {"start": (end - _MONTH).isoformat(), "end": end.isoformat()}
            query = urlencode({"task": task, "limit": limit, **span})
            return f"/v1/lines/{full[number % len(full)]}/series?{query}"

        return path

    bar = PAGE_BAR_SECONDS
    return {
        "list of lines, a page": (lambda number: f"/?page={1 + number % pages}", bar),
        "/v1/lines, 1,000 of them": (lambda _: "/v1/lines?limit=1000", bar),
        "page of a line, a week": (lambda number: f"/lines/{full[number % len(full)]}", bar),
        "page of a line, a month": (
            lambda number: f"/lines/{full[number % len(full)]}?period=month",
            bar,
        ),
        "page of another line": (
            lambda number: f"/lines/{sparse[number * 37 % len(sparse)]}",
            bar,
        ),
        "series of a month, speed": (month("speed", 1000), bar),
        "series of a month, latency, 1,000": (month("latency", 1000), bar),
        "series of a month, latency, 5,000": (month("latency", 5000), bar),
        "/metrics": (lambda _: "/metrics", METRICS_BAR_SECONDS),
    }


# --- For people ------------------------------------------------------------------------------


def tables(found: Mapping[str, Found], city: City) -> list[Table]:
    """Return what was found, for people."""
    made = []
    for name, one in found.items():
        filled = one.filled
        table = Table(
            title=f"{name}: {filled.records:,} records, {one.ledger_bytes / 1e9:.1f} GB, "
            f"{filled.lines:,} lines. {len(filled.full_lines)} of them have all records of "
            f"{city.days} days, the others all speed tests of the last days and samples",
            title_justify="left",
        )
        for heading in ("question", "asked", "p50 ms", "p99 ms", "most ms", "bar ms", "kB"):
            table.add_column(heading, justify="left" if heading == "question" else "right")
        for question, waits in one.waits.items():
            table.add_row(question, *_cells(waits))
        made.append(table)
    return made


def _cells(waits: Waits) -> tuple[str, ...]:
    bar, size = waits.bar_seconds, waits.answer_bytes
    met = bar is None or waits.p99_seconds <= bar
    return (
        str(waits.requests),
        f"{waits.p50_seconds * 1e3:.0f}",
        f"{waits.p99_seconds * 1e3:.0f}",
        f"{waits.most_seconds * 1e3:.0f}",
        "" if bar is None else f"{bar * 1e3:.0f}{'' if met else ' missed'}",
        "" if size is None else f"{size / 1e3:.0f}",
    )


@click.command()
@click.option("--lines", default=5_000, show_default=True, help="In the registry.")
@click.option("--full", default=4, show_default=True, help="Probes that have all records.")
@click.option("--days", default=365, show_default=True, help="That the ledger goes back.")
@click.option("--requests", default=200, show_default=True, help="Of each kind.")
@click.option("--database", "databases", multiple=True, type=click.Choice(("sqlite", "postgresql")))
@click.option("--folder", type=click.Path(path_type=Path), help="On which disk. Default: /tmp.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(
    lines: int,
    full: int,
    days: int,
    requests: int,
    databases: tuple[str, ...],
    folder: Path | None,
    as_json: bool,
) -> None:
    """Print the tables."""
    city = City(lines, full, days)
    options = Options(city, requests, databases or ("sqlite", "postgresql"), folder)
    found = measure(options, Console(stderr=True))
    if as_json:
        print(json.dumps({name: one.as_json() for name, one in found.items()}))
        return
    console = Console()
    for table in tables(found, city):
        console.print(table)
    for name, one in found.items():
        console.print(
            f"{name}: list of lines read by one that knows nothing "
            f"{one.first_overview_seconds:.1f} s; collector's memory "
            f"{one.resident_bytes / 1e6:.0f} MB; load average {one.load:.1f} on "
            f"{os.cpu_count()} cores"
        )


if __name__ == "__main__":
    main()
