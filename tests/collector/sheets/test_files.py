"""Files: workbooks and texts as programs write them; what is no list, or too large, is refused."""

import io
import re
import unicodedata
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from collector.sheets import workbook
from collector.sheets.delimited import read_delimited
from collector.sheets.grid import MOST_ROWS, SheetError, letters_of
from collector.sheets.reading import read_list
from collector.sheets.workbook import read_workbook
from tests.collector.sheets.books import book_of, ugly

EMPTY = re.compile(rb"<v ?/>|<v></v>")
"""A result that is not there, as either library of XML writes it."""

HEADER = ["Điểm đo", "Nhà mạng", "Gói cước"]
ROW = ["Nhà văn hóa số 1; tầng 2", "VNPT", "Gói “Ưu đãi”"]


def csv(divider: str) -> str:
    """Return a list as Excel writes it with a divider."""
    quoted = [f'"{value}"' if divider in value else value for value in ROW]
    return f"{divider.join(HEADER)}\r\n{divider.join(quoted)}\r\n"


def windows(text: str) -> bytes:
    """Return a text as Windows-1258 has it: letters, and the marks of tones behind them."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    apart = ""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(part for part in parts if part in tones)
        base = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
        apart += base + tone
    return apart.encode("cp1258")


@pytest.mark.parametrize("divider", [";", ",", "\t"])
@pytest.mark.parametrize(
    "letters", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1258"]
)
def test_a_text_is_read_whatever_its_letters_and_its_divider(
    tmp_path: Path, letters: str, divider: str
) -> None:
    """With or without a mark at its beginning; marks of tones are part of their letters again."""
    text = csv(divider)
    path = tmp_path / "ds.csv"
    path.write_bytes(windows(text) if letters == "cp1258" else text.encode(letters))
    (sheet,) = read_delimited(path)
    assert [cell.value for cell in sheet.rows[1].values()] == HEADER
    assert [cell.value for cell in sheet.rows[2].values()] == ROW
    assert sheet.rows[2][2].place == "ds!B2"


def test_excels_line_about_the_divider_is_none_of_the_list(tmp_path: Path) -> None:
    """It is believed, and rows keep their numbers."""
    path = tmp_path / "ds.csv"
    path.write_text("sep=|\nĐiểm đo|Nhà mạng\nA, B; C|VNPT\n")
    (sheet,) = read_delimited(path)
    assert [cell.place for cell in sheet.rows[3].values()] == ["ds!A3", "ds!B3"]
    assert sheet.rows[3][1].value == "A, B; C"


def test_merged_cells_stand_in_each_of_their_rows(tmp_path: Path) -> None:
    """The first house is that of both of its lines; a title over all columns stands once."""
    sheet = read_workbook(ugly(tmp_path / "a.xlsx"))[0]
    assert sheet.rows[10][2].value == sheet.rows[9][2].value
    assert sheet.rows[10][2].repeated
    assert not sheet.rows[9][2].repeated
    assert list(sheet.rows[8]) == [1]
    assert sheet.header(5)[8].value == "Tốc độ hợp đồng (Mbps)"


def test_of_a_formula_the_result_counts(tmp_path: Path) -> None:
    """Excel keeps it; a formula that nobody has computed yet is named with its cell."""
    path = book_of(tmp_path / "a.xlsx", HEADER, ["Nhà 1", "VNPT", "=1+1"])
    (sheet,) = read_workbook(path)
    assert sheet.rows[2][3].fault is not None
    assert "formula" in sheet.rows[2][3].fault
    found = read_list(path)[0]
    assert [fault.place for fault in found.faults] == ["S!C2"]
    computed = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(computed, "w") as after:
        for one in before.infolist():
            text = before.read(one)
            after.writestr(one, EMPTY.sub(b"<v>2</v>", text))
    (sheet,) = read_workbook(computed)
    assert sheet.rows[2][3].value == 2


def test_hidden_sheets_and_far_off_formats_are_left_alone(tmp_path: Path) -> None:
    """What people do not see is not read, and an empty cell in the last row is no row."""
    path = book_of(tmp_path / "a.xlsx", HEADER, ROW)
    book = load_workbook(path)
    book.worksheets[0].cell(1_048_576, 300).number_format = "@"
    hidden = book.create_sheet("Ẩn")
    hidden["A1"] = "x"
    hidden.sheet_state = "hidden"
    book.save(path)
    sheets = read_workbook(path)
    assert [sheet.name for sheet in sheets] == ["S"]
    assert list(sheets[0].rows) == [1, 2]


def test_what_is_too_far_out_is_refused_with_its_cell(tmp_path: Path) -> None:
    """Rows behind the last that is read are not left out in silence."""
    path = book_of(tmp_path / "a.xlsx", HEADER, ROW)
    book = load_workbook(path)
    book.worksheets[0].cell(MOST_ROWS + 1, 2).value = "VNPT"
    book.save(path)
    with pytest.raises(SheetError, match=f"S!B{MOST_ROWS + 1}: too far out"):
        read_workbook(path)
    text = tmp_path / "a.csv"
    text.write_text("a;b\n" * (MOST_ROWS + 1))
    with pytest.raises(SheetError, match="too large"):
        read_delimited(text)


def _packed(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", content)
    return path


def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too much text, or too many cells in little text: the library never sees it."""
    monkeypatch.setattr(workbook, "_load", lambda *_, **__: pytest.fail("was opened"))
    large = _packed(tmp_path / "a.xlsx", b" " * 30_000_000)
    assert large.stat().st_size < 100_000
    with pytest.raises(SheetError, match="unpacks to 30 MB"):
        read_workbook(large)
    with pytest.raises(SheetError, match="cells; at most"):
        read_workbook(_packed(tmp_path / "b.xlsx", b"<c r='A1'/>" * 400_001))


@pytest.mark.parametrize(
    "name,content,sentence",
    [
        ("a.xlsx", b"PK\x03\x04 no more", "is no workbook"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0 an older one", "saved as .xlsx"),
        ("a.csv", b"\x8d\x90\x9d" * 20, "is no text"),
        ("a.csv", b"a;b\n1;2\n", "no sheet has a header that is known"),
        ("a.csv", b"", "no sheet has a header that is known"),
        ("a.ods", b"", "is no .xlsx, .csv or .json"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    """It is said what to do instead."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SheetError, match=sentence):
        read_list(path)


def test_a_workbook_that_is_broken_inside_is_refused(tmp_path: Path) -> None:
    """Whatever part of it is cut: a sentence, and no other failure."""
    whole = io.BytesIO()
    Workbook().save(whole)
    with zipfile.ZipFile(whole) as packed:
        names = packed.namelist()
    for broken in names:
        path = tmp_path / "a.xlsx"
        with zipfile.ZipFile(whole) as before, zipfile.ZipFile(path, "w") as after:
            for name in names:
                content = before.read(name)
                after.writestr(name, content[: len(content) // 2] if name == broken else content)
        with pytest.raises(SheetError):
            read_list(path)


def test_columns_have_letters_as_sheets_show_them() -> None:
    """A to Z, then AA."""
    assert [letters_of(number) for number in (1, 26, 27, 52, 703)] == ["A", "Z", "AA", "AZ", "AAA"]
