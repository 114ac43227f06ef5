"""A month's speed tests as a workbook: the rows of data.csv, and a sheet that explains them.

Rows go to the disk as they come, so that a city's month takes no more memory than a line's. The
same rows give the same bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from collector.domain.line_month import Exclusion
from collector.domain.standard import Words
from collector.reports.data_words import COLUMN_WORDS, REASON_WORDS, failure_words, flag_words
from collector.sheets.writing import HEAD, print_landscape, workbook, write_text
from protocol.failures import Failure
from protocol.flags import Flag

MOST_ROWS: Final = 1_000_000
"""Of one sheet; the format ends at 1,048,576."""

_DATA: Final = "Dữ liệu"
_GUIDE: Final = "Giải thích – Guide"
_WIDTHS: Final = {"site": 34, "ward": 22, "measured_at": 20, "detail": 22, "chain": 26}
_USUAL_WIDTH: Final = 16
_LINE_WIDTH: Final = 24
_FORMATS: Final = {
    "measured_at": "yyyy-mm-dd hh:mm:ss.000",
    "download_bits_per_second": "#,##0",
    "upload_bits_per_second": "#,##0",
    "idle_latency_seconds": "0.0000",
    "download_latency_seconds": "0.0000",
    "upload_latency_seconds": "0.0000",
}

Put = Callable[[Sequence[Any]], None]
"""Writes a row."""


@contextmanager
def sheet_rows(path: Path, columns: Sequence[str]) -> Iterator[Put]:
    """Write a workbook at ``path``; yield what takes its rows, one value for each column.

    Moments are aware and written as the clocks of their zone show them. None is an empty cell. What
    does not fit a sheet goes on in another one.

    Raises:
        OSError: it cannot be written.
    """
    with workbook(path, by_rows=True) as book:
        sheets = _Sheets(book, columns)
        yield sheets.put
        _explain(book, columns)


class _Sheets:
    """The sheets of rows, one after the other."""

    def __init__(self, book: Workbook, columns: Sequence[str]) -> None:
        self._book = book
        self._columns = columns
        formats = {form: book.add_format({"num_format": form}) for form in _FORMATS.values()}
        self._formats: list[Format | None] = [
            formats[_FORMATS[name]] if name in _FORMATS else None for name in columns
        ]
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self._count += 1
        title = _DATA if self._count == 1 else f"{_DATA} {self._count}"
        self._sheet = _new_sheet(self._book, title, self._columns)
        self._rows = 0

    def put(self, row: Sequence[Any]) -> None:
        """Write a row."""
        if self._rows == MOST_ROWS:
            self._begin()
        self._rows += 1
        sheet, number = self._sheet, self._rows
        for column, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                write_text(sheet, number, column, value)
            elif isinstance(value, datetime):
                moment = value.replace(tzinfo=None)
                sheet.write_datetime(number, column, moment, self._formats[column])
            else:
                sheet.write_number(number, column, value, self._formats[column])


def _new_sheet(book: Workbook, title: str, columns: Sequence[str]) -> Worksheet:
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, 0, len(columns) - 1)
    print_landscape(sheet)
    sheet.repeat_rows(0)
    head = book.add_format({**HEAD, "valign": "vcenter"})
    for number, name in enumerate(columns):
        width = _WIDTHS.get(name, _USUAL_WIDTH) if number else _LINE_WIDTH
        sheet.set_column(number, number, width)
        write_text(sheet, 0, number, name, head)
    return sheet


def _explain(book: Workbook, columns: Sequence[str]) -> None:
    sheet = book.add_worksheet(_GUIDE)
    for number, width in enumerate((30, 75, 75)):
        sheet.set_column(number, number, width)
    sheet.freeze_panes(1, 0)
    print_landscape(sheet)
    head = book.add_format({**HEAD, "valign": "vcenter"})
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    chapters: list[tuple[Words, list[tuple[str, Words]]]] = [
        (Words(vi="Cột", en="Columns"), [(name, COLUMN_WORDS[name]) for name in columns]),
        (
            Words(vi="Lý do không tính (reason)", en="Why a test does not count (reason)"),
            [(one.value, REASON_WORDS[one]) for one in Exclusion],
        ),
        (Words(vi="Cờ (detail)", en="Flags (detail)"), [(o.value, flag_words(o)) for o in Flag]),
        (
            Words(vi="Mã lỗi (detail)", en="Codes of failures (detail)"),
            [(one.value, failure_words(one)) for one in Failure],
        ),
    ]
    rows: list[tuple[Format, Sequence[str]]] = [(head, ("", "Tiếng Việt", "English"))]
    for title, lines in chapters:
        rows += [(plain, ()), (head, ("", title.vi, title.en))]
        rows += [(plain, (name, words.vi, words.en)) for name, words in lines]
    for number, (form, texts) in enumerate(rows):
        for column, text in enumerate(texts):
            write_text(sheet, number, column, text, form)
