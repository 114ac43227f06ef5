"""What the year's papers are made of: sections of sentences, tables and charts. Pure.

One content for a sheet, a document and a PDF: a table's cells are values with their units, which a
sheet keeps as numbers and the others write as people read them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain.quantities import MEGABIT, MILLISECOND
from collector.domain.standard import Words
from collector.domain.year.counts import Count
from collector.domain.year.months import Speed
from collector.web.i18n import DASH, Language
from collector.web.i18n import Words as Writer

_WRITER: Final = Writer(Language.VI, ZoneInfo("UTC"), datetime(2000, 1, 1, tzinfo=UTC))
"""Writes numbers and days; nothing here counts back from a moment."""


class Unit(StrEnum):
    """What a cell's value is of."""

    TEXT = "text"
    COUNT = "count"
    RATE = "rate"
    TIME = "time"
    SHARE = "share"
    DAY = "day"


MOST_ROWS: Final = 400
"""Of a table that is printed: nobody reads a city's list of lines on paper, and setting one of
5,000 lines takes 3 GB of memory. A sheet has them all."""

UNIT_WORDS: Final = {Unit.RATE: "Mbit/s", Unit.TIME: "ms"}
FACTORS: Final = {Unit.RATE: 1 / MEGABIT, Unit.TIME: 1 / MILLISECOND}
"""By which a value becomes a number of its shown unit."""

_NUMBERS: Final[Mapping[Unit, Callable[[float], str]]] = {
    Unit.RATE: _WRITER.megabits,
    Unit.TIME: _WRITER.milliseconds,
    Unit.SHARE: partial(_WRITER.percent, digits=1),
}
"""How a number of a unit is written; others are counts."""

Value = str | float | date | Words | Speed | None
"""None: not measured, or not known; it is a dash everywhere, and never zero."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``width`` is relative to the others'."""

    head: Words
    unit: Unit = Unit.TEXT
    width: int = 2


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a name."""

    title: Words
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Bars:
    """A quantity of months in a row, and of the same months a year before.

    Attributes:
        values, before: in the unit; None: not measured. No ``before``: the ledger has none.
    """

    title: Words
    unit: Unit
    months: Sequence[str]
    values: Sequence[float | None]
    before: Sequence[float | None] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A topic: its sheet's name, its title, sentences, tables, charts."""

    sheet: str
    title: Words
    sentences: Sequence[Words]
    tables: Sequence[Table]
    charts: Sequence[Bars] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """The year's report."""

    title: Words
    subject: Words
    sections: Sequence[Section]


def words(vi: str, en: str) -> Words:
    """Return a text in both languages."""
    return Words(vi=vi, en=en)


def written(value: Value, unit: Unit) -> str:
    """Return a cell as people read it, in Vietnamese."""
    if isinstance(value, Words):
        return value.vi
    if isinstance(value, Speed):
        return _WRITER.at_least(written(value.value, unit), value.at_least)
    if isinstance(value, date):
        return _WRITER.day(value)
    if value is None or isinstance(value, str):
        return value or DASH
    return _NUMBERS.get(unit, _WRITER.number)(value)


def month_name(month: str) -> str:
    """Return a month as papers write it: 10/2026."""
    year, number = month.split("-")
    return f"{number}/{year}"


def told(count: Count) -> Words:
    """Return a share in words, with what is not known of it."""
    many, of, unknown = count.numerator, count.denominator, count.unknown
    if not of + unknown:
        return words("không có", "there is none")
    apart_vi = f"; chưa rõ: {unknown}" if unknown else ""
    apart_en = f"; not known: {unknown}" if unknown else ""
    if not of:
        return words(f"chưa rõ ({unknown})", f"not known ({unknown})")
    share = percent(many / of)
    return words(f"{many}/{of} ({share.vi}){apart_vi}", f"{many} of {of} ({share.en}){apart_en}")


def percent(share: float, digits: int = 1) -> Words:
    """Return a share as each language writes it."""
    return words(_WRITER.percent(share, digits), f"{100 * share:.{digits}f}%")


def printed(paper: Paper) -> Paper:
    """Return a paper as it is printed: of a long table it says where all of it is."""
    return replace(paper, sections=[_printed(section) for section in paper.sections])


def _printed(section: Section) -> Section:
    long = [table for table in section.tables if len(table.rows) > MOST_ROWS]
    told = [
        words(
            f"Bảng “{table.title.vi}” có {len(table.rows)} dòng: xem trang “{section.sheet}” của "
            "tệp report.xlsx.",
            f"The table '{table.title.en}' has {len(table.rows)} rows: see sheet "
            f"'{section.sheet}' of report.xlsx.",
        )
        for table in long
    ]
    tables = [table for table in section.tables if len(table.rows) <= MOST_ROWS]
    return replace(section, sentences=[*section.sentences, *told], tables=tables)


def texts_of(paper: Paper) -> Iterator[str]:
    """Yield all that a paper says, in Vietnamese, in order."""
    yield paper.title.vi
    yield paper.subject.vi
    for section in paper.sections:
        yield section.title.vi
        yield from (one.vi for one in section.sentences)
        for table in section.tables:
            yield table.title.vi
            yield from (headed(column) for column in table.columns)
            for row in table.rows:
                yield from cells_of(table, row)


def headed(column: Column) -> str:
    """Return what stands over a column, with its unit."""
    unit = UNIT_WORDS.get(column.unit)
    return f"{column.head.vi} ({unit})" if unit else column.head.vi


def cells_of(table: Table, row: Sequence[Value]) -> list[str]:
    """Return a row as people read it."""
    return [written(value, column.unit) for value, column in zip(row, table.columns, strict=True)]
