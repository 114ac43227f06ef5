"""What came while a report was made is not judged, and nothing else can be called so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from collector.errors import ReportError
from collector.evidence.faults import Fault, Note
from collector.evidence.format import Kind, Place
from collector.evidence.later import LaterRows
from collector.evidence.writing import Material, write_evidence
from collector.ingest.verify import verify as verify_batch
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.store import Arrival, store_batch
from tests.collector.conftest import ON_BOTH, enrol_directly, fill_registry
from tests.collector.device import Device
from tests.collector.evidence import made
from tests.collector.evidence.forging import forged, places, put_places
from tests.collector.evidence.made import Members, unpacked, verify

NOON = datetime(2026, 10, 10, 5, tzinfo=UTC)
CAME = NOON + timedelta(hours=12)


def deliver(database: Database, device: Device, first: int, end: int, at: datetime) -> None:
    """Store a part of a device's chain as a collector does."""
    found = verify_batch(device.batch(first, end), device.probe, device.key.public_key())
    with database.write() as connection:
        store_batch(connection, found, Arrival(at, device.public_key, gap_acknowledged=True))


@pytest.fixture
def device(database: Database) -> Device:
    """Return a probe of the lines l1 and l2, with nine records of each in turn."""
    fill_registry(database, NOON - timedelta(days=30))
    device = enrol_directly(database, Device("p1", booted_at=NOON - timedelta(hours=1)))
    with database.write() as connection:
        paths = schema.probe_paths
        row = dict(connection.execute(select(paths)).mappings().one())
        connection.execute(insert(paths).values(**(row | {"name": "second", "line_id": "l2"})))
    for minute in range(9):
        device.add(NOON + timedelta(minutes=minute))
        device.add(NOON + timedelta(minutes=minute, seconds=30), path="second")
    return device


def mixed(first: Material, second: Material) -> Material:
    """Return what a report is made of that read l1 as the first, and l2 as the second did."""
    lines = [first.summary.lines[0], second.summary.lines[1]]
    assert [line.id for line in lines] == ["l1", "l2"]
    sources = {"l1": first.sources["l1"], "l2": second.sources["l2"]}
    return replace(second, summary=replace(second.summary, lines=lines), sources=sources)


@ON_BOTH
def test_what_came_while_the_report_was_made_is_not_judged(
    database: Database, device: Device, tmp_path: Path
) -> None:
    """Between two lines of a probe a batch came: the first one's records of it are called what they
    are, and the bar is told of those alone that were judged.
    """
    deliver(database, device, 0, 6, CAME)
    before = made.material(database, None)
    deliver(database, device, 6, 12, CAME + timedelta(hours=1))
    told = mixed(before, made.material(database, None))
    path = tmp_path / "evidence.zip"
    steps: list[int] = []
    write_evidence(path, database, told, steps.append)
    found = verify(path)
    assert found.good, found.findings.faults
    later = [row.seq for row in places(unpacked(path)) if row.kind is Kind.LATER]
    assert later == [6, 8, 10]
    assert found.findings.notes[Note.LATER] == 3
    assert sum(steps) == told.records == 9
    again = verify(made.write(database, path, carrier=None))
    assert again.good
    assert not again.findings.notes[Note.LATER]


@ON_BOTH
def test_a_gap_that_was_filled_while_the_report_was_made_is_no_evidence(
    database: Database, device: Device, tmp_path: Path
) -> None:
    """Nobody could tell it from a record that was left out: the report is made again, and good."""
    deliver(database, device, 0, 6, CAME)
    deliver(database, device, 12, 18, CAME)
    told = made.material(database, None)
    deliver(database, device, 6, 12, CAME + timedelta(hours=1))
    path = tmp_path / "evidence.zip"
    with pytest.raises(ReportError, match=r"seq 12: records of its line .*make it again"):
        write_evidence(path, database, told)
    found = verify(made.write(database, path, carrier=None))
    assert (found.good, found.findings.notes[Note.LATER]) == (True, 0)


@pytest.fixture
def two_batches(database: Database, device: Device, tmp_path: Path) -> Members:
    """Return evidence of l1 and l2, of which a second batch came an hour after the first."""
    deliver(database, device, 0, 6, CAME)
    deliver(database, device, 6, 12, CAME + timedelta(hours=1))
    return unpacked(made.write(database, tmp_path / "evidence.zip", carrier=None))


def called_later(members: Members, tmp_path: Path, *seqs: int, **changes: Any) -> list[Fault]:
    """Return what is found, but for figures, where somebody calls records `later`."""
    rows = [
        row._replace(kind=Kind.LATER, **changes) if row.seq in seqs else row
        for row in places(members)
    ]
    put_places(members, rows)
    return [one for one in forged(members, tmp_path) if one.figure is None]


def test_no_record_between_judged_ones_can_be_called_later(
    members: Members, counting_seq: int, tmp_path: Path
) -> None:
    """Whoever takes a line's best test out of its month so, whatever summary he makes to fit."""
    found = called_later(members, tmp_path, counting_seq)
    assert (found[0].seq, found[0].what[:32]) == (counting_seq, "it is called 'later' and came at")
    (behind,) = (one for one in found if "before it in the chain are called 'later'" in one.what)
    assert behind.seq is not None
    assert behind.seq > counting_seq


def test_a_part_of_a_batch_cannot_be_called_later(two_batches: Members, tmp_path: Path) -> None:
    """A batch is stored whole: its last record came when the first one did."""
    (fault,) = called_later(two_batches, tmp_path, 10)
    assert fault.seq == 10
    assert "came at 2026-10-10 18:00:00+00:00: a record of its line that came at" in fault.what


def test_what_is_called_later_has_a_line_and_is_of_the_month(
    two_batches: Members, tmp_path: Path
) -> None:
    """Taken from its line or its month nobody would look where it stands."""
    for changes, sentence in (
        ({"line": ""}, "is of no line's month"),
        ({"measured_at": None, "time_quality": "none"}, "is of no line's month"),
        ({"line": "l2"}, "registry.json does not say that path default was of it then"),
    ):
        found = called_later(dict(two_batches), tmp_path, 2, **changes)
        assert [one for one in found if sentence in one.what and one.seq == 2], found


def test_the_last_batch_of_a_line_may_be_called_later_and_that_is_said(
    two_batches: Members, tmp_path: Path
) -> None:
    """The file alone cannot say more: the summary has to fit, and it is counted."""
    assert called_later(two_batches, tmp_path, 6, 8, 10) == []


def test_what_came_later_came_after_all_that_was_judged_in_other_chains() -> None:
    """Whichever of the two chains is read first."""
    span = (NOON, NOON + timedelta(days=1))

    def row(kind: Kind, came: datetime) -> Place:
        return Place(0, 0, kind, received_at=came, line="l1", measured_at=NOON)

    judged, late = (Kind.RECORD, CAME), (Kind.LATER, CAME + timedelta(seconds=1))
    early = (Kind.LATER, CAME)

    def wrong(*rows: tuple[Kind, datetime]) -> list[bool]:
        law = LaterRows(span)
        return [
            law.wrong_with((f"p{number}", "c"), row(*one)) is not None
            for number, one in enumerate(rows)
        ]

    assert wrong(judged, late) == wrong(late, judged) == [False, False]
    assert wrong(judged, early) == wrong(early, judged) == [False, True]
