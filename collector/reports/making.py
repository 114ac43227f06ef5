"""The months of a carrier's lines, made beside each other: what each file of a folder needs."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from collector.domain.comparison import (
    MonthBefore,
    Own,
    PrimaryVerdict,
    Traits,
    changes_between,
    middles_of,
    plan_of,
    probe_changes,
    unlike,
)
from collector.domain.line_month import LinePart
from collector.domain.samples import FROM_TESTS
from collector.domain.standard_file import StandardFile
from collector.domain.verdicts import judge
from collector.ledger.database import Database
from collector.ledger.month_rows import read_ahead, read_speed_month
from collector.reports.data_rows import rows_of
from collector.reports.monthly import (
    KnownLine,
    LineMonth,
    Month,
    Source,
    divided,
    read_line_months,
)
from collector.reports.page import page_of
from collector.reports.pool import Workers
from collector.reports.summary import LineSummary
from collector.settings import LedgerSettings

_TOGETHER: Final = 8
"""Lines that are handed to a process at once; each is read by itself."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be made of lines.

    Attributes:
        month: which.
        used: the standards; each line is held against those that fit its technology.
        known_at: the terms are those that were believed at this moment; None: now.
    """

    month: Month
    used: Sequence[StandardFile]
    known_at: datetime | None = None

    def choose(self, technology: str) -> list[StandardFile]:
        """Return the standards for a technology."""
        return [one for one in self.used if one.standard.is_for(technology)]


@dataclass(frozen=True, slots=True)
class LineDone:
    """A line's month, ready to be written.

    Attributes:
        source: what it was made of.
        rows: of data.csv.
        own: what its neighbours are told.
        before: its month before; None: no test of it counts.
        page: of the annex, without neighbours.
    """

    summary: LineSummary
    source: Source
    rows: Sequence[tuple[Any, ...]]
    own: Own
    before: MonthBefore | None
    page: dict[str, Any]


def make_months(workers: Workers, known: Sequence[KnownLine]) -> Iterator[LineDone]:
    """Yield the month of each line, in their order.

    Args:
        workers: that `begin` with a ledger's settings and a task.
        known: the lines.

    Raises:
        LedgerError: the ledger cannot be read.
        ReportError: a process ended in the middle of its work.
    """
    for done in workers.in_order(_work, _portions(known)):
        yield from done


@dataclass(frozen=True, slots=True)
class Maker:
    """What a process makes months with."""

    database: Database
    task: Task

    def close(self) -> None:
        """Close the ledger."""
        self.database.close()


def begin(settings: LedgerSettings, task: Task) -> Maker:
    """Open a ledger for a process."""
    return Maker(Database(settings), task)


def _portions(known: Sequence[KnownLine]) -> Iterator[list[KnownLine]]:
    for first in range(0, len(known), _TOGETHER):
        yield list(known[first : first + _TOGETHER])


def _work(own: Maker, known: Sequence[KnownLine]) -> list[LineDone]:
    return list(done_months(own.database, own.task, known))


def done_months(database: Database, task: Task, known: Sequence[KnownLine]) -> Iterator[LineDone]:
    """Yield the months of some lines, made here."""
    with ThreadPoolExecutor(1) as ahead:
        # Of the first one nothing is ahead. What fails is said where it is read in earnest.
        ahead.submit(_read_ahead, database, task.month, known[1:])
        yield from _done_months(database, task, known)


def _read_ahead(database: Database, month: Month, known: Sequence[KnownLine]) -> None:
    since = month.before.span[0]
    for one in known:
        database.read_now(partial(read_ahead, line_id=one.id, span=month.span, since=since))


def _done_months(database: Database, task: Task, known: Sequence[KnownLine]) -> Iterator[LineDone]:
    months = read_line_months(database, task.month, known, task.choose, task.known_at)
    for one, found in zip(known, months, strict=True):
        parts, before = found.parts, _before(database, task, found)
        traits = Traits(one.site.ward, one.technology, plan_of(parts))
        own = Own(one.id, traits, parts[0].kind, middles_of(parts))
        rows = list(rows_of(found))
        yield LineDone(
            found.summary,
            found.source,
            rows,
            own,
            before,
            page_of(found.summary, parts, task.choose(one.technology), task.month),
        )


def _before(database: Database, task: Task, found: LineMonth) -> MonthBefore | None:
    """Return a line's month before, of its speed tests; None: none of them counts."""
    month = task.month.before
    line = found.source.line
    sorted_month = database.read_now(
        lambda c: read_speed_month(c, line, month.name, month.span, month.zone)
    )
    if not sorted_month.tests:
        return None
    parts = divided(sorted_month, [period for _, period in found.source.stated], month)
    differing = unlike(parts[0].kind, found.parts[0].kind)
    promises = {_promise(part) for part in (*parts, *found.parts)}
    return MonthBefore(
        month.name,
        differing,
        probe_changes([*parts, *found.parts]),
        len(promises) == 1,
        middles_of(parts),
        _primary_verdicts(parts[-1], task.choose(line.technology)),
        changes_between(parts, found.parts, alike=not differing),
    )


def _promise(part: LinePart) -> tuple[int | None, ...]:
    terms = part.terms
    return (
        terms.declared_download_bits_per_second,
        terms.declared_upload_bits_per_second,
        terms.contracted_download_bits_per_second,
        terms.contracted_upload_bits_per_second,
    )


def _primary_verdicts(part: LinePart, files: Sequence[StandardFile]) -> list[PrimaryVerdict]:
    """Return what standards say to their primary questions, which Holm's method leaves alone."""
    found = []
    for file in files:
        standard = file.standard
        primary = standard.primary
        (asked,) = (one for one in standard.indicators if one.id == primary.indicator)
        if asked.quantity not in FROM_TESTS:
            continue
        windows = (primary.window,) if primary.window else ()
        alone = asked.model_copy(update={"windows": windows})
        only = StandardFile(
            standard.model_copy(update={"indicators": (alone,)}), file.sha256, file.place
        )
        said = judge(part, only).verdict
        found.append(PrimaryVerdict(standard.id, standard.version, said))
    return found
