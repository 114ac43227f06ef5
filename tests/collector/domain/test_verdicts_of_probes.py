"""PASS, FAIL or not enough data of a month in which a probe was replaced."""

from dataclasses import replace
from datetime import timedelta
from itertools import cycle

import pytest

from bench.line_months import FIRST_DAY
from collector.domain.findings import Finding, Reason, Verdict
from collector.domain.line_month import LatencyHour, LinePart, ProbeTurn
from collector.domain.reasons import sentence
from collector.domain.verdicts import judge
from tests.collector.domain.standards import (
    RATE,
    file_of,
    indicator,
    limit,
    month_of,
    part_with,
    tree,
)

OLD, NEW = "old (eth0)", "new (end0)"


def halves(before: float, after: float, day: int = 15) -> LinePart:
    """Return a month whose probe was replaced on a day (from 0): each one's mean, as a share.

    Days differ by more than the probes do and in turns, so they are not alike.
    """
    days = zip([before] * day + [after] * (30 - day), cycle((0.15, -0.15)), strict=False)
    tests = month_of([[RATE * (mean + by) for _ in range(4)] for mean, by in days])
    since = next(one.at for one in tests if one.at.date() == FIRST_DAY + timedelta(days=day))
    probes = (ProbeTurn("old", "eth0", None), ProbeTurn("new", "end0", since))
    return part_with(tests, probes=probes)


def with_latency(part: LinePart, before: float, after: float) -> LinePart:
    """Return a part with latency as its rates are, but for the mean of either probe."""
    new = part.probes[1]
    hours = []
    for number, one in enumerate(part.tests):
        mean = after if part.probe_of(one.at) == new else before
        value = mean * (1.8 if number // 4 % 2 else 0.2)
        hours.append(LatencyHour(one.at, (value,), (value,), value))
    return replace(part, latency=hours)


def first(part: LinePart, *asked: dict[str, object]) -> Finding:
    """Return what is said to the first question."""
    return judge(part, file_of(tree(*asked))).findings[0]


def test_two_probes_that_agree_fail_a_line_together() -> None:
    """Two halves of a month, each of which breaks the limit, are as good as a month of one."""
    found = first(halves(0.6, 0.65))
    assert (found.verdict, found.days) == (Verdict.FAIL, 30)


@pytest.mark.parametrize(
    "before, after, day, probe",
    [(0.84, 0.6, 12, OLD), (0.84, 0.6, 6, OLD), (0.6, 0.84, 18, NEW), (0.6, 0.84, 24, NEW)],
)
def test_no_line_fails_by_one_probe_against_the_other(
    before: float, after: float, day: int, probe: str
) -> None:
    """Where a line is slow by one probe alone, it may be the probe: nothing is said, and why."""
    found = first(halves(before, after, day))
    assert (found.verdict, found.reason) == (Verdict.NOT_ENOUGH_DATA, Reason.PROBES_DISAGREE)
    (asked,) = file_of(tree()).standard.indicators
    words = sentence(found, asked)
    assert probe in words.vi
    assert probe in words.en


def test_a_probe_of_fewer_than_five_days_has_no_word() -> None:
    """Four good days before it do not undo what another probe measured for the rest of a month."""
    assert first(halves(0.95, 0.6, day=4)).verdict is Verdict.FAIL


def test_a_slower_probe_takes_no_pass_away() -> None:
    """A line that keeps its limit over all of the month does so, whatever its probes differ by."""
    assert first(halves(0.99, 0.76)).verdict is Verdict.PASS


@pytest.mark.parametrize("quantity", ["loss", "latency", "delay_variation"])
def test_latency_and_loss_need_both_probes_too(quantity: str) -> None:
    """What one probe's minutes of packets show is held against no line that another's clear."""
    unit = "share" if quantity == "loss" else "ms"
    most = limit(0.02 if quantity == "loss" else 20, unit=unit, side="at_most")
    asked = indicator(quantity=quantity, statistic="mean", limit=most)
    part = halves(0.9, 0.9, day=8)
    assert first(with_latency(part, 0.019, 0.06), asked).reason is Reason.PROBES_DISAGREE
    assert first(with_latency(part, 0.03, 0.06), asked).verdict is Verdict.FAIL


def test_a_single_probe_is_not_asked_twice() -> None:
    """A month of one probe rests on what it measured."""
    part = replace(halves(0.6, 0.6), probes=(ProbeTurn("old", "eth0", None),))
    assert first(part).verdict is Verdict.FAIL
