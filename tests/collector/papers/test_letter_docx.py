"""A letter as DOCX: its layout, its styles, and what LibreOffice makes of it."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from pypdf import PdfReader

from collector.cases.calendar import rules
from collector.papers import letter_styles as styles
from collector.papers.content import Letter, Table, texts_of
from collector.papers.letter import compose
from collector.papers.letter_docx import as_docx
from collector.papers.letter_pdf import as_pdf
from tests.collector.chromium import colours_in
from tests.collector.papers import months, office
from tests.collector.papers.reading import squeezed, text_of
from tests.collector.papers.test_letter import ANNEXES

MOMENT = datetime(2026, 11, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))


@pytest.fixture(scope="module")
def letter() -> Letter:
    """The letter of a month with one line that fails."""
    return compose(months.mixed(), months.STANDARDS, months.PARTIES, rules(), ANNEXES)


@pytest.fixture(scope="module")
def made(letter: Letter) -> bytes:
    """The same as DOCX."""
    return as_docx(letter, MOMENT)


def test_libreoffice_reads_the_letter_and_so_does_who_opens_the_pdf(
    letter: Letter, made: bytes, tmp_path: Path
) -> None:
    """Word for word in the same order, from the letterhead to the name below the signature."""
    wanted = [squeezed(one) for one in texts_of(letter)]
    file = tmp_path / "letter.docx"
    file.write_bytes(made)
    text = office.convert(file, "txt:Text (encoded):UTF8", tmp_path).decode("utf-8-sig")
    assert squeezed(text) == "".join(wanted)
    pdf = as_pdf(letter, MOMENT)
    read = squeezed(text_of(pdf))
    for one in wanted:
        assert one in read
    assert len(read) == sum(map(len, wanted)) + len("2"), "the number of page 2 alone is more"
    drawn = office.convert(file, "pdf", tmp_path)
    for name, pages in (("letter-docx", drawn), ("letter-pdf", pdf)):
        pictures = office.draw(pages, name)
        assert len(pictures) == 2
        assert all(colours_in(one) > 50 for one in pictures)


def test_the_page_is_the_decrees(made: bytes) -> None:
    """A4 with its margins; the number of a page in the top margin, centred, not on the first."""
    # Sizes may be missing, to the library's types.
    section: Any = Document(io.BytesIO(made)).sections[0]
    sides = ("page_width", "page_height", "top_margin", "bottom_margin")
    sizes = [getattr(section, one) for one in (*sides, "left_margin", "right_margin")]
    assert [round(one / Mm(1)) for one in sizes] == [210, 297, 20, 20, 30, 15]
    assert section.different_first_page_header_footer
    assert "".join(one.text for one in section.first_page_header.paragraphs) == ""
    (number,) = section.header.paragraphs
    assert number.style.name == styles.PAGE_NUMBER
    assert [one.get(qn("w:instr")) for one in number._p.iter(qn("w:fldSimple"))] == ["PAGE"]
    assert section.header_distance < section.top_margin


@pytest.mark.parametrize(
    "name, sizes, bold, italic",
    [
        (styles.COUNTRY, (12, 13), True, False),
        (styles.MOTTO, (13, 14), True, False),
        (styles.SUPERIOR, (12, 13), False, False),
        (styles.AUTHORITY, (12, 13), True, False),
        (styles.NUMBER, (13, 13), False, False),
        (styles.SUBJECT, (12, 13), False, False),
        (styles.DATED, (13, 14), False, True),
        (styles.RECIPIENT, (13, 14), False, False),
        ("CV Nội dung", (13, 14), False, False),
        (styles.COPIES, (12, 12), True, True),
        (styles.COPY, (11, 11), False, False),
        (styles.TITLE, (13, 14), True, False),
        (styles.SIGNER, (13, 14), True, False),
        (styles.PAGE_NUMBER, (13, 14), False, False),
    ],
)
def test_sizes_are_the_decrees(
    made: bytes, name: str, sizes: tuple[int, int], bold: bool, italic: bool
) -> None:
    """Each in points, in Times New Roman; docs/method.md says where they were read."""
    style: Any = Document(io.BytesIO(made)).styles[name]
    assert Pt(sizes[0]) <= style.font.size <= Pt(sizes[1])
    assert (style.font.name, style.font.bold, style.font.italic) == (styles.FONT, bold, italic)


def test_the_body_is_justified_and_indented(made: bytes) -> None:
    """First lines by 1 to 1.27 cm, 6 points and more between paragraphs."""
    style: Any = Document(io.BytesIO(made)).styles["CV Nội dung"]
    shape = style.paragraph_format
    assert shape.alignment == 3
    assert Mm(10) <= shape.first_line_indent <= Mm(12.7)
    assert shape.space_after >= Pt(6)
    assert 1 <= shape.line_spacing <= 1.5


def test_looks_are_in_styles_alone(made: bytes) -> None:
    """A clerk changes a style once; what was formatted by hand would stay behind."""
    parts = {name: packed.decode() for name, packed in contents(made).items() if "xml" in name}
    body = parts["word/document.xml"]
    assert not re.search(
        r"<w:(b|i|sz|rFonts|color|highlight|jc|ind|spacing)[ />]", without_tables(body)
    )
    known = {one.get(qn("w:styleId")) for one in Document(io.BytesIO(made)).styles.element}
    assert set(re.findall(r'<w:[pr]Style w:val="([^"]+)"', body)) <= known
    assert "asciiTheme" not in parts["word/styles.xml"].partition("</w:docDefaults>")[0]
    assert 'w:val="vi-VN"' in parts["word/styles.xml"]


def without_tables(body: str) -> str:
    """Return a document without what places its tables on the page."""
    return re.sub(r"<w:tblPr>.*?</w:tblPr>", "", body, flags=re.DOTALL)


def contents(made: bytes) -> dict[str, bytes]:
    """Return the parts of a file by their names."""
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        return {one: packed.read(one) for one in packed.namelist()}


@pytest.mark.parametrize("lines", range(1, 12))
def test_a_signature_never_stands_alone_on_a_page(lines: int) -> None:
    """Wherever the text ends, its last words and the signature are on one page."""
    many = [months.line(f"l{one}", months.part(months.broken())) for one in range(lines)]
    text = compose(months.month(*many), months.STANDARDS, months.PARTIES, rules(), ANNEXES)
    last = squeezed(PdfReader(io.BytesIO(as_pdf(text, MOMENT))).pages[-1].extract_text())
    assert squeezed("Đầu mối liên hệ: Trần Thị Thư") in last
    assert squeezed("Nguyễn Văn Ký") in last


def test_a_row_of_many_lines_fills_the_page_that_it_begins_on() -> None:
    """Which line it is about stands over it, on the page that it goes on to, too."""
    two = [months.line(f"l{one}", months.part(months.broken())) for one in range(2)]
    made = compose(months.month(*two), months.STANDARDS, months.PARTIES, rules(), ANNEXES)
    read = PdfReader(io.BytesIO(as_pdf(made, MOMENT)))
    pages = [squeezed(page.extract_text()) for page in read.pages]
    (table,) = (block for block in made.body if isinstance(block, Table))
    *_, (identity,), row = table.rows
    assert squeezed(identity) in pages[0]
    assert squeezed(identity) in pages[1]
    after = pages[0].partition(squeezed(identity))[2]
    assert after.startswith(squeezed(row[0])[:20])
    assert squeezed(row[-1]) not in after, "the row is divided"
    rows = Document(io.BytesIO(as_docx(made, MOMENT))).tables[1].rows
    whole = [bool(one._tr.xpath("./w:trPr/w:cantSplit")) for one in rows]
    assert whole == [True, True, False, True, False], "Word divides it as well"


def test_it_is_the_same_to_the_byte(letter: Letter, made: bytes) -> None:
    """It says nothing of when and by whom it was made, but for the end of its month."""
    assert as_docx(letter, MOMENT) == made
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        assert {one.date_time for one in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    about = Document(io.BytesIO(made)).core_properties
    assert (about.author, about.last_modified_by, about.comments) == ("", "", "")
    assert about.title == letter.subject
    assert about.created is not None
    assert about.created.replace(tzinfo=ZoneInfo("UTC")) == MOMENT
    assert not any("thumbnail" in name for name in contents(made))


def test_names_that_no_xml_can_hold_make_a_letter_all_the_same(letter: Letter) -> None:
    """Somebody's free text: control characters and other scripts are boxes, in both forms."""
    odd = replace(letter, recipient="Công ty\x00 \x0b中 & <b>", signer="Ký\x1b")
    text = "\n".join(one.text for one in Document(io.BytesIO(as_docx(odd, MOMENT))).paragraphs)
    assert "Kính gửi: Công ty□ □□ & <b>" in text
    read = squeezed(text_of(as_pdf(odd, MOMENT)))
    assert squeezed("Kính gửi: Công ty□ □□ & <b>") in read
    assert squeezed("Ký□") in read
