"""Typst, the fonts, and what comes of both."""

import io
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from collector.errors import PaperError
from collector.papers import typesetting
from collector.papers.typesetting import typeset
from tests.collector.papers.reading import VIETNAMESE, fonts_of, text_of

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
TEMPLATE = """
#import "common.typ": data, paper
#show: paper.with(title: data.title)
#data.text

#strong(data.text) #emph(data.text) #strong(emph(data.text))
"""


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what all papers share, and one that shows a text in four faces."""
    common = (typesetting.TEMPLATES / "common.typ").read_text(encoding="utf-8")
    (tmp_path / "common.typ").write_text(common, encoding="utf-8")
    (tmp_path / "faces.typ").write_text(TEMPLATE, encoding="utf-8")
    monkeypatch.setattr(typesetting, "TEMPLATES", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("templates")
def test_every_vietnamese_letter_is_read_back_from_the_pdf() -> None:
    """In each of the four faces; people search such files, and copy from them."""
    spaced = " ".join(VIETNAMESE)
    made = typeset("faces.typ", {"title": "Chữ", "text": spaced}, MOMENT)
    read = text_of(made).split()
    for letter in VIETNAMESE:
        assert read.count(letter) == 4, letter


@pytest.mark.usefixtures("templates")
def test_its_fonts_are_inside_and_no_others_are_used() -> None:
    """It looks the same wherever it is opened; a system's own fonts change nothing."""
    made = typeset("faces.typ", {"title": "Chữ", "text": "Kính gửi 中"}, MOMENT)
    faces = ("", "-Bold", "-Italic", "-BoldItalic")
    assert fonts_of(made) == {f"LiberationSerif{face}": True for face in faces}


@pytest.mark.usefixtures("templates")
def test_it_is_the_same_to_the_byte_and_says_when_by_what_it_is_given() -> None:
    """Two runs give one file; its date is the caller's."""
    first, second = (typeset("faces.typ", {"title": "T", "text": "x"}, MOMENT) for _ in range(2))
    assert first == second
    about = PdfReader(io.BytesIO(first))
    assert about.metadata is not None
    assert about.metadata.creation_date == about.metadata.modification_date == MOMENT
    assert about.metadata.title == "T"
    assert b"pdfaid:part>2<" in first
    assert typeset("faces.typ", {"title": "T", "text": "y"}, MOMENT) != first


def test_a_template_that_is_wrong_is_said_with_its_place(templates: Path) -> None:
    """Also one that asks for data that it was not given, or that is not there at all."""
    with pytest.raises(PaperError, match=r"faces.typ: cannot be set: (.|\n)*title"):
        typeset("faces.typ", {"text": "x"}, MOMENT)
    with pytest.raises(PaperError, match=r"nowhere.typ: cannot be set"):
        typeset("nowhere.typ", {}, MOMENT)
    (templates / "out.typ").write_text('#read("/../../etc/passwd")', encoding="utf-8")
    with pytest.raises(PaperError, match=r"out.typ: cannot be set"):
        typeset("out.typ", {}, MOMENT)


def test_what_typst_warns_of_is_logged(templates: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A font that is not there is no error to Typst, and not what was meant."""
    (templates / "warns.typ").write_text(
        '#import "common.typ": data, paper\n#show: paper.with(title: "T")\n'
        '#text(font: ("Liberation Serif", "No Such Font"))[x]',
        encoding="utf-8",
    )
    with caplog.at_level(logging.WARNING, logger=typesetting.__name__):
        typeset("warns.typ", {}, MOMENT)
    assert "no such font" in caplog.text


PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from collector.papers import typesetting

typesetting.TEMPLATES = Path(sys.argv[1])
for number in range(12):
    text = " ".join(f"{number}-{word}" for word in range(6_000))
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    typesetting.typeset("faces.typ", {"title": "T", "text": text}, moment)
    if number in (1, 11):
        _, _, held = Path("/proc/self/smaps_rollup").read_text().partition("\\nPss:")
        print(int(held.split()[0]) // 1024)
"""


def test_what_was_set_is_forgotten(templates: Path) -> None:
    """Ten more papers take no more memory: Typst would keep all of them, each tens of megabytes."""
    command = [sys.executable, "-c", PROGRAM, str(templates)]
    said = subprocess.run(command, capture_output=True, timeout=100, check=True, text=True)
    second, last = map(int, said.stdout.split())
    assert last - second < 40


def test_a_paper_is_set_wherever_one_stands(
    templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the folder in which a command was begun is gone."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert typeset("faces.typ", {"title": "T", "text": "x"}, MOMENT).startswith(b"%PDF")
    (templates / "bad.typ").write_text("#nothing", encoding="utf-8")
    with pytest.raises(PaperError, match="nothing"):
        typeset("bad.typ", {}, MOMENT)
