"""A year's report as a workbook: a sheet for each topic, its numbers as numbers."""

from collections.abc import Sequence
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from collector.domain.standard import Words
from collector.domain.year.months import Speed
from collector.papers.glyphs import shown
from collector.reports.data_sheet import save_book
from collector.reports.yearly.paper import (
    FACTORS,
    UNIT_WORDS,
    Column,
    Paper,
    Section,
    Table,
    Unit,
    Value,
)
from collector.web.i18n import DASH

_HEAD: Final = PatternFill("solid", fgColor="1F4E79")
_PLAIN: Final = Font()
_BOLD: Final = Font(bold=True)
_TITLE: Final = Font(bold=True, size=13)
_ENGLISH: Final = Font(italic=True, color="595959")
_NUMBER: Final = Alignment(horizontal="right", vertical="top")
_WORD: Final = Alignment(horizontal="right", vertical="top", wrap_text=True)
_WHITE: Final = Font(bold=True, color="FFFFFF")

_LETTERS: Final = 6
"""Width of a column for each of its relative width."""

_LEAST_LETTERS: Final = 11
_MERGED: Final = 8
"""Columns that a sentence is as wide as."""

_LETTERS_IN_A_ROW: Final = 95
_POINTS_IN_A_ROW: Final = 15

_FORMATS: Final = {
    Unit.COUNT: "#,##0",
    Unit.RATE: "#,##0.0",
    Unit.TIME: "0.0",
    Unit.SHARE: "0.0%",
    Unit.DAY: "dd/mm/yyyy",
}
_BOUND: Final = '"≥ "'
"""Before a number that is a lower bound: the cell stays a number."""


def write_book(path: Path, paper: Paper) -> None:
    """Write a workbook: the same bytes for the same content."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for section in paper.sections:
        _write_section(book.create_sheet(section.sheet), paper, section)
    save_book(book, path)


def _write_section(sheet: Worksheet, paper: Paper, section: Section) -> None:
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    for number, letters in enumerate(_letters(section.tables), 1):
        sheet.column_dimensions[get_column_letter(number)].width = letters
    _text(sheet.cell(1, 1), f"{paper.title.vi} / {paper.title.en}", _TITLE, wraps=False)
    _text(sheet.cell(2, 1), f"{paper.subject.vi} / {paper.subject.en}", _ENGLISH, wraps=False)
    _text(sheet.cell(4, 1), f"{section.title.vi} / {section.title.en}", _TITLE, wraps=False)
    row = 5
    for sentence in section.sentences:
        row = _write_sentence(sheet, row, sentence)
    for table in section.tables:
        row = _write_table(sheet, row + 1, table)


def _letters(tables: Sequence[Table]) -> list[int]:
    """Return how wide each column is, in letters: as the widest of the tables below each other."""
    wide = zip_longest(*([one.width for one in table.columns] for table in tables), fillvalue=0)
    found = [max(_LEAST_LETTERS, _LETTERS * max(widths)) for widths in wide]
    return found + [_LEAST_LETTERS] * (_MERGED - len(found))


def _write_sentence(sheet: Worksheet, row: int, sentence: Words) -> int:
    for text, font in ((sentence.vi, _PLAIN), (sentence.en, _ENGLISH)):
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=_MERGED)
        _text(sheet.cell(row, 1), text, font)
        rows = 1 + len(text) // _LETTERS_IN_A_ROW
        sheet.row_dimensions[row].height = rows * _POINTS_IN_A_ROW
        row += 1
    return row


def _write_table(sheet: Worksheet, row: int, table: Table) -> int:
    _text(sheet.cell(row, 1), f"{table.title.vi} / {table.title.en}", _BOLD, wraps=False)
    for number, column in enumerate(table.columns, 1):
        cell = sheet.cell(row + 1, number)
        _text(cell, _head(column), _WHITE)
        cell.fill = _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    _fit(sheet, row + 1)
    for place, values in enumerate(table.rows, row + 2):
        _write_row(sheet, place, table.columns, values)
        _fit(sheet, place)
    return row + 2 + len(table.rows)


def _fit(sheet: Worksheet, row: int) -> None:
    """Make a row as high as its texts need: no program does it by itself when it opens a file."""
    rows = 1
    for cell in sheet[row]:
        if isinstance(cell.value, str):
            letters = sheet.column_dimensions[get_column_letter(cell.column)].width
            rows = max(rows, sum(1 + int(len(part) / letters) for part in cell.value.split("\n")))
    sheet.row_dimensions[row].height = rows * _POINTS_IN_A_ROW


def _head(column: Column) -> str:
    unit = UNIT_WORDS.get(column.unit)
    head = f"{column.head.vi} ({unit})" if unit else column.head.vi
    return head if column.head.en == column.head.vi else f"{head}\n{column.head.en}"


def _write_row(
    sheet: Worksheet, row: int, columns: Sequence[Column], values: Sequence[Value]
) -> None:
    for number, (column, value) in enumerate(zip(columns, values, strict=True), 1):
        cell = sheet.cell(row, number)
        if not (value is None or isinstance(value, str | Words)):
            _number(cell, value, column.unit)
            continue
        said = f"{value.vi} / {value.en}" if isinstance(value, Words) else value
        _text(cell, said or DASH, _PLAIN)
        if value is None or column.unit is not Unit.TEXT:
            # What stands in place of a number.
            cell.alignment = _WORD


def _number(cell: Cell | MergedCell, value: float | date | Speed, unit: Unit) -> None:
    form = _FORMATS[unit]
    if isinstance(value, Speed):
        form = _BOUND + form if value.at_least else form
        value = value.value
    cell.value = value if isinstance(value, date) else value * FACTORS.get(unit, 1)
    cell.number_format = form
    cell.alignment = _NUMBER


def _text(cell: Cell | MergedCell, text: str, font: Font, *, wraps: bool = True) -> None:
    cell.value = shown(text)
    # What begins with an equals sign is no formula.
    cell.data_type = "s"
    cell.font = font
    cell.alignment = Alignment(wrap_text=wraps, vertical="top")
