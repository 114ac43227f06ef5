"""What a sheet says: which row is its header, what its columns are about, and its rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from collector.domain.words import clean, fold
from collector.ledger.registry import NAME_FORM
from collector.sheets.delimited import read_delimited
from collector.sheets.fields import EXAMPLE, KINDS, LINES, Field, Kind
from collector.sheets.grid import Cell, Row, Sheet, SheetError, letters_of, place_of
from collector.sheets.headers import fields_of
from collector.sheets.values import MEGABIT, CellError, unit_of
from collector.sheets.workbook import read_workbook

_HEADER_WITHIN: Final = 30
"""Rows in which a header is looked for: titles and addresses stand above it."""

_NOTHING: Final = frozenset(
    {"", "n a", "na", "khong", "khong co", "khong ro", "chua co", "chua ro"}
)
"""What clerks write, folded, where there is nothing to write; signs alone fold to nothing."""

_COLUMN_NUMBER: Final = re.compile(r"\(?(?:\d{1,2}|[A-Za-z])\)?")
"""What stands below a header of an official table: (1), (2) or A, B."""

_TERMS: Final = frozenset(
    {
        "plan",
        "contract_number",
        *(
            f"{kind}_{way}_bits_per_second"
            for kind in ("contracted", "declared", "minimum")
            for way in ("download", "upload")
        ),
    }
)
"""What a row says of a line that somebody pays for."""

_NAMES: Final = frozenset({"line", "site", "site_name", "plan", "contract_number"})
"""Without one of them numbers alone are a sum."""

_NO_LINE: Final = re.compile(
    r"(?:tong(?! cong ty\b)|cong(?: lai| \d+|$)|so luong|ghi chu|luu y|total|sum|note|"
    r"nguoi (?:lap|ky|soan|duyet)|(?:pho )?chu tich|giam doc|ke toan|thu truong|noi nhan|"
    r"ky (?:ten|ghi|va)|tm|kt|tl|\D*\bngay\b.*\bthang)\b"
)
"""How a cell of a sum, a note or a signature begins, folded; and the day above a signature."""

_LONGEST_SHOWN: Final = 60


class Said(NamedTuple):
    """What a cell says of a field, and where it stands."""

    value: Any
    place: str


class Fault(NamedTuple):
    """What does not fit, where."""

    place: str
    message: str


class Passed(NamedTuple):
    """A row that is none of the list, and how it begins."""

    place: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it was understood.

    Attributes:
        number: from 1.
        header: as it stands there.
        fields: what it is about; none: it is ignored. Two: download and upload.
        factor: what its bare numbers are of, in bit/s.
    """

    number: int
    header: str
    fields: tuple[Field, ...]
    factor: int = MEGABIT

    @property
    def letters(self) -> str:
        """What stands over it in the sheet: B."""
        return letters_of(self.number)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the list.

    Attributes:
        place: where it begins.
        said: what its cells say, by fields.
        readable: whether all of them could be read.
    """

    place: str
    said: Mapping[str, Said]
    readable: bool = True

    def get(self, name: str) -> Any:  # noqa: ANN401 - whatever the field holds
        """Return what it says of a field; None: nothing."""
        found = self.said.get(name)
        return None if found is None else found.value

    def where(self, name: str) -> str:
        """Return where it says something of a field, or where it begins."""
        found = self.said.get(name)
        return self.place if found is None else found.place


@dataclass(slots=True)
class Understood:
    """A sheet as it was understood.

    Attributes:
        sheet: its name.
        kind: of what its rows are; None: it has no header that is known.
        header_row: the number of the header's last row.
        columns: all of the header's.
        entries: the rows.
        faults: cells that cannot be read.
        passed: rows that are none of the list.
    """

    sheet: str
    kind: Kind | None = None
    header_row: int = 0
    columns: list[Column] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)


def read_list(path: Path) -> list[Understood]:
    """Return a file's sheets as they were understood.

    Raises:
        SheetError: the file cannot be read, or none of its sheets has a header that is known.
    """
    kind = path.suffix.lower()
    if kind in {".xlsx", ".xlsm"}:
        sheets = read_workbook(path)
    elif kind in {".csv", ".tsv", ".txt"}:
        sheets = read_delimited(path)
    else:
        raise SheetError(f"{path}: is no .xlsx, .csv or .json: save it as one of these")
    found = [understand(sheet) for sheet in sheets]
    if not any(one.kind for one in found):
        raise SheetError(
            f"{path}: no sheet has a header that is known: of lines it has to name at least the "
            "carrier (Nhà mạng) and the site (Điểm đo); 'linewatch registry template' writes one"
        )
    return found


def understand(sheet: Sheet) -> Understood:
    """Return what a sheet says."""
    best: Understood | None = None
    for number in [number for number, _ in sheet.numbered()][:_HEADER_WITHIN]:
        for kind in KINDS:
            for rows in (1, 2):
                one = _with_header(sheet, number, rows, kind)
                # The first of equals is the simplest, and the highest.
                if one is not None and (best is None or _weight(one) > _weight(best)):
                    best = one
    if best is None:
        return Understood(sheet.name)
    _read_rows(sheet, best)
    return best


def _weight(one: Understood) -> tuple[int, int]:
    """Return how much a header tells: of how many fields, and how finely divided."""
    told = [len(column.fields) for column in one.columns if column.fields]
    return sum(told), len(told)


# --- Headers ---------------------------------------------------------------------------------


def _with_header(sheet: Sheet, number: int, rows: int, kind: Kind) -> Understood | None:
    """Return a sheet with its columns, if these rows are a header of this kind; else None."""
    top = sheet.header(number)
    below = sheet.header(number + 1) if rows > 1 else {}
    if rows > 1 and not below:
        return None
    headed = {
        column: _joined(top.get(column), below.get(column)) for column in sorted({*top, *below})
    }
    columns = _columns(headed, kind)
    names = {field.name for column in columns for field in column.fields}
    if not all(names.intersection(group) for group in kind.needed):
        return None
    return Understood(sheet.name, kind, number + rows - 1, columns)


def _joined(top: Cell | None, below: Cell | None) -> tuple[str, ...]:
    """Return the ways to read a column's header: of both rows, or of the lower alone."""
    texts = [str(cell.value).strip() for cell in (top, below) if cell is not None]
    if len(texts) == 1 or (texts and texts[0] == texts[-1]):
        return (texts[0],)
    # Of 'Tốc độ' over 'thực tế' the upper alone would say something else.
    return (" ".join(texts), texts[-1])


def _columns(headed: Mapping[int, tuple[str, ...]], kind: Kind) -> list[Column]:
    found = []
    for number, ways in headed.items():
        fields = next(filter(None, (fields_of(text, kind) for text in ways)), ())
        header = clean(ways[0])[:_LONGEST_SHOWN]
        found.append(Column(number, header, fields, unit_of(ways[0]) or MEGABIT))
    taken: set[str] = set()
    # A column of one speed goes before one that may be of both; else the first goes first.
    for column in sorted(found, key=lambda one: len(one.fields)):
        left = tuple(field for field in column.fields if field.name not in taken)
        taken |= {field.name for field in left}
        if left != column.fields:
            at = found.index(column)
            found[at] = Column(column.number, column.header, left, column.factor)
    return found


# --- Rows ------------------------------------------------------------------------------------


def _read_rows(sheet: Sheet, found: Understood) -> None:
    """Add the rows below the header."""
    of_use = [column for column in found.columns if column.fields]
    for number, row in sheet.numbered():
        if number <= found.header_row or not row:
            continue
        why = _passed_over(found, of_use, number, row)
        if why is not None:
            first = min(row)
            text = clean(str(row[first].value))[:_LONGEST_SHOWN]
            found.passed.append(Passed(place_of(sheet.name, number, first), text, why))
            continue
        before = len(found.faults)
        said = {name: one for column in of_use for name, one in _read_cell(found, column, row)}
        place = place_of(sheet.name, number, min(row))
        found.entries.append(Entry(place, said, readable=len(found.faults) == before))


def _passed_over(found: Understood, of_use: Sequence[Column], number: int, row: Row) -> str | None:
    """Return why a row is none of the list; None: it is one."""
    texts = {column: str(cell.value).strip() for column, cell in row.items()}
    if number == found.header_row + 1 and all(map(_COLUMN_NUMBER.fullmatch, texts.values())):
        return "numbers of columns"
    if any(fold(text) in {fold(EXAMPLE), "example"} for text in texts.values()):
        return "the example"
    heads = [column for column in of_use if clean(texts.get(column.number, "")) == column.header]
    if len(heads) > 1:
        return "the header again"
    kind = found.kind or LINES
    says = [column for column in of_use if any(field.name in kind.says for field in column.fields)]
    filled = [column for column in of_use if not _is_nothing(row.get(column.number))]
    own = [column for column in filled if not row[column.number].repeated]
    least = min(3 if kind is LINES else 2, len(of_use))
    if any(column.fields[0].name == "line" and _is_name(row[column.number]) for column in own):
        # Nobody signs with a code.
        least = 1
    if kind is LINES and _is_line_without_carrier(own, filled, row):
        return None
    if not own or len(filled) < least or not any(column in filled for column in says):
        # A title between rows, a sum, a signature.
        return f"names no {kind.says[-1]}"
    return None


def _is_line_without_carrier(own: Sequence[Column], filled: Sequence[Column], row: Row) -> bool:
    """Return whether a row has a plan, speeds or a contract: it is told that it says no carrier.

    A list that is stored without it would lose a line that somebody pays for, and nobody would see.
    """
    terms = any(field.name in _TERMS for column in own for field in column.fields)
    named = any(field.name in _NAMES for column in filled for field in column.fields)
    cells = [row[min(row)], *(row[column.number] for column in filled)]
    words = [fold(cell.value) for cell in cells if isinstance(cell.value, str)]
    return terms and named and not any(map(_NO_LINE.match, words))


def _is_nothing(cell: Cell | None) -> bool:
    return cell is None or (
        isinstance(cell.value, str) and not cell.fault and _is_blank(cell.value)
    )


def _is_name(cell: Cell) -> bool:
    return isinstance(cell.value, str) and NAME_FORM.fullmatch(cell.value.strip()) is not None


def _is_blank(text: str) -> bool:
    return fold(text) in _NOTHING


def _read_cell(found: Understood, column: Column, row: Row) -> Iterator[tuple[str, Said]]:
    """Yield what a row's cell says of each field that its column is about; note what is wrong."""
    cell = row.get(column.number)
    if cell is None or _is_nothing(cell):
        return
    first = column.fields[0]
    try:
        if cell.fault is not None:
            raise CellError(cell.fault)
        if not first.is_speed:
            yield first.name, Said(first.read(cell.value), cell.place)
            return
        speeds = first.read(cell.value, column.factor)
        fields = _fields_of_speeds(found, column, row, len(speeds))
    except ValueError as error:
        found.faults.append(Fault(cell.place, f"{column.header}: {error}"))
        return
    for field_, speed in zip(fields, speeds, strict=False):
        yield field_.name, Said(speed, cell.place)


def _fields_of_speeds(found: Understood, column: Column, row: Row, count: int) -> tuple[Field, ...]:
    """Return what speeds of a cell are of: 300/150 are down and up, 300 alone is down.

    Raises:
        CellError: there are two for a direction, and the other has a cell of its own.
    """
    if count == 1 or len(column.fields) > 1:
        return column.fields
    kind = column.fields[0].name.partition("_")[0]
    both = tuple(LINES.field(f"{kind}_{way}_bits_per_second") for way in ("download", "upload"))
    for other in found.columns:
        if (
            other is not column
            and set(other.fields) & set(both)
            and not _is_nothing(row.get(other.number))
        ):
            raise CellError(f"says two speeds, but column {other.letters} says one of them")
    return both
