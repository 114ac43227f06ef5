"""Figures of a part of a month."""

import numpy as np
import pytest

from bench.coverage import standard
from bench.line_months import Model, planned, speed_tests
from collector.domain.figures import Figure, figures
from collector.domain.line_month import LatencyHour, LinePart
from collector.domain.quantities import Quantity
from tests.collector.domain.standards import RATE, month_of, part_with

WINDOWS = standard("qcvn-34-2019").standard.windows


def whole_part() -> LinePart:
    """Return a month of 24 tests a day, latency, and time that was watched."""
    chance = np.random.default_rng(9)
    values, hours = planned(Model().draw(1, 30, chance), 24, chance)
    tests = speed_tests(values[0] * RATE, hours[0])
    latency = [LatencyHour(one.at, [0.010] * 4, [0.002] * 4, 0.001, 4) for one in tests]
    return part_with(tests, latency=latency, watched_seconds=30 * 86400.0)


def of(found: list[Figure], quantity: Quantity, statistic: str, window: str) -> Figure:
    """Return one of some figures."""
    return next(one for one in found if key(one) == (quantity, statistic, window))


def key(one: Figure) -> tuple[Quantity, str, str]:
    """Return what a figure is of."""
    return one.quantity, one.statistic, one.window


def test_every_quantity_has_its_figures_in_every_window() -> None:
    """Rates: mean, median, P10 and two shares; times: mean and median; loss; availability of all
    hours alone.
    """
    found = figures(whole_part(), WINDOWS)
    assert len(found) == 3 * (2 * 5 + 4 * 2 + 1) + 1
    assert len({key(one) for one in found}) == len(found)
    for one in found:
        assert one.low is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high
    evening = of(found, Quantity.DOWNLOAD, "mean", "peak")
    assert evening.value < of(found, Quantity.DOWNLOAD, "mean", "all").value
    assert (evening.days, evening.tests) == (30, 120)
    assert of(found, Quantity.LOSS, "mean", "all").value == pytest.approx(0.001)


def test_shares_below_a_promise_count_lower_bounds_as_reaching_it() -> None:
    """Of tests at half the speed those of every second day are bounds: half are below."""
    tests = month_of([[RATE / 2] * 4] * 30)
    tests = [one._replace(at_least=one.at.day % 2 == 0) for one in tests]
    found = figures(part_with(tests), WINDOWS)
    below = of(found, Quantity.DOWNLOAD, "below_declared", "all")
    assert below.value == pytest.approx(0.5)
    assert below.bounds == 60
    assert of(found, Quantity.DOWNLOAD, "mean", "all").value == RATE / 2


def test_a_few_days_have_figures_without_intervals() -> None:
    """What is known is shown, and nothing is said of how sure it is."""
    found = figures(part_with(month_of([[RATE] * 4] * 3)), WINDOWS)
    assert {one.low for one in found} == {None}
    assert of(found, Quantity.DOWNLOAD, "median", "all").value == RATE


def test_what_was_not_measured_has_no_figure() -> None:
    """An empty part has none at all, and never a zero."""
    assert figures(part_with([]), WINDOWS) == []
