"""Workbooks that are written, as openpyxl reads them."""

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from collector.sheets.writing import workbook, write_text


def write(target: Path | io.BytesIO, *, by_rows: bool) -> None:
    """Write a workbook with a sheet of two rows."""
    with workbook(target, by_rows=by_rows) as book:
        sheet = book.add_worksheet("Trang")
        for row in range(2):
            write_text(sheet, row, 0, f"Nhà văn hóa {row}")
            sheet.write_number(row, 1, row + 0.5)


@pytest.mark.parametrize("by_rows", [True, False])
def test_the_same_content_gives_the_same_bytes(tmp_path: Path, by_rows: bool) -> None:
    """On a disk and in memory, by rows or as a whole; nothing says when it was made, or by whom."""
    path, kept = tmp_path / "a.xlsx", io.BytesIO()
    write(path, by_rows=by_rows)
    write(kept, by_rows=by_rows)
    write(tmp_path / "b.xlsx", by_rows=by_rows)
    assert path.read_bytes() == kept.getvalue() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    book = openpyxl.load_workbook(path)
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert rows == [("Nhà văn hóa 0", 0.5), ("Nhà văn hóa 1", 1.5)]
    assert (book.properties.creator, book.properties.created.year) == ("Linewatch", 1980)


@pytest.mark.parametrize(
    "place, kind", [("nowhere/a.xlsx", FileNotFoundError), (".", IsADirectoryError)]
)
def test_what_cannot_be_written_is_an_error_of_the_system(
    tmp_path: Path, place: str, kind: type[OSError]
) -> None:
    """Callers tell whose folder it is; the library's own error would end them in a trace."""
    with pytest.raises(kind) as found:
        write(tmp_path / place, by_rows=False)
    assert found.value.strerror


def test_an_error_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    """Rows that went to the disk go with the file, and are not packed before; nor do those stay
    that a process left which was killed.
    """
    target = tmp_path / "a.xlsx"

    def write_half() -> None:
        with workbook(target, by_rows=True) as book:
            sheet = book.add_worksheet("Trang")
            for row in range(20_000):
                write_text(sheet, row, 0, "x" * 100)
            waiting = sum(path.stat().st_size for path in (tmp_path / "a.xlsx.rows").iterdir())
            assert waiting > 1_000_000
            assert not target.exists()
            raise ValueError("no more rows")

    (tmp_path / "a.xlsx.rows").mkdir()
    (tmp_path / "a.xlsx.rows" / "old").write_text("of a process that was killed")
    with pytest.raises(ValueError, match="no more rows"):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by_rows", [True, False])
@pytest.mark.parametrize(
    "text, read",
    [
        ("=1+1", "=1+1"),
        ("<r>A & B</r>", "<r>A & B</r>"),
        ("<r>x</r>\n", "<r>x</r>\n"),
        ("<r> chưa đóng", "<r> chưa đóng"),
        ("mailto:x@example.vn", "mailto:x@example.vn"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("0912", "0912"),
    ],
)
def test_a_text_stays_a_text(by_rows: bool, text: str, read: str) -> None:
    """Whatever a site was called: no formula, no link, no piece of the format."""
    made = io.BytesIO()
    with workbook(made, by_rows=by_rows) as book:
        write_text(book.add_worksheet("Trang"), 0, 0, text)
    sheet: Any = openpyxl.load_workbook(made, rich_text=False).worksheets[0]
    assert (sheet["A1"].value, sheet["A1"].data_type) == (read, "s")
    assert sheet["A1"].hyperlink is None
