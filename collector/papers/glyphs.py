"""Which characters the papers' fonts have, read from the fonts themselves.

A site's name is somebody's free text. A character without a glyph would end a PDF/A in an error,
and any other PDF in an empty box: both are found out too late.
"""

import struct
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "fonts"

REPLACEMENT: Final = "\N{WHITE SQUARE}"
"""Shown for what the fonts lack; they have no U+FFFD themselves."""

_ALIKE: Final = {"\t": " ", "\N{NON-BREAKING HYPHEN}": "-"}
"""What stands for characters that people copy from elsewhere."""

_INVISIBLE: Final = "Cf"
"""Category of marks of direction and joiners: nothing of them is seen."""

_WINDOWS, _UNICODE_BMP = 3, 1


def shown(text: str) -> str:
    """Return a text as papers show it: composed (NFC), each character one that the fonts have."""
    return unicodedata.normalize("NFC", text).translate(_SIGNS)


class _Signs(dict[int, str]):
    """What is shown for each code point, looked up once: a city's papers have a hundred million."""

    def __missing__(self, code: int) -> str:
        one = self[code] = _shown(chr(code))
        return one


_SIGNS: Final = _Signs()


def _shown(one: str) -> str:
    if unicodedata.category(one) == _INVISIBLE:
        return ""
    alike = _ALIKE.get(one, one)
    return alike if alike == "\n" or ord(alike) in characters() else REPLACEMENT


@cache
def characters() -> frozenset[int]:
    """Return the code points that each font of the folder has."""
    return frozenset.intersection(*(_of(path.read_bytes()) for path in FOLDER.glob("*.ttf")))


def _of(font: bytes) -> frozenset[int]:
    """Return the code points of a font: its table `cmap`, in format 4 (OpenType, chapter cmap)."""
    (tables,) = struct.unpack_from(">H", font, 4)
    entries = (struct.unpack_from(">4s4xI", font, 12 + 16 * number) for number in range(tables))
    cmap = dict(entries)[b"cmap"]
    (encodings,) = struct.unpack_from(">H", font, cmap + 2)
    records = (struct.unpack_from(">HHI", font, cmap + 4 + 8 * n) for n in range(encodings))
    start = next(at for *kind, at in records if kind == [_WINDOWS, _UNICODE_BMP])
    return _segments(font, cmap + start)


def _segments(font: bytes, table: int) -> frozenset[int]:
    """Return the code points that the segments of a table in format 4 give a glyph to."""
    (doubled,) = struct.unpack_from(">H", font, table + 6)
    count = doubled // 2
    ends, starts, deltas, offsets = (
        struct.unpack_from(f">{count}H", font, table + 14 + place * doubled + 2 * (place > 0))
        for place in range(4)
    )
    offsets_at = table + 16 + 3 * doubled
    found = set()
    for number in range(count):
        for code in range(starts[number], ends[number] + 1):
            glyph = code
            if offsets[number]:
                at = offsets_at + 2 * number + offsets[number] + 2 * (code - starts[number])
                (glyph,) = struct.unpack_from(">H", font, at)
                if not glyph:
                    continue
            if (glyph + deltas[number]) % 0x10000:
                found.add(code)
    return frozenset(found)
