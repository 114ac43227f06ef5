"""A sheet's cells as values with their places, however the file writes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple

from collector.errors import RegistryError

MOST_BYTES: Final = 20_000_000
"""Of a file, and of all that is packed in it: 100,000 lines would fit."""

MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 200
MOST_CELLS: Final = 400_000

Value = str | int | float | bool | date | datetime
"""What a cell can hold."""


class SheetError(RegistryError):
    """A file is no sheet, or one that is not read: too large, damaged, of an older kind."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is not empty.

    Attributes:
        place: as people find it: Sheet1!B7.
        value: what it holds; texts as they are.
        fault: why its value cannot be known; None: it is.
        repeated: it is part of a merged cell that begins in a row above.
    """

    place: str
    value: Value
    fault: str | None = None
    repeated: bool = False


Row = Mapping[int, Cell]
"""The cells of a row by the number of their column, 1 for A."""


class Merged(NamedTuple):
    """Where a merged cell is: rows and columns, all included, from 1."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Sheet:
    """A sheet.

    Attributes:
        name: its tab's; of a CSV file the file's.
        rows: those that are not empty, by their numbers from 1; what is merged stands in the first
            cell, and below it in each row.
        merged: the merged cells.
    """

    name: str
    rows: dict[int, dict[int, Cell]]
    merged: Sequence[Merged] = field(default_factory=list)

    def spread(self) -> None:
        """Repeat what is merged over several rows in each of them."""
        for one in self.merged:
            first = self.rows.get(one.top, {}).get(one.left)
            if first is None:
                continue
            for number in range(one.top + 1, min(one.bottom, MOST_ROWS) + 1):
                # A row that is empty but for this stays so: a merged cell may reach too far.
                if number in self.rows:
                    place = place_of(self.name, number, one.left)
                    self.rows[number][one.left] = Cell(place, first.value, first.fault, True)

    def header(self, number: int) -> dict[int, Cell]:
        """Return a row as a header: what is merged stands over each of its columns."""
        row = dict(self.rows.get(number, {}))
        for one in self.merged:
            if one.top <= number <= one.bottom and (
                first := self.rows.get(one.top, {}).get(one.left)
            ):
                for column in range(one.left, min(one.right, MOST_COLUMNS) + 1):
                    row[column] = first
        return row

    def numbered(self) -> Iterator[tuple[int, Row]]:
        """Yield the rows that are not empty, with their numbers, from the top."""
        for number in sorted(self.rows):
            yield number, self.rows[number]


def place_of(sheet: str, row: int, column: int) -> str:
    """Return where a cell is, as people find it."""
    return f"{sheet}!{letters_of(column)}{row}"


def letters_of(column: int) -> str:
    """Return what stands over a column: 1 is A, 27 is AA."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
