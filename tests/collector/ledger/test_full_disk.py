"""A ledger whose disk is full: a real disk of a few megabytes, for SQLite and PostgreSQL."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.ledger.schema import records
from collector.settings import LedgerSettings
from protocol.chain import check_follows, read_link
from tests.collector import postgres
from tests.collector.conftest import ON_BOTH, Start

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROOMY = 40 * 1024


def mount(disk: Path, kibibytes: int, *options: str) -> None:
    """Mount a disk, or give one another size."""
    words = ",".join([*options, f"size={kibibytes}k"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", words, "small", disk], check=True)


@pytest.fixture
def disk(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Mount a disk of 40 MiB, where the database can get at it."""
    server = request.getfixturevalue("server") if engine == "postgresql" else None
    disk: Path = (server.folder if server else tmp_path) / "disk"
    disk.mkdir()
    mount(disk, ROOMY, *(["uid=nobody"] if server else []))
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.fixture
def ledger(engine: str, disk: Path, request: pytest.FixtureRequest) -> Iterator[LedgerSettings]:
    """Return where a ledger on that disk is."""
    if engine == "sqlite":
        yield LedgerSettings(path=disk / "l.sqlite")
        return
    server: postgres.Server = request.getfixturevalue("server")
    server.run(f"CREATE TABLESPACE small LOCATION '{disk}'")
    name = server.new_database("ledger_template", "small")
    yield server.settings(name)
    server.drop(name)
    server.run("DROP TABLESPACE small")


@ON_BOTH
async def test_a_full_disk_loses_nothing_that_was_acknowledged(
    start: Start, ledger: LedgerSettings, disk: Path, engine: str
) -> None:
    """Batches are refused with 503 until there is room, then taken; none is there by half."""
    collector = await start(ledger=ledger)
    device = collector.device()
    for number in range(400):
        device.add(NOW - timedelta(days=10) + timedelta(minutes=10 * number))
    # The first batch waits until what a collector makes at its start is there: months, on a busy
    # machine half a megabyte of them after the disk was looked at.
    status, answer, headers = await collector.post(device, device.batch(0, 20))
    acknowledged = answer["next_seq"]
    assert (status, acknowledged) == (200, 20)
    mount(disk, 512 + shutil.disk_usage(disk).used // 1024, "remount")
    async with asyncio.timeout(60):
        while acknowledged < 400:
            body = device.batch(acknowledged, acknowledged + 20)
            status, answer, headers = await collector.post(device, body)
            if status != 200:
                break
            acknowledged = answer["next_seq"]
    assert (status, headers["Retry-After"]) == (503, "30")
    assert acknowledged < 400
    assert collector.count(records) == acknowledged
    async with collector.client.get(collector.url + "/healthz") as health:
        assert health.status == 200
    async with collector.client.get(collector.url + "/metrics") as metrics:
        assert "linewatch_collector_writer_failing 1.0" in await metrics.text()
    mount(disk, ROOMY, "remount")
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
    if engine == "sqlite":
        check = collector.database.read_now(
            lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        )
        assert check == "ok"
    assert collector.count(records) == 400
