"""The plans' targets: what can be said of a line, a Wi-Fi, an office; and what cannot."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.findings import Verdict
from collector.domain.standing import Median
from collector.domain.year.counts import FEWEST_DAYS
from collector.domain.year.months import LineMonth
from collector.domain.year.targets import (
    StatesOfDays,
    gigabit,
    gigabit_line,
    ipv6_site,
    ready_day,
    wifi,
    works,
)
from protocol.results import Ipv6State

EMPTY = LineMonth(
    month="2026-01",
    days=0,
    tests=0,
    has_records=False,
    download=None,
    upload=None,
    idle_latency=None,
    watched_seconds=0.0,
    out_seconds=0.0,
    verdict=Verdict.NOT_ENOUGH_DATA,
    has_limit=True,
    by_standard={},
    primary={},
)
MONTHS = ["2026-05", "2026-06", "2026-07", "2026-08"]


def month(name: str, days: int, megabits: float, *, hides: bool = False) -> LineMonth:
    """Return a month with a median download."""
    value = megabits * 1e6
    median = Median(value, inf if hides else value)
    return replace(EMPTY, month=name, days=days, tests=8 * days, download=median)


@pytest.mark.parametrize(
    "months,best,carries",
    [
        ([], None, None),
        ([month("2026-01", 30, 940)], "2026-01", True),
        ([month("2026-01", 30, 300), month("2026-02", 28, 810)], "2026-02", True),
        ([month("2026-01", 30, 300), month("2026-02", 28, 799)], "2026-02", False),
        ([month("2026-01", 30, 500, hides=True)], "2026-01", None),
        ([month("2026-01", 30, 500, hides=True), month("2026-02", 28, 300)], "2026-01", None),
        ([month("2026-01", 30, 900, hides=True), month("2026-02", 28, 300)], "2026-01", True),
        ([month("2026-01", FEWEST_DAYS - 1, 940)], None, None),
        ([EMPTY], None, None),
    ],
)
def test_a_line_carries_a_gigabit_where_its_best_month_says_so(
    months: list[LineMonth], best: str | None, carries: bool | None
) -> None:
    """Few days say nothing, and neither does a device that measures no more."""
    found = gigabit_line("l", "Nhà 1", 1e9, months)
    assert (found.best_month, found.carries) == (best, carries)


def test_contracts_that_nobody_knows_are_counted_apart() -> None:
    """They are neither of 1 Gbit/s nor of less."""
    lines = [gigabit_line("l", "s", speed, []) for speed in (1e9, 2e9, 300e6, None)]
    found = gigabit(lines)
    assert (found.contracted.numerator, found.contracted.denominator) == (2, 3)
    assert found.contracted.unknown == 1
    assert (found.carrying.denominator, found.carrying.unknown) == (0, 4)


@pytest.mark.parametrize(
    "measured,tried,said",
    [(31, 31, True), (20, 20, True), (5, 31, False), (0, 20, False), (5, 19, None), (0, 0, None)],
)
def test_wifi_works_by_days_with_results(measured: int, tried: int, said: bool | None) -> None:
    """That it does not is said only where it was tried often enough."""
    assert works(measured, tried) is said
    assert wifi("2026-08", [], 3).of_no_kind == 3


@pytest.mark.parametrize(
    "states,said",
    [
        ({}, None),
        ({"unknown": 9}, None),
        ({"ready": 1, "unknown": 9}, True),
        ({"slower": 3, "no_answer": 2}, True),
        ({"ready": 2, "no_route": 2}, False),
        ({"no_address": 1}, False),
    ],
)
def test_a_day_is_ready_where_most_checks_say_so(
    states: Mapping[str, int], said: bool | None
) -> None:
    """Those that could not tell are left out."""
    assert ready_day(states) is said


def days(first: date, many: int, state: Ipv6State) -> dict[date, dict[str, int]]:
    """Return days in a row with checks of one kind."""
    return {first + timedelta(number): {state.value: 12} for number in range(many)}


def test_an_office_that_lost_ipv6_is_not_ready_and_says_since_when() -> None:
    """Its last good day, what is wrong, and each month's days."""
    line: StatesOfDays = {
        **days(date(2026, 5, 1), 61, Ipv6State.READY),
        **days(date(2026, 7, 1), 62, Ipv6State.NO_ROUTE),
    }
    found = ipv6_site("ubnd", "Trụ sở", [line], MONTHS)
    assert (found.ready_days, found.known_days, found.ready) == (30, 92, False)
    assert (found.last_ready_day, found.state) == (date(2026, 6, 30), "no_route")
    assert [one.ready_days for one in found.months] == [31, 30, 0, 0]


def test_one_line_with_ipv6_is_enough_for_an_office() -> None:
    """People there had it."""
    good, bad = (
        days(date(2026, 6, 1), 92, state) for state in (Ipv6State.READY, Ipv6State.NO_NAME)
    )
    found = ipv6_site("ubnd", "Trụ sở", [bad, good], MONTHS)
    assert (found.ready, found.state) == (True, None)


@given(many=st.integers(0, FEWEST_DAYS - 1), state=st.sampled_from(Ipv6State))
def test_few_days_say_nothing_of_an_office(many: int, state: Ipv6State) -> None:
    """Whatever was found on them."""
    found = ipv6_site("ubnd", "Trụ sở", [days(date(2026, 8, 1), many, state)], MONTHS)
    assert found.ready is None
