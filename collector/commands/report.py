"""`linewatch report monthly`: a month of each carrier's lines, held against standards."""

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from collector.cases.resting import cases_on, keep_all, refuse_other
from collector.commands.ledger import now, opened
from collector.commands.progress import Step, bars
from collector.domain.findings import Verdict
from collector.domain.standard import Use
from collector.domain.standard_file import StandardFile
from collector.errors import ReportError
from collector.evidence.format import Covers
from collector.evidence.writing import Material
from collector.ledger.called import find_ward
from collector.ledger.database import Database
from collector.ledger.large_files import LargeFiles, large_files
from collector.papers.monthly import add_papers, leave_out_papers
from collector.reports.annex import Pages, write_annex, write_comparison
from collector.reports.folder import made_beside, write_folder
from collector.reports.making import LineDone, Task, begin, make_months
from collector.reports.monthly import (
    KnownLine,
    Month,
    Source,
    find_lines,
    read_terms,
    refuse_removed,
)
from collector.reports.pool import Workers, usable_cores
from collector.reports.proof import add_evidence, leave_out_evidence
from collector.reports.replay import check_unlike
from collector.reports.standards import choose_standard, read_standards
from collector.reports.summary import FORMAT, Summary, standard_used
from collector.reports.sums import leave_out_sums, write_sums
from protocol.settings import Configuration

_COLOURS = {Verdict.FAIL: "red", Verdict.PASS: "green", Verdict.NOT_ENOUGH_DATA: "yellow"}
_LINES_FOR_ONE = 20
"""So many lines are worth starting another process for."""

_WORDS = {
    Verdict.FAIL: "lines that fail",
    Verdict.PASS: "lines that pass",
    Verdict.NOT_ENOUGH_DATA: "lines without enough data",
}


@click.command(
    epilog="Example: linewatch report monthly --month 2026-10 --carrier VNPT --out /srv/reports"
)
@click.option("--month", required=True, type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM")
@click.option("--carrier", help="Its id or name. Default: all.")
@click.option("--ward", help="Its id or name. Default: all.")
@click.option(
    "--standard",
    "names",
    multiple=True,
    metavar="ID[@VERSION]",
    help="To hold lines against, several times. Default: all that fit them and were in force.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--evidence",
    type=click.Choice([*(one.value for one in Covers), "none"]),
    default=Covers.ALL.value,
    show_default=True,
    help="Whose records go into evidence.zip, 5 MB a line: all lines', or those that fail.",
)
@click.option(
    "--known-at",
    metavar="YYYY-MM-DD[THH:MM]",
    help="Go by the terms that the registry knew then, in the collector's time zone (of a day: at "
    "its end). Default: now.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes beside each other. Default: one for each core; few lines need one alone.",
)
@click.option("--replace", is_flag=True, help="Also where a report is there that says otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def report_monthly(  # noqa: PLR0913, PLR0917 - one for each option
    configuration: Configuration,
    month: datetime,
    carrier: str | None,
    ward: str | None,
    names: tuple[str, ...],
    out: Path,
    evidence: str,
    known_at: str | None,
    jobs: int | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Write what was measured on each carrier's lines in a month, and what standards say of it.

    A folder OUT/MONTH/CARRIER each: summary.json for machines (docs/summary.schema.json says what
    is in it), data.csv with every speed test, and evidence.zip with what proves them, which anybody
    checks with 'linewatch evidence verify'. Where a line fails, letter.docx and letter.pdf to the
    carrier; else no-complaint.pdf, which says that none is due. Made again from the same ledger it
    is the same to the byte, and replaces what is there. A report that is there by other standards,
    of another ward or by other terms is left alone, and so is one that a case rests on and that
    would be another; an old month under another standard is a 'report replay'.
    """
    with opened(configuration) as (database, settings):
        wanted = Month(month.date(), ZoneInfo(settings.timezone))
        if wanted.next_day > now().astimezone(wanted.zone).date():
            raise ReportError(f"{wanted.name} is not over: ask again from {wanted.next_day} on")
        database.read_now(lambda connection: refuse_removed(connection, [wanted]))
        files = read_standards(settings.reports.standards)
        named = [choose_standard(files, name) for name in names]
        used = named or [one for one in files if _is_asked(one, wanted)]
        if ward is not None:
            # By its name, as the summary has it, whatever it was called by.
            ward = database.read_now(partial(find_ward, wanted=ward))
        found = database.read_now(partial(find_lines, carrier=carrier, ward=ward))
        believed = None if known_at is None else _moment(known_at, wanted.zone)
        for one in used:
            if not one.standard.is_in_force(wanted.first_day, wanted.last_day):
                text = f"{one.standard.id} was not in force in all of {wanted.name}"
                click.secho(f"{text}: no complaint rests on it", fg="yellow", err=True)
        for of, known in () if replace else found.items():
            terms = read_terms(database, wanted, known, believed)
            check_unlike(out / wanted.name / of.id, ward, used, terms)
        total = sum(map(len, found.values()))
        jobs = jobs or min(usable_cores(), 1 + total // _LINES_FOR_ONE)
        task = Task(wanted, used, believed)
        covers = None if evidence == "none" else Covers(evidence)
        told = []
        with Workers(jobs, begin, (settings.ledger, task)) as workers, bars() as add_bar:
            # Each line is read, and then typeset.
            step = add_bar(wanted.name, 2 * total)
            large = large_files(settings)
            making = _Making(database, workers, task, covers, large, replace, step, add_bar)
            for of, known in found.items():
                blank = Summary(
                    format=FORMAT,
                    software=f"linewatch/{metadata.version('linewatch')}",
                    month=wanted.name,
                    timezone=settings.timezone,
                    ward=ward,
                    carrier=of,
                    standards=[standard_used(one) for one in used],
                    lines=[],
                )
                told.append(making.write(out / wanted.name / of.id, blank, known))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    _show(told)


@dataclass(frozen=True, slots=True)
class _Making:
    """What all carriers' folders are made with.

    Attributes:
        covers: whose records the evidence has; None: there is to be none.
        large: where what cases rest on is kept.
        replace: whether a folder that a case rests on may become another.
        step: is told of lines, once as they are read and once as they are typeset.
        add_bar: shows another bar, by its title and total; returns its step.
    """

    database: Database
    workers: Workers
    task: Task
    covers: Covers | None
    large: LargeFiles
    replace: bool
    step: Step
    add_bar: Callable[[str, int], Step]

    def write(self, folder: Path, blank: Summary, known: Sequence[KnownLine]) -> dict[str, Any]:
        """Write a carrier's month, all of it; return what is told of it.

        Raises:
            ReportError: a case rests on the one that is there, and it would be another.
        """
        of, month = blank.carrier.id, blank.month
        resting = self.database.read_now(lambda c: cases_on(c, folder, of, month))
        keep_all(resting, folder, self.large)
        if self.replace or not resting:
            return self._write(folder, folder, blank, known)
        with made_beside(folder) as other:
            told = self._write(other, folder, blank, known)
            refuse_other(resting, folder, other)
        return told

    def _write(
        self, folder: Path, named: Path, blank: Summary, known: Sequence[KnownLine]
    ) -> dict[str, Any]:
        """Write a month; of a city a summary alone is hundreds of megabytes, and none is held then.

        Args:
            folder: where.
            named: as what it is told of.
            blank: its summary, without lines.
            known: the lines.
        """
        # Ended in the middle, nothing is left that is of another summary.
        leave_out_sums(folder)
        leave_out_papers(folder)
        leave_out_evidence(folder)
        sources: dict[str, Source] = {}
        months = make_months(self.workers, known)
        with Pages() as pages:
            noted = pages.noting(_noted(months, sources, self.step))
            made = write_folder(folder, blank, noted)
            compared = write_comparison(folder, made, pages)
            write_annex(folder, made, compared, pages, self.task.month, self.workers, self.step)
        if self.covers is not None:
            material = Material(made, sources, self.task.used, self.task.month, self.covers)
            told = self.add_bar(f"{made.carrier.id} evidence", material.records)
            add_evidence(folder, self.database, material, told)
        # Behind the others: a letter names what is beside it.
        papers, missing = add_papers(folder, self.database, made, self.task.used)
        write_sums(folder)
        return {**_told(named, made), "papers": papers, "missing": missing}


def _show(told: Sequence[dict[str, Any]]) -> None:
    """Print what was written; on standard error what somebody has to fill in."""
    for one in told:
        click.echo(f"{one['carrier']}: {one['folder']}")
        for verdict, colour in _COLOURS.items():
            click.secho(f"  {_WORDS[verdict]}: {one['lines'][verdict.value]}", fg=colour)
        click.echo(f"  {', '.join(one['papers'])}")
        for text in one["missing"]:
            click.secho(f"  to be filled in by hand: {text}", fg="yellow", err=True)


def _moment(given: str, zone: ZoneInfo) -> datetime:
    """Return the moment that was meant; a day's is its end."""
    for form, length in (("%Y-%m-%d", timedelta(days=1)), ("%Y-%m-%dT%H:%M", timedelta())):
        with contextlib.suppress(ValueError):
            read = datetime.strptime(given, form).replace(tzinfo=zone)
            return (read + length).astimezone(UTC)
    raise click.BadParameter(
        f"'{given}' is no day as 2026-11-02 and no moment as 2026-11-02T08:30",
        param_hint="--known-at",
    )


def _is_asked(file: StandardFile, month: Month) -> bool:
    standard = file.standard
    was_in_force = standard.is_in_force(month.first_day, month.last_day)
    return was_in_force and standard.use is not Use.EXAMPLE


def _noted(
    months: Iterator[LineDone], sources: dict[str, Source], step: Step
) -> Iterator[LineDone]:
    """Yield months, and remember what each was made of."""
    for one in months:
        sources[one.summary.id] = one.source
        yield one
        step(1)


def _told(folder: Path, summary: Summary) -> dict[str, Any]:
    counts = Counter(line.verdict for line in summary.lines)
    return {
        "carrier": summary.carrier.id,
        "folder": str(folder),
        "lines": {verdict.value: counts[verdict] for verdict in Verdict},
    }
