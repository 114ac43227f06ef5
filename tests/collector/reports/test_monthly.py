"""A month of each carrier's lines, read, judged and written."""

import csv
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import func, select

from collector.domain.findings import Verdict
from collector.domain.terms import Period, Terms
from collector.errors import RegistryError
from collector.ledger.database import Database
from collector.ledger.month_rows import read_lines
from collector.ledger.schema import records
from collector.ledger.terms import add_stated
from collector.reports.data_rows import COLUMNS
from collector.reports.folder import write_folder
from collector.reports.making import Task, done_months
from collector.reports.monthly import Month, find_lines
from collector.reports.names import DATA, SHEET, SUMMARY
from collector.reports.summary import FORMAT, Summary, from_json, schema, standard_used
from collector.settings import LedgerSettings
from tests.collector import simulated_month
from tests.collector.conftest import ON_BOTH
from tests.collector.simulated_month import STORIES, LineStory
from tests.collector.standing_rules import standing

NOVEMBER = Month(date(2026, 11, 1), simulated_month.ZONE)
STANDARDS = [standing("qcvn-34-2019")]


@pytest.fixture
def database(request: pytest.FixtureRequest, engine: str) -> Iterator[Database]:
    """Yield the ledger with the simulated month."""
    if engine == "postgresql":
        opened = Database(request.getfixturevalue("month_database"))
    else:
        opened = Database(LedgerSettings(path=request.getfixturevalue("month_ledger")))
    yield opened
    opened.close()


def write(database: Database, folder: Path, ward: str | None = None) -> dict[str, Summary]:
    """Write all carriers' November; return their summaries."""
    found = database.read_now(lambda c: find_lines(c, None, ward))
    made = {}
    for of, known in found.items():
        blank = Summary(
            FORMAT, "linewatch/0", NOVEMBER.name, "Asia/Ho_Chi_Minh", ward, of,
            [standard_used(one) for one in STANDARDS], [],
        )  # fmt: skip
        months = done_months(database, Task(NOVEMBER, STANDARDS), known)
        made[of.id] = write_folder(folder / of.id, blank, months)
    return made


def digests(folder: Path) -> dict[str, str]:
    """Return what is in a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_a_month_is_its_days_in_its_zone() -> None:
    """From its first local midnight until before the next month's, leap years too."""
    february = Month(date(2028, 2, 1), simulated_month.ZONE)
    assert (february.name, february.last_day) == ("2028-02", date(2028, 2, 29))
    begin, end = february.span
    assert begin.isoformat() == "2028-02-01T00:00:00+07:00"
    assert end.isoformat() == "2028-03-01T00:00:00+07:00"
    assert Month(date(2026, 12, 1), simulated_month.ZONE).next_day == date(2027, 1, 1)


@ON_BOTH
def test_a_month_made_twice_is_the_same_to_the_byte(database: Database, tmp_path: Path) -> None:
    """Every file, of every carrier; and what is written is what was told."""
    told = write(database, tmp_path / "one")
    write(database, tmp_path / "two")
    found = digests(tmp_path / "one")
    assert found == digests(tmp_path / "two")
    assert set(found) == {f"{one}/{name}" for one in told for name in (DATA, SHEET, SUMMARY)}
    for carrier, summary in told.items():
        content = (tmp_path / "one" / carrier / SUMMARY).read_bytes()
        assert from_json(content) == from_json(json.dumps(json.loads(content)).encode())
        assert [one.id for one in from_json(content).lines] == [one.id for one in summary.lines]
        jsonschema.validate(json.loads(content), schema())


@ON_BOTH
def test_every_speed_record_has_its_row(database: Database, tmp_path: Path) -> None:
    """Each of the month once, whether it counts or why not, with its place in the evidence."""
    told = write(database, tmp_path)
    rows = [row for carrier in told for row in read(tmp_path / carrier / DATA)]
    places = Counter((row["probe"], row["chain"], int(row["seq"])) for row in rows)
    moment = func.coalesce(records.c.measured_at, records.c.slot)
    begin, end = NOVEMBER.span
    query = select(records.c.probe_id, records.c.chain, records.c.seq).where(
        records.c.task == "speed", moment >= begin, moment < end
    )
    wanted = database.read_now(lambda c: Counter(tuple(row) for row in c.execute(query)))
    assert places == wanted
    assert wanted
    for row in rows:
        assert (row["counts"] == "no") == bool(row["reason"])
        assert (row["counts"] != "no") == bool(row["server"])
    by_line = Counter(row["line"] for row in rows if row["counts"] == "yes")
    tests = {
        line.id: sum(part.tests for part in line.parts) for s in told.values() for line in s.lines
    }
    assert by_line == Counter({line: many for line, many in tests.items() if many})


def read(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a sheet."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        found = list(csv.DictReader(opened))
    assert tuple(found[0]) == COLUMNS
    return found


def declared(story: LineStory) -> Terms:
    """Return terms by which the carrier declares what the contract says."""
    down, up = (round(speed * 1e6) or None for speed in story.contracted or (0, 0))
    return Terms(declared_download_bits_per_second=down, declared_upload_bits_per_second=up)


def test_the_line_that_is_slow_in_the_evening_is_found_alone(
    month_ledger: Path, tmp_path: Path
) -> None:
    """Where the carriers declare what their contracts say, one breaks it, and nobody else does."""
    copied = tmp_path / "ledger.sqlite"
    shutil.copy(month_ledger, copied)
    database = Database(LedgerSettings(path=copied))
    with database.write() as connection:
        stated = [(story.id, Period(None, None, declared(story))) for story in STORIES]
        add_stated(connection, [(*one, simulated_month.NOW) for one in stated])
    told = write(database, tmp_path / "papers")
    database.close()
    verdicts = {line.id: line.verdict for one in told.values() for line in one.lines}
    assert [line for line, said in verdicts.items() if said is Verdict.FAIL] == ["tk-nvh2-b"]
    assert verdicts["tk-nvh1-a"] is Verdict.PASS


def test_wards_and_carriers_are_chosen_by_name(month_ledger: Path) -> None:
    """By id or name, however they are written; one that is not there is an error that says so."""
    database = Database(LedgerSettings(path=month_ledger))

    def lines(carrier: str | None, ward: str | None) -> dict[str, int]:
        found = database.read_now(lambda c: find_lines(c, carrier, ward))
        return {of.id: len(known) for of, known in found.items()}

    everything = lines(None, None)
    assert sum(everything.values()) == len(database.read_now(read_lines))
    assert lines("A", None) == {"a": everything["a"]}
    assert sum(lines(None, "Phường Thạch Khôi").values()) == 3
    assert lines(None, "phuong thach KHOI") == lines(None, "Phường Thạch Khôi")
    with pytest.raises(RegistryError, match="there is no carrier 'nobody'; known are 'a', "):
        lines("nobody", None)
    with pytest.raises(
        RegistryError, match="no site is in ward 'Nowhere'; wards with sites are 'P"
    ):
        lines(None, "Nowhere")
    database.close()
