"""`linewatch collector export|import|backup|restore`, as a person types them."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from collector.errors import ArchiveError
from collector.ledger.database import Database
from collector.settings import LedgerSettings
from simulate import Fleet, FleetPlan, rhythm
from tests.collector.commands.support import Registry
from tests.collector.fleet_ledger import register, store

PLAN = FleetPlan(
    probes=1, days=1, seed=3, start=date(2026, 3, 2), schedule=rhythm(2, 3600, None), trouble=0.0
)


def filled(folder: Path) -> Registry:
    """Return a ledger with a simulated day."""
    folder.mkdir()
    registry = Registry(folder)
    database = Database(LedgerSettings(path=registry.ledger))
    fleet = Fleet(PLAN)
    store(database, fleet, register(database, fleet, datetime.now(UTC)), fleet.batches())
    database.close()
    return registry


def test_a_month_goes_from_one_ledger_to_another(tmp_path: Path) -> None:
    """Exported here, removed here, imported there and back here; each says how many."""
    one = filled(tmp_path / "one")
    written = one.run("collector", "export", "2026-03", "--out", str(tmp_path))
    count = written.stdout.split()[0]
    assert int(count) > 20
    folder = tmp_path / "linewatch-2026-03"
    assert str(folder) in written.stdout
    (tmp_path / "two").mkdir()
    two = Registry(tmp_path / "two")
    assert f"{count} new" in two.run("collector", "import", str(folder)).stdout
    one.run("collector", "remove-month", "2026-03", str(folder), "--yes")
    assert f"{count} records put back" in one.run("collector", "import", str(folder)).stdout


def test_a_backup_is_restored_only_where_that_was_meant(tmp_path: Path) -> None:
    """A ledger that is there needs --replace, and is kept."""
    registry = filled(tmp_path / "one")
    backup = tmp_path / "ledger.backup"
    assert f"{backup}: " in registry.run("collector", "backup", str(backup)).stdout
    refused = registry.run("collector", "restore", str(backup))
    assert refused.exit_code == 2
    assert "--replace" in refused.stderr
    done = registry.run("collector", "restore", str(backup), "--replace")
    assert done.exit_code == 0
    assert "before-" in done.stdout
    assert len(registry.json("probe", "list")) == 1


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    """Where an archive cannot be written, and what is no archive: what, where, and what to do; with
    no bar before.
    """
    registry = filled(tmp_path / "one")
    (tmp_path / "file").touch()
    for words, sentence in (
        (("export", "2026-03", "--out", str(tmp_path / "file" / "x")), "name a folder by --out"),
        (("import", str(tmp_path)), "is no archive of a month: "),
        (("export", "2026-02"), "nothing of 2026-02"),
    ):
        with pytest.raises(ArchiveError, match=sentence):
            registry.run("collector", *words)
