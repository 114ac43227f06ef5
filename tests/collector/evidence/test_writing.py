"""A ledger's month becomes a file that proves it: the same to the byte, and no more than is due."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from collector.domain.findings import Verdict
from collector.domain.terms import Period, Terms
from collector.errors import ReportError
from collector.evidence.format import Covers, Kind, Place, read_place
from collector.evidence.writing import write_evidence
from collector.ingest.verify import verify as verify_batch
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.store import Arrival, store_batch
from collector.ledger.terms import add_stated
from tests.collector import fleet_ledger
from tests.collector.conftest import ON_BOTH, enrol_directly, fill_registry
from tests.collector.device import Device, rewrite
from tests.collector.evidence import made
from tests.collector.evidence.made import named, unpacked, verify

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NOON = datetime(2026, 10, 10, 5, tzinfo=UTC)


def places(path: Path) -> list[Place]:
    """Return the rows of a file's only stored.csv."""
    members = unpacked(path)
    return [read_place(row) for row in members[named(members, "/stored.csv")].splitlines()[1:]]


def deliver(database: Database, device: Device, first: int = 0, end: int | None = None) -> None:
    """Store a part of a device's chain as a collector does, an hour after it was made."""
    key = device.key.public_key()
    found = verify_batch(device.batch(first, end), device.probe, key)
    last = device.booted_at + timedelta(hours=12)
    with database.write() as connection:
        arrival = Arrival(last, device.public_key, gap_acknowledged=True)
        store_batch(connection, found, arrival)


@pytest.fixture
def device(database: Database) -> Device:
    """Return a probe of line l1 in a ledger that knows it."""
    fill_registry(database, NOON - timedelta(days=30))
    return enrol_directly(database, Device("p1", booted_at=NOON - timedelta(hours=1)))


@ON_BOTH
def test_a_month_written_twice_is_the_same_and_is_proved(
    database: Database, tmp_path: Path
) -> None:
    """To the byte; whoever checks it finds nothing wrong and makes all of it anew."""
    made.fill(database)
    one = made.write(database, tmp_path / "one.zip")
    two = made.write(database, tmp_path / "two.zip")
    assert one.read_bytes() == two.read_bytes()
    found = verify(one)
    assert found.good, found.findings.faults
    assert found.records > 300
    assert found.summary is not None
    assert [line.id for line in found.summary.lines] == [
        line["id"] for line in json.loads(unpacked(one)["registry.json"])["lines"]
    ]


@ON_BOTH
def test_folded_records_are_there_as_hours(database: Database, tmp_path: Path) -> None:
    """Their numbers are made anew from these, and it is said whose word that is."""
    made.fill(database)
    before = verify(made.write(database, tmp_path / "before.zip"))
    fleet_ledger.fold_all(database, NOW, NOW)
    path = made.write(database, tmp_path / "folded.zip")
    found = verify(path)
    assert found.good, found.findings.faults
    folded = [row for row in places(path) if row.kind is Kind.FOLDED]
    assert len(folded) == before.records - found.records > 0
    (sentence,) = (one for one in found.findings.sentences if "folded into hours" in one)
    assert sentence.startswith(f"{len(folded)} records")
    assert any("between them and the next seal" in one for one in found.findings.sentences)
    members = unpacked(path)
    hours = [json.loads(line) for line in members["folded.ndjson"].splitlines()]
    for hour in hours:
        hour["round_trips_microseconds"] = [2 * one for one in hour["round_trips_microseconds"]]
    members["folded.ndjson"] = b"".join(json.dumps(one).encode() + b"\n" for one in hours)
    forged = verify(made.packed(members, tmp_path / "forged.zip"))
    assert any("latency" in str(one.figure) for one in forged.findings.faults)


def test_the_chain_leads_on_to_a_seal_behind_the_month(database: Database, tmp_path: Path) -> None:
    """The next month's records until there are in the file, and are no late ones of this."""
    end = made.OCTOBER.span[1]
    fill_registry(database, NOON)
    device = enrol_directly(database, Device("p1", booted_at=end - timedelta(hours=2)))
    for minute in (-10, -5, 5, 10):
        device.add(end + timedelta(minutes=minute))
    deliver(database, device)
    path = made.write(database, tmp_path / "evidence.zip", carrier=None)
    found = verify(path)
    assert found.good, found.findings.faults
    assert [(row.seq, row.kind) for row in places(path)] == [(seq, Kind.RECORD) for seq in range(4)]
    assert found.summary is not None
    (line,) = (one for one in found.summary.lines if one.id == "l1")
    assert line.parts[0].tests == 2


@ON_BOTH
def test_a_month_that_changed_meanwhile_is_made_again(database: Database, tmp_path: Path) -> None:
    """A record that was judged and is not there, or of another moment: the file would be wrong."""
    made.fill(database, made.SINGLE)
    told = made.material(database, None)
    with database.write() as connection:
        newest = connection.scalar(select(schema.records.c.id).limit(1))
        moved = NOON - timedelta(days=1)
        connection.execute(
            update(schema.records).where(schema.records.c.id == newest).values(measured_at=moved)
        )
    with pytest.raises(ReportError, match="changed while the report was made: make it again"):
        write_evidence(tmp_path / "evidence.zip", database, told)


def test_only_lines_that_fail_where_that_is_asked(database: Database, tmp_path: Path) -> None:
    """The others' numbers are in the summary, and it is said that nothing here proves them."""
    made.fill(database)
    told = made.material(database, "a", Covers.FAILED)
    failed = {one.id for one in told.summary.lines if one.verdict is Verdict.FAIL}
    path = tmp_path / "evidence.zip"
    write_evidence(path, database, told)
    found = verify(path)
    assert found.good, found.findings.faults
    assert {one["id"] for one in json.loads(unpacked(path)["registry.json"])["lines"]} == failed
    missing = len(told.summary.lines) - len(failed)
    assert missing
    assert f"{missing} lines of the summary are not in the file" in "".join(
        found.findings.sentences
    )


def test_gaps_invalid_links_and_moments_put_right_are_shown(
    database: Database, device: Device, tmp_path: Path
) -> None:
    """Each place of the chain is told of, and those that judge nothing say why."""
    for minute in range(3):
        device.add(NOON + timedelta(minutes=minute))
    device.add_untimed(NOON - timedelta(days=300), 4000.0)
    device.add_reach(NOON + timedelta(minutes=10))
    device.lines.append(rewrite(device.add_reach(NOON + timedelta(minutes=11)), outcome="odd"))
    device.lines.pop(-2)
    device.add_reach(NOON + timedelta(minutes=12))
    for minute in range(5):
        device.add(NOON + timedelta(minutes=20 + minute))
    deliver(database, device, 0, 7)
    deliver(database, device, 9)
    path = made.write(database, tmp_path / "evidence.zip", carrier=None)
    found = verify(path)
    assert found.good, found.findings.faults
    kinds = [(row.seq, row.to_seq, row.kind.value) for row in places(path)]
    assert (5, 5, "invalid") in kinds
    assert (7, 8, "missing") in kinds
    assert places(path)[3].time_quality == "corrected"
    entry = json.loads(unpacked(path)["chains.ndjson"])
    assert entry["gaps"] == [{"from_seq": 7, "to_seq": 8}]
    notes = "; ".join(found.findings.sentences)
    assert "2 places of chains are missing" in notes
    assert "1 links of chains are no valid records" in notes


def test_other_lines_records_of_the_probe_are_there_and_not_judged(
    database: Database, device: Device, tmp_path: Path
) -> None:
    """The chain cannot be followed without them; a path that was moved is told with its times."""
    for minute in range(4):
        device.add(NOON + timedelta(minutes=minute))
    deliver(database, device, 0, 2)
    with database.write() as connection:
        connection.execute(update(schema.probe_paths).values(line_id=None))
    deliver(database, device, 2)
    path = made.write(database, tmp_path / "evidence.zip", carrier=None)
    assert verify(path).good
    assert [row.line for row in places(path)] == ["l1", "l1"]
    (told,) = json.loads(unpacked(path)["registry.json"])["paths"]
    assert (told["path"], told["line"]) == ("default", "l1")


def test_nobody_learns_who_pays(database: Database, device: Device, tmp_path: Path) -> None:
    """No person's name and no secret is in the file; terms have their history for the month."""
    device.add(NOON)
    deliver(database, device)
    paid = Terms(contracted_download_bits_per_second=200_000_000, payer="Bà Nguyễn Thị Bí Mật")
    other = replace(paid, payer="Ông Trần Kín")
    with database.write() as connection:
        stated = [
            ("l1", Period(None, None, paid), NOON),
            ("l1", Period(date(2026, 10, 12), None, other), NOON),
            ("l1", Period(None, date(2026, 8, 1), other), NOON),
        ]
        add_stated(connection, stated)
    path = made.write(database, tmp_path / "evidence.zip", carrier=None)
    found = verify(path)
    assert found.good, found.findings.faults
    content = b"".join(unpacked(path).values()).decode()
    for secret in ("Bí Mật", "Trần Kín", device.token()):
        assert secret not in content
    lines = json.loads(unpacked(path)["registry.json"])["lines"]
    (l1,) = (one for one in lines if one["id"] == "l1")
    assert [one["valid_from"] for one in l1["terms"]] == [None, None, "2026-10-12"]
    assert found.summary is not None
    (summary,) = (one for one in found.summary.lines if one.id == "l1")
    assert len(summary.parts) == 1


def test_a_key_of_before_is_told_with_its_times(
    database: Database, device: Device, tmp_path: Path
) -> None:
    """A probe that was given another key: seals by both are good, each in its time."""
    device.add(NOON)
    deliver(database, device)
    renewed = Device("p1", booted_at=NOON + timedelta(days=1))
    with database.write() as connection:
        connection.execute(
            update(schema.probes).values(
                public_key=renewed.public_key, enrolled_at=NOON + timedelta(days=1)
            )
        )
    renewed.add(NOON + timedelta(days=1))
    deliver(database, renewed)
    path = made.write(database, tmp_path / "evidence.zip", carrier=None)
    found = verify(path)
    assert found.good, found.findings.faults
    (probe,) = json.loads(unpacked(path)["keys.json"])["probes"]
    told = {one["public_key"]: one["current"] for one in probe["keys"]}
    assert told == {device.public_key: False, renewed.public_key: True}
    assert len(found.heads) == 2


def test_a_line_without_records_is_proved_to_have_none(
    database: Database, device: Device, tmp_path: Path
) -> None:
    """As far as a file can: there is no chain, and the summary says NOT ENOUGH DATA."""
    del device
    found = verify(made.write(database, tmp_path / "evidence.zip", carrier=None))
    assert found.good
    assert (found.records, found.heads) == (0, [])
