"""The papers of a month's folder."""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from collector.cases.calendar import rules
from collector.domain.findings import Verdict
from collector.domain.standard import Reference
from collector.errors import ReportError
from collector.ledger.database import Database
from collector.papers.findings import failing, said_of
from collector.papers.monthly import add_papers, annexes_in, end_of, write_papers
from collector.reports.monthly import Month, find_lines, read_line_months
from collector.reports.names import LETTER_DOCX, LETTER_PDF, NO_COMPLAINT
from collector.reports.summary import Carrier, Summary
from collector.settings import LedgerSettings
from tests.collector import simulated_month
from tests.collector.conftest import NewLedger, fill_registry
from tests.collector.papers import months
from tests.collector.papers.reading import squeezed, text_of


def write(folder: Path, summary: Summary) -> Sequence[str]:
    """Write a month's papers; return what is in the folder afterwards."""
    made = write_papers(folder, summary, months.FILES, months.PARTIES, rules())
    there = sorted(path.name for path in folder.iterdir())
    assert set(made) <= set(there)
    return there


def test_a_letter_where_a_line_fails_and_else_the_page(tmp_path: Path) -> None:
    """Written again after the ledger changed, nothing stays that is not due any more."""
    assert write(tmp_path, months.mixed()) == [LETTER_DOCX, LETTER_PDF]
    assert write(tmp_path, months.fine()) == [NO_COMPLAINT]
    assert write(tmp_path, months.mixed()) == [LETTER_DOCX, LETTER_PDF]


def test_papers_made_twice_are_the_same_to_the_byte(tmp_path: Path) -> None:
    """The letter in both forms, and the page."""
    for summary in (months.mixed(), months.fine()):
        write(tmp_path, summary)
        first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        write(tmp_path, summary)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_a_letter_lists_what_is_in_the_folder(tmp_path: Path) -> None:
    """What is not there is not promised; the evidence is named with its digest."""
    assert annexes_in(tmp_path) == []
    for name in ("data.csv", "comparison.json", "evidence.zip", "something-else.txt"):
        (tmp_path / name).write_bytes(name.encode())
    digest = hashlib.sha256(b"evidence.zip").hexdigest()
    assert [(one.name, one.sha256) for one in annexes_in(tmp_path)] == [
        ("data.csv", None),
        ("comparison.json", None),
        ("evidence.zip", digest),
    ]
    write(tmp_path, months.mixed())
    text = squeezed(text_of((tmp_path / LETTER_PDF).read_bytes()))
    assert f"SHA-256:{digest}" in text
    assert "comparison.json" in text
    assert "annex.pdf" not in text


def test_papers_say_that_they_were_made_when_their_month_ended() -> None:
    """In the month's own zone; of December in the next year."""
    assert end_of(months.mixed()).isoformat() == "2026-11-01T00:00:00+07:00"
    december = replace(months.mixed(), month="2026-12")
    assert end_of(december).isoformat() == "2027-01-01T00:00:00+07:00"


def test_the_ledger_says_who_writes_and_the_command_hears_what_lacks(
    tmp_path: Path, new_ledger: NewLedger
) -> None:
    """A ward that is not registered gets its letter; a page asks for nobody."""
    database = Database(new_ledger())
    fill_registry(database, datetime(2026, 11, 1, tzinfo=UTC))
    of_vnpt = Carrier("vnpt", "VNPT")
    names, missing = add_papers(
        tmp_path, database, replace(months.mixed(), carrier=of_vnpt), months.FILES
    )
    assert names == [LETTER_DOCX, LETTER_PDF]
    assert missing[0].startswith("ward 'Phường Thử' has no authority")
    assert "Kínhgửi:VNPT" in squeezed(text_of((tmp_path / LETTER_PDF).read_bytes()))
    slow = months.broken(reference=Reference.CONTRACTED)
    nameless = months.part(slow, terms=replace(months.TERMS, contract_number=None))
    lacking = months.month(*(months.line(f"l{number}", nameless) for number in range(12)))
    _, missing = add_papers(tmp_path, database, replace(lacking, carrier=of_vnpt), months.FILES)
    assert "l9 and 2 more: below the contracted speed, and the number of" in missing[-1]
    page = add_papers(tmp_path, database, replace(months.fine(), carrier=of_vnpt), months.FILES)
    assert page == ([NO_COMPLAINT], [])
    database.close()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """And nothing half-written is left."""
    with pytest.raises(ReportError, match="cannot be written: No such file or directory"):
        write_papers(tmp_path / "nowhere", months.fine(), months.FILES, months.PARTIES, rules())
    (tmp_path / LETTER_PDF).mkdir()
    with pytest.raises(ReportError, match="cannot be written"):
        write_papers(tmp_path, months.mixed(), months.FILES, months.PARTIES, rules())
    assert not list(tmp_path.glob(".*"))


def test_a_simulated_months_carriers_get_what_is_due(month_ledger: Path, tmp_path: Path) -> None:
    """The line that is slow in the evening is in its carrier's letter, with the figure that the
    summary has; carriers of whom nothing fails get the page.
    """
    november = Month(date(2026, 11, 1), simulated_month.ZONE)
    with contextlib.closing(Database(LedgerSettings(path=month_ledger))) as database:
        for of, known in database.read_now(lambda c: find_lines(c, None, None)).items():
            read = read_line_months(database, november, known, lambda _: months.FILES)
            blank = replace(months.fine(), carrier=of, month=november.name)
            summary = replace(blank, lines=[one.summary for one in read])
            folder = tmp_path / of.id
            folder.mkdir()
            names, _ = add_papers(folder, database, summary, months.FILES)
            assert names == ([LETTER_DOCX, LETTER_PDF] if of.id == "b" else [NO_COMPLAINT])
            if of.id != "b":
                continue
            (slow,) = failing(summary)
            (said,) = said_of(slow.parts[0], months.STANDARDS, Verdict.FAIL)
            text = squeezed(text_of((folder / LETTER_PDF).read_bytes()))
            for told in (slow.site.name, said.measured, said.limit, said.why.vi):
                assert squeezed(told) in text
