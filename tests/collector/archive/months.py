"""A small ledger of two months, its archives, and what somebody may do to them."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Table, select

from collector.archive.exporting import count_month, export_month
from collector.archive.importing import Imported, import_month
from collector.archive.months import Archive
from collector.ingest.verify import verify
from collector.ledger.database import Database
from collector.ledger.removing import remove_month
from collector.ledger.store import Arrival, store_batch
from protocol import chain
from protocol.chain import hash_line, read_link
from protocol.messages import IngestAnswer
from tests.collector.conftest import enrol_directly, fill_registry
from tests.collector.device import Device, latency_summary
from tests.collector.ledger.test_accounting import tombstone

JANUARY = datetime(2026, 1, 20, 12, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 20, 12, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)

Rows = list[dict[str, Any]]


def rows(database: Database, table: Table, *without: str) -> Rows:
    """Return a table's rows in the order of their places."""
    order = [table.c[name] for name in ("probe_id", "chain", "seq", "hash") if name in table.c]
    with database.engine.connect() as connection:
        found = connection.execute(select(table).order_by(*order)).mappings().all()
    return [{name: row[name] for name in row if name not in without} for row in found]


def export(database: Database, month: datetime, folder: Path, now: datetime = NOW) -> Archive:
    """Write a month and read it."""
    told: list[int] = []
    database.read_now(lambda c: export_month(c, month, folder, now, told.append))
    assert sum(told) == database.read_now(lambda c: count_month(c, month))
    return Archive(folder)


def put(database: Database, archive: Archive, *, unsealed: bool = False) -> Imported:
    """Store an archive."""
    told: list[int] = []
    done = import_month(database, archive, NOW, told.append, unsealed=unsealed)
    assert sum(told) <= archive.rows
    return done


def remove(database: Database, month: datetime) -> int:
    """Take a month out of a ledger."""
    return remove_month(database, month, NOW)


def rewrite(folder: Path, name: str, change: Callable[[Rows], None]) -> Archive:
    """Change rows of an archive, and its manifest too: as somebody would who means it."""
    path = folder / f"{name}.parquet"
    table = pq.read_table(path)
    content = table.to_pylist()
    change(content)
    pq.write_table(table.from_pylist(content, schema=table.schema), path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][path.name]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Archive(folder)


def faster(content: Rows) -> None:
    """Make each speed ten times what it was, with all hashes behind it made anew."""
    last: dict[tuple[str, str], str] = {}
    for row in content:
        link = read_link(row["line"])
        line = row["line"].replace(b'"bits_per_second":300', b'"bits_per_second":900')
        prev = last.get((link.probe, link.chain), link.prev)
        row["line"] = line.replace(link.prev.encode(), prev.encode())
        own = row["hash"] if link.tombstone else hash_line(row["line"])
        row["prev"], row["hash"] = prev, own
        last[link.probe, link.chain] = own


def sealed_by(key: Ed25519PrivateKey, public_key: str, lines: Rows) -> Callable[[Rows], None]:
    """Return what puts seals by another key where seals were."""
    at = {(row["probe_id"], row["chain"], row["seq"]): read_link(row["line"]) for row in lines}

    def change(content: Rows) -> None:
        for row in content:
            link = at[row["probe_id"], row["chain"], row["seq"]]
            row["hash"] = link.hash
            row["signature"] = chain.seal(key, link).signature
            row["public_key"] = public_key

    return change


def deliver(
    database: Database, device: Device, first: int, end: int | None, at: datetime
) -> IngestAnswer:
    """Store lines of a device's chain as the collector does at a moment."""
    batch = verify(device.batch(first, end), device.probe, device.key.public_key())
    with database.write() as connection:
        return store_batch(connection, batch, Arrival(at, device.public_key, True))


def add_latency(device: Device, at: datetime) -> None:
    """Add a latency record to a device's chain."""
    latency = {
        "round_trip": latency_summary(0.01),
        "delay_variation_p95_seconds": 0.001,
        "lost_ratio": 0.0,
        "interval_seconds": 0.5,
        "packet_bytes": 44,
        "duplicates": 0,
        "reordered": 0,
        "server": {
            "url": "stamp://192.0.2.1:862",
            "address": "192.0.2.1",
            "name": "hn1",
            "software": None,
            "tests_running": None,
            "cpu_ratio": None,
        },
        "ip_version": 4,
    }
    device.add(at, task="latency", latency=latency)


def fill(database: Database) -> list[Device]:
    """Give a ledger two probes; each has in January eleven places, two of them without an outcome,
    one missing, one dated by another of its boot; and in February three.
    """
    fill_registry(database, JANUARY)
    devices = [enrol_directly(database, Device(name)) for name in ("p1", "p2")]
    for device in devices:
        start = JANUARY - timedelta(hours=2)
        device.booted_at = start
        device.add_untimed(datetime(2020, 1, 1, tzinfo=UTC), 60.0)
        for number in range(1, 12):
            at = start + timedelta(minutes=5 * number)
            if number == 4:
                odd = device.record(at, task="reach") | {"surprise": 1}
                device.lines.append(json.dumps(odd).encode())
            elif number % 3 == 0:
                device.add(at)
            elif number == 5:
                add_latency(device, at)
            else:
                device.add_reach(at)
        kept = device.lines[7]
        device.lines[7] = tombstone(kept)
        for number in range(3):
            device.add_reach(FEBRUARY - timedelta(minutes=50 - 5 * number))
        deliver(database, device, 0, 6, JANUARY)
        deliver(database, device, 7, 12, JANUARY + timedelta(hours=1))
        deliver(database, device, 12, None, FEBRUARY)
    return devices
