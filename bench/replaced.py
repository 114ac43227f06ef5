"""What verdicts make of months in which a probe was replaced.

Whether two good halves accuse anybody, whether a broken line is found by both together, and whether
a slow new probe is taken for a slow line.

Months are those of `bench.coverage`: 30 days, 8 tests a day, hours 10 % in a chain of correlation
0.5, days 5 %, held against QCVN 34:2019. Beside what is said stands what would be said of the same
tests if one probe had made them all, and no rule asked each by itself.

    python -m bench.replaced [--months 1000] [--seed 7] [--json]
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.coverage import standard
from bench.line_months import FIRST_DAY, ZONE, Model, part_of, planned, speed_tests
from collector.domain.findings import Verdict
from collector.domain.line_month import LinePart, ProbeTurn
from collector.domain.standard_file import StandardFile
from collector.domain.terms import Terms
from collector.domain.verdicts import judge

_DAYS: Final = 30
_TESTS: Final = 8
_RATE: Final = 300_000_000


class Change(NamedTuple):
    """What two probes measure of a line, the mean of the evening, as shares of what is declared.

    Attributes:
        day: how many days the old probe has.
        broken: whether the line is.
    """

    old: float
    new: float
    day: int
    broken: bool


CHANGES: Final = (
    Change(0.85, 0.85, 15, broken=False),
    Change(0.85, 0.85, 6, broken=False),
    Change(0.75, 0.75, 15, broken=True),
    Change(0.75, 0.75, 6, broken=True),
    Change(0.65, 0.65, 15, broken=True),
    Change(0.9, 0.6, 15, broken=False),
    Change(0.9, 0.6, 6, broken=False),
    Change(0.85, 0.65, 15, broken=False),
    Change(0.85, 0.65, 6, broken=False),
)
"""Lines that both measure alike, and good ones of which the new probe says that they are slow."""


class Said(NamedTuple):
    """Of line-months with a change: how often the primary question was answered so."""

    old: float
    new: float
    day: int
    broken: bool
    months: int
    fails: int
    passes: int
    fails_as_of_one: int


def said(change: Change, months: int, seed: int) -> Said:
    """Return what is said of simulated months with a change."""
    chance = np.random.default_rng(seed)
    model = Model()
    drawn, hours = planned(model.draw(months, _DAYS, chance), _TESTS, chance)
    means = np.where(np.arange(_DAYS) < change.day, change.old, change.new)
    rates = _RATE * drawn * (means / (1 - model.dip))[None, :, None]
    begins = datetime.combine(FIRST_DAY, datetime.min.time(), ZONE)
    since = begins + timedelta(days=change.day)
    probes = (ProbeTurn("old", "eth0", None), ProbeTurn("new", "eth0", since))
    terms = Terms(declared_download_bits_per_second=_RATE, declared_upload_bits_per_second=_RATE)
    parts = [part_of(speed_tests(*one), terms, _DAYS) for one in zip(rates, hours, strict=True)]
    file = standard("qcvn-34-2019")
    found = [_primary(replace(part, probes=probes), file) for part in parts]
    alone = [_primary(part, file) for part in parts].count(Verdict.FAIL)
    return Said(*change, months, found.count(Verdict.FAIL), found.count(Verdict.PASS), alone)


def _primary(part: LinePart, file: StandardFile) -> Verdict:
    return next(one.verdict for one in judge(part, file).findings if one.is_primary)


@click.command()
@click.option("--months", default=1000, show_default=True, help="Line-months of each kind.")
@click.option("--seed", default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(months: int, seed: int, as_json: bool) -> None:
    """Print what is said of months whose probe was replaced."""
    found = [said(change, months, seed) for change in CHANGES]
    if as_json:
        click.echo(json.dumps([one._asdict() for one in found]))
    else:
        Console().print(_table(found))


def _table(rows: Sequence[Said]) -> Table:
    heads = ("old probe", "new probe", "days of the old", "broken", "months", "FAIL", "PASS")
    table = Table(*heads, "FAIL as of one probe", title="A probe replaced: QCVN 34:2019, 30 days")
    for row in rows:
        table.add_row(*map(str, row))
    return table


if __name__ == "__main__":
    main()
