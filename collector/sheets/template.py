"""A list to be filled in: what `collector.sheets.reading` reads, with notes for the clerk."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from math import ceil
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from collector.domain.terms import TERMS_FIELDS, Terms, periods_of
from collector.domain.words import fold
from collector.sheets.fields import (
    EXAMPLE,
    KINDS,
    LINES,
    NUMBER,
    ROLES,
    SITE_KINDS,
    TECHNOLOGIES,
    Field,
    Kind,
)
from collector.sheets.planning import Known

Content = Mapping[str, Sequence[Mapping[str, Any]]]
"""What a list has: for each kind of sheet its rows, by their fields."""

_TITLES: Final = {
    "lines": "DANH SÁCH ĐƯỜNG TRUYỀN INTERNET / LIST OF INTERNET LINES",
    "carriers": "NHÀ MẠNG NHẬN KIẾN NGHỊ / CARRIERS",
    "wards": "PHƯỜNG, XÃ VÀ THỂ THỨC CÔNG VĂN / WARDS AND THEIR LETTERHEADS",
    "persons": "NGƯỜI KÝ, NGƯỜI SOẠN, NGƯỜI PHỤ TRÁCH KỸ THUẬT / PERSONS",
}
_HEADER_ROW: Final = 3
_ROWS_WITH_LISTS: Final = 2000
_MEGABIT: Final = 1_000_000

_HEAD: Final = PatternFill("solid", fgColor="1F4E79")
_LIGHT: Final = PatternFill("solid", fgColor="F2F2F2")
_LETTERS_WIDE: Final = 260
"""Of a printed page: half as large as on the screen, which one can still read and fill in."""

_EDGE_LETTERS: Final = 10
"""Width of the first column, which has numbers."""

_OFFERED: Final[Mapping[str, Mapping[Any, str]]] = {
    "technology": TECHNOLOGIES,
    "site_kind": SITE_KINDS,
    "role": ROLES,
}
"""What stands for a stored word, in the fields that have a list of them."""

_GUIDE: Final = (
    "Ghi mỗi đường truyền một dòng ở trang “Đường truyền”. Bắt buộc: Điểm đo và Nhà mạng.",
    "Ô để trống: giữ nguyên điều hệ thống đã biết. Không cần điền mọi cột.",
    "Tốc độ: 300, 300 Mbps, 1 Gbps đều được. Ngày: ngày/tháng/năm.",
    "Khi đổi gói cước: sửa gói, tốc độ và ghi “Từ ngày”. Gói cũ vẫn được giữ cho những ngày trước.",
    f"Dòng “{EXAMPLE}” chỉ để xem, hệ thống bỏ qua. Có thể xóa.",
    "Đưa chuột lên tiêu đề cột để xem cách ghi.",
    "Tên người, điện thoại, số hợp đồng, đơn vị trả tiền không hiển thị công khai.",
    "Headers, their order and further columns may be changed; English headers are read as well.",
)


def write_template(content: Content | None = None) -> bytes:
    """Return a workbook with a sheet for each kind of rows, and one that explains.

    Args:
        content: rows that are there already; None: an example in each sheet.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    for kind in KINDS:
        sheet: Worksheet = book.create_sheet(kind.title)
        _fill(sheet, kind, None if content is None else content.get(kind.name, ()))
        _print_on_few_pages(sheet)
    guide = book.create_sheet("Hướng dẫn")
    guide.column_dimensions["A"].width = 110
    _print_on_few_pages(guide)
    for row, text in enumerate(_GUIDE, 1):
        guide.cell(row, 1, text).alignment = Alignment(wrap_text=True, vertical="top")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet: Worksheet, kind: Kind, rows: Sequence[Mapping[str, Any]] | None) -> None:
    title = sheet.cell(1, 1, _TITLES[kind.name])
    title.font = Font(bold=True, size=14)
    _head(sheet, 1, NUMBER, "No.", _EDGE_LETTERS, "Số thứ tự; hệ thống không đọc.")
    for column, one in enumerate(kind.fields, 2):
        _head(sheet, column, one.vietnamese, one.english, one.width, one.note)
        if one.choices:
            _offer(sheet, column, one)
    sheet.row_dimensions[_HEADER_ROW].height = 48
    sheet.freeze_panes = f"A{_HEADER_ROW + 1}"
    if rows is None:
        _example(sheet, kind)
        return
    for number, values in enumerate(rows, 1):
        sheet.cell(_HEADER_ROW + number, 1, number)
        for column, one in enumerate(kind.fields, 2):
            _write(sheet, _HEADER_ROW + number, column, _written(one, values.get(one.name)))


def _print_on_few_pages(sheet: Worksheet) -> None:
    """Let a sheet be printed as wide as a page, or two that can be read, its header on each."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    width = sum(one.width for one in sheet.column_dimensions.values())
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = ceil(width / _LETTERS_WIDE), 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if sheet.max_row >= _HEADER_ROW and sheet.freeze_panes:
        sheet.print_title_rows = f"{_HEADER_ROW}:{_HEADER_ROW}"


def _head(sheet: Worksheet, column: int, first: str, second: str, width: int, note: str) -> None:
    cell = sheet.cell(_HEADER_ROW, column, f"{first}\n{second}")
    cell.font = Font(bold=True, color="FFFFFF")
    cell.fill = _HEAD
    cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    comment = Comment(note, "Linewatch")
    comment.width, comment.height = 280, 120
    cell.comment = comment
    sheet.column_dimensions[get_column_letter(column)].width = width


def _offer(sheet: Worksheet, column: int, one: Field) -> None:
    """Offer a list of what a column's cells can say; other words are allowed."""
    offer = DataValidation(
        type="list", formula1=f'"{",".join(one.choices)}"', allow_blank=True, showErrorMessage=False
    )
    letters = get_column_letter(column)
    offer.add(f"{letters}{_HEADER_ROW + 1}:{letters}{_HEADER_ROW + _ROWS_WITH_LISTS}")
    sheet.add_data_validation(offer)


def _example(sheet: Worksheet, kind: Kind) -> None:
    row = _HEADER_ROW + 1
    for column, text in enumerate((EXAMPLE, *(one.example for one in kind.fields)), 1):
        if text:
            _write(sheet, row, column, text)
        sheet.cell(row, column).font = Font(italic=True, color="7F7F7F")
        sheet.cell(row, column).fill = _LIGHT


def _write(sheet: Worksheet, row: int, column: int, value: str | float | date | None) -> None:
    if value is None:
        return
    cell = sheet.cell(row, column)
    cell.value = value
    if isinstance(value, str):
        # What begins with an equals sign is no formula, and HĐ-17/2026 no day.
        cell.data_type = "s"
        cell.number_format = "@"
    elif isinstance(value, date):
        cell.number_format = "dd/mm/yyyy"


def _written(one: Field, value: Any) -> str | float | date | None:  # noqa: ANN401 - of any field
    """Return what is written for a value, so that it is read as the same."""
    if value is None or isinstance(value, date):
        return value
    if one.is_speed:
        return int(value) / _MEGABIT
    if one.name in _OFFERED:
        return _OFFERED[one.name].get(value, str(value))
    return value if isinstance(value, float) else str(value)


def content_of(known: Known) -> Content:
    """Return all of a registry as rows of lists: of each line one for each of its terms."""
    rows = known.rows
    called = Counter(fold(row["name"]) for row in rows["carriers"].values())
    # Of two carriers that are called alike the code is written.
    names = {
        name: row["name"]
        for name, row in rows["carriers"].items()
        if called[fold(row["name"])] == 1
    }
    lines = []
    for line, row in sorted(rows["lines"].items()):
        site = rows["sites"][row["site_id"]]
        named = {
            "line": line,
            "site": row["site_id"],
            "site_name": site["name"],
            "site_kind": site["kind"],
            "carrier": names.get(row["carrier_id"], row["carrier_id"]),
            "technology": row["technology"],
            **{key: site[key] for key in ("ward", "address", "latitude", "longitude")},
        }
        # Days of which nothing is known need no row.
        periods = [one for one in periods_of(known.stated.get(line, ())) if one.terms != Terms()]
        for period in periods:
            terms = {name: getattr(period.terms, name) for name in TERMS_FIELDS}
            lines.append(named | terms | {"since": period.first})
        if not periods:
            lines.append(named)
    persons = [
        {"id": name, **row, "ward": rows["wards"][row["ward_id"]]["name"]}
        for name, row in sorted(rows["persons"].items())
    ]
    others = {
        kind: [{"id": name, **row} for name, row in sorted(rows[kind].items())]
        for kind in ("carriers", "wards")
    }
    return {LINES.name: lines, "persons": persons, **others}
