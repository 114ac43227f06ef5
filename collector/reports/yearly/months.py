"""The months of a year's lines, judged by processes beside each other and kept in short."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.domain.findings import verdict_of
from collector.domain.line_month import LinePart
from collector.domain.standard_file import StandardFile
from collector.domain.verdicts import judge
from collector.domain.year.again import Stated, today_of
from collector.domain.year.months import LineMonth, month_of
from collector.domain.year.targets import is_apart
from collector.ledger.database import Database
from collector.ledger.month_mark import MonthMark
from collector.reports.monthly import KnownLine, Month, read_parts
from collector.reports.pool import Workers
from collector.settings import LedgerSettings

Step = Callable[[int], None]
"""Is told of each line's month that is done."""

StatedBy = Mapping[int, Sequence[Stated]]
"""What complaints said of a line's month, by their numbers."""

_TOGETHER: Final = 4
"""Lines that are handed to a process at once; each is read by itself."""


@dataclass(frozen=True, slots=True)
class Standards:
    """What lines are held against.

    Attributes:
        files: all of them.
        named: whether somebody asked for these: then they hold in every month, as in a replay;
            else in those in which they are in force.
    """

    files: Sequence[StandardFile]
    named: bool = False

    def of(self, month: Month) -> list[StandardFile]:
        """Return those that a month is held against."""
        first, last = month.first_day, month.last_day
        return [one for one in self.files if self.named or one.standard.is_in_force(first, last)]


@dataclass(frozen=True, slots=True)
class _Portion:
    """A month of some lines, and what complaints said of any line in it."""

    month: Month
    known: Sequence[KnownLine]
    used: Sequence[StandardFile]
    stated: Mapping[str, StatedBy]

    def choose(self, technology: str) -> list[StandardFile]:
        """Return the standards for a technology."""
        return [one for one in self.used if one.standard.is_for(technology)]


def begin(settings: LedgerSettings) -> Database:
    """Return what a process reads months with."""
    return Database(settings)


def read_months(
    workers: Workers,
    known: Sequence[KnownLine],
    months: Sequence[Month],
    standards: Standards,
    stated: Mapping[str, Mapping[str, StatedBy]],
    step: Step,
) -> dict[str, list[LineMonth]]:
    """Return of each line its months in short, in their order.

    Args:
        workers: that `begin` with the ledger's settings.
        known: the lines.
        months: which.
        standards: that lines are held against.
        stated: what complaints said, by month and line.
        step: told of progress.

    Raises:
        LedgerError: the ledger cannot be read.
        ReportError: a process ended in the middle of its work.
    """
    found: dict[str, list[LineMonth]] = {one.id: [] for one in known}
    for done in workers.in_order(_work, _portions(known, months, standards, stated)):
        for line, short in done:
            found[line].append(short)
        step(len(done))
    return found


def _portions(
    known: Sequence[KnownLine],
    months: Sequence[Month],
    standards: Standards,
    stated: Mapping[str, Mapping[str, StatedBy]],
) -> Iterator[_Portion]:
    for month in months:
        used = standards.of(month)
        said = stated.get(month.name, {})
        for first in range(0, len(known), _TOGETHER):
            some = known[first : first + _TOGETHER]
            own = {one.id: said[one.id] for one in some if one.id in said}
            yield _Portion(month, some, used, own)


def _work(database: Database, portion: _Portion) -> list[tuple[str, LineMonth]]:
    found = read_parts(database, portion.month, portion.known)
    return [(line.id, _short(line, parts, source.mark, portion)) for line, parts, source in found]


def _short(
    line: KnownLine, parts: Sequence[LinePart], mark: MonthMark, portion: _Portion
) -> LineMonth:
    used = portion.choose(line.technology)
    # As a month's report does, but for its figures: nothing of a year is made of them.
    judgements = [judge(part, file) for part in parts for file in used]
    verdict = verdict_of(judgements)
    stated = portion.stated.get(line.id, {})
    return month_of(
        portion.month.name,
        parts,
        judgements,
        verdict,
        has_records=bool(mark.records or mark.folded),
        # A mobile line's speed is told beside its target.
        kept=[one.standard.id for one in portion.used if is_apart(one, line.technology)],
        again={case: today_of(said, judgements, verdict) for case, said in stated.items()},
    )
