"""Writes a year's report: the same content as JSON, workbook, document and PDF."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from collector.domain.words import slug
from collector.errors import ReportError
from collector.papers.parties import Author
from collector.reports.folder import whole
from collector.reports.yearly.content import compose
from collector.reports.yearly.docx import as_docx
from collector.reports.yearly.paper import printed
from collector.reports.yearly.pdf import as_pdf
from collector.reports.yearly.report import YearReport, as_json
from collector.reports.yearly.xlsx import write_book

JSON: Final = "report.json"
SHEETS: Final = "report.xlsx"
DOCUMENT: Final = "report.docx"
PDF: Final = "report.pdf"

ALL_WARDS: Final = "all"
"""The folder of a report that is of no one ward."""

_LONGEST_NAME: Final = 64


def folder_of(out: Path, year: int, ward: str | None) -> Path:
    """Return where a year's files go: OUT/YEAR/WARD, the ward without marks."""
    name = ALL_WARDS if ward is None else slug(ward, _LONGEST_NAME)
    return out / str(year) / (name or ALL_WARDS)


def write_year(folder: Path, report: YearReport, author: Author, moment: datetime) -> None:
    """Write a year's files; each is whole, or is not there.

    Args:
        folder: made where it is missing; what is in it by these names is replaced.
        report: what they say.
        author: who writes it, for the document's letterhead.
        moment: when the files say that they were made: the end of the last month, not the clock's.

    Raises:
        ReportError: the folder cannot be written.
        PaperError: a paper cannot be made.
    """
    paper = compose(report)
    short = printed(paper)
    made: dict[str, Callable[[Path], object]] = {
        JSON: lambda path: path.write_bytes(as_json(report)),
        SHEETS: lambda path: write_book(path, paper),
        DOCUMENT: lambda path: path.write_bytes(as_docx(short, author, moment)),
        PDF: lambda path: path.write_bytes(as_pdf(short, report.year, moment)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in made.items():
            with whole(folder / name) as path:
                write(path)
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None
