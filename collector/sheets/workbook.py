"""A workbook of Excel (XLSX) as sheets. Nothing in it is run, and nothing that it links to read.

What is packed is counted before it is unpacked: a file that would fill the memory is refused.
"""

import warnings
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from collector.sheets.grid import (
    MOST_BYTES,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    Cell,
    Merged,
    Sheet,
    SheetError,
    place_of,
)

_MOST_FILES: Final = 1000
_AT_ONCE: Final = 1 << 20

_UNKNOWN: Final = (
    "is a formula whose result the file does not have: open it, save it, or write the value"
)


def read_workbook(path: Path) -> list[Sheet]:
    """Return the sheets that people see, with their values; of formulas the results.

    Raises:
        SheetError: it is no workbook, damaged, or too large.
    """
    _refuse_large(path)
    plain = _load(path, results=False)
    formulas = any(
        cell.data_type == "f" for sheet in plain.worksheets for cell in _cells(sheet).values()
    )
    results = _load(path, results=True) if formulas else plain
    return [
        _sheet(sheet, results[sheet.title])
        for sheet in plain.worksheets
        if sheet.sheet_state == "visible"
    ]


def _refuse_large(path: Path) -> None:
    """Raise `SheetError` where a file is none that is read, or unpacks to more than is read."""
    try:
        with zipfile.ZipFile(path) as packed:
            files = packed.infolist()
            # A file that lies about its size ends at what it says: zipfile reads no further.
            size = sum(one.file_size for one in files)
            if len(files) > _MOST_FILES or size > MOST_BYTES:
                raise SheetError(
                    f"{path}: unpacks to {size / 1e6:.0f} MB in {len(files)} files, which no list "
                    f"of lines needs (at most {MOST_BYTES // 1_000_000} MB)"
                )
            count = sum(_count_cells(packed, one) for one in files if "worksheets/" in one.filename)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise SheetError(
            f"{path}: is no workbook of Excel (.xlsx): {error}. An older .xls, or one with a "
            "password, has to be saved as .xlsx first"
        ) from None
    if count > MOST_CELLS:
        raise SheetError(f"{path}: has {count:,} cells; at most {MOST_CELLS:,} are read")


def _count_cells(packed: zipfile.ZipFile, one: zipfile.ZipInfo) -> int:
    """Return how many cells a sheet's text has at most, reading it by pieces."""
    count, rest = 0, b""
    with packed.open(one) as text:
        while piece := text.read(_AT_ONCE):
            piece = rest + piece
            count += piece.count(b"<c ") + piece.count(b"<c>") + piece.count(b":c ")
            rest = piece[-2:]
    return count


def _load(path: Path, *, results: bool) -> Any:  # noqa: ANN401 - openpyxl's workbook
    from openpyxl import load_workbook  # noqa: PLC0415 - loads a large library

    try:
        with warnings.catch_warnings():
            # What it does not know of a workbook (styles, extensions) has no value of a cell.
            warnings.simplefilter("ignore")
            return load_workbook(path, data_only=results, keep_links=False, rich_text=False)
    except Exception as error:  # noqa: BLE001 - whatever its parsers raise at a damaged file
        raise SheetError(f"{path}: cannot be read as a workbook: {error}") from None


def _cells(sheet: Any) -> Mapping[tuple[int, int], Any]:  # noqa: ANN401 - openpyxl's
    # The only way to the cells that there are: asking by rows makes all others, a million perhaps.
    cells: Mapping[tuple[int, int], Any] = sheet._cells  # noqa: SLF001 - see above
    return cells


def _sheet(plain: Any, results: Any) -> Sheet:  # noqa: ANN401 - openpyxl's
    made = Sheet(
        plain.title,
        {},
        [
            Merged(one.min_row, one.min_col, one.max_row, one.max_col)
            for one in plain.merged_cells.ranges
        ],
    )
    found = _cells(results)
    for (row, column), cell in sorted(_cells(plain).items()):
        value = found[row, column].value if (row, column) in found else None
        one = _cell(place_of(plain.title, row, column), cell, value)
        if one is None:
            continue
        if row > MOST_ROWS or column > MOST_COLUMNS:
            raise SheetError(
                f"{one.place}: too far out: at most {MOST_ROWS:,} rows and {MOST_COLUMNS} columns "
                "are read"
            )
        made.rows.setdefault(row, {})[column] = one
    made.spread()
    return made


def _cell(place: str, cell: Any, value: Any) -> Cell | None:  # noqa: ANN401 - openpyxl's, any value
    if cell.data_type == "f" and value is None:
        return Cell(place, "", _UNKNOWN)
    if cell.data_type == "e" or (isinstance(value, str) and value.startswith("#") and "!" in value):
        return Cell(place, str(value), f"holds the error {value}")
    if isinstance(value, str) and not value.strip():
        return None
    if isinstance(value, str | int | float | bool | date | datetime):
        return Cell(place, value)
    if isinstance(value, time):
        return Cell(place, value.isoformat(), "holds a time of day")
    return (
        None if value is None else Cell(place, str(value), "holds what is no text, number or day")
    )
