"""A city's year whose truth is known: through a ledger, twelve monthly reports, and what they say.

Each line has a story (`bench.planted`): of those that break their contract in the evening one is
mended in the middle of the year, and of another its carrier only says so. `linewatch report
monthly` writes each month from the whole ledger, as a ward does it, and what it says is held
against what was planted. Ends with 1 where anybody was accused of what is not broken, or more than
5 of 100 were not found.

    python -m bench.city_year [--year 2025] [--factor 1] [--seed 1] [--json]
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from bench.coverage import standard
from bench.marks import marked
from bench.planted import (
    BROKEN,
    CLEAN,
    LOOKING_SO,
    ONE_SERVER,
    Tallies,
    Tally,
    changing,
    compare_evenings,
    fill,
    hold,
    merge,
    months_of,
    times,
    truths_of,
)
from bench.verdicts import STANDARDS, is_good, table, totals
from collector.domain.cases.mended import Mended
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.reports.monthly import Month
from collector.reports.summary import from_json
from collector.settings import LedgerSettings
from protocol.messages import LatencySchedule, ReachSchedule, Schedule
from simulate import USUAL, Fleet, FleetPlan

REPORT_SECONDS: Final = 1800.0
"""A month of a small city takes seconds; one that hangs ends the bench."""

RHYTHM: Final = Schedule(
    speed=USUAL.speed,
    latency=LatencySchedule(every_seconds=21_600),
    reach=ReachSchedule(every_seconds=7_200),
)
"""The usual plan's speed tests; of what else it asks for 16 a day instead of 384."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a month's reports say.

    Attributes:
        seconds: that they took.
    """

    month: str
    seconds: float
    tallies: Tallies


def fleet_of(year: int, factor: int, seed: int) -> Fleet:
    """Return a city of 58 lines, or so many times as many."""
    groups = (*CLEAN, *LOOKING_SO, *BROKEN, *ONE_SERVER, *changing(date(year, 7, 1)))
    stories = times(groups, factor)
    first = date(year, 1, 1)
    return Fleet(
        FleetPlan(
            probes=sum(one.lines for one in stories),
            days=(date(year + 1, 1, 1) - first).days,
            seed=seed,
            start=first,
            schedule=RHYTHM,
            stories=stories,
        )
    )


def reports(folder: Path, fleet: Fleet) -> Iterator[Told]:
    """Yield what each month's reports say of a ledger in a folder."""
    files = {(one.standard.id, one.standard.version): one for one in map(standard, STANDARDS)}
    truths = truths_of(json.loads(json.dumps(fleet.truth()["planted"])))
    configuration = folder / "config.yaml"
    configuration.write_text(f"collector: {{ledger: {{path: {folder / 'ledger.sqlite'}}}}}\n")
    named = [word for name in STANDARDS for word in ("--standard", name)]
    for month in months_of(fleet):
        words = ["report", "monthly", "--month", month.name, *named, "--evidence", "none"]
        places = ["--out", str(folder / "out"), "--config", str(configuration), "--json"]
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "linewatch", *words, *places],
            stdout=subprocess.PIPE,
            check=True,
            timeout=REPORT_SECONDS,
        )
        took = time.monotonic() - began
        summaries = [
            from_json((Path(one["folder"]) / "summary.json").read_bytes())
            for one in json.loads(done.stdout)
        ]
        told = (hold(line, truths[line.id], files) for of in summaries for line in of.lines)
        yield Told(month.name, took, merge(told))


def mends(database: Database, fleet: Fleet) -> dict[str, list[Mended]]:
    """Return of mends, true and pretended, what the month behind the claim says."""
    june = Month(date(fleet.plan.start.year, 6, 1), months_of(fleet)[0].zone)
    since, until = june.next_day + timedelta(1), june.next_day + timedelta(30)
    found: dict[str, list[Mended]] = {}
    for one in fleet.truth()["planted"]["stories"]:
        if one["claimed_on"]:
            compared = compare_evenings(database, one["line"], june, since, until)
            found.setdefault(one["kind"], []).append(compared)
    return found


@click.command()
@click.option("--year", default=2025, show_default=True, help="One that is over.")
@click.option("--factor", default=1, show_default=True, help="So many times 58 lines.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(year: int, factor: int, seed: int, as_json: bool) -> None:
    """Print what was planted, found and accused wrongly, by month and by kind."""
    fleet = fleet_of(year, factor, seed)
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name), time.monotonic()
        with closing(Database(LedgerSettings(path=folder / "ledger.sqlite"))) as database:
            migrate(database)
            fill(database, fleet)
            filled = time.monotonic() - began
            told = list(reports(folder, fleet))
            mended = mends(database, fleet)
    whole = merge(one.tallies for one in told)
    sums = {of: totals(whole, of) for of in STANDARDS}
    records = fleet.truth()["records"]
    if as_json:
        click.echo(json.dumps(_for_machines(told, sums, mended, records, filled)))
    else:
        console = Console()
        console.print(f"{records} records of {fleet.plan.probes} lines in {filled:.0f} s")
        console.print(_months(told))
        for of in STANDARDS:
            rows = [(kind, tally) for (kind, by), tally in whole.items() if by == of]
            console.print(table(f"The year by {of}", [*sorted(rows), ("all", sums[of])]))
        for kind, found in mended.items():
            console.print(f"{kind}: {', '.join(one.outcome.value for one in found)}")
    sys.exit(not all(map(is_good, sums.values())))


def _for_machines(
    told: list[Told],
    sums: Mapping[str, Tally],
    mended: Mapping[str, list[Mended]],
    records: int,
    filled: float,
) -> dict[str, Any]:
    months = [
        {
            "month": one.month,
            "seconds": one.seconds,
            **{of: asdict(totals(one.tallies, of)) for of in STANDARDS},
        }
        for one in told
    ]
    return {
        "records": records,
        "seconds": filled,
        "months": months,
        "year": {of: asdict(one) for of, one in sums.items()},
        "mends": {kind: [asdict(one) for one in found] for kind, found in mended.items()},
    }


def _months(told: list[Told]) -> Table:
    heads = ("month", "seconds", "standard", "parts", "clean", "broken", "found", "accused wrongly")
    made = Table(*heads, title="Month by month")
    for month in told:
        for of in STANDARDS:
            one = totals(month.tallies, of)
            made.add_row(
                month.month,
                f"{month.seconds:.0f}",
                of,
                *map(str, (one.months, one.clean, one.planted, one.found)),
                marked(str(len(one.accused)), good=not one.accused),
            )
    return made


if __name__ == "__main__":
    main()
