"""What an import believes: nothing that can be checked, and nobody without the probe's key."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from collector.archive.importing import import_month
from collector.archive.months import Archive
from collector.errors import ArchiveError
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.schema import (
    folded,
    gone,
    latency_hours,
    outcome_totals,
    probe_keys,
    probes,
    quarantine,
    records,
    seals,
    servers,
)
from tests.collector.archive.conftest import OpenLedger
from tests.collector.archive.months import (
    FEBRUARY,
    JANUARY,
    NOW,
    Rows,
    export,
    faster,
    put,
    remove,
    rewrite,
    rows,
    sealed_by,
)
from tests.collector.conftest import ON_BOTH
from tests.collector.device import Device
from tests.collector.fleet_ledger import fold_all

pytestmark = ON_BOTH


def lawful(database: Database) -> bool:
    """Tell whether every slot is accounted for."""
    return set(database.read_now(unaccounted_slots).values()) == {0}


def test_columns_are_what_the_line_says(ledger: Database, tmp_path: Path) -> None:
    """Whoever changes what was measured beside its line, with the files' digests made anew, changes
    nothing: the rows that come back are those that left.
    """
    before = rows(ledger, records)

    def prettier(content: Rows) -> None:
        for row in content:
            row |= {"failure_code": "refused", "flags": "busy", "software": "x", "server": "y"}
            row |= {"download_bits_per_second": 9e9, "task": "speed", "method_name": "ndt7"}

    export(ledger, JANUARY, tmp_path / "january")
    remove(ledger, JANUARY)
    assert put(ledger, rewrite(tmp_path / "january", "records", prettier)).put_back == 20
    assert rows(ledger, records) == before


@pytest.mark.parametrize(
    "column,shift", [("measured_at", timedelta(hours=7)), ("received_at", timedelta(days=30))]
)
def test_a_moment_that_cannot_be_is_refused(
    ledger: Database, tmp_path: Path, column: str, shift: timedelta
) -> None:
    """A record's own moment, and that of its arrival: nothing comes back."""

    def later(content: Rows) -> None:
        content[8][column] += shift

    export(ledger, JANUARY, tmp_path / "january")
    remove(ledger, JANUARY)
    with pytest.raises(ArchiveError, match=r"probe p1 .*(its moment|not in the archive's month)"):
        put(ledger, rewrite(tmp_path / "january", "records", later))
    assert len(rows(ledger, records)) == 6
    assert lawful(ledger)


def forged(folder: Path) -> Archive:
    """Make each speed of an archive another, with every hash behind it, and drop the seals."""
    rewrite(folder, "quarantine", rechained(folder))
    return rewrite(folder, "seals", list.clear)


def rechained(folder: Path) -> Callable[[Rows], None]:
    """Return what makes the chains anew, of records and of links that are none alike."""
    together: Rows = []

    def collect(content: Rows) -> None:
        together.extend(row | {"of": "records"} for row in content)

    rewrite(folder, "records", collect)

    def change(content: Rows) -> None:
        together.extend(row | {"of": "quarantine"} for row in content)
        together.sort(key=lambda row: (row["probe_id"], row["chain"], row["seq"]))
        faster(together)
        content[:] = [row for row in together if row["of"] == "quarantine"]
        mine = [row for row in together if row["of"] == "records"]
        rewrite(folder, "records", lambda records: records.__setitem__(slice(None), mine))

    return change


def test_rewritten_lines_without_seals_are_refused(
    ledger: Database, open_ledger: OpenLedger, tmp_path: Path
) -> None:
    """By the ledger that had them, whatever is asked for, as by a fresh one: that takes them where
    it is asked to, and counts them.
    """
    export(ledger, JANUARY, tmp_path / "january")
    archive = forged(tmp_path / "january")
    fresh = open_ledger()
    with pytest.raises(ArchiveError, match=r"probe p1 .* have no seal .*--unsealed"):
        put(fresh, archive)
    assert rows(fresh, records) == []
    assert put(fresh, archive, unsealed=True).unsealed == 22
    with pytest.raises(ArchiveError, match="no seal"):
        put(ledger, archive)
    # The records behind them first, and the digest of what left in the end.
    for month, reason in ((JANUARY, "other records beside"), (FEBRUARY, "are not just those")):
        remove(ledger, month)
        for unsealed in (False, True):
            with pytest.raises(ArchiveError, match=reason):
                put(ledger, archive, unsealed=unsealed)
    assert rows(ledger, records) == []
    assert lawful(ledger)


def test_seals_of_other_keys_are_refused(ledger: Database, tmp_path: Path) -> None:
    """A key that the probe never had vouches for nothing, whatever stands beside it in the archive;
    one that it had before does, also once its month is gone.
    """
    thief = Device("p1")
    before = rows(ledger, seals)
    export(ledger, JANUARY, tmp_path / "mine")
    (tmp_path / "theirs").mkdir()
    for file in (tmp_path / "mine").iterdir():
        (tmp_path / "theirs" / file.name).write_bytes(file.read_bytes())
    lines: Rows = []
    rewrite(tmp_path / "theirs", "records", lines.extend)
    theirs = rewrite(tmp_path / "theirs", "seals", sealed_by(thief.key, thief.public_key, lines))
    with ledger.write() as connection:
        connection.execute(update(probes).values(public_key=None))
    remove(ledger, JANUARY)
    remove(ledger, FEBRUARY)
    with pytest.raises(ArchiveError, match="by a key that this probe never had here"):
        put(ledger, theirs)
    # The lines are those that left, so they come back where it is asked for: without these seals.
    done = put(ledger, theirs, unsealed=True)
    assert (done.put_back, done.unsealed, rows(ledger, seals)) == (20, 22, [])
    assert put(ledger, Archive(tmp_path / "mine")).known == 20
    assert rows(ledger, seals) == [row for row in before if row["received_at"] < FEBRUARY]


def test_a_fresh_ledger_hears_whose_word_the_keys_are(
    ledger: Database, open_ledger: OpenLedger, tmp_path: Path
) -> None:
    """Probes that it did not know are counted; their former keys, that one is revoked and what a
    server may be used for come with them.
    """
    with ledger.write() as connection:
        connection.execute(update(probes).values(public_key=None))
        connection.execute(
            update(probes).where(probes.c.id == "p1").values(public_key="A" * 43 + "=")
        )
        connection.execute(update(probes).where(probes.c.id == "p2").values(revoked_at=FEBRUARY))
        row = {"id": "s1", "url": "http://192.0.2.1/", "engine": "http", "created_at": JANUARY}
        connection.execute(insert(servers).values(**row, budget_bits_per_second=5_000_000))
    archive = export(ledger, JANUARY, tmp_path / "january")
    fresh = open_ledger()
    assert put(fresh, archive).own_word == 2
    assert [row["revoked_at"] for row in rows(fresh, probes)].count(FEBRUARY) == 1
    assert {row["probe_id"] for row in rows(fresh, probe_keys)} == {"p1", "p2"}
    assert [row["budget_bits_per_second"] for row in rows(fresh, servers)] == [5_000_000]
    assert put(fresh, archive).own_word == 0


def test_folded_latency_is_not_counted_twice(ledger: Database, tmp_path: Path) -> None:
    """Exported, folded, removed and put back: each latency record is in its hour or in the records,
    never in both; and so a second time, and after another folding.
    """
    archive = export(ledger, JANUARY, tmp_path / "january")
    before = len(rows(ledger, records)), rows(ledger, seals)
    assert fold_all(ledger, NOW, NOW).records == 2
    hours = rows(ledger, latency_hours)
    remove(ledger, JANUARY)
    for put_back in (18, 0):
        assert put(ledger, archive).put_back == put_back
        assert not [row for row in rows(ledger, records) if row["task"] == "latency"]
        assert len(rows(ledger, records)) == before[0] - 2
        assert rows(ledger, seals) == before[1]
    fold_all(ledger, NOW, NOW)
    assert rows(ledger, latency_hours) == hours
    assert len(rows(ledger, folded)) == 2
    assert lawful(ledger)
    remove(ledger, JANUARY)
    assert put(ledger, archive).put_back == 18
    assert lawful(ledger)


def test_only_a_ledgers_own_ids_come_back(ledger: Database, tmp_path: Path) -> None:
    """An id is given once: those of another ledger's archive are made anew, and so are its own that
    are taken, as a copy of it went on by itself.
    """
    archive = export(ledger, JANUARY, tmp_path / "january")
    before = rows(ledger, records)
    remove(ledger, JANUARY)
    other = dict(json.loads((tmp_path / "january" / "manifest.json").read_text()))
    (tmp_path / "january" / "manifest.json").write_text(json.dumps(other | {"ledger": "another"}))
    put(ledger, Archive(tmp_path / "january"))
    again = rows(ledger, records)
    assert [row | {"id": 0} for row in again] == [row | {"id": 0} for row in before]
    assert len({row["id"] for row in again}) == len(again)
    assert not {row["id"] for row in again if row["received_at"] < FEBRUARY} & {
        row["id"] for row in before
    }
    remove(ledger, JANUARY)
    with ledger.write() as connection:
        # The ids that the archive has are others' by now.
        wanted = select(records.c.id).where(records.c.probe_id == "p1")
        shift = -min(connection.scalars(wanted)) + min(row["id"] for row in before)
        connection.execute(
            update(records).where(records.c.probe_id == "p1").values(id=records.c.id + shift)
        )
    put(ledger, archive)
    ids = [row["id"] for row in rows(ledger, records)]
    assert len(set(ids)) == len(ids) == len(before)


class StoppedError(Exception):
    """The power went out."""


def test_an_import_that_is_stopped_keeps_the_law(ledger: Database, tmp_path: Path) -> None:
    """After the first of two probes: that one is back, the other still counted as gone; a removal
    in between adds to what is gone, and the import ends it.
    """
    archive = export(ledger, JANUARY, tmp_path / "january")
    before = [rows(ledger, table, "id") for table in (records, seals, quarantine, outcome_totals)]
    remove(ledger, JANUARY)
    left = rows(ledger, gone)
    assert [row["without_outcome"] for row in left] == [2, 2]

    def stop(_: int) -> None:
        raise StoppedError

    for _ in range(2):
        with pytest.raises(StoppedError):
            import_month(ledger, archive, NOW, stop)
        assert rows(ledger, gone) == left[1:]
        assert lawful(ledger)
        remove(ledger, JANUARY)
        assert rows(ledger, gone) == left
        assert lawful(ledger)
    assert put(ledger, archive).put_back == 20
    after = [rows(ledger, table, "id") for table in (records, seals, quarantine, outcome_totals)]
    assert after == before
    assert rows(ledger, gone) == []
    assert lawful(ledger)


def test_what_left_is_not_replaced_by_less(ledger: Database, tmp_path: Path) -> None:
    """An archive that has a part is refused; the probe whose records are whole is back."""

    def fewer(content: Rows) -> None:
        del content[-1]

    export(ledger, JANUARY, tmp_path / "january")
    remove(ledger, JANUARY)
    with pytest.raises(ArchiveError, match=r"probe p2 .*11 places left .* has 10"):
        put(ledger, rewrite(tmp_path / "january", "records", fewer))
    assert {row["probe_id"] for row in rows(ledger, gone)} == {"p2"}
    assert lawful(ledger)
