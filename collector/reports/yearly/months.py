"""The months of a year's lines, judged by processes beside each other and kept in short."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from collector.domain.standard_file import StandardFile
from collector.domain.year.months import LineMonth, month_of
from collector.ledger.database import Database
from collector.reports.monthly import KnownLine, Month, read_line_months
from collector.reports.pool import Workers
from collector.settings import LedgerSettings

Step = Callable[[int], None]
"""Is told of each line's month that is done."""

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
    """A month of some lines."""

    month: Month
    known: Sequence[KnownLine]
    used: Sequence[StandardFile]

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
    step: Step,
) -> dict[str, list[LineMonth]]:
    """Return of each line its months in short, in their order.

    Args:
        workers: that `begin` with the ledger's settings.
        known: the lines.
        months: which.
        standards: that lines are held against.
        step: told of progress.

    Raises:
        LedgerError: the ledger cannot be read.
        ReportError: a process ended in the middle of its work.
    """
    found: dict[str, list[LineMonth]] = {one.id: [] for one in known}
    for done in workers.in_order(_work, _portions(known, months, standards)):
        for line, short in done:
            found[line].append(short)
        step(len(done))
    return found


def _portions(
    known: Sequence[KnownLine], months: Sequence[Month], standards: Standards
) -> Iterator[_Portion]:
    for month in months:
        used = standards.of(month)
        for first in range(0, len(known), _TOGETHER):
            yield _Portion(month, known[first : first + _TOGETHER], used)


def _work(database: Database, portion: _Portion) -> list[tuple[str, LineMonth]]:
    found = []
    for one in read_line_months(database, portion.month, portion.known, portion.choose):
        judgements = [said for part in one.summary.parts for said in part.judgements]
        short = month_of(portion.month.name, one.parts, judgements, one.summary.verdict)
        found.append((one.summary.id, short))
    return found
