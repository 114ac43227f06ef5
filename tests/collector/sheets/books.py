"""Workbooks as clerks keep them, made for a test."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

HEADS = ("STT", "Địa điểm", "Địa chỉ", "Nhà mạng", "Loại đường truyền", "Gói cước")
MORE = ("Tốc độ hợp đồng (Mbps)", None, "Số HĐ", "Ngày ký", "Ghi chú")


def ugly(path: Path) -> Path:
    """Write a ward's list: titles, a header of two rows, merged sites, signatures below, a draft.

    It has three lines: VNPT (300/300) and Viettel (500/500) at the first house, VNPT by 4G
    (1000/300) at the second.
    """
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Danh sách"
    sheet["A1"] = "ỦY BAN NHÂN DÂN PHƯỜNG THẠCH KHÔI"
    sheet["A3"] = "DANH SÁCH ĐƯỜNG TRUYỀN INTERNET NĂM 2026"
    write(sheet, 5, (*HEADS, *MORE))
    write(sheet, 6, (*(None,) * 6, "Tải xuống", "Tải lên"))
    for column in "ABCDEFIJK":
        sheet.merge_cells(f"{column}5:{column}6")
    write(sheet, 7, [f"({number})" for number in range(1, 12)])
    sheet["A8"] = "I. NHÀ VĂN HÓA"
    house, street = "Nhà văn hóa  Tổ dân phố số 1", "Số 5 phố Ví Dụ"
    vnpt = ("VNPT", "FTTH", "Home 300", "300", "300 Mbps", "HĐ-1/2025", "05/03/2025")
    write(sheet, 9, (1, house, street, *vnpt))
    viettel = ("Viettel", "Cáp quang", "SUN 500", "0,5 Gbps", "500M", 123456, date(2025, 4, 1))
    write(sheet, 10, (None, None, None, *viettel, "mới lắp"))
    write(sheet, 11, (2, "Nhà văn hóa Tổ dân phố số 2", None, "VNPT", "4G", None, "1.000/300", "-"))
    write(sheet, 12, ("Tổng cộng", None, None, None, None, None, 3))
    write(sheet, 14, (None, "NGƯỜI LẬP BIỂU", None, "CHỦ TỊCH"))
    for cells in ("A1:D1", "A3:K3", "G5:H5", "A8:K8", "A9:A10", "B9:B10", "C9:C10"):
        sheet.merge_cells(cells)
    book.create_sheet("Nháp")["A1"] = "gọi lại cho kỹ thuật"
    book.save(path)
    return path


def write(sheet: Worksheet, row: int, values: Sequence[Any]) -> None:
    """Write values into a row, from the first column on; None stays empty."""
    for column, value in enumerate(values, 1):
        if value is not None:
            sheet.cell(row, column).value = value


def book_of(path: Path, *rows: Sequence[Any]) -> Path:
    """Write a workbook of one sheet named S."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "S"
    for number, values in enumerate(rows, 1):
        write(sheet, number, values)
    book.save(path)
    return path
