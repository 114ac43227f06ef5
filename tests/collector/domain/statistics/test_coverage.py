"""Intervals of nominal 95 % hold the truth as often as they say, in simulated months."""

import numpy as np
import pytest

from bench.coverage import cells, in_window, standard
from bench.line_months import FIRST_DAY, PEAK, ZONE, Model, part_of, planned, speed_tests
from collector.domain.answers import Threshold, of_sample
from collector.domain.quantities import Quantity, Statistic
from collector.domain.samples import Measurements
from collector.domain.terms import Terms

MONTHS = 3000
"""The standard error of a coverage of 95 % is then 0.4 points; the bars are two points away."""

PLANS = [(30, 24), (30, 8), (20, 24), (20, 8)]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan[0]}-days-{plan[1]}-a-day")
def test_intervals_hold_the_truth_93_to_97_times_of_100(plan: tuple[int, int]) -> None:
    """Mean, median, P10 and share, all hours and in the evening, with 24 tests a day and with the
    default plan, of a whole month and of twenty days.
    """
    found = list(cells(Model(), plan, MONTHS, seed=7, beside=False))
    assert len(found) == 8
    assert [one for one in found if not 0.93 <= one.corrected <= 0.97] == []


def test_what_is_corrected_needs_it() -> None:
    """Of twenty days the uncorrected day bootstrap's mean holds the truth less than 94 times."""
    found = [
        one
        for one in cells(Model(), (20, 24), MONTHS, seed=8, beside=False)
        if one.statistic == "mean"
    ]
    assert all((one.uncorrected or 1) < 0.94 < one.corrected for one in found)


@pytest.mark.parametrize("per_day", [24, 8, 4])
@pytest.mark.parametrize("place", [0, 1])
def test_the_simulated_sums_are_what_samples_make_of_tests(per_day: int, place: int) -> None:
    """The coverage is of what verdicts use: windows and weights of the simulation are those that
    the same tests get one by one.
    """
    window = standard("qcvn-34-2019").standard.windows[place]
    chance = np.random.default_rng(5)
    values, hours = planned(Model().draw(1, 30, chance), per_day, chance)
    tests = speed_tests(values[0] * 1e9, hours[0])
    sample = Measurements(tests).sample(Quantity.DOWNLOAD, window).values
    simulated = in_window(values, hours, window)
    assert sample is not None
    assert sample.sizes == pytest.approx(simulated.sizes[0])
    below = sample.lowest(int(np.searchsorted(sample.values, 0.9e9, "right")))
    assert below == pytest.approx(simulated.hits(0.9)[0])


def test_an_hour_counts_as_much_as_any_other() -> None:
    """A plan that tests the evening more often has no lower mean of all hours for it: a line whose
    evening is half as fast has the mean of its hours.
    """
    rates = np.where(np.isin(np.arange(24), PEAK), 50e6, 100e6)
    chance = np.random.default_rng(6)
    values, hours = planned(np.broadcast_to(rates, (1, 30, 24)).copy(), 8, chance)
    window = next(w for w in standard("qcvn-34-2019").standard.windows if w.id == "all")
    sample = Measurements(speed_tests(values[0], hours[0])).sample(Quantity.DOWNLOAD, window)
    mean = of_sample(sample, Statistic.MEAN).estimate.value
    assert mean == pytest.approx((19 * 100e6 + 4 * 50e6) / 23)
    share = of_sample(sample, Statistic.SHARE, test=Threshold("at_least", 80e6)).estimate.value
    assert share == pytest.approx(19 / 23)
    assert sample.values is not None
    assert sample.values.sizes.sum() == pytest.approx(240)


def test_simulated_months_stand_in_the_calendar() -> None:
    """The tests that are judged begin on the first day, local time."""
    tests = speed_tests(np.full((2, 1), 1e8), np.full((2, 1), 20))
    part = part_of(tests, Terms(), 2)
    assert [one.at.date() for one in part.tests] == [part.first_day, part.last_day]
    assert part.first_day == FIRST_DAY
    assert part.tests[0].at.tzinfo is ZONE
