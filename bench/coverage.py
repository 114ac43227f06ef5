"""How often intervals of nominal 95 % hold the truth, and how often verdicts are right.

Months of a line are simulated as in docs/method.md (30 days, AR(1) 0.5 from hour to hour, days 5 %,
hours 10 %, an evening dip of 15 %), for plans of 24 and 8 tests a day and for a main server that
has every other of 8. Beside the methods that are used stand those that they correct, on the same
months: percentiles of the day bootstrap without expansion for means and quantiles, and Wilson's
interval on n/deff with the normal quantile for shares; and, of all but means, what takes each test
for a new observation. Then whole verdicts by `judge`.

    python -m bench.coverage [--months 4000] [--verdicts 1000] [--seed 7] [--json]
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.line_months import PEAK, Floats, Hours, Model, part_of, planned, speed_tests
from collector.domain.findings import Judgement, Verdict
from collector.domain.line_month import Witness
from collector.domain.samples import block_weights, blocks_of
from collector.domain.standard import Window
from collector.domain.standard_file import StandardFile, parse
from collector.domain.statistics import days, shares
from collector.domain.statistics.student import ONE_SIDE
from collector.domain.terms import Terms
from collector.domain.verdicts import judge

STANDARDS: Final = Path(__file__).parents[1] / "collector/standards"

THRESHOLD: Final = 0.8
"""Of the share of tests below it."""

PLANS: Final = ((30, 24), (30, 8), (30, 4), (20, 24), (20, 8))
"""Days of a month that count, and tests a day."""

_TOGETHER: Final = 200
"""Months whose draws are looked at together: 16 MB."""

_RATE: Final = 300_000_000


class Cell(NamedTuple):
    """How often an interval held the truth.

    Attributes:
        tests: of the mean month.
        corrected: as it is used.
        uncorrected: by the method that it corrects.
        single: with each test for a new observation; None: not asked.
    """

    days: int
    per_day: int
    window: str
    statistic: str
    tests: float
    corrected: float
    uncorrected: float | None
    single: float | None


@dataclass(frozen=True)
class Months:
    """Simulated months in a window: by month, day and test.

    Attributes:
        values: as shares of the line's usual rate.
        weights: what each test counts; 0: it is not in the window, or was not measured.
        peak_share: of the hours that the tests stand for, those of the evening.
    """

    values: Floats
    weights: Floats
    peak_share: float

    @property
    def sizes(self) -> Floats:
        """What the tests of each day count."""
        found: Floats = self.weights.sum(axis=-1)
        return found

    def hits(self, value: float) -> Floats:
        """What the tests of each day that are at a value or below it count."""
        found: Floats = (self.weights * (self.values <= value)).sum(axis=-1)
        return found


def standard(name: str) -> StandardFile:
    """Return a standard that is shipped."""
    return parse((STANDARDS / f"{name}.yaml").read_bytes(), name)


def in_window(values: Floats, hours: Hours, window: Window) -> Months:
    """Return months' tests in a window, weighted as `collector.domain.samples` weights them."""
    used = np.isin(hours, list(window.open_hours)) & ~np.isnan(values)
    if not window.blocks:
        return Months(np.where(used, values, 0.0), used.astype(np.float64), 1.0)
    block_of, lengths = blocks_of(window)
    blocks = block_of[hours]
    places = range(len(lengths))
    counts = np.stack([((blocks == one) & used).sum(axis=(1, 2)) for one in places], axis=-1)
    of_block = np.array([_each(of_month, lengths) for of_month in counts.tolist()])
    weights = np.where(used, of_block[np.arange(len(values))[:, None, None], blocks], 0.0)
    covered = np.array(lengths)[counts.sum(axis=0) > 0].sum()
    return Months(np.where(used, values, 0.0), weights, len(PEAK) / covered)


def _each(counts: Sequence[int], lengths: Sequence[int]) -> list[float]:
    """Return for how many tests one of each block stands, of which there are so many."""
    weights = block_weights(counts, lengths)
    whole = sum(count * weight for count, weight in zip(counts, weights, strict=True))
    return [weight * sum(counts) / whole for weight in weights]


def cells(
    model: Model, plan: tuple[int, int], months: int, seed: int, *, beside: bool = True
) -> Iterator[Cell]:
    """Yield the coverage of each statistic, all hours and in the evening.

    Args:
        model: of the line.
        plan: days, and tests a day.
        months: how many are simulated.
        seed: of the simulation.
        beside: whether quantiles are resampled too, which takes most of the time.
    """
    chance = np.random.default_rng(seed)
    values, hours = planned(model.draw(months, plan[0], chance), plan[1], chance)
    for window in standard("qcvn-34-2019").standard.windows:
        if window.id in {"all", "peak"}:
            found = in_window(values, hours, window)
            tests = float((found.weights > 0).sum() / months)
            for name, used, corrected, single in _statistics(model, found, beside=beside):
                yield Cell(*plan, window.id, name, tests, used, corrected, single)


def _statistics(
    model: Model, found: Months, *, beside: bool
) -> Iterator[tuple[str, float, float | None, float | None]]:
    one_side, expanded = ONE_SIDE, days.left_out(found.sizes.shape[1])
    sums = (found.weights * found.values).sum(axis=-1)
    share = _kept(sums - model.mean(found.peak_share) * found.sizes)
    yield "mean", _inside(share, expanded), _inside(share, one_side), None
    for name, percent in (("median", 50), ("P10", 10)):
        hits = found.hits(model.quantile(percent / 100, found.peak_share))
        resampled = None
        if beside:
            resampled = _inside(_kept(100 * hits - percent * found.sizes), one_side)
        size = shares.effective_size(hits, found.sizes)
        used, single = (
            _within(hits, found.sizes, one, percent / 100)
            for one in (size, found.sizes.sum(axis=1))
        )
        yield name, used, resampled, single
    hits, truth = found.hits(THRESHOLD), model.below(THRESHOLD, found.peak_share)
    size = shares.effective_size(hits, found.sizes)
    plain = found.sizes.sum(axis=1) / np.maximum(shares.design_effect(hits, found.sizes), 1)
    yield (
        f"share < {THRESHOLD}",
        _within(hits, found.sizes, size, truth),
        _within(hits, found.sizes, plain, truth),
        _within(hits, found.sizes, found.sizes.sum(axis=1), truth),
    )


def _kept(net: Floats) -> Floats:
    """Return `days.kept` of many months."""
    parts = [days.kept(net[first : first + _TOGETHER]) for first in range(0, len(net), _TOGETHER)]
    return np.concatenate(parts)


def _inside(share: Floats, left_out: float) -> float:
    """Return how often a truth was inside: enough draws were on either side of it."""
    enough = (days.counted(share) > left_out) & (days.counted(1 - share) > left_out)
    return float(enough.mean())


def _within(hits: Floats, sizes: Floats, size: Floats, truth: float) -> float:
    """Return how often Wilson's interval held the truth."""
    low, high = shares.wilson(hits.sum(axis=1) / sizes.sum(axis=1), size)
    return float(((low <= truth) & (truth <= high)).mean())


# --- verdicts --------------------------------------------------------------------------------


class Truth(NamedTuple):
    """A kind of line, and what of its primary question is true: whether it keeps the limit."""

    what: str
    model: Model
    keeps: bool


TRUTHS: Final = (
    Truth("clean: evening mean 0.85", Model(dip=0.15), keeps=True),
    Truth("just at the limit: evening mean 0.80", Model(dip=0.20), keeps=True),
    *(
        Truth(
            f"evening mean {1 - dip:.2f}, days alike by {alike}, by {between:.0%}",
            Model(between=between, days_alike=alike, dip=dip),
            keeps=True,
        )
        for dip in (0.20, 0.15, 0.10)
        for alike, between in ((0.5, 0.05), (0.7, 0.05), (0.7, 0.10), (0.9, 0.05), (0.9, 0.10))
    ),
    Truth("evening mean 0.75", Model(dip=0.25), keeps=False),
    Truth("evening mean 0.65", Model(dip=0.35), keeps=False),
)


class Rates(NamedTuple):
    """Of line-months: how often the primary question, and any, was answered so."""

    what: str
    servers: int
    months: int
    primary_fails: int
    any_fails: int
    passes: int


def judgements(truth: Truth, months: int, seed: int, servers: int = 1) -> Iterator[Judgement]:
    """Yield verdicts on line-months of 30 days under QCVN 34:2019, the default plan.

    Args:
        truth: of the line.
        months: how many.
        seed: of the simulation.
        servers: 2: they take turns, and the second one is a witness.
    """
    chance = np.random.default_rng(seed)
    file = standard("qcvn-34-2019")
    terms = Terms(declared_download_bits_per_second=_RATE, declared_upload_bits_per_second=_RATE)
    drawn, places_of = planned(truth.model.draw(months, 30, chance), 8, chance)
    for values, places in zip(drawn, places_of, strict=True):
        rates = np.maximum(values, 0) * _RATE
        turns = np.add.outer(np.arange(30), np.arange(8)) % 2
        if servers == 1:
            yield judge(part_of(speed_tests(rates, places), terms), file)
            continue
        main, other = (np.where(turns == one, rates, np.nan) for one in (0, 1))
        witness = Witness("hn2", "other", speed_tests(other, places, "hn2"))
        part = part_of(speed_tests(main, places), terms)
        yield judge(replace(part, witnesses=(witness,)), file)


def rates(truth: Truth, months: int, seed: int, servers: int = 1) -> Rates:
    """Return how often what was said."""
    found = list(judgements(truth, months, seed, servers))
    primary = [next(one for one in each.findings if one.is_primary).verdict for each in found]
    return Rates(
        truth.what,
        servers,
        months,
        primary.count(Verdict.FAIL),
        sum(each.verdict is Verdict.FAIL for each in found),
        primary.count(Verdict.PASS),
    )


@click.command()
@click.option("--months", default=4000, show_default=True, help="For each plan.")
@click.option("--verdicts", default=1000, show_default=True, help="Line-months of each kind.")
@click.option("--seed", default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(months: int, verdicts: int, seed: int, as_json: bool) -> None:
    """Print coverage and rates of verdicts."""
    found = [one for plan in PLANS for one in cells(Model(), plan, months, seed)]
    alike = Model(days_alike=0.5)
    stressed = [one for one in cells(alike, (30, 24), months, seed) if one.window == "all"]
    said = [rates(truth, verdicts, seed, servers) for truth in TRUTHS for servers in (1, 2)]
    if as_json:
        parts = {
            "coverage": [one._asdict() for one in found],
            "days_correlated": [one._asdict() for one in stressed],
            "verdicts": [one._asdict() for one in said],
        }
        click.echo(json.dumps(parts))
        return
    console = Console()
    error = 100 * (0.95 * 0.05 / months) ** 0.5
    title = f"Coverage of nominal 95 %, {months} months each (standard error {error:.1f} points)"
    console.print(_coverage_table(title, found))
    console.print(_coverage_table("The same where days are correlated by 0.5", stressed))
    console.print(_verdict_table(said))


def _coverage_table(title: str, rows: Sequence[Cell]) -> Table:
    heads = ("days", "a day", "window", "statistic", "tests", "used", "uncorrected", "single tests")
    table = Table(*heads, title=title)
    for row in rows:
        table.add_row(
            str(row.days),
            str(row.per_day),
            row.window,
            row.statistic,
            f"{row.tests:.0f}",
            *("–" if one is None else f"{one:.1%}" for one in row[-3:]),
        )
    return table


def _verdict_table(rows: Sequence[Rates]) -> Table:
    title = "Verdicts by QCVN 34:2019, 8 tests a day, 30 days"
    table = Table("line", "servers", "months", "primary FAIL", "any FAIL", "PASS", title=title)
    for row in rows:
        table.add_row(*map(str, row))
    return table


if __name__ == "__main__":
    main()
