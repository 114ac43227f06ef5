"""A month's speed tests as a workbook: the rows of data.csv, and a sheet that explains them.

Rows go to the disk as they come, so that a city's month takes no more memory than a line's. The
same rows give the same bytes: the archive's moments and the properties are fixed.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from collector.domain.line_month import Exclusion
from collector.domain.standard import Words
from collector.reports.data_words import COLUMN_WORDS, REASON_WORDS, failure_words, flag_words
from protocol.failures import Failure
from protocol.flags import Flag

MOST_ROWS: Final = 1_000_000
"""Of one sheet; the format ends at 1,048,576."""

_DATA: Final = "Dữ liệu"
_GUIDE: Final = "Giải thích – Guide"
_HEAD: Final = PatternFill("solid", fgColor="1F4E79")
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
_EPOCH: Final = datetime(1980, 1, 1)  # noqa: DTZ001 - a workbook's moments have no zone

Put = Callable[[Sequence[Any]], None]
"""Writes a row."""


class _FixedZip(zipfile.ZipFile):
    """An archive whose members are all as old as the format."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as in the library
        super().writestr(_member(str(zinfo_or_arcname)), data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as in the library
        with Path(filename).open("rb") as source, self.open(_member(arcname), "w") as target:
            while part := source.read(1 << 20):
                target.write(part)


def _member(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.create_system = 3
    made.external_attr = 0o600 << 16
    return made


@contextmanager
def sheet_rows(path: Path, columns: Sequence[str]) -> Iterator[Put]:
    """Write a workbook at ``path``; yield what takes its rows, one value for each column.

    Moments are aware and written as the clocks of their zone show them. None is an empty cell. What
    does not fit a sheet goes on in another one.
    """
    book = Workbook(write_only=True)
    sheets = 0
    sheet: Any = None
    rows = MOST_ROWS
    # A cell with a format of its own costs as much as all others of a row: they are used again.
    formats = {n: _FORMATS[name] for n, name in enumerate(columns) if name in _FORMATS}
    styled: dict[int, Any] = {}

    def put(row: Sequence[Any]) -> None:
        nonlocal sheets, sheet, rows
        if rows == MOST_ROWS:
            sheets, rows = sheets + 1, 0
            sheet = _new_sheet(book, _DATA if sheets == 1 else f"{_DATA} {sheets}", columns)
            for number, form in formats.items():
                styled[number] = WriteOnlyCell(sheet)
                styled[number].number_format = form
        rows += 1
        cells = [_as_text(sheet, one) if isinstance(one, str) else one for one in row]
        for number, cell in styled.items():
            if cells[number] is not None:
                cell.value = _plain(cells[number])
                cell.number_format = formats[number]
                cells[number] = cell
        sheet.append(cells)

    yield put
    if not sheets:
        _new_sheet(book, _DATA, columns)
    _explain(book, columns)
    save_book(book, path)


def _as_text(sheet: Any, text: str) -> Any:  # noqa: ANN401 - untyped
    """Return a text so that it stays one: what begins with an equals sign is no formula."""
    if not text.startswith("="):
        return text or None
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any column
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _new_sheet(book: Workbook, title: str, columns: Sequence[str]) -> Any:  # noqa: ANN401 - untyped
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}1"
    for number, name in enumerate(columns, 1):
        width = _LINE_WIDTH if number == 1 else _WIDTHS.get(name, _USUAL_WIDTH)
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([_head(sheet, name) for name in columns])
    return sheet


def _head(sheet: Any, text: str) -> Any:  # noqa: ANN401 - untyped
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True, color="FFFFFF")
    cell.fill = _HEAD
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    return cell


def _explain(book: Workbook, columns: Sequence[str]) -> None:
    sheet: Any = book.create_sheet(_GUIDE)
    for letter, width in zip("ABC", (30, 75, 75), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    sheet.append([_head(sheet, text) for text in ("", "Tiếng Việt", "English")])
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
    for title, lines in chapters:
        sheet.append([])
        sheet.append([_head(sheet, text) for text in ("", title.vi, title.en)])
        for name, words in lines:
            sheet.append([_wrapped(sheet, text) for text in (name, words.vi, words.en)])


def _wrapped(sheet: Any, text: str) -> Any:  # noqa: ANN401 - untyped
    cell = WriteOnlyCell(sheet, text)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def save_book(book: Workbook, path: Path) -> None:
    """Write a workbook: the same bytes for the same content."""
    book.properties.creator = "Linewatch"
    book.properties.created = book.properties.modified = _EPOCH
    with _FixedZip(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        # `Workbook.save` would write the clock's moment.
        ExcelWriter(book, archive).write_data()
