"""Reads papers as a stranger's program would."""

import io
import unicodedata
from itertools import product
from typing import Any, Final

from pypdf import PdfReader

_VOWELS: Final = "aăâeêioôơuưy"
_CONSONANTS: Final = "bcdđghklmnpqrstvx"
_TONES: Final = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")

VIETNAMESE: Final = "".join(
    unicodedata.normalize("NFC", one)
    for letter in (
        *(vowel + tone for vowel, tone in product(_VOWELS, _TONES)),
        *_CONSONANTS,
    )
    for one in (letter, letter.upper())
)
"""Every letter of the language: vowels with each tone, and consonants; lower and upper."""


def text_of(pdf: bytes) -> str:
    """Return a PDF's text, page after page."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def squeezed(text: str) -> str:
    """Return a text without spaces: wherever its lines break, it is the same."""
    return "".join(unicodedata.normalize("NFC", text).split())


def fonts_of(pdf: bytes) -> dict[str, bool]:
    """Return the fonts that a PDF's pages use, and whether each is inside it."""
    found = {}
    pages: Any = PdfReader(io.BytesIO(pdf)).pages
    for page in pages:
        for font in page["/Resources"].get("/Font", {}).values():
            (face,) = font.get_object()["/DescendantFonts"]
            descriptor = face.get_object()["/FontDescriptor"].get_object()
            inside = bool({"/FontFile2", "/FontFile3"} & set(descriptor))
            found[str(face.get_object()["/BaseFont"]).partition("+")[2]] = inside
    return found
