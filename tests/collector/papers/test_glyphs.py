"""Which characters papers can show."""

import unicodedata
from pathlib import Path

import pytest

from collector.papers import glyphs
from tests.collector.papers.reading import VIETNAMESE


def test_every_vietnamese_letter_is_in_all_four_fonts() -> None:
    """Upper and lower, with each of the five tones, regular, bold, italic and bold italic."""
    assert len(VIETNAMESE) == 2 * (12 * 6 + 17)
    assert len(list(glyphs.FOLDER.glob("*.ttf"))) == 4
    assert set(map(ord, VIETNAMESE)) <= glyphs.characters()


def test_the_fonts_are_there_with_their_licence() -> None:
    """The licence asks to be with each copy."""
    text = (Path(glyphs.FOLDER) / "OFL.txt").read_text(encoding="utf-8")
    assert "Reserved Font Name Liberation" in text
    assert "SIL OPEN FONT LICENSE Version 1.1" in text


def test_what_the_tables_say_is_what_the_fonts_have() -> None:
    """Letters, signs of figures and lines are found, other scripts and pictures are not."""
    present = "AZaz09 ≥≤–—×→…”“±·□▲▼●\N{MINUS SIGN}\N{NO-BREAK SPACE}"
    assert set(map(ord, present)) <= glyphs.characters()
    assert not set(map(ord, "中文ไ✓\0\x07\N{GRINNING FACE}")) & glyphs.characters()


@pytest.mark.parametrize(
    "text, seen",
    [
        ("Nhà văn hóa số 1", "Nhà văn hóa số 1"),
        (unicodedata.normalize("NFD", "Phường Chu Văn Ẩn"), "Phường Chu Văn Ẩn"),
        ("Điểm 中", "Điểm □"),
        ("Wi\N{NON-BREAKING HYPHEN}Fi\tmiễn\nphí", "Wi-Fi miễn\nphí"),
        ("a\N{ZERO WIDTH SPACE}b\N{LEFT-TO-RIGHT MARK}c", "abc"),
        ("\0\x1b[31m", "□□[31m"),
    ],
)
def test_texts_of_people_are_shown_with_what_the_fonts_have(text: str, seen: str) -> None:
    """A name with another script is no reason to make no letter; that something lacks is seen."""
    assert glyphs.shown(text) == seen
