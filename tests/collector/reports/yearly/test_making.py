"""A year's four files: one content, the same to the byte, and each is what its program opens."""

import hashlib
import html
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook
from pypdf import PdfReader

from collector.errors import ReportError
from collector.papers.content import texts_of as letter_texts
from collector.papers.parties import Author, Person, Ward
from collector.reports.yearly.content import compose
from collector.reports.yearly.docx import lay_out
from collector.reports.yearly.making import (
    ALL_WARDS,
    DOCUMENT,
    JSON,
    PDF,
    SHEETS,
    folder_of,
    write_year,
)
from collector.reports.yearly.paper import MOST_ROWS, Unit, printed, texts_of
from collector.reports.yearly.report import YearReport, from_json
from tests.collector.chromium import colours_in
from tests.collector.letters import PERSON
from tests.collector.papers import office
from tests.collector.papers.reading import squeezed
from tests.collector.year_ledger import WARD

MOMENT = datetime(2025, 9, 1, tzinfo=UTC)
SIGNER = Person(
    name=str(PERSON["name"]),
    title=str(PERSON["title"]),
    signs_for=str(PERSON["signs_for"]),
    telephone=None,
    email=None,
)
AUTHOR = Author(
    Ward(WARD, "Ủy ban thành phố thử", "Ủy ban phường thử", "Thạch Khôi", "UBND-VHXH"), SIGNER, None
)
NOBODY = Author(Ward(), None, None)


@pytest.fixture
def made(report: YearReport, folder: Path) -> Path:
    """Return a folder with the year's files."""
    write_year(folder, report, AUTHOR, MOMENT)
    return folder


def words_of(text: str) -> str:
    """Return a text without what lines and pages do to its spaces."""
    return "".join(text.split())


def test_a_year_made_twice_is_the_same_to_the_byte(
    made: Path, report: YearReport, tmp_path: Path
) -> None:
    """All four files, and no other is there."""
    write_year(tmp_path / "again", report, AUTHOR, MOMENT)
    names = sorted(path.name for path in made.iterdir())
    assert names == sorted((JSON, SHEETS, DOCUMENT, PDF))
    for name in names:
        digests = {
            hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for folder in (made, tmp_path / "again")
        }
        assert len(digests) == 1, name


def test_document_and_pdf_say_the_same(made: Path, report: YearReport) -> None:
    """Every title, sentence, header and cell; the PDF's fonts are in it."""
    document = Document(str(made / DOCUMENT))
    body: Any = document.element.body
    in_word = words_of("".join(body.itertext()))
    pdf = PdfReader(made / PDF)
    in_pdf = words_of("".join(page.extract_text() for page in pdf.pages))
    for text in texts_of(compose(report)):
        upper = words_of(text.upper())
        assert words_of(text) in in_word or upper in in_word, text
    for section in compose(report).sections:
        assert words_of(section.title.vi) in in_pdf
        for sentence in section.sentences:
            assert words_of(sentence.vi) in in_pdf, sentence.vi
    assert "Linewatch" not in in_word
    fonts = [
        font.get_object()
        for page in pdf.pages
        for font in page["/Resources"].get_object()["/Font"].values()  # type: ignore[index]
    ]
    assert fonts
    assert all("LiberationSerif" in str(font["/BaseFont"]) for font in fonts)


def test_libreoffice_reads_the_document_and_so_does_who_opens_the_pdf(
    made: Path, report: YearReport, tmp_path: Path
) -> None:
    """Word for word in the same order, from the letterhead to the name below the signature."""
    wanted = "".join(squeezed(one) for one in letter_texts(lay_out(compose(report), AUTHOR)))
    text = office.convert(made / DOCUMENT, "txt:Text (encoded):UTF8", tmp_path)
    assert squeezed(text.decode("utf-8-sig")) == wanted
    drawn = office.convert(made / DOCUMENT, "pdf", tmp_path)
    for name, pages in (("yearly-docx", drawn), ("yearly-pdf", (made / PDF).read_bytes())):
        pictures = office.draw(pages, name)
        assert len(pictures) > 3
        assert all(colours_in(one) > 50 for one in pictures)


def test_the_document_is_an_authoritys_report(made: Path) -> None:
    """Letterhead, name, signature; number and date are the clerk's, and all looks are styles."""
    document = Document(str(made / DOCUMENT))
    said = [one.text for one in document.paragraphs]
    assert said[0] == "BÁO CÁO"
    assert said[1] == "Chất lượng dịch vụ Internet năm 2025"
    head = [cell.text for cell in document.tables[0].rows[0].cells]
    assert head[0].startswith("ỦY BAN THÀNH PHỐ THỬ\nỦY BAN PHƯỜNG THỬ")
    assert "Số: ………/BC-………" in head[0]
    assert "Độc lập - Tự do - Hạnh phúc" in head[1]
    end = [cell.text for cell in document.tables[-1].rows[0].cells]
    assert end[1].endswith(str(PERSON["name"]))
    styles = {one.style.name for one in document.paragraphs if one.style}
    assert styles <= {one.name for one in document.styles}
    assert all(str(name).startswith(("CV ", "Normal")) for name in styles)


def test_a_ward_without_a_letterhead_leaves_it_to_the_clerk(
    report: YearReport, folder: Path
) -> None:
    """Nothing is made up."""
    write_year(folder, report, NOBODY, MOMENT)
    head = Document(str(folder / DOCUMENT)).tables[0].rows[0].cells[0].text
    assert head.startswith("………")


def test_a_sheets_numbers_are_numbers(made: Path, report: YearReport) -> None:
    """One sheet for each topic; a lower bound is marked, and what is not known is a dash."""
    book: Any = load_workbook(made / SHEETS)
    paper = compose(report)
    assert book.sheetnames == [section.sheet for section in paper.sections]
    sheet = book["Đường 1 Gbps"]
    rows = {row[1].value: row for row in sheet.iter_rows() if row[1].value}
    assert (rows["giga"][2].value, rows["giga"][2].number_format) == (1000, "#,##0.0")
    assert rows["gap"][5].number_format.startswith('"≥ "')
    assert isinstance(rows["gap"][5].value, float)
    assert rows["has6"][2].value == "–"
    assert rows["gap"][6].value == "Chưa thể kết luận / Cannot be said"
    # What stands in place of a number stands where the numbers do.
    assert rows["has6"][2].alignment.horizontal == "right"
    assert rows["gap"][6].alignment.horizontal is None
    for section in paper.sections:
        texts = {cell.value for row in book[section.sheet].iter_rows() for cell in row}
        for sentence in section.sentences:
            assert {sentence.vi, sentence.en} <= texts


def test_nothing_that_is_not_public_is_in_a_file(made: Path) -> None:
    """No address of a site, in any of them."""
    for name in (DOCUMENT, SHEETS):
        with zipfile.ZipFile(made / name) as packed:
            for part in packed.namelist():
                said = html.unescape(packed.read(part).decode("utf-8", "replace"))
                assert "Bí Mật" not in said, part
    text = "".join(page.extract_text() for page in PdfReader(made / PDF).pages)
    assert "phố Bí Mật" not in text
    assert from_json((made / JSON).read_bytes()).ward == WARD


def test_odd_names_spoil_no_file(report: YearReport, folder: Path) -> None:
    """A formula, a tag, a letter that no font has."""
    odd = '=1+1 <b>&"#let" \U0001f4a9 $x$ [a] @b'
    lines = [replace(one, site=odd) for one in report.gigabit.lines]
    changed = replace(report, gigabit=replace(report.gigabit, lines=lines))
    write_year(folder, changed, NOBODY, MOMENT)
    text = words_of("".join(page.extract_text() for page in PdfReader(folder / PDF).pages))
    assert words_of('=1+1 <b>&"#let" □ $x$ [a] @b') in text
    book: Any = load_workbook(io.BytesIO((folder / SHEETS).read_bytes()))
    (cell, *_) = [
        cell
        for row in book["Đường 1 Gbps"].iter_rows()
        for cell in row
        if str(cell.value).startswith("=1+1")
    ]
    assert cell.data_type == "s"


def test_what_is_not_known_is_never_a_zero(report: YearReport) -> None:
    """Of a line without data in a month the table has a dash, and the sentence its months."""
    paper = compose(report)
    section = paper.sections[-2]
    table = section.tables[1]
    row = next(row for row in table.rows if row[1] == "gap")
    assert [value is None for value in row[2:10]] == [False, False, True, True, *[False] * 4]
    assert any("không có bản ghi tháng 03/2025, 04/2025" in one.vi for one in section.sentences)
    assert {column.unit for column in table.columns} == {Unit.TEXT, Unit.COUNT, Unit.SHARE}


def test_a_citys_list_is_in_the_sheet_and_the_papers_say_so(
    report: YearReport, folder: Path
) -> None:
    """Nothing of it is cut off: a long table is whole, or is not there."""
    many = [replace(report.gigabit.lines[0], line=f"l{number}") for number in range(MOST_ROWS + 1)]
    changed = replace(report, gigabit=replace(report.gigabit, lines=many))
    write_year(folder, changed, NOBODY, MOMENT)
    book: Any = load_workbook(folder / SHEETS)
    last = f"l{MOST_ROWS}"
    assert last in {row[1].value for row in book["Đường 1 Gbps"].iter_rows()}
    told = f"có {MOST_ROWS + 1} dòng: xem trang “Đường 1 Gbps” của tệp report.xlsx"
    text = "".join(page.extract_text() for page in PdfReader(folder / PDF).pages)
    body: Any = Document(str(folder / DOCUMENT)).element.body
    for said in (text, "".join(body.itertext())):
        assert words_of(told) in words_of(said)
        assert last not in said
    few = replace(changed, gigabit=replace(changed.gigabit, lines=many[:MOST_ROWS]))
    assert printed(compose(few)) == compose(few)


def test_each_year_and_ward_has_its_folder(tmp_path: Path) -> None:
    """Named without marks; all wards together are no ward's."""
    assert folder_of(tmp_path, 2025, WARD) == tmp_path / "2025" / "phuong-thach-khoi"
    assert folder_of(tmp_path, 2025, None) == tmp_path / "2025" / ALL_WARDS


def test_a_place_that_cannot_be_written_is_a_sentence(report: YearReport, tmp_path: Path) -> None:
    """It names the folder."""
    (tmp_path / "out").write_text("")
    with pytest.raises(ReportError, match="out: cannot be written"):
        write_year(tmp_path / "out", report, NOBODY, MOMENT)
