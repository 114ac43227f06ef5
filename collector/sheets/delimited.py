"""A list as text (CSV), as Excel and others write it in Viet Nam: its letters and its divider.

Letters are of UTF-8, UTF-16 or Windows-1258; the divider is a semicolon, a comma or a tab.
"""

import codecs
import csv
import io
import unicodedata
from pathlib import Path
from typing import Final

from collector.sheets.grid import (
    MOST_BYTES,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    Cell,
    Sheet,
    SheetError,
    place_of,
)

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""What a file begins with that says what its letters are of."""

_DIVIDERS: Final = ";,\t|"
_LOOKED_AT: Final = 50
"""Lines that the divider is found by."""


def read_delimited(path: Path) -> list[Sheet]:
    """Return a file's only sheet; all values are texts.

    Raises:
        SheetError: it is no text, or too large.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SheetError(f"{path}: larger than {MOST_BYTES // 1_000_000} MB")
        text = _decoded(path, path.read_bytes())
    except OSError as error:
        raise SheetError(f"{path}: {error.strerror}") from None
    name = path.stem
    made = Sheet(name, {})
    count = 0
    try:
        for number, row in enumerate(csv.reader(_lines(text), delimiter=_divider(text)), 1):
            cells = {
                column: Cell(place_of(name, number, column), value)
                for column, value in enumerate(row, 1)
                if value.strip()
            }
            count += len(cells)
            if cells and (number > MOST_ROWS or max(cells) > MOST_COLUMNS or count > MOST_CELLS):
                raise SheetError(
                    f"{path}: too large: at most {MOST_ROWS:,} rows, {MOST_COLUMNS} columns and "
                    f"{MOST_CELLS:,} cells are read"
                )
            if cells:
                made.rows[number] = cells
    except csv.Error as error:
        raise SheetError(f"{path}: row {number + 1} cannot be read: {error}") from None
    return [made]


def _decoded(path: Path, content: bytes) -> str:
    """Return a file's text, its letters composed."""
    for mark, letters in _MARKS:
        if content.startswith(mark):
            content, order = content[len(mark) :], [letters]
            break
    else:
        order = list(_unmarked(content))
    for letters in order:
        try:
            text = content.decode(letters)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return unicodedata.normalize("NFC", text)
    raise SheetError(
        f"{path}: is no text in UTF-8, UTF-16 or Windows-1258: save it as 'CSV UTF-8', or as .xlsx"
    )


def _unmarked(content: bytes) -> tuple[str, ...]:
    """Return what a file's letters may be of, in the order in which it is tried."""
    # Every other byte of separators and digits is zero in UTF-16, and none is anywhere else.
    even, odd = content[::2].count(0), content[1::2].count(0)
    if even or odd:
        return ("utf-16-le",) if odd > even else ("utf-16-be",)
    return ("utf-8", "cp1258")


def _lines(text: str) -> io.StringIO:
    """Return the text without the line by which Excel is told of the divider."""
    first, end, rest = text.partition("\n")
    # In its place an empty line: rows keep their numbers.
    return io.StringIO(end + rest if _told(first) else text, newline="")


def _told(first: str) -> str:
    """Return the divider that a file's first line tells of; '': it does not."""
    first = first.strip()
    return first[4:] if first.lower().startswith("sep=") and len(first) == len("sep=;") else ""


def _divider(text: str) -> str:
    """Return what divides cells: that which most lines have, and the same number of times."""
    if told := _told(text.partition("\n")[0]):
        return told
    lines = text.splitlines()[:_LOOKED_AT]

    def weight(sign: str) -> tuple[int, int]:
        counts = [line.count(sign) for line in lines if line.count(sign)]
        return len(counts), min(counts, default=0)

    best = max(_DIVIDERS, key=weight)
    return best if weight(best)[0] else ","
