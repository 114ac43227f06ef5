"""A year's report as a workbook: a sheet for each topic, its numbers as numbers."""

from collections.abc import Sequence
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from collector.domain.standard import Words
from collector.domain.year.months import Speed
from collector.papers.glyphs import shown
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
from collector.sheets.writing import HEAD, print_landscape, workbook, write_text
from collector.web.i18n import DASH

_TOP: Final = {"valign": "top"}
_PLAIN: Final = {**_TOP, "text_wrap": True}
_BOLD: Final = {**_TOP, "bold": True}
_TITLE: Final = {**_BOLD, "font_size": 13}
_ENGLISH: Final = {**_TOP, "italic": True, "font_color": "#595959"}
_NUMBER: Final = {**_TOP, "align": "right"}
_CENTRED: Final = {**HEAD, "align": "center", "valign": "vcenter"}

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
    """Write a workbook: the same bytes for the same content.

    Raises:
        OSError: it cannot be written.
    """
    with workbook(path) as book:
        for section in paper.sections:
            _Sheet(book, section).write(paper, section)


class _Sheet:
    """A section's sheet; rows and columns are counted from 0."""

    def __init__(self, book: Workbook, section: Section) -> None:
        self._book = book
        self._formats: dict[tuple[tuple[str, object], ...], Format] = {}
        self._letters = _letters(section.tables)
        self._sheet: Worksheet = book.add_worksheet(section.sheet)

    def write(self, paper: Paper, section: Section) -> None:
        """Write all of it."""
        print_landscape(self._sheet)
        for column, letters in enumerate(self._letters):
            self._sheet.set_column(column, column, letters)
        self._text(0, 0, _both(paper.title), _TITLE)
        self._text(1, 0, _both(paper.subject), _ENGLISH)
        self._text(3, 0, _both(section.title), _TITLE)
        row = 4
        for sentence in section.sentences:
            row = self._write_sentence(row, sentence)
        for table in section.tables:
            row = self._write_table(row + 1, table)

    def _write_sentence(self, row: int, sentence: Words) -> int:
        for text, looks in ((sentence.vi, _PLAIN), (sentence.en, {**_ENGLISH, **_PLAIN})):
            self._sheet.merge_range(row, 0, row, _MERGED - 1, "", self._format(looks))
            self._text(row, 0, text, looks)
            self._set_height(row, 1 + len(text) // _LETTERS_IN_A_ROW)
            row += 1
        return row

    def _write_table(self, row: int, table: Table) -> int:
        self._text(row, 0, _both(table.title), _BOLD)
        heads = [_head(one) for one in table.columns]
        for column, head in enumerate(heads):
            self._text(row + 1, column, head, _CENTRED)
        self._fit(row + 1, heads)
        for place, values in enumerate(table.rows, row + 2):
            cells = zip(table.columns, values, strict=True)
            texts = [
                self._write_cell(place, number, column, value)
                for number, (column, value) in enumerate(cells)
            ]
            self._fit(place, texts)
        return row + 2 + len(table.rows)

    def _write_cell(self, row: int, number: int, column: Column, value: Value) -> str:
        """Write a cell; return its text, '' of a number."""
        if not (value is None or isinstance(value, str | Words)):
            self._number(row, number, value, column.unit)
            return ""
        said = _both(value) if isinstance(value, Words) else value or DASH
        # What stands in place of a number stands where that would.
        in_place = value is None or column.unit is not Unit.TEXT
        self._text(row, number, said, {**_PLAIN, **_NUMBER} if in_place else _PLAIN)
        return said

    def _number(self, row: int, number: int, value: float | date | Speed, unit: Unit) -> None:
        form = _FORMATS[unit]
        if isinstance(value, Speed):
            form = _BOUND + form if value.at_least else form
            value = value.value
        looks = self._format({**_NUMBER, "num_format": form})
        if isinstance(value, date):
            self._sheet.write_datetime(row, number, value, looks)
        else:
            self._sheet.write_number(row, number, value * FACTORS.get(unit, 1), looks)

    def _text(self, row: int, column: int, text: str, looks: dict[str, object]) -> None:
        write_text(self._sheet, row, column, shown(text), self._format(looks))

    def _format(self, looks: dict[str, object]) -> Format:
        key = tuple(sorted(looks.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(looks)
        return self._formats[key]

    def _fit(self, row: int, texts: Sequence[str]) -> None:
        """Make a row as high as its texts need: no program does it by itself when it opens one."""
        rows = [
            sum(1 + int(len(part) / letters) for part in text.split("\n"))
            for text, letters in zip(texts, self._letters, strict=False)
        ]
        self._set_height(row, max(rows, default=1))

    def _set_height(self, row: int, rows: int) -> None:
        self._sheet.set_row(row, rows * _POINTS_IN_A_ROW)


def _letters(tables: Sequence[Table]) -> list[int]:
    """Return how wide each column is, in letters: as the widest of the tables below each other."""
    wide = zip_longest(*([one.width for one in table.columns] for table in tables), fillvalue=0)
    found = [max(_LEAST_LETTERS, _LETTERS * max(widths)) for widths in wide]
    return found + [_LEAST_LETTERS] * (_MERGED - len(found))


def _both(words: Words) -> str:
    return f"{words.vi} / {words.en}"


def _head(column: Column) -> str:
    unit = UNIT_WORDS.get(column.unit)
    head = f"{column.head.vi} ({unit})" if unit else column.head.vi
    return head if column.head.en == column.head.vi else f"{head}\n{column.head.en}"
