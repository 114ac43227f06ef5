"""An archive is there whole or not at all, and a month leaves only once one has all of it."""

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, insert, select

from collector.archive.exporting import count_month, export_month, prepare, refuse_unless_holds
from collector.archive.months import Archive
from collector.errors import ArchiveError, LedgerBusyError, LedgerError
from collector.ledger import removing
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.gone import keep_gone
from collector.ledger.removing import remove_month
from collector.ledger.schema import corrections, quarantine, records, seals, sinks
from collector.ledger.tail import horizon
from linewatch import build
from tests.collector.archive.conftest import OpenLedger
from tests.collector.archive.months import (
    FEBRUARY,
    JANUARY,
    NOW,
    Rows,
    deliver,
    export,
    fill,
    put,
    remove,
    rewrite,
    rows,
)
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.fleet_ledger import fold_all

pytestmark = ON_BOTH

BEFORE_ITS_END = datetime(2026, 1, 25, tzinfo=UTC)


def compare(database: Database, archive: Archive, month: datetime) -> None:
    """Compare a month with an archive of it."""
    database.read_now(lambda c: refuse_unless_holds(c, archive, month))


def test_an_archive_is_on_the_disk_for_its_owner_alone(
    ledger: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file, the folder, and after its renaming the name of the folder too."""
    synced: list[str] = []
    really = os.fsync

    def sync(file: int) -> None:
        synced.append(Path(f"/proc/self/fd/{file}").readlink().name)
        really(file)

    monkeypatch.setattr(os, "fsync", sync)
    export(ledger, JANUARY, tmp_path / "january")
    names = {path.name for path in (tmp_path / "january").iterdir()}
    assert len(names) == 5
    assert set(synced[:-2]) == names
    assert synced[-2:] == [".january.part", tmp_path.name]
    assert stat.S_IMODE((tmp_path / "january").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "january").iterdir()} == {
        0o600
    }


def test_a_month_that_is_not_over_is_replaced_by_the_whole_one(
    ledger: Database, tmp_path: Path
) -> None:
    """It says that it is not whole and when it was written; a whole one stays, and so does a folder
    that is none.
    """
    folder = tmp_path / "january"
    first = export(ledger, JANUARY, folder, BEFORE_ITS_END)
    assert (first.manifest.complete, first.manifest.written_at) == (False, BEFORE_ITS_END)
    with pytest.raises(ArchiveError, match="before 2026-01 was over"):
        compare(ledger, first, JANUARY)
    (sentence,) = prepare(folder)
    assert "before the month was over: it is replaced" in sentence
    assert export(ledger, JANUARY, folder).manifest.complete
    assert not list(tmp_path.glob(".january*"))
    with pytest.raises(ArchiveError, match="is there already, and whole"):
        prepare(folder)
    (tmp_path / "mine").mkdir()
    with pytest.raises(ArchiveError, match="is no archive: name another by --out"):
        prepare(tmp_path / "mine")


def test_an_export_that_was_ended_leaves_nothing_in_the_way(
    ledger: Database, tmp_path: Path
) -> None:
    """Where the disk was full nothing is left; what a killed one left is said and begun anew."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "out" / "january"
    with pytest.raises(ArchiveError, match="No space left on device; name a folder by --out"):
        ledger.read_now(lambda c: export_month(c, JANUARY, folder, NOW, full))
    assert list(folder.parent.iterdir()) == []
    killed = folder.with_name(".january.part")
    killed.mkdir()
    (killed / "records.parquet").write_bytes(b"PAR1")
    (sentence,) = prepare(folder)
    assert "an export that did not end: it is begun anew" in sentence
    export(ledger, JANUARY, folder)
    assert [path.name for path in folder.parent.iterdir()] == ["january"]


def test_a_collector_goes_on_while_a_month_is_compared(
    new_ledger: NewLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches are stored and sinks follow while `remove-month` reads what it removes, however long
    that takes.
    """
    settings = new_ledger(busy_timeout_seconds=0.3)
    with contextlib.closing(Database(settings)) as database:
        device, _ = fill(database)
        export(database, JANUARY, tmp_path / "january")
        device.add_reach(FEBRUARY)
        stored = []

        def compare(connection: Connection, archive: Archive, month: datetime) -> None:
            refuse_unless_holds(connection, archive, month)
            stored.append(deliver(database, device, len(device.lines) - 1, None, FEBRUARY).stored)
            assert horizon(database) > 0

        monkeypatch.setattr("collector.commands.months.refuse_unless_holds", compare)
        configuration = tmp_path / "config.yaml"
        url = settings.url.get_secret_value() if settings.url else f"sqlite:///{settings.path}"
        ledger = f"{{url: '{url}', busy_timeout_seconds: 0.3}}"
        configuration.write_text(f"collector: {{ledger: {ledger}}}\n")
        words = ["collector", "remove-month", "2026-01", str(tmp_path / "january"), "--yes"]
        words += ["--config", str(configuration)]
        done = CliRunner().invoke(build(), words, catch_exceptions=False)
        assert "records of 2026-01 left" in done.output
        assert stored == [1]
        assert not any(database.read_now(unaccounted_slots).values())


def test_a_month_that_changes_while_it_is_compared_is_compared_again(
    ledger: Database, tmp_path: Path
) -> None:
    """What is folded, or put back, between reading and removing is noticed: the law of slots holds,
    and what left is what was counted.
    """
    archive = export(ledger, JANUARY, tmp_path / "january")
    compared: list[int] = []

    def compare(connection: Connection) -> None:
        refuse_unless_holds(connection, archive, JANUARY)
        compared.append(len(compared))
        if len(compared) == 1:
            assert fold_all(ledger, NOW, NOW).records > 0

    before = len(rows(ledger, records))
    count = remove_month(ledger, JANUARY, NOW, compare)
    assert compared == [0, 1]
    assert before - len(rows(ledger, records)) > count > 0
    assert not any(ledger.read_now(unaccounted_slots).values())

    def always(connection: Connection) -> None:
        del connection
        put(ledger, archive)

    with pytest.raises(LedgerBusyError, match="is being changed"):
        remove_month(ledger, JANUARY, NOW, always)
    assert not any(ledger.read_now(unaccounted_slots).values())


def test_a_removal_that_was_ended_is_done_to_its_end_or_undone(
    ledger: Database, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each step the law of slots holds; what is left is taken for no whole month, no other
    month leaves meanwhile, and the same command, or an import, puts an end to it.
    """
    archive = export(ledger, JANUARY, tmp_path / "january")
    whole = rows(ledger, records), rows(ledger, seals), rows(ledger, quarantine, "id")
    monkeypatch.setattr(removing, "STEP_PLACES", 6)

    def interrupt(after: int) -> None:
        steps = iter(range(after))

        def ended(connection: Connection, kept: Rows) -> None:
            if next(steps, None) is None:
                raise KeyboardInterrupt
            keep_gone(connection, kept)

        with monkeypatch.context() as patched:
            patched.setattr(removing, "keep_gone", ended)
            with pytest.raises(KeyboardInterrupt):
                remove(ledger, JANUARY)
        assert not any(ledger.read_now(unaccounted_slots).values())

    if engine == "postgresql":
        interrupt(0)
        assert (rows(ledger, records), rows(ledger, seals)) == whole[:2]
        export(ledger, JANUARY, tmp_path / "again")
        return
    interrupt(2)
    assert 0 < len(rows(ledger, records)) < len(whole[0])
    with pytest.raises(ArchiveError, match="is being removed, or was until it was ended"):
        export(ledger, JANUARY, tmp_path / "again")
    with pytest.raises(LedgerError, match="the removal of 2026-01 did not come to its end"):
        remove(ledger, FEBRUARY)
    assert put(ledger, archive).put_back > 0
    assert (rows(ledger, records), rows(ledger, seals), rows(ledger, quarantine, "id")) == whole
    export(ledger, JANUARY, tmp_path / "again")
    interrupt(1)
    assert remove(ledger, JANUARY) > 0
    assert {row["received_at"].month for row in rows(ledger, records)} == {2}
    assert not any(ledger.read_now(unaccounted_slots).values())
    assert put(ledger, archive).put_back > 0
    assert (rows(ledger, records), rows(ledger, seals), rows(ledger, quarantine, "id")) == whole


def test_a_month_without_records_says_so(ledger: Database) -> None:
    """Instead of an archive of nothing."""
    with pytest.raises(ArchiveError, match=r"nothing of 2025-12 .* is in this ledger"):
        ledger.read_now(lambda c: count_month(c, datetime(2025, 12, 1, tzinfo=UTC)))


def test_a_month_is_compared_with_its_archive(ledger: Database, tmp_path: Path) -> None:
    """One that lacks a record, a seal or a line kept apart, or is of another month, is not it; one
    that has records which were folded since is.
    """
    whole = export(ledger, JANUARY, tmp_path / "whole")
    fold_all(ledger, NOW, NOW)
    compare(ledger, whole, JANUARY)
    with pytest.raises(ArchiveError, match="is an archive of 2026-01, not of 2026-02"):
        compare(ledger, whole, FEBRUARY)

    def fewer(content: Rows) -> None:
        del content[-1]

    for table in ("records", "seals", "quarantine"):
        export(ledger, JANUARY, tmp_path / table)
        lacking = rewrite(tmp_path / table, table, fewer)
        with pytest.raises(ArchiveError, match=rf"lacks .* in '{table}' probe p2 chain \S+ seq"):
            compare(ledger, lacking, JANUARY)


def test_a_month_whose_corrections_a_sink_has_not_taken_stays(ledger: Database) -> None:
    """A record that got its moment later is written to a sink again, so it is still needed."""
    newest = max(ledger.read_now(lambda c: c.scalars(select(records.c.id)).all()))
    counts = {column.name: newest for column in sinks.c if column.name != "far_end"}
    known = {"name": "far", "holder": None, "held_until": None, "settled": newest}
    moments = {"created_at": JANUARY, "settling_since": JANUARY}
    with ledger.write() as connection:
        connection.execute(corrections.delete())
        connection.execute(insert(sinks).values(**counts | known | moments))
        later = {"probe_id": "p1", "record_id": 1, "received_at": JANUARY}
        connection.execute(insert(corrections).values(**later, after_id=newest + 1))
    with pytest.raises(LedgerError, match="2026-01 is not in every sink yet: far"):
        remove(ledger, JANUARY)
    with ledger.write() as connection:
        connection.execute(corrections.update().values(after_id=newest))
    assert remove(ledger, JANUARY) == 20
    assert remove(ledger, FEBRUARY) == 6


def test_sinks_see_what_comes_after_all_has_left(open_ledger: OpenLedger) -> None:
    """A record's id is behind every sink's cursor, also where the newest records are gone."""
    ledger = open_ledger()
    (device, _) = fill(ledger)
    newest = max(ledger.read_now(lambda c: c.scalars(select(records.c.id)).all()))
    counts = {column.name: newest for column in sinks.c if column.name != "far_end"}
    known = {"name": "far", "holder": None, "held_until": None}
    moments = {"created_at": JANUARY, "settling_since": JANUARY}
    with ledger.write() as connection:
        connection.execute(corrections.delete())
        connection.execute(insert(sinks).values(**counts | known | moments))
    remove(ledger, JANUARY)
    remove(ledger, FEBRUARY)
    device.add_reach(NOW)
    assert deliver(ledger, device, 15, None, NOW).stored == 1
    (place,) = rows(ledger, sinks)
    (record,) = rows(ledger, records)
    assert record["id"] > place["cursor"] >= place["settled"]


def test_a_slow_disk_may_keep_the_ledger_waiting(new_ledger: NewLedger, tmp_path: Path) -> None:
    """Whether an archive is written or compared: what PostgreSQL lets a collector be idle within a
    transaction ends neither, as the files of a large month take minutes to write and to read.
    """
    settings = new_ledger()
    with contextlib.closing(Database(settings)) as database:
        fill(database)
    hurried = settings.model_copy(update={"statement_timeout_seconds": 0.2})
    folder = tmp_path / "january"

    def slow(_: int) -> None:
        time.sleep(0.5)

    class Slow(Archive):
        def read(self, *what: Any) -> Iterator[Mapping[str, Any]]:
            slow(0)
            yield from super().read(*what)

    with contextlib.closing(Database(hurried)) as database:
        database.read_now(lambda c: export_month(c, JANUARY, folder, NOW, slow))
        database.read_now(lambda c: refuse_unless_holds(c, Slow(folder), JANUARY))
