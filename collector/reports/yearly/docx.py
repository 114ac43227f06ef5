"""A year's report as DOCX, laid out as an authority's report is: a clerk edits it in Word."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from collector.papers.content import BLANK, Kind, Letter, Paragraph, Run
from collector.papers.content import Table as WordTable
from collector.papers.letter import kept_as, signature_of
from collector.papers.letter_docx import as_docx as letter_as_docx
from collector.papers.parties import Author
from collector.reports.yearly.paper import Paper, Table, cells_of, headed

_WIDTH_MM: Final = 165
"""Between the margins."""

_NUMERALS: Final = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def as_docx(paper: Paper, author: Author, moment: datetime) -> bytes:
    """Return a year's report as DOCX: the same bytes for the same content.

    Args:
        paper: what it says.
        author: who writes it. Number, place's day and month are left to the clerk.
        moment: that the file says it was made at.
    """
    return letter_as_docx(lay_out(paper, author), moment)


def lay_out(paper: Paper, author: Author) -> Letter:
    """Return a year's report as a paper of an authority.

    Args:
        paper: what it says.
        author: who writes it.
    """
    ward = author.ward
    return Letter(
        superior=ward.superior and ward.superior.upper(),
        authority=(ward.authority or BLANK).upper(),
        number="Số: ………/BC-………",
        subject="",
        dated=f"{ward.place or '…………'}, ngày …… tháng …… năm ………",
        recipient="",
        recipient_address=None,
        body=list(_body(paper)),
        copies=["- …………………;", kept_as(ward.letter_code)],
        signature=signature_of(author.signer),
        signer=author.signer.name if author.signer else BLANK,
        title=["BÁO CÁO", paper.title.vi, f"({paper.subject.vi})"],
    )


def _body(paper: Paper) -> Iterator[Paragraph | WordTable]:
    for numeral, section in zip(_NUMERALS, paper.sections, strict=False):
        yield _paragraph(Kind.HEADING, f"{numeral}. {section.title.vi.upper()}")
        for sentence in section.sentences:
            yield _paragraph(Kind.TEXT, sentence.vi)
        for table in section.tables:
            if table.rows:
                yield _paragraph(Kind.HEADING, table.title.vi)
                yield _table(table)
                yield _paragraph(Kind.NOTE, "")


def _paragraph(kind: Kind, text: str) -> Paragraph:
    return Paragraph(kind, [Run(text)])


def _table(table: Table) -> WordTable:
    head = [headed(column) for column in table.columns]
    rows = [cells_of(table, row) for row in table.rows]
    return WordTable(head, _widths([column.width for column in table.columns]), rows)


def _widths(relative: Sequence[int]) -> list[int]:
    """Return whole millimetres that make up the page's width together.

    Columns of one width stay so, or the numbers in one of them would be broken: the first column
    has what is left over.
    """
    total = sum(relative)
    first, *others = (_WIDTH_MM * one // total for one in relative)
    return [_WIDTH_MM - sum(others) if others else first, *others]
