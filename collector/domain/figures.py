"""What a part of a month was like: figures with intervals, whether or not a standard asks for them.

Lower bounds count as they were measured in means and quantiles, which are then *at least* so; in
shares they count as reaching the speed, as nobody knows that they did not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from collector.domain import answers
from collector.domain.answers import Threshold
from collector.domain.line_month import LinePart
from collector.domain.quantities import RATES, TIMES, Quantity, Statistic
from collector.domain.samples import Measurements
from collector.domain.standard import Reference, Window
from collector.domain.statistics.days import Estimate
from collector.domain.verdicts import availability

SHARE_OF_PROMISE: Final = 0.8
"""Of the declared or contracted speed: below it a test is counted."""

LOW_PERCENT: Final = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in bit/s, seconds or a share.

    Attributes:
        statistic: mean, median, p10, below_declared or below_contracted.
        window: its id.
        low, high: of the interval; None: the data are not enough for one.
        days, tests: that it is of; of loss and latency: records.
        bounds: how many of the tests are lower bounds.
    """

    quantity: Quantity
    statistic: str
    window: str
    value: float
    low: float | None
    high: float | None
    days: int
    tests: int
    bounds: int = 0


def figures(part: LinePart, windows: Sequence[Window]) -> list[Figure]:
    """Return all figures of a part in some windows; what was not measured has none."""
    measured = Measurements(part.tests, part.latency)
    return [one for window in windows for one in _in_window(part, measured, window)]


def _in_window(part: LinePart, measured: Measurements, window: Window) -> Iterator[Figure]:
    for quantity in (*sorted(RATES), *sorted(TIMES)):
        sample = measured.sample(quantity, window)
        size = (sample.days, sample.size, sample.bounds)
        if not sample.size:
            continue
        asked: list[tuple[str, Statistic, int | None]]
        asked = [("mean", Statistic.MEAN, None), ("median", Statistic.MEDIAN, None)]
        if quantity in RATES:
            asked.append(("p10", Statistic.QUANTILE, LOW_PERCENT))
        for name, statistic, percent in asked:
            found = answers.of_sample(sample, statistic, percent).estimate
            yield Figure(quantity, name, window.id, *found, *size)
        if quantity in RATES:
            yield from _below(part, measured, window, quantity)
    losses = measured.losses(window)
    if losses is not None:
        found = answers.of_losses(losses).estimate
        size = (len(losses.records), int(losses.records.sum()), 0)
        yield Figure(Quantity.LOSS, "mean", window.id, *found, *size)
    of_time = availability(part) if window.is_whole else None
    if of_time is not None:
        yield Figure(Quantity.AVAILABILITY, "mean", window.id, *of_time, part.days, 0)


def _below(
    part: LinePart, measured: Measurements, window: Window, quantity: Quantity
) -> Iterator[Figure]:
    """Yield the shares of tests below 0.8 of what was promised."""
    for reference in (Reference.DECLARED, Reference.CONTRACTED):
        speed = getattr(part.terms, f"{reference}_{quantity}_bits_per_second")
        if not speed:
            continue
        sample = measured.sample(quantity, window, speed)
        test = Threshold("at_least", SHARE_OF_PROMISE * speed)
        reached = answers.of_sample(sample, Statistic.SHARE, test=test).estimate
        found = Estimate(1 - reached.value)
        if reached.low is not None and reached.high is not None:
            found = Estimate(1 - reached.value, 1 - reached.high, 1 - reached.low)
        size = (sample.days, sample.size, sample.bounds)
        yield Figure(quantity, f"below_{reference}", window.id, *found, *size)
