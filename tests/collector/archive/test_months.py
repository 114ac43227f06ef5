"""Months as Parquet: out, back, into another ledger; and what was changed meanwhile is found."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from collector.archive.exporting import export_month
from collector.archive.months import Archive
from collector.errors import ArchiveError
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.removing import remove_month
from collector.ledger.schema import chains, gone, quarantine, records, seals
from simulate import Fleet, FleetPlan, rhythm
from tests.collector.archive.conftest import OpenLedger
from tests.collector.archive.months import Rows, export, put, rewrite, rows
from tests.collector.conftest import ON_BOTH
from tests.collector.fleet_ledger import register, store

pytestmark = ON_BOTH

PLAN = FleetPlan(
    probes=3,
    days=4,
    seed=8,
    start=date(2026, 1, 30),
    schedule=rhythm(3, 3600, 3600),
    trouble=8.0,
    batch_records=25,
)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def ledger(open_ledger: OpenLedger) -> Database:
    """Return a ledger with the fleet's four days, in two months."""
    database = open_ledger()
    fleet = Fleet(PLAN)
    store(database, fleet, register(database, fleet, NOW), fleet.batches())
    return database


def test_another_ledger_has_the_same_evidence(
    ledger: Database, open_ledger: OpenLedger, tmp_path: Path
) -> None:
    """Both months, in their order: the same bytes, places, seals and quarantine, every slot
    accounted for, and the chains end where they ended. Again: all of it is known.
    """
    archives = [export(ledger, month, tmp_path / f"{month:%m}") for month in (JANUARY, FEBRUARY)]
    other = open_ledger()
    done = [put(other, archive) for archive in archives]
    assert all(one.stored > 100 for one in done)
    assert sum(one.put_back + one.known + one.unsealed for one in done) == 0
    judged = ("id", "measured_at", "time_quality", "path", "line_id")
    assert rows(other, records, *judged) == rows(ledger, records, *judged)
    assert rows(other, seals) == rows(ledger, seals)
    assert rows(other, quarantine, "id") == rows(ledger, quarantine, "id")
    ends = ("first_received_at", "last_received_at", "forked_at", "gone_before")
    assert rows(other, chains, *ends) == rows(ledger, chains, *ends)
    assert set(other.read_now(unaccounted_slots).values()) == {0}
    again = [put(other, archive) for archive in archives]
    assert sum(one.stored for one in again) == 0
    assert sum(one.known for one in again) == len(rows(ledger, records))


def test_a_month_that_left_comes_back_as_it_was(ledger: Database, tmp_path: Path) -> None:
    """Rows, ids and moments are those from before, the law of slots holds all the while, and doing
    it twice changes nothing.
    """
    before = {table.name: rows(ledger, table) for table in (records, seals)}
    apart = rows(ledger, quarantine, "id")
    archive = export(ledger, JANUARY, tmp_path / "january")
    left = remove_month(ledger, JANUARY, NOW)
    assert left > 100
    assert len(rows(ledger, records)) == len(before["records"]) - left
    assert set(ledger.read_now(unaccounted_slots).values()) == {0}
    done = put(ledger, archive)
    assert (done.put_back, done.stored, done.known) == (left, 0, 0)
    assert {table.name: rows(ledger, table) for table in (records, seals)} == before
    assert rows(ledger, quarantine, "id") == apart
    assert rows(ledger, gone) == []
    assert set(ledger.read_now(unaccounted_slots).values()) == {0}
    again = put(ledger, archive)
    assert (again.put_back, again.stored, again.known) == (0, 0, left)
    assert {table.name: rows(ledger, table) for table in (records, seals)} == before


def test_a_file_that_was_changed_is_named(ledger: Database, tmp_path: Path) -> None:
    """A flipped byte anywhere in an archive, or a file that is missing, is found before anything is
    stored.
    """
    folder = tmp_path / "january"
    archive = export(ledger, JANUARY, folder)
    for name in archive.manifest.files:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(ArchiveError, match=f"{name} is not the file that was written"):
            Archive(folder)
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
    Archive(folder)
    (folder / "seals.parquet").unlink()
    with pytest.raises(ArchiveError, match=r"seals\.parquet: No such file"):
        Archive(folder)
    with pytest.raises(ArchiveError, match="is no archive of a month"):
        Archive(tmp_path)


def test_a_changed_line_or_seal_is_refused_with_its_place(
    ledger: Database, open_ledger: OpenLedger, tmp_path: Path
) -> None:
    """Whoever changes a measured value cannot change its hash's followers and the probe's signature
    with it: the probe, the chain and the seq are said.
    """

    def faster(content: Rows) -> None:
        row = next(
            row for row in content if row["task"] == "speed" and row["outcome"] == "measured"
        )
        row["line"] = row["line"].replace(b'"bits_per_second":', b'"bits_per_second":9', 1)

    export(ledger, JANUARY, tmp_path / "line")
    with pytest.raises(ArchiveError, match=r"probe s8-\d+ chain \S+ from seq \d+"):
        put(open_ledger(), rewrite(tmp_path / "line", "records", faster))

    def forged(content: Rows) -> None:
        content[0]["signature"] = content[1]["signature"]

    export(ledger, JANUARY, tmp_path / "seal")
    with pytest.raises(ArchiveError, match=r"probe s8-\d+ chain \S+ from seq \d+.*signature"):
        put(open_ledger(), rewrite(tmp_path / "seal", "seals", forged))


def test_an_archive_is_written_whole_or_not_at_all(ledger: Database, tmp_path: Path) -> None:
    """What is there is never written over, and a half-written one does not look like one."""
    export(ledger, JANUARY, tmp_path / "january")
    with pytest.raises(ArchiveError, match="is there already"):
        export(ledger, JANUARY, tmp_path / "january")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ArchiveError, match="No space left"):
        ledger.read_now(lambda c: export_month(c, FEBRUARY, tmp_path / "february", NOW, full))
    assert not (tmp_path / "february").exists()
