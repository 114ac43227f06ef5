"""Whether verdicts find what was planted and accuse nobody else, from probes' records to summary.

Districts of a city are simulated for a month, each line with a story (`bench.planted`), and go
through chains, seals, a ledger and the month's reading, to what QCVN 34:2019 and the ward's example
say. The bars, over at least 1,000 clean line-months and 300 broken ones: none is accused of what is
not broken in it, and of what is broken 95 of 100 are found. Ends with 1 where one is missed.

    python -m bench.verdicts [--districts 25] [--seed 1] [--processes 2] [--json]
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from bench.coverage import standard
from bench.marks import marked
from bench.planted import (
    APART,
    BROKEN,
    CLEAN,
    LOOKING_SO,
    ONE_SERVER,
    THINNED,
    Tallies,
    Tally,
    changing,
    merge,
    times,
    verdicts,
)
from simulate import Fleet, FleetPlan
from simulate.stories import Group

FIRST_DAY: Final = date(2026, 10, 1)
DAYS: Final = 31
CHANGE: Final = date(2026, 10, 8)
"""From which on there are 24 days: enough for a verdict on what is new."""

FOUND_BAR: Final = 0.95
STANDARDS: Final = ("qcvn-34-2019", "ward")

DISTRICT: Final = (*times(CLEAN, 2), *LOOKING_SO, *BROKEN, *ONE_SERVER, *changing(CHANGE), *APART)
"""83 lines: 40 clean ones, 14 that only look broken, and what is."""


KINDS: Final = tuple(one.kind for one in DISTRICT)


def district(seed: int, groups: tuple[Group, ...] = DISTRICT) -> Tallies:
    """Return what is said of a district's month."""
    probes = sum(one.lines for one in groups)
    plan = FleetPlan(probes, DAYS, seed, FIRST_DAY, THINNED, stories=groups)
    with tempfile.TemporaryDirectory() as folder:
        return verdicts(Path(folder), Fleet(plan), [standard(name) for name in STANDARDS])


def totals(tallies: Tallies, name: str) -> Tally:
    """Return the sum over all kinds by a standard that a bar is on."""
    apart = {one.kind for one in APART}
    whole = Tally()
    for (kind, of), tally in tallies.items():
        if of == name and kind not in apart:
            whole.add(tally)
    return whole


def is_good(whole: Tally) -> bool:
    """Return whether both bars are held."""
    return not whole.accused and whole.found >= FOUND_BAR * whole.planted


@click.command()
@click.option("--districts", default=25, show_default=True, help="Of 83 lines each.")
@click.option("--seed", default=1, show_default=True, help="Of the first one.")
@click.option("--processes", default=os.cpu_count() or 1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(districts: int, seed: int, processes: int, as_json: bool) -> None:
    """Print what was planted, found and accused wrongly, by kind and standard."""
    with ProcessPoolExecutor(processes) as pool:
        found = merge(pool.map(district, range(seed, seed + districts)))
    whole = {name: totals(found, name) for name in STANDARDS}
    if as_json:
        kinds = [{"kind": kind, "standard": of, **asdict(one)} for (kind, of), one in found.items()]
        sums = {name: asdict(one) for name, one in whole.items()}
        click.echo(json.dumps({"kinds": kinds, "totals": sums}))
    else:
        console = Console()
        for name in STANDARDS:
            rows = [(kind, found[kind, name]) for kind in KINDS if (kind, name) in found]
            console.print(table(f"Line-months by {name}", [*rows, ("under a bar", whole[name])]))
    sys.exit(not all(map(is_good, whole.values())))


def table(title: str, rows: Iterable[tuple[str, Tally]]) -> Table:
    """Return what people read."""
    heads = ("kind", "parts", "clean", "broken", "found", "acquitted", "accused wrongly")
    made = Table(*heads, "PASS", "FAIL", "open", title=title)
    for kind, one in rows:
        found = marked(str(one.found), good=one.found >= FOUND_BAR * one.planted)
        said = (str(one.said.get(name, 0)) for name in ("pass", "fail", "not_enough_data"))
        made.add_row(
            kind,
            str(one.months),
            str(one.clean),
            str(one.planted),
            found if one.planted else "–",
            str(one.acquitted) if one.planted else "–",
            marked(str(len(one.accused)), good=not one.accused),
            *said,
        )
    return made


if __name__ == "__main__":
    main()
