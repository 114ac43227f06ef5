"""What a column is about, by what stands over it.

Headers are compared without marks, signs and what stands in brackets (`collector.domain.words`).
A header of speeds is read word by word, as there are too many ways to say it; any other has to be
one of the words that `collector.sheets.fields` has. What fits none is ignored, and said.
"""

import re
from typing import Final

from collector.domain.words import fold
from collector.sheets.fields import KINDS, LINES, Field, Kind

_ASIDE: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_UNITS: Final = re.compile(r"\b[kmg](?:bps|bits?|b) ?(?:s|giay)?\b")

_DIRECTIONS: Final = {
    "download": r"tai xuong|tai ve|download|down|xuong|dl|vd",
    "upload": r"tai len|upload|up|len|ul|vu",
}
_KINDS_OF_SPEED: Final = {
    "minimum": r"cam ket toi thieu|toi thieu|minimum|min|guaranteed",
    "declared": r"cong bo|declared|advertised|vd|vu",
    "contracted": r"",
}
_OF_ANY_SPEED: Final = (
    r"toc do|bang thong|speed|rate|bandwidth|tai xuong|tai ve|tai len|download|upload|vd|vu"
)
_MORE: Final = re.compile(
    r"\b(?:theo|hop dong|contracted|contract|cam ket|goi cuoc|goi|cua|internet|trong nuoc|duong "
    r"truyen|dang ky|thue bao|su dung|dich vu|nha mang|mang|toc do|bang thong|du lieu|speed|rate|"
    r"bandwidth|by|of|the|in|tinh bang|va|and)\b"
)


def fields_of(header: str, kind: Kind) -> tuple[Field, ...]:
    """Return what a column is about by its header; download and upload where it says neither.

    Args:
        header: as it stands there; a line of its own may say the same in another language.
        kind: of the sheet.
    """
    seen = [header, *header.splitlines()] if "\n" in header else [header]
    known = _KNOWN[kind.name]
    for text in seen:
        field = known.get(fold(_ASIDE.sub(" ", text)))
        if field is not None:
            return (field,)
        if kind is LINES and (found := _speeds_of(fold(text))):
            return found
    return ()


def _words_of(field: Field) -> set[str]:
    own = (fold(field.vietnamese), fold(field.english), fold(f"{field.vietnamese} {field.english}"))
    return {*own, *field.words.split(",")} - {""}


_KNOWN: Final = {
    kind.name: {word: field for field in kind.fields for word in _words_of(field)} for kind in KINDS
}
"""What each header means, by the kind of sheet."""


def _speeds_of(words: str) -> tuple[Field, ...]:
    """Return the speeds that a header names and nothing else besides."""
    words = _UNITS.sub(" ", words)
    if not re.search(rf"\b(?:{_OF_ANY_SPEED})\b", words):
        return ()
    kind = next(name for name, said in _KINDS_OF_SPEED.items() if _says(said, words))
    ways = [way for way, said in _DIRECTIONS.items() if _says(said, words)]
    left = words
    for said in (_KINDS_OF_SPEED[kind], *_DIRECTIONS.values()):
        left = re.sub(rf"\b(?:{said})\b", " ", left) if said else left
    if _MORE.sub(" ", left).strip():
        # Measured speeds, or those abroad, are no promise.
        return ()
    ways = ways or list(_DIRECTIONS)
    return tuple(LINES.field(f"{kind}_{way}_bits_per_second") for way in ways)


def _says(pattern: str, words: str) -> bool:
    return not pattern or re.search(rf"\b(?:{pattern})\b", words) is not None
