"""`linewatch collector fold`, as a person types it."""

from datetime import UTC, date, datetime
from pathlib import Path

from collector.ingest.verify import verify
from collector.ledger.database import Database
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.store import Arrival, store_batch
from collector.settings import LedgerSettings
from simulate import Fleet, FleetPlan, rhythm
from tests.collector.commands.support import Registry

PLAN = FleetPlan(
    probes=1, days=1, seed=3, start=date(2026, 3, 1), schedule=rhythm(0, 600, None), trouble=0.0
)


def test_fold_says_how_many_and_can_be_run_again(tmp_path: Path) -> None:
    """The records that are old enough are folded and counted; a second run finds none."""
    registry = Registry(tmp_path)
    fleet = Fleet(PLAN)
    keys = fleet.keys()
    database = Database(LedgerSettings(path=registry.ledger))
    now = datetime(2026, 3, 3, tzinfo=UTC)
    with database.write() as connection:
        import_registry(connection, RegistryFile.model_validate(fleet.registry()), now)
        for batch in fleet.batches():
            found = verify(batch.body, batch.probe, keys[batch.probe].public_key())
            store_batch(connection, found, Arrival(now, "key"))
    database.close()
    done = registry.run("collector", "fold", "--older-than", "10")
    assert done.exit_code == 0
    count = int(done.stdout.split()[0])
    assert count > 100
    assert "older than 10 days are in hours now" in done.stdout
    assert registry.run("collector", "fold", "--older-than", "10").stdout.startswith("0 latency")


def test_fold_needs_a_limit(tmp_path: Path) -> None:
    """Where the settings keep all records, the command asks for a number of days."""
    registry = Registry(tmp_path)
    text = f"collector: {{ledger: {{path: {registry.ledger}, latency_days: null}}}}\n"
    (tmp_path / "config.yaml").write_text(text)
    done = registry.run("collector", "fold")
    assert done.exit_code == 2
    assert "--older-than" in done.stderr
