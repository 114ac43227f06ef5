"""Writes a month's papers for people into its folder: the letter, or the page that none is due."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from collector.cases.calendar import rules
from collector.domain.cases.deadlines import Rule
from collector.domain.standard_file import StandardFile
from collector.errors import ReportError
from collector.ledger.database import Database
from collector.papers.bases import without_contract
from collector.papers.findings import by_name, failing, is_due, ward_of
from collector.papers.letter import Annex, compose
from collector.papers.letter_docx import as_docx
from collector.papers.letter_pdf import as_pdf
from collector.papers.no_complaint import page
from collector.papers.parties import Parties, read_parties
from collector.papers.typesetting import typeset
from collector.reports.folder import whole
from collector.reports.monthly import Month
from collector.reports.names import (
    ANNEXES,
    EVIDENCE,
    LETTER_DOCX,
    LETTER_PDF,
    NO_COMPLAINT,
    PAPERS,
)
from collector.reports.summary import Summary
from collector.reports.sums import sha256_of

MOST_NAMED: Final = 10
"""Lines in a sentence on what is missing."""


def leave_out_papers(folder: Path) -> None:
    """Remove an earlier run's papers: a letter never lies beside a summary that it is not of.

    Raises:
        ReportError: one cannot be removed.
    """
    try:
        for name in PAPERS:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(folder, error) from None


def add_papers(
    folder: Path, database: Database, summary: Summary, files: Sequence[StandardFile]
) -> tuple[list[str], list[str]]:
    """Write a month's papers; return their names, and what has to be filled in by hand.

    Args:
        folder: of the month and the carrier, with all else that it is to have.
        database: the ledger.
        summary: what is in the folder.
        files: the standards that the summary names.

    Raises:
        PaperError: one cannot be typeset.
        ReportError: the folder cannot be read or written.
    """

    def read(connection: Connection) -> Parties:
        return read_parties(connection, summary.carrier.id, ward_of(summary))

    parties = database.read_now(read)
    made = write_papers(folder, summary, files, parties, rules())
    return made, [*parties.missing(), *_nameless(summary)] if LETTER_PDF in made else []


def _nameless(summary: Summary) -> Iterator[str]:
    """Yield that contracts have no number which the letter would have to name."""
    lines = without_contract(failing(summary))
    if lines:
        more = f" and {len(lines) - MOST_NAMED} more" if len(lines) > MOST_NAMED else ""
        yield (
            f"{', '.join(lines[:MOST_NAMED])}{more}: below the contracted speed, and the number of "
            "the contract is not known: 'linewatch line set ID --contract-number'"
        )


def write_papers(
    folder: Path,
    summary: Summary,
    files: Sequence[StandardFile],
    parties: Parties,
    deadlines: Sequence[Rule],
) -> list[str]:
    """Write the letter as DOCX and PDF where a line fails, else the page; return their names.

    Whatever else a folder is to have has to be there before: the letter lists it. What is there of
    an earlier run and not due any more is removed.

    Args:
        folder: of the month and the carrier.
        summary: what is in it.
        files: the standards that the summary names.
        parties: who writes to whom.
        deadlines: what a carrier has to do until when.

    Raises:
        PaperError: one cannot be typeset.
        ReportError: the folder cannot be read or written.
    """
    moment = end_of(summary)
    standards = by_name(files)
    leave_out_papers(folder)
    try:
        if is_due(summary):
            letter = compose(summary, standards, parties, deadlines, annexes_in(folder))
            made = {LETTER_DOCX: as_docx(letter, moment), LETTER_PDF: as_pdf(letter, moment)}
        else:
            made = {NO_COMPLAINT: typeset("no_complaint.typ", page(summary, standards), moment)}
        for name, content in made.items():
            with whole(folder / name) as file:
                file.write_bytes(content)
    except OSError as error:
        raise _not_written(folder, error) from None
    return sorted(made)


def annexes_in(folder: Path) -> list[Annex]:
    """Return the files of a month's folder that go with a letter; the evidence with its SHA-256."""
    found = []
    for name, what in ANNEXES.items():
        path = folder / name
        if path.is_file():
            found.append(Annex(name, what, sha256_of(path) if name == EVIDENCE else None))
    return found


def end_of(summary: Summary) -> datetime:
    """Return the first moment behind a month: when its papers say that they were made."""
    first_day = date.fromisoformat(f"{summary.month}-01")
    _, end = Month(first_day, ZoneInfo(summary.timezone)).span
    return end


def _not_written(folder: Path, error: OSError) -> ReportError:
    return ReportError(f"{folder}: cannot be written: {error.strerror}")
