"""What the pictures on a line's page say, read from their places and shades."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.line_months import FIRST_DAY
from collector.domain.line_month import Excluded, Exclusion, LinePart, Outage, Where
from collector.domain.quantities import MEGABIT, Quantity
from collector.reports.page_charts import (
    DAY,
    HEIGHT,
    SHADES,
    SHARES,
    heat_map,
    interval,
    latency_chart,
    outage_line,
    speed_chart,
    ticks,
)
from tests.collector.domain.standards import RATE, month_of, part_with, speed_test

DAYS = 30
ROW = 4.0
PROMISED = {0: RATE}

Place = tuple[float, float]


def paths(svg: str) -> list[dict[str, str]]:
    """Return the attributes of a picture's paths, in the order in which they are drawn."""
    found = re.findall(r"<path ([^>]*)/>", svg)
    return [dict(re.findall(r'([a-z-]+)="([^"]*)"', one)) for one in found]


def path(svg: str, **wanted: str) -> str:
    """Return how the one path with these attributes is drawn."""
    (found,) = (one["d"] for one in paths(svg) if wanted.items() <= one.items())
    return found


def begins(drawn: str) -> list[Place]:
    """Return where the pieces of a path begin."""
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", drawn)]


def shades(svg: str) -> dict[tuple[int, int], int]:
    """Return the shade of each day and hour that has one, by its number in `SHADES`."""
    return {
        (int(x // DAY), int(y // ROW)): SHADES.index(one["fill"])
        for one in paths(svg)
        if one.get("fill") in SHADES
        for x, y in begins(one["d"])
    }


def light(colour: str) -> float:
    """Return how light a colour is in a grey print, from 0 to 255 (Rec. 709)."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def days_of(*shares: float | None) -> LinePart:
    """Return a month whose first days had these shares of the promised speed; None: no test."""
    return part_with(month_of([[] if one is None else [one * RATE] for one in shares]))


def rings(chart: dict[str, Any]) -> dict[int, float]:
    """Return how far from above the median of each day's other hours is in a speed chart."""
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', chart["svg"])
    return {int(float(x) // DAY): float(y) for x, y in found}


def dots(chart: dict[str, Any]) -> dict[int, float]:
    """Return how far from above the median of each day's evening is in a speed chart."""
    drawn = path(chart["svg"], stroke="#12385c")
    return {int(x // DAY): y for x, y in begins(drawn)}


def bands(chart: dict[str, Any], **wanted: str) -> list[tuple[int, int, float, float]]:
    """Return the bands that are drawn so: first day and the one behind the last, from above."""
    found = re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)H([\d.]+)", path(chart["svg"], **wanted))
    return [
        (int(float(left) // DAY), int(float(right) // DAY), float(high), float(low))
        for left, low, high, right in found
    ]


# --- Hours by days -------------------------------------------------------------------------------


def test_shades_are_the_darker_the_slower_in_grey_too() -> None:
    """Each is lighter than the one before by what an eye sees; one more than there are bounds."""
    assert len(SHADES) == len(SHARES) + 1
    assert all(light(slow) + 15 < light(fast) for slow, fast in pairwise(SHADES))


def test_a_slow_day_is_darker() -> None:
    """From the bound itself on an hour has the lighter shade."""
    asked = (0.1, 0.399, 0.4, 0.6, 0.8, 0.949, 0.95, 1.3)
    found = heat_map([days_of(*asked)], PROMISED, DAYS)
    assert shades(found["svg"]) == {
        (day, 12): shade for day, shade in enumerate((0, 0, 1, 2, 3, 3, 4, 4))
    }
    assert (found["promised"], found["empty"]) == (True, False)


@given(st.lists(st.floats(0.01, 2), min_size=2, max_size=DAYS))
def test_no_slower_day_is_ever_lighter(shares: list[float]) -> None:
    """Whatever was measured, and whether or not a promise is known."""
    for promised in (PROMISED, {0: None}):
        found = shades(heat_map([days_of(*shares)], promised, DAYS)["svg"])
        assert len(found) == len(shares)
        ordered = sorted(range(len(shares)), key=lambda day: shares[day])
        assert all(found[slow, 12] <= found[fast, 12] for slow, fast in pairwise(ordered))


def test_an_hour_has_the_shade_of_its_median() -> None:
    """Of three tests the middle one, not the slow one."""
    tests = [
        speed_test(2, 20 * 60 + turn * 15, rate * RATE) for turn, rate in enumerate((0.1, 1, 1))
    ]
    assert shades(heat_map([part_with(tests)], PROMISED, DAYS)["svg"]) == {(2, 20): 4}


def test_a_missing_day_is_a_dot() -> None:
    """Every hour of every day has one, in its middle; what was measured lies on it, above."""
    svg = heat_map([days_of(1, None, 0.5)], PROMISED, DAYS)["svg"]
    assert set(shades(svg)) == {(0, 12), (2, 12)}
    under, *above = paths(svg)
    assert begins(under["d"]) == [(day * DAY + DAY / 2, ROW / 2) for day in range(DAYS)]
    assert set(re.findall(r"V(\d+)", under["d"])) == {f"{24 * ROW:g}"}
    drawn, not_drawn = map(float, under["stroke-dasharray"].split())
    assert drawn + not_drawn == pytest.approx(ROW)
    assert drawn < ROW / 4
    assert {one["fill"] for one in above if "fill" in one} == {SHADES[1], SHADES[4]}


def test_a_month_without_tests_is_dots_alone() -> None:
    """And is told to be empty: the page says so in words."""
    found = heat_map([part_with([])], PROMISED, DAYS)
    assert found["empty"]
    assert not shades(found["svg"])


def test_an_hour_in_which_all_failed_has_a_cross() -> None:
    """Not one of which a test counts, and not one whose test is set aside by a flag."""
    at = speed_test(3, 12 * 60, 1.0).at
    part = part_with(
        [speed_test(4, 12 * 60, RATE)],
        excluded=[
            Excluded(None, at, "speed", Exclusion.FAILED, "timeout"),
            Excluded(None, at + timedelta(1), "speed", Exclusion.FAILED, "timeout"),
            Excluded(None, at + timedelta(2), "speed", Exclusion.IN_OUTAGE, "timeout"),
            Excluded(None, at + timedelta(3), "speed", Exclusion.FLAGGED, "wifi"),
            Excluded(None, at + timedelta(4), "latency", Exclusion.FAILED, "timeout"),
        ],
    )
    crosses = path(heat_map([part], PROMISED, DAYS)["svg"], stroke="#000")
    assert [(int(x // DAY), int(y // ROW)) for x, y in begins(crosses)] == [(3, 12), (5, 12)]


def test_without_a_promise_shades_are_of_the_highest_hour() -> None:
    """And that is told: half the speed of the best hour accuses nobody."""
    found = heat_map([days_of(2, 1)], {0: None}, DAYS)
    assert not found["promised"]
    assert shades(found["svg"]) == {(0, 12): 4, (1, 12): 1}


# --- Speeds, latency, outages ---------------------------------------------------------------------


def test_limits_stand_where_they_should() -> None:
    """At the height of a day that just reaches them, over the days of their part, with a number."""
    chart = speed_chart([days_of(0.5, 0.8, 1)], Quantity.DOWNLOAD, [(0, 0.8 * RATE)], DAYS)
    found = rings(chart)
    assert found[2] < found[1] < found[0]
    drawn = path(chart["svg"], stroke="#b00020")
    assert begins(drawn) == [(0, found[1])]
    assert drawn.endswith(f"H{DAYS * DAY:g}")
    ((share, text),) = chart["limits"]
    assert (round(share * HEIGHT, 1), text) == (found[1], "80,0")


def test_a_limit_above_all_that_was_reached_is_in_the_picture() -> None:
    """Nobody is told that a line is fine by a limit that does not show."""
    chart = speed_chart([days_of(0.1)], Quantity.UPLOAD, [(0, RATE)], DAYS)
    ((share, _),) = chart["limits"]
    ((_, height),) = begins(path(chart["svg"], stroke="#b00020"))
    assert 0 < share < 0.1
    assert 0 < height < rings(chart)[0]


def test_each_part_has_its_own_limit() -> None:
    """It ends where the terms change, and a line across says when."""
    whole = days_of(*[1.0] * DAYS)
    change = FIRST_DAY + timedelta(10)
    first = replace(whole, last_day=change - timedelta(1), tests=whole.tests[:10])
    second = replace(whole, first_day=change, tests=whole.tests[10:])
    limits = [(0, 0.5 * RATE), (1, 0.75 * RATE)]
    chart = speed_chart([first, second], Quantity.DOWNLOAD, limits, DAYS)
    spans = re.findall(r"M(\d+) ([\d.]+)H(\d+)", path(chart["svg"], stroke="#b00020"))
    assert [(begin, end) for begin, _, end in spans] == [("0", "100"), ("100", "300")]
    assert float(spans[0][1]) > float(spans[1][1])
    assert begins(path(chart["svg"], stroke="#000")) == [(100, 0)]
    assert [text for _, text in chart["limits"]] == ["50,0", "75,0"]


def test_days_without_a_test_have_no_mark_and_a_month_without_any_no_picture() -> None:
    """Absent is never zero."""
    chart = speed_chart([days_of(1, None, 1)], Quantity.DOWNLOAD, [], DAYS)
    assert set(rings(chart)) == {0, 2}
    assert speed_chart([part_with([])], Quantity.DOWNLOAD, [(0, RATE)], DAYS) == {}
    assert latency_chart([part_with([])], DAYS) == {}


def evenings(rate: float, rest: float, tests: int = 1, days: int = DAYS) -> LinePart:
    """Return a month whose evenings have a share of the promised speed, other hours another one."""
    return part_with(
        [
            speed_test(day, hour * 60 + 10 * turn, share * RATE)
            for day in range(days)
            for hour, share in ((19, rate), (22, rate), (12, rest), (18, rest), (23, rest))
            for turn in range(tests)
        ]
    )


def test_a_slow_evening_does_not_make_days_jump() -> None:
    """Evening and other hours have marks and bands of their own, wherever a day's tests fell."""
    chart = speed_chart([evenings(0.4, 1)], Quantity.DOWNLOAD, [], DAYS)
    assert set(dots(chart)) == set(rings(chart)) == set(range(DAYS))
    assert len(set(dots(chart).values())) == len(set(rings(chart).values())) == 1
    assert dots(chart)[0] > rings(chart)[0]
    weeks = [(0, 7), (7, 14), (14, 21), (21, DAYS)]
    for found, at in (
        (bands(chart, fill="#a9c3dd"), dots(chart)[0]),
        (bands(chart, stroke="#555"), rings(chart)[0]),
    ):
        assert found == [(first, end, at, at) for first, end in weeks]


def test_a_band_is_the_interval_of_a_weeks_median() -> None:
    """Of nine tests from the second to the second last; of five there is none to be told."""
    nine = [one * RATE / 10 for one in range(1, 10)]
    first = [speed_test(turn % 3, 9 * 60 + turn, rate) for turn, rate in enumerate(nine)]
    second = [speed_test(8, 9 * 60 + turn, rate) for turn, rate in enumerate(nine[:5])]
    chart = speed_chart([part_with([*first, *second])], Quantity.DOWNLOAD, [], DAYS)
    top = 0.8 * RATE * 1.08
    high, low = (float(f"{HEIGHT * (1 - value / top):.1f}") for value in (nine[7], nine[1]))
    assert bands(chart, stroke="#555") == [(0, 3, high, low)]
    assert bands(chart, fill="#a9c3dd") == []
    assert interval(nine) == (nine[1], nine[7])
    assert interval(nine[:5]) == (nine[2], nine[2])


def test_no_band_goes_over_a_change_of_terms() -> None:
    """A week in which the plan changes has two, each of its own days."""
    whole = evenings(1, 1, tests=2)
    change = FIRST_DAY + timedelta(10)
    tests = {
        early: [one for one in whole.tests if (one.at.date() < change) is early]
        for early in (True, False)
    }
    first = replace(whole, last_day=change - timedelta(1), tests=tests[True])
    second = replace(whole, first_day=change, tests=tests[False])
    chart = speed_chart([first, second], Quantity.DOWNLOAD, [], DAYS)
    spans = [(begin, end) for begin, end, _, _ in bands(chart, fill="#a9c3dd")]
    assert spans == [(0, 7), (7, 10), (10, 14), (14, 21), (21, DAYS)]


def test_latency_has_marks_that_differ_in_form_and_a_line_that_breaks() -> None:
    """Idle rings and loaded squares; no line leads across a day of which nothing is known."""
    tests = [one._replace(download_latency_seconds=0.05) for one in days_of(1, 1, None, 1).tests]
    svg = latency_chart([part_with(tests)], DAYS)["svg"]
    rings = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    squares = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"', svg)
    assert [float(x) // DAY for x, _ in rings] == [0, 1, 3]
    assert [(float(x) + 2) // DAY for x, _ in squares] == [0, 1, 3]
    assert all(
        float(loaded[1]) + 2 < float(idle[1]) for idle, loaded in zip(rings, squares, strict=True)
    )
    assert [x for x, _ in begins(path(svg, stroke="#12385c"))] == [5, 35]


def test_outages_of_the_carrier_stand_above_those_of_the_house() -> None:
    """As long as they were, and a short one as long as paper can show."""
    at = speed_test(1, 12 * 60, 1.0).at

    def out(where: Where, days: float, hours: float) -> Outage:
        begin = at + timedelta(days)
        return Outage(begin, begin + timedelta(hours=hours), where, 0, 0)

    outages = [out(Where.ACCESS, 0, 12), out(Where.POWER, 2, 24), out(Where.BEYOND, 4, 0.1)]
    svg = outage_line([part_with([], outages=outages)], DAYS)
    found = re.findall(r'<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"', svg)
    assert found == [("15.00", "1", "5.00"), ("35.00", "11", "10.00"), ("55.00", "1", "0.60")]


@given(st.floats(0.001, 1e6))
def test_ticks_are_few_round_and_within(top: float) -> None:
    """From zero on, evenly, none beyond the picture's end."""
    found = ticks(top)
    assert found[0] == 0
    assert 2 <= len(found) <= 6
    assert found[-1] <= top * (1 + 1e-3)


def test_ticks_stand_at_their_numbers() -> None:
    """The number beside a line across is what a day there had."""
    chart = speed_chart([days_of(0.5, 1)], Quantity.DOWNLOAD, [], DAYS)
    places = {text: share for share, text in chart["ticks"]}
    assert round(places["50"] * HEIGHT, 1) == rings(chart)[0]
    assert round(places["100"] * HEIGHT, 1) == rings(chart)[1]
    assert places["0"] == 1
    assert RATE / MEGABIT == 100
