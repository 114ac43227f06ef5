"""Make the ledger that tests bring to the newest version: each table of this version has rows.

Run it with the program of the version whose tables it is to have, before the next step is added:

    python tests/data/make_ledger.py tests/data/ledgers/ledger_0001.sql.gz
"""

import gzip
import json
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert

from collector.domain.cases import steps
from collector.ingest.verify import verify
from collector.ledger import cases, outbox, registry, schema
from collector.ledger.database import Database
from collector.ledger.events import Event, EventKind, note_events
from collector.ledger.migrate import migrate
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.store import Arrival, store_batch
from collector.settings import LedgerSettings
from simulate import Fleet, FleetPlan, rhythm

NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
OLD, LEFT, KEPT = date(2025, 1, 10), date(2026, 9, 10), date(2026, 10, 10)
"""Days of records that are folded, that left with their month, and that stay."""


def fleet(start: date, seed: int) -> Fleet:
    """Return two probes for a day."""
    plan = FleetPlan(
        probes=2,
        days=1,
        seed=seed,
        start=start,
        schedule=rhythm(4, 14_400, 21_600),
        trouble=4.0,
        batch_records=8,
    )
    return Fleet(plan)


def store(database: Database, day: date, seed: int) -> None:
    """Store a day of probes of its own; one batch of three is lost, a line of another is none."""
    one = fleet(day, seed)
    content = RegistryFile.model_validate_json(json.dumps(one.registry()))
    keys = one.keys()
    with database.write() as connection:
        import_registry(connection, content, NOW)
        for number, batch in enumerate(one.batches()):
            if number % 3 == 1:
                continue
            found = verify(batch.body, batch.probe, keys[batch.probe].public_key())
            at = datetime.fromtimestamp(batch.sent_at, UTC)
            if number % 3 == 2:
                last = found.received[-1]._replace(content=None, reason="not a record: planted")
                found = type(found)(
                    found.probe, found.chain, (*found.received[:-1], last), found.seal, 1
                )
            store_batch(connection, found, Arrival(at, "key", gap_acknowledged=True))


def fill(database: Database) -> None:
    """Put rows into the tables that no batch fills."""
    later = NOW + timedelta(hours=1)
    rows: dict[str, dict[str, Any]] = {
        "enrolment_codes": {
            "hash": "c" * 64,
            "probe_id": "",
            "created_at": NOW,
            "expires_at": later,
        },
        "operators": {"name": "cán bộ", "password_hash": "$argon2id$", "created_at": NOW},
        "sessions": {
            "token_hash": "t" * 64,
            "operator_name": "cán bộ",
            "created_at": NOW,
            "expires_at": later,
        },
        "sinks": {
            "name": "city",
            "cursor": 7,
            "written": 5,
            "held_back": 1,
            "set_aside": 1,
            "settled": 6,
            "settling": 7,
            "settling_since": NOW,
            "created_at": NOW,
        },
        "set_aside": {
            "sink": "city",
            "probe_id": "",
            "record_id": 3,
            "reason": "poison",
            "at": NOW,
        },
        "corrections": {"probe_id": "", "record_id": 3, "received_at": NOW, "after_id": 4},
    }
    with database.write() as connection:
        probe = connection.execute(schema.probes.select().limit(1)).mappings().one()["id"]
        for name, row in rows.items():
            filled = {column: value or probe for column, value in row.items()}
            connection.execute(insert(schema.metadata.tables[name]), filled)
        note_events(connection, [Event(EventKind.GAP, probe, NOW, "planted")])
        complain(connection)


def complain(connection: Connection) -> None:
    """Put a ward with its clerk, and a complaint that waits to be sent."""
    ward = {"id": "p", "name": "Phường Không Có"}
    clerk = {"id": "a", "ward_id": "p", "role": "clerk", "name": "Không Tên"}
    registry.add(connection, schema.wards, ward, NOW)
    registry.add(connection, schema.persons, clerk, NOW)
    carrier = connection.execute(schema.carriers.select().limit(1)).mappings().one()
    row = {"carrier_id": carrier["id"], "carrier_name": carrier["name"], "month": "2026-09"}
    case = cases.open_case(
        connection,
        {**row, "ward": ward["name"]},
        [cases.CaseLine("l1", "Nhà văn hóa", [{"indicator": "download", "verdict": "fail"}])],
        [cases.new_file("folder", "letter.pdf", "application/pdf", b"%PDF planted")],
        steps.Event(1, steps.Step.OPENED, NOW, NOW.date(), steps.Role.CLERK, "đã mở"),
    )
    outbox.put(
        connection,
        f"complaint/{case}",
        case,
        message_id="<planted@phuong.example>",
        sender="a@phuong.example",
        recipients=["b@mang.example"],
        subject="Kiến nghị",
        body="đường truyền",
        files=[1],
        now=NOW,
        give_up_at=NOW + timedelta(hours=1),
    )


def run(folder: Path, *words: str) -> None:
    """Run a command of the collector on the ledger."""
    subprocess.run([sys.executable, "-m", "linewatch", "collector", *words], cwd=folder, check=True)


def main(target: Path) -> None:
    """Write the ledger as SQL, the same bytes for the same rows."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = folder / "ledger.sqlite"
        (folder / "config.yaml").write_text(f"collector: {{ledger: {{path: {path}}}}}\n")
        database = Database(LedgerSettings(path=path))
        migrate(database)
        for seed, day in enumerate((OLD, LEFT, KEPT)):
            store(database, day, seed)
        run(folder, "fold")
        run(folder, "remove-month", f"{LEFT:%Y-%m}", "--without-archive", "--yes")
        fill(database)
        database.close()
        with sqlite3.connect(path) as connection:
            said = "\n".join(connection.iterdump())
            empty = [
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type='table'"
                )
                if not connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()  # noqa: S608 - our own names
            ]
        if empty:
            raise SystemExit(f"no rows in {', '.join(empty)}")
    target.write_bytes(gzip.compress(said.encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
