"""How many records a second the collector checks and has on its disk, beside the bare database.

A real collector process; probes that send sealed, compressed batches over HTTP as fast as they are
answered. Beside it, on the same disk in the same run: the same lines put into a bare SQLite file
with the same durability, unchecked, one commit for each batch: what a collector could reach at
best that does nothing but store.

    python -m bench.ingest [--probes 8] [--batch 50] [--records 20000] [--folder DIR]
"""

import asyncio
import gzip
import os
import re
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import click
from sqlalchemy import func, select

from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.schema import records
from collector.settings import LedgerSettings
from protocol.constants import RECORDS_PATH
from tests.collector.conftest import enrol_directly, fill_registry
from tests.collector.device import Device

START = datetime.now(UTC) - timedelta(days=20)


@dataclass
class Run:
    """What was sent, and how long each batch took."""

    batches: list[tuple[Device, bytes]] = field(default_factory=list)
    lines: list[list[bytes]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def prepare(probes: int, batch: int, count: int) -> tuple[list[Device], dict[str, Run]]:
    """Make the probes and their batches: two small records for every speed test."""
    devices = [Device(f"p{number}") for number in range(probes)]
    runs = {device.probe: Run() for device in devices}
    for device in devices:
        for number in range(count // probes):
            moment = START + timedelta(minutes=5 * number)
            if number % 3:
                device.add_reach(moment)
            else:
                device.add(moment)
        for first in range(0, len(device.lines), batch):
            lines = device.lines[first : first + batch]
            runs[device.probe].lines.append(lines)
            body = gzip.compress(device.seal(lines), 6)
            runs[device.probe].batches.append((device, body))
    return devices, runs


async def send(url: str, run: Run) -> None:
    """Send a probe's batches one after another."""
    async with aiohttp.ClientSession() as client:
        for device, body in run.batches:
            headers = {
                "Authorization": f"Bearer {device.token()}",
                "Content-Encoding": "gzip",
            }
            began = time.perf_counter()
            async with client.post(url + RECORDS_PATH, data=body, headers=headers) as answer:
                content = await answer.json()
                if answer.status != 200:  # noqa: PLR2004 - HTTP's yes
                    raise click.ClickException(f"{answer.status}: {content}")
            run.seconds.append(time.perf_counter() - began)


def measure_collector(
    folder: Path, devices: list[Device], runs: dict[str, Run]
) -> tuple[float, float]:
    """Return how many seconds the collector took for all batches, and its CPU seconds.

    The CPU seconds are from its start to its end: they do not depend on what else runs here.
    """
    ledger = LedgerSettings(path=folder / "ledger.sqlite")
    database = Database(ledger)
    migrate(database)
    fill_registry(database, START)
    for device in devices:
        enrol_directly(database, device)
    configuration = folder / "config.yaml"
    configuration.write_text(f"collector: {{ledger: {{path: {ledger.path}}}}}\n")
    words = [sys.executable, "-m", "linewatch", "collector", "run", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*words, "--config", str(configuration)], stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            raise click.ClickException("the collector did not start")

        async def everyone() -> None:
            await asyncio.gather(*(send(found[0], run) for run in runs.values()))

        began = time.perf_counter()
        asyncio.run(everyone())
        took = time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(30)
    stored = database.read_now(
        lambda c: c.execute(select(func.count()).select_from(records)).scalar_one()
    )
    database.close()
    sent = sum(len(lines) for run in runs.values() for lines in run.lines)
    if stored != sent:
        raise click.ClickException(f"{sent} records were sent, {stored} are stored")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, used.ru_utime + used.ru_stime


def measure_bare(folder: Path, runs: dict[str, Run]) -> tuple[float, float]:
    """As `measure_collector`, for a bare table and the same lines, a commit a batch."""
    bare = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, line BLOB)")
    began, used = time.perf_counter(), time.process_time()
    for run in runs.values():
        for lines in run.lines:
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany("INSERT INTO t (line) VALUES (?)", [(line,) for line in lines])
            bare.execute("COMMIT")
    took = time.perf_counter() - began, time.process_time() - used
    bare.close()
    return took


@click.command()
@click.option("--probes", default=8, show_default=True, help="Probes that send at once.")
@click.option("--batch", default=50, show_default=True, help="Records in a batch.")
@click.option("--records", "count", default=20_000, show_default=True, help="Records in all.")
@click.option("--folder", type=click.Path(path_type=Path), help="On which disk. Default: /tmp.")
def main(probes: int, batch: int, count: int, folder: Path | None) -> None:
    """Print the table."""
    devices, runs = prepare(probes, batch, count)
    size = sum(len(line) for run in runs.values() for lines in run.lines for line in lines)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        collector = measure_collector(Path(made), devices, runs)
        bare = measure_bare(Path(made), runs)
    waits = statistics.quantiles([one for run in runs.values() for one in run.seconds], n=100)
    sent = sum(len(lines) for run in runs.values() for lines in run.lines)
    load = os.getloadavg()[0]
    print(f"{probes} probes at once, batches of {batch}, {sent} records of {size / sent:.0f} B")
    print(f"{os.cpu_count()} cores, load average at the end {load:.1f}")
    print(f"{'':28}{'records/s':>10}{'MB/s':>8}{'CPU µs each':>13}{'p50 ms':>9}{'p99 ms':>9}")
    rows = (
        ("collector: checked, durable", collector, waits),
        ("bare SQLite: only durable", bare, None),
    )
    for name, (seconds, used), quantiles in rows:
        tail = f"{quantiles[49] * 1e3:9.1f}{quantiles[98] * 1e3:9.1f}" if quantiles else ""
        rates = f"{sent / seconds:10.0f}{size / seconds / 1e6:8.1f}{used / sent * 1e6:13.0f}"
        print(f"{name:28}{rates}{tail}")


if __name__ == "__main__":
    main()
