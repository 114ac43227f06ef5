"""A list to be filled in: what `collector.sheets.reading` reads, with notes for the clerk."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from math import ceil
from typing import Any, Final

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from collector.domain.terms import TERMS_FIELDS, Terms, periods_of
from collector.domain.words import fold
from collector.sheets.fields import (
    EXAMPLE,
    KINDS,
    LINES,
    NUMBER,
    OFFERED,
    Field,
    Kind,
)
from collector.sheets.planning import Known
from collector.sheets.writing import HEAD, print_landscape, workbook, write_text

Content = Mapping[str, Sequence[Mapping[str, Any]]]
"""What a list has: for each kind of sheet its rows, by their fields."""

_TITLES: Final = {
    "lines": "DANH SÁCH ĐƯỜNG TRUYỀN INTERNET / LIST OF INTERNET LINES",
    "carriers": "NHÀ MẠNG NHẬN KIẾN NGHỊ / CARRIERS",
    "wards": "PHƯỜNG, XÃ VÀ THỂ THỨC CÔNG VĂN / WARDS AND THEIR LETTERHEADS",
    "persons": "NGƯỜI KÝ, NGƯỜI SOẠN, NGƯỜI PHỤ TRÁCH KỸ THUẬT / PERSONS",
}
_HEADER_ROW: Final = 2
"""As all rows and columns here, counted from 0."""

_ROWS_WITH_LISTS: Final = 2000
_MEGABIT: Final = 1_000_000

_TEXT: Final = {"num_format": "@"}
"""What begins with an equals sign is no formula, and HĐ-17/2026 no day."""

_LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "title": {"bold": True, "font_size": 14},
    "head": {**HEAD, "align": "center", "valign": "vcenter"},
    "text": _TEXT,
    "day": {"num_format": "dd/mm/yyyy"},
    "example": {**_TEXT, "italic": True, "font_color": "#7F7F7F", "bg_color": "#F2F2F2"},
    "guide": {"text_wrap": True, "valign": "top"},
}

Looks = Mapping[str, Format]
"""`_LOOKS` of a workbook."""

_LETTERS_WIDE: Final = 260
"""Of a printed page: half as large as on the screen, which one can still read and fill in."""

_GUIDE_LETTERS: Final = 110
_HEADER_POINTS: Final = 64
_NOTE: Final = {"author": "Linewatch", "width": 280, "height": 120}
"""How a heading's note looks; pixels."""

_EDGE_LETTERS: Final = 10
"""Width of the first column, which has numbers."""

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
    out = io.BytesIO()
    with workbook(out) as book:
        looks = {name: book.add_format(dict(one)) for name, one in _LOOKS.items()}
        for kind in KINDS:
            sheet = book.add_worksheet(kind.title)
            rows = None if content is None else content.get(kind.name, ())
            _fill(sheet, looks, kind, rows)
            letters = _EDGE_LETTERS + sum(one.width for one in kind.fields)
            # As wide as a page, or two that can be read.
            print_landscape(sheet, ceil(letters / _LETTERS_WIDE))
            sheet.repeat_rows(_HEADER_ROW)
        guide = book.add_worksheet("Hướng dẫn")
        guide.set_column(0, 0, _GUIDE_LETTERS)
        print_landscape(guide)
        for row, text in enumerate(_GUIDE):
            write_text(guide, row, 0, text, looks["guide"])
    return out.getvalue()


def _fill(
    sheet: Worksheet, looks: Looks, kind: Kind, rows: Sequence[Mapping[str, Any]] | None
) -> None:
    write_text(sheet, 0, 0, _TITLES[kind.name], looks["title"])
    _head(sheet, looks, 0, (NUMBER, "No."), _EDGE_LETTERS, "Số thứ tự; hệ thống không đọc.")
    for column, one in enumerate(kind.fields, 1):
        _head(sheet, looks, column, (one.vietnamese, one.english), one.width, one.note)
        if one.choices:
            _offer(sheet, column, one)
    sheet.set_row(_HEADER_ROW, _HEADER_POINTS)
    sheet.freeze_panes(_HEADER_ROW + 1, 0)
    if rows is None:
        for column, text in enumerate((EXAMPLE, *(one.example for one in kind.fields))):
            # Of no text too, so that all of the row looks alike.
            write_text(sheet, _HEADER_ROW + 1, column, text, looks["example"])
        return
    for number, values in enumerate(rows, 1):
        row = _HEADER_ROW + number
        sheet.write_number(row, 0, number)
        for column, one in enumerate(kind.fields, 1):
            _write(sheet, looks, row, column, _written(one, values.get(one.name)))


def _head(
    sheet: Worksheet, looks: Looks, column: int, names: tuple[str, str], width: int, note: str
) -> None:
    write_text(sheet, _HEADER_ROW, column, "\n".join(names), looks["head"])
    sheet.write_comment(_HEADER_ROW, column, note, _NOTE)
    sheet.set_column(column, column, width)


def _offer(sheet: Worksheet, column: int, one: Field) -> None:
    """Offer a list of what a column's cells can say; other words are allowed."""
    offer = {"validate": "list", "source": list(one.choices), "show_error": False}
    first, last = _HEADER_ROW + 1, _HEADER_ROW + _ROWS_WITH_LISTS
    sheet.data_validation(first, column, last, column, offer)


def _write(
    sheet: Worksheet, looks: Looks, row: int, column: int, value: str | float | date | None
) -> None:
    if isinstance(value, str):
        write_text(sheet, row, column, value, looks["text"])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, looks["day"])
    elif value is not None:
        sheet.write_number(row, column, value)


def _written(one: Field, value: Any) -> str | float | date | None:  # noqa: ANN401 - of any field
    """Return what is written for a value, so that it is read as the same."""
    if value is None or isinstance(value, date):
        return value
    if one.is_speed:
        return int(value) / _MEGABIT
    if one.name in OFFERED:
        return OFFERED[one.name].get(value, str(value))
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
