"""Cases are opened from a month's folder."""

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from collector.cases import opening
from collector.cases.opening import open_from
from collector.domain.cases.steps import Role, State, Step
from collector.domain.findings import Verdict
from collector.errors import CaseError
from collector.ledger import cases
from collector.ledger.database import Database
from collector.ledger.large_files import beside
from collector.reports.names import DATA, EVIDENCE, SUMMARY, SUMS
from collector.reports.sums import leave_out_sums, write_sums
from tests.collector.cases.conftest import NOW
from tests.collector.cases.folders import (
    FILES,
    LIMIT,
    STANDARD,
    failing,
    material,
    write_month,
    write_proof,
)
from tests.collector.conftest import ON_BOTH


def refused(ledger: Database, folder: Path) -> str:
    """Return why a folder makes no case."""
    with pytest.raises(CaseError) as error, ledger.write() as connection:
        open_from(connection, material(folder), Role.CLERK, "", NOW)
    assert ledger.read_now(cases.read_cases) == []
    return str(error.value)


@ON_BOTH
def test_a_case_keeps_what_was_complained_about(ledger: Database, tmp_path: Path) -> None:
    """The lines that fail with their findings, every file as it was: whatever becomes of the
    folder.
    """
    folder = write_month(tmp_path)
    contents = {one.name: one.read_bytes() for one in folder.iterdir()}
    with ledger.write() as connection:
        number = open_from(connection, material(folder), Role.CLERK, "tháng 10", NOW)
    (folder / "summary.json").write_text("{}")
    (folder / "letter.pdf").unlink()
    case = ledger.read_now(lambda c: cases.read_case(c, number))
    assert (case.carrier_id, case.month, case.ward) == ("vnpt", "2026-10", "Thạch Khôi")
    assert case.state is State.DRAFT
    (event,) = case.events
    assert (event.step, event.day.isoformat()) == (Step.OPENED, "2026-11-02")
    assert event.details == {
        "software": "linewatch/test",
        "lines": 1,
        "of": 2,
        "wards": ["Thạch Khôi"],
    }
    (line,) = ledger.read_now(lambda c: cases.read_lines(c, number))
    assert (line.line, line.site) == ("l1", "Nhà văn hóa số 1")
    (finding,) = line.findings
    assert (finding["standard"], finding["indicator"], finding["limit"]) == (
        STANDARD,
        "download",
        LIMIT,
    )
    assert (finding["verdict"], finding["is_primary"]) == ("fail", True)
    files = {one.name: one for one in ledger.read_now(lambda c: cases.read_files(c, number))}
    assert set(files) == {*FILES, SUMMARY, EVIDENCE, SUMS}
    assert all(one.kind == "folder" and one.is_kept for one in files.values())
    for name, one in files.items():
        kept = ledger.read_now(partial(cases.read_content, case=number, number=one.number))
        assert kept is not None
        assert kept == contents[name]
        assert one.sha256 == hashlib.sha256(kept).hexdigest()


def test_a_case_is_of_the_ward_that_its_lines_are_of(ledger: Database, tmp_path: Path) -> None:
    """Whether the report was asked for it or not; of none where they are of several."""
    elsewhere = failing("l2")
    elsewhere = replace(elsewhere, site=replace(elsewhere.site, ward="Tân Hưng"))
    months = {"2026-09": [failing("l1")], "2026-10": [failing("l1"), elsewhere]}
    found = []
    for month, lines in months.items():
        with ledger.write() as connection:
            folder = write_month(tmp_path, *lines, ward=None, month=month)
            number = open_from(connection, material(folder), Role.CLERK, "", NOW)
            case = cases.read_case(connection, number)
        found.append((case.ward, case.events[0].details["wards"]))
    assert found == [("Thạch Khôi", ["Thạch Khôi"]), (None, ["Thạch Khôi", "Tân Hưng"])]


def test_a_file_too_large_for_the_ledger_is_kept_beside_it(
    ledger: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy by its SHA-256, which nobody may write to, and which a second report leaves alone:
    even one that writes into the file that is there.
    """
    folder = write_month(tmp_path)
    monkeypatch.setattr(opening, "MAX_FILE_BYTES", 1 << 20)
    large = bytes(range(256)) * (1 << 14)
    (folder / DATA).write_bytes(large)
    write_sums(folder)
    with ledger.write() as connection:
        number = open_from(connection, material(folder), Role.CLERK, "", NOW)
    found = ledger.read_now(lambda c: cases.read_files(c, number))
    (file,) = (one for one in found if one.name == DATA)
    assert (file.is_kept, file.size_bytes) == (False, len(large))
    assert file.sha256 == hashlib.sha256(large).hexdigest()
    place = beside(folder.parent).find(file.sha256, DATA)
    assert place is not None
    assert (place.name, place.stat().st_mode & 0o777) == (f"{file.sha256}.csv", 0o440)
    with (folder / DATA).open("r+b") as opened:
        opened.write(b"of another report")
    assert place.read_bytes() == large


def test_files_of_several_reports_are_refused_by_name(ledger: Database, tmp_path: Path) -> None:
    """The data, the annex, the summary or the evidence of another report; one that is missing or
    was not there: the sentence says which, and what to do.
    """
    other = write_month(tmp_path / "other", failing("l3"), ward=None)
    (other / "annex.pdf").write_bytes(b"%PDF-1.7 of another")
    (other / DATA).write_bytes(b"of another")
    for name in ("data.xlsx", "annex.pdf", SUMMARY, EVIDENCE, DATA):
        folder = write_month(tmp_path / name)
        if name == "data.xlsx":
            (folder / name).unlink()
        else:
            (folder / name).write_bytes((other / name).read_bytes())
        said = refused(ledger, folder)
        assert f"not of the report that SHA256SUMS names: {name}. Files of several" in said
        assert said.endswith("put back what the report wrote, or report again")
    (folder / DATA).unlink()
    (folder / "letter.docx").write_bytes(b"PK, as a clerk edited it")
    (folder / "notes.txt").touch()
    with ledger.write() as connection:
        assert open_from(connection, material(folder), Role.CLERK, "", NOW) == 1


def test_evidence_of_another_summary_is_refused(ledger: Database, tmp_path: Path) -> None:
    """Whatever the list says; and what is no evidence at all."""
    folder = write_month(tmp_path)
    write_proof(folder, b"{}")
    write_sums(folder)
    assert "SHA256SUMS names: summary.json in evidence.zip. Files" in refused(ledger, folder)
    (folder / EVIDENCE).write_bytes(b"PK evidence")
    write_sums(folder)
    assert "evidence.zip: is no evidence that can be read: report again" in refused(ledger, folder)


def test_a_report_that_did_not_end_opens_no_case(ledger: Database, tmp_path: Path) -> None:
    """Its list of files is not there, or is none."""
    folder = write_month(tmp_path)
    (folder / SUMS).write_text("0" * 64 + "  summary.json\n../other\n")
    assert "is no list of a report's files: '../other'" in refused(ledger, folder)
    leave_out_sums(folder)
    assert "has no SHA256SUMS, which a report writes last" in refused(ledger, folder)


def test_who_breaks_nothing_gets_no_complaint(ledger: Database, tmp_path: Path) -> None:
    """A month without a FAIL opens no case."""
    fine = [failing("l1", Verdict.PASS), failing("l2", Verdict.NOT_ENOUGH_DATA)]
    said = refused(ledger, write_month(tmp_path, *fine))
    assert "no line of VNPT fails in 2026-10: there is nothing to complain about" in said


def test_what_is_no_months_folder_is_said_so(ledger: Database, tmp_path: Path) -> None:
    """A folder without a summary, one that is broken, a carrier that nobody registered."""
    assert "has no summary.json: name a carrier's folder" in refused(ledger, tmp_path)
    (tmp_path / "summary.json").write_text(json.dumps({"format": "linewatch-summary/1"}))
    assert "is no summary that this version reads" in refused(ledger, tmp_path)
    other = write_month(tmp_path, carrier="khong-co")
    assert "the registry has no carrier 'khong-co'" in refused(ledger, other)
    full = write_month(tmp_path, month="2026-09")
    for number in range(opening.MAX_FILES):
        (full / f"{number}.txt").touch()
    assert "has more than 100 files" in refused(ledger, full)
