"""`linewatch report replay`: an old month under another standard, beside its report."""

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from collector.commands.ledger import opened
from collector.commands.progress import bar
from collector.errors import ReportError
from collector.ledger.called import find_carrier
from collector.reports.monthly import Month, refuse_removed
from collector.reports.names import SUMMARY
from collector.reports.replay import Compared, read_report, replay
from collector.reports.standards import choose_standard, read_standards
from protocol.settings import Configuration


@click.command(
    epilog="Example: linewatch report replay --month 2026-10 --standard qcvn-34-2022@2 "
    "--out /srv/reports"
)
@click.option("--month", required=True, type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM")
@click.option("--carrier", help="Its id or name. Default: all that have a report of the month.")
@click.option(
    "--standard",
    "names",
    multiple=True,
    required=True,
    metavar="ID[@VERSION]",
    help="To hold lines against, several times.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where 'report monthly' wrote.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def report_replay(
    configuration: Configuration,
    month: datetime,
    carrier: str | None,
    names: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Hold a month that was reported on against another standard, and keep both verdicts.

    OUT/MONTH/CARRIER/replay/ID@VERSION gets summary.json, by the lines and terms of the report, and
    comparison.json with both verdicts of each line. The report stays as it is; no letter is made.
    """
    with opened(configuration) as (database, settings):
        wanted = Month(month.date(), ZoneInfo(settings.timezone))
        database.read_now(lambda connection: refuse_removed(connection, [wanted]))
        files = read_standards(settings.reports.standards)
        used = [choose_standard(files, name) for name in dict.fromkeys(names)]
        if carrier is not None:
            carrier = database.read_now(partial(find_carrier, wanted=carrier))
        folders = _folders(out / wanted.name, carrier)
        lines = sum(len(read_report(folder)[0].lines) for folder in folders)
        with bar(wanted.name, lines) as step:
            told = [
                (folder.name, *replay(database, wanted, folder, used, step)) for folder in folders
            ]
    if as_json:
        rows = [
            {"carrier": name, "folder": str(folder), "lines": [_row(one) for one in compared]}
            for name, folder, compared in told
        ]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for name, folder, compared in told:
        click.echo(f"{name}: {folder}")
        for one in compared:
            late = one.again_tests - one.first_tests
            note = f" ({late:+d} speed tests since the report)" if late else ""
            click.echo(f"  {one.line}: {one.first.value}, then {one.again.value}{note}")


def _folders(of_month: Path, carrier: str | None) -> list[Path]:
    found = sorted(path.parent for path in of_month.glob(f"*/{SUMMARY}"))
    chosen = [one for one in found if carrier in (None, one.name)]
    if not chosen:
        of = f" of carrier '{carrier}'" if carrier else ""
        raise ReportError(
            f"{of_month} has no report{of}: 'linewatch report monthly' writes it first"
        )
    return chosen


def _row(one: Compared) -> dict[str, str | int]:
    return {
        "line": one.line,
        "first": one.first.value,
        "again": one.again.value,
        "first_tests": one.first_tests,
        "again_tests": one.again_tests,
    }
