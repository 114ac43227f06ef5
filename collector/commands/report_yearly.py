"""`linewatch report yearly`: a ward's year against its plans."""

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from collector.commands.ledger import now, opened
from collector.commands.progress import bar
from collector.domain.standard import Use
from collector.domain.standard_file import StandardFile
from collector.papers.parties import read_author
from collector.reports.monthly import Month, refuse_removed
from collector.reports.pool import Workers, usable_cores
from collector.reports.standards import choose_standard, read_standards
from collector.reports.yearly.finding import find_year, months_of
from collector.reports.yearly.making import DOCUMENT, JSON, PDF, SHEETS, folder_of, write_year
from collector.reports.yearly.months import Standards, begin
from collector.reports.yearly.reading import read_year
from collector.reports.yearly.report import YearReport
from protocol.settings import Configuration

_FIRST_YEAR, _LAST_YEAR = 2020, 2999

_MONTHS_FOR_ONE = 100
"""Months of lines that are read as soon by one process as another one takes to begin."""


@click.command(
    epilog="Example: linewatch report yearly --year 2026 --ward 'Phường Thạch Khôi' --out reports"
)
@click.option("--year", required=True, type=click.IntRange(_FIRST_YEAR, _LAST_YEAR))
@click.option("--ward", help="Its id or name. Default: all wards in one report.")
@click.option(
    "--standard",
    "names",
    multiple=True,
    metavar="ID[@VERSION]",
    help="To hold lines against, several times. Default: all that fit them and were in force.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="Processes that read months beside each other. Default: as many as there are cores.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def report_yearly(
    configuration: Configuration,
    year: int,
    ward: str | None,
    names: tuple[str, ...],
    out: Path,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Write a ward's year: what its plans aim at, the months, complaints, and what is not known.

    A folder OUT/YEAR/WARD with report.docx for the clerk, report.pdf to be read, report.xlsx and
    report.json (docs/yearly.schema.json says what is in it). It is of the months that are over,
    and is ready before the year is. Made again from the same ledger it is the same to the byte.
    """
    with opened(configuration) as (database, settings):
        zone = ZoneInfo(settings.timezone)
        months = months_of(year, zone, now().astimezone(zone).date())
        database.read_now(lambda connection: refuse_removed(connection, months))
        files = read_standards(settings.reports.standards)
        named = [choose_standard(files, name) for name in names]
        _warn_of_idle(named, months)
        held = Standards(named or _in_force(files, months), named=bool(named))
        found = database.read_now(lambda connection: find_year(connection, months, ward))
        software = f"linewatch/{metadata.version('linewatch')}"
        jobs = jobs or min(usable_cores(), 1 + found.steps // _MONTHS_FOR_ONE)
        with (
            Workers(jobs, begin, (settings.ledger,)) as workers,
            bar(str(year), found.steps) as step,
        ):
            report = read_year(database, workers, found, held, software, step)
        author = database.read_now(lambda connection: read_author(connection, found.ward))
        folder = folder_of(out, year, found.ward)
        write_year(folder, report, author, months[-1].span[1])
    written = [str(folder / name) for name in (DOCUMENT, PDF, SHEETS, JSON)]
    lacking = sum(bool(one.missing) for one in report.gaps)
    if as_json:
        told = {"ward": report.ward, "months": report.months, "files": written}
        click.echo(json.dumps(told | {"lines_with_empty_months": lacking}, ensure_ascii=False))
        return
    _tell(report, written, lacking)


def _tell(report: YearReport, written: Sequence[str], lacking: int) -> None:
    """Say where the files are, and what somebody may want to mend before they go out."""
    click.echo(f"{report.ward or 'all wards'}: {report.months[0]} to {report.months[-1]}")
    for one in written:
        click.echo(f"  {one}")
    warned = (
        (lacking, "lines with months without any data", None),
        (
            report.complaints.differing,
            "lines complained about that do not fail by the same standard now",
            "the report says why",
        ),
        (
            report.wifi.of_no_kind,
            "sites of which nobody said what they are",
            "'linewatch site set ID --kind …'",
        ),
    )
    for many, what, hint in warned:
        if many:
            click.secho(f"  {what}: {many}" + (f": {hint}" if hint else ""), fg="yellow")


def _warn_of_idle(named: Sequence[StandardFile], months: Sequence[Month]) -> None:
    """Say which standards were asked for that no verdict rests on in some of the months."""
    for file in named:
        in_force = file.standard.is_in_force
        idle = [one.name for one in months if not in_force(one.first_day, one.last_day)]
        if idle:
            text = f"{file.standard.id} was not in force in all of {', '.join(idle)}"
            click.secho(f"{text}: no verdict there rests on it", fg="yellow", err=True)


def _in_force(files: Sequence[StandardFile], months: Sequence[Month]) -> list[StandardFile]:
    """Return the standards that were in force in one of the months at least."""
    days = [(month.first_day, month.last_day) for month in months]
    asked = [one for one in files if one.standard.use is not Use.EXAMPLE]
    return [one for one in asked if any(one.standard.is_in_force(*span) for span in days)]
