"""A letter as DOCX, for a clerk who edits it in Word.

Its looks are in named styles (`collector.papers.letter_styles`) alone: changing one changes the
letter.
"""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from docx import Document
from docx.document import Document as Opened
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Mm
from docx.table import Table as Grid
from docx.table import _Cell as Cell

from collector.papers import letter_styles as styles
from collector.papers.content import COPIES, COUNTRY, MOTTO, TO, Letter, Paragraph, Table
from collector.papers.glyphs import shown

PAGE_MM: Final = (210, 297)
MARGINS_MM: Final = {"top": 20, "bottom": 20, "left": 30, "right": 15}
_HEADER_MM: Final = 10

_LETTERHEAD_MM: Final = (71, 94)
_SIGNATURE_MM: Final = (75, 90)

_UNDIVIDED: Final = 120
"""Letters of a cell: a row with more of them may go on on the next page."""

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP file can say; each entry says it, so that the bytes are the same."""


def as_docx(letter: Letter, moment: datetime) -> bytes:
    """Return a letter as DOCX: the same bytes for the same letter and moment.

    Args:
        letter: what it says; its texts are shown as in the PDF (`collector.papers.glyphs.shown`).
        moment: that the file says it was made at; not the letter's date, which a clerk fills in.
    """
    document = Document()
    styles.add_styles(document)
    _set_page(document.sections[0])
    _set_properties(document, letter, moment)
    _add_letterhead(document, letter)
    if letter.title:
        _add_title(document, letter)
    else:
        _add_recipient(document, letter)
    for block in letter.body:
        if isinstance(block, Table):
            _add_table(document, block)
        else:
            _add_paragraph(document, block)
    _add_signature(document, letter)
    return _bytes_of(document)


def _set_page(section: Section) -> None:
    """A4; the page's number in the top margin, not on the first page."""
    section.page_width, section.page_height = map(Mm, PAGE_MM)
    for side, margin in MARGINS_MM.items():
        setattr(section, f"{side}_margin", Mm(margin))
    section.header_distance = section.footer_distance = Mm(_HEADER_MM)
    section.different_first_page_header_footer = True
    number = section.header.paragraphs[0]
    number.style = styles.PAGE_NUMBER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    number._p.append(field)  # noqa: SLF001 - the library has no fields


def _set_properties(document: Opened, letter: Letter, moment: datetime) -> None:
    about = document.core_properties
    about.title = letter.subject or " ".join(letter.title)
    about.author = about.last_modified_by = about.comments = ""
    about.language = styles.LANGUAGE
    about.created = about.modified = moment.astimezone(UTC).replace(tzinfo=None)
    about.revision = 1
    # The library's own picture of an empty page.
    package: Any = document.part.package
    for name, relation in list(package.rels.items()):
        if relation.reltype == RELATIONSHIP_TYPE.THUMBNAIL:
            del package.rels[name]


def _add_letterhead(document: Opened, letter: Letter) -> None:
    left, right = _columns(document, _LETTERHEAD_MM)
    if letter.superior:
        _write(left, letter.superior, styles.SUPERIOR)
    _write(left, letter.authority, styles.AUTHORITY)
    _write(left, "", styles.AUTHORITY_RULE)
    _write(left, letter.number, styles.NUMBER)
    if letter.subject:
        _write(left, letter.subject, styles.SUBJECT)
    _write(right, COUNTRY, styles.COUNTRY)
    _write(right, MOTTO, styles.MOTTO)
    _write(right, "", styles.MOTTO_RULE)
    _write(right, letter.dated, styles.DATED)


def _add_title(document: Opened, letter: Letter) -> None:
    kind, *about = letter.title
    document.add_paragraph(kind, styles.PAPER_KIND)
    for text in about:
        document.add_paragraph(text, styles.ABOUT)


def _add_recipient(document: Opened, letter: Letter) -> None:
    document.add_paragraph(shown(f"{TO} {letter.recipient}"), styles.RECIPIENT)
    if letter.recipient_address:
        document.add_paragraph(shown(letter.recipient_address), styles.ADDRESS)


def _add_paragraph(document: Opened, block: Paragraph) -> None:
    made = document.add_paragraph(style=styles.KINDS[block.kind])
    for run in block.runs:
        made.add_run(shown(run.text), styles.MARKS.get(run.mark))


def _add_table(document: Opened, block: Table) -> None:
    table = document.add_table(0, len(block.head), "Table Grid")
    _fix(table, block.widths_mm)
    for place, row in enumerate((block.head, *block.rows)):
        cells = table.add_row().cells
        if len(row) == 1:
            _write(cells[0].merge(cells[-1]), row[0], styles.TABLE_LINE)
            continue
        for cell, text, width in zip(cells, row, block.widths_mm, strict=True):
            cell.width = Mm(width)
            _write(cell, text, styles.TABLE_TEXT if place else styles.TABLE_HEAD)
    # A row of many lines may be divided, or a fifth of a page stays empty.
    for whole, row in zip(table.rows, (block.head, *block.rows), strict=True):
        if max(map(len, row)) <= _UNDIVIDED or len(row) == 1:
            _flag(whole._tr, "w:cantSplit")  # noqa: SLF001 - the library has no such property
    _flag(table.rows[0]._tr, "w:tblHeader")  # noqa: SLF001 - as above


def _add_signature(document: Opened, letter: Letter) -> None:
    left, right = _columns(document, _SIGNATURE_MM)
    _write(left, COPIES, styles.COPIES)
    for one in letter.copies:
        _write(left, one, styles.COPY)
    for one in letter.signature:
        _write(right, one, styles.TITLE)
    _write(right, letter.signer, styles.SIGNER)


def _columns(document: Opened, widths_mm: Sequence[int]) -> Sequence[Cell]:
    """Return the cells of a row without borders, which stays on one page."""
    table = document.add_table(1, len(widths_mm))
    _fix(table, widths_mm)
    _flag(table.rows[0]._tr, "w:cantSplit")  # noqa: SLF001 - the library has no such property
    for cell, width in zip(table.rows[0].cells, widths_mm, strict=True):
        cell.width = Mm(width)
    cells: Sequence[Cell] = table.rows[0].cells
    return cells


def _fix(table: Grid, widths_mm: Sequence[int]) -> None:
    """Keep the columns as wide as they are said to be."""
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)


def _write(cell: Cell, text: str, style: str) -> None:
    """Add a paragraph to a cell; the empty one that each cell begins with is the first."""
    first, *others = cell.paragraphs
    is_new = not others and first._p.style is None  # noqa: SLF001 - as below
    made = first if is_new else cell.add_paragraph()
    # The library looks a style up by name among all of them, and a city's year has 100,000 cells.
    made._p.style = styles.id_of(style)  # noqa: SLF001 - the library has no faster way
    made.add_run(shown(text))


def _flag(row: Any, tag: str) -> None:  # noqa: ANN401 - lxml's
    row.get_or_add_trPr().append(OxmlElement(tag))


def _bytes_of(document: Opened) -> bytes:
    """Return the file, without the moments at which its parts were packed."""
    packed = io.BytesIO()
    document.save(packed)
    made = io.BytesIO()
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return made.getvalue()
