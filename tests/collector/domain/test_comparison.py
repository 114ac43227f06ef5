"""A line's month beside its month before and its neighbours'."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.comparison import (
    FEWEST_DAYS,
    FEWEST_NEIGHBOURS,
    Likeness,
    Middle,
    Neighbourhood,
    Own,
    ProbeChange,
    Traits,
    Unlike,
    changes_between,
    day_medians,
    middles_of,
    plan_of,
    probe_changes,
    unlike,
)
from collector.domain.line_month import LinePart, ProbeTurn, RecordRef, SpeedTest
from collector.domain.quantities import Quantity
from collector.domain.succession import Kind
from collector.domain.terms import Terms


def part(first: date, days: int, rates: list[float], **terms: Any) -> LinePart:
    """Return a part with the same tests on each day; uploads were not measured."""
    tests = [
        SpeedTest(
            datetime(first.year, first.month, first.day, 8 + n, tzinfo=UTC) + timedelta(day),
            rate, None, False, None, None, None, RecordRef("p", "c", day * 100 + n),
        )
        for day in range(days)
        for n, rate in enumerate(rates)
    ]  # fmt: skip
    last = first + timedelta(days - 1)
    return LinePart("l", "fibre", f"{first:%Y-%m}", first, last, Terms(**terms), tests=tests)


USUAL = Kind("http", "2", "full", 4, "hn-1")


def own(
    line: str,
    rate: float,
    ward: str | None = "w",
    plan: str | None = "p",
    kind: Kind | None = USUAL,
) -> Own:
    """Return what others are told of a line."""
    middle = Middle(Quantity.DOWNLOAD, rate, 100, 30, 200)
    return Own(line, Traits(ward, "fibre", plan), kind, [middle])


def test_a_line_is_told_by_the_middle_of_all_its_tests() -> None:
    """Of all parts; the promise is the last part's, declared before contracted."""
    first = part(date(2026, 10, 1), 3, [10.0], contracted_download_bits_per_second=50)
    second = part(
        date(2026, 10, 4), 2, [30.0, 40.0],
        contracted_download_bits_per_second=60, declared_download_bits_per_second=70,
    )  # fmt: skip
    assert middles_of([first, second]) == [Middle(Quantity.DOWNLOAD, 30.0, 7, 5, 70)]
    assert middles_of([part(date(2026, 10, 1), 1, [])]) == []


def test_days_have_their_own_medians() -> None:
    """By the calendar's numbers, in order; a day without a test is not there."""
    tests = part(date(2026, 10, 1), 2, [10.0, 30.0, 50.0]).tests
    first = date(2026, 10, 1).toordinal()
    assert day_medians(tests, Quantity.DOWNLOAD) == {first: 30.0, first + 1: 30.0}
    assert day_medians(tests, Quantity.UPLOAD) == {}


def test_a_change_is_found_and_none_is_claimed_where_nothing_can_be_said() -> None:
    """Half the speed is found; months that are not alike or few days are not tested, but shown."""
    before = [part(date(2026, 9, 1), 30, [100e6, 101e6])]
    after = [part(date(2026, 10, 1), 31, [50e6, 51e6])]
    (found,) = changes_between(before, after, alike=True)
    assert found.chance is not None
    assert found.chance < 0.01
    assert (found.before_days, found.after_days) == (30, 31)
    assert found.after_bits_per_second == pytest.approx(50.5e6)
    (shown,) = changes_between(before, after, alike=False)
    assert shown.chance is None
    few = [part(date(2026, 10, 1), FEWEST_DAYS - 1, [50e6])]
    assert changes_between(before, few, alike=True)[0].chance is None
    assert changes_between(before, [part(date(2026, 10, 1), 1, [])], alike=True) == []


def test_months_are_alike_in_method_version_profile_ip_version_and_server() -> None:
    """Each of them that differs is named; of what is not known nothing is said."""
    others = {
        Unlike.METHOD: USUAL._replace(method="ndt7"),
        Unlike.VERSION: USUAL._replace(version="3"),
        Unlike.PROFILE: USUAL._replace(profile="quick"),
        Unlike.IP_VERSION: USUAL._replace(ip_version=6),
        Unlike.SERVER: USUAL._replace(server="hn-2"),
    }
    assert [unlike(USUAL, other) for other in others.values()] == [[name] for name in others]
    assert list(others) == list(Unlike)
    assert unlike(USUAL, USUAL) == []
    assert unlike(None, USUAL) == unlike(USUAL, None) == []
    assert unlike(USUAL, Kind("ndt7", "1", None, None, None)) == list(Unlike)


def test_a_probe_that_took_over_is_told_with_its_day() -> None:
    """Within a month or between two; one that stays, in however many parts, is no change."""
    first, second = (part(date(2026, month, 1), 1, [1.0]) for month in (9, 10))
    old = ProbeTurn("p1", "eth0", None)
    assert probe_changes([replace(first, probes=[old]), replace(second, probes=[old])]) == []
    new = ProbeTurn("p2", "eth0", datetime(2026, 10, 12, 8, tzinfo=UTC))
    within = [replace(first, probes=[old]), replace(second, probes=[old, new])]
    assert probe_changes(within) == [ProbeChange("p2", "eth0", date(2026, 10, 12))]
    other_path = ProbeTurn("p1", "eth1", None)
    between = [replace(first, probes=[old]), replace(second, probes=[other_path])]
    assert probe_changes(between) == [ProbeChange("p1", "eth1", date(2026, 10, 1))]
    assert probe_changes([first, replace(second, probes=[old])]) == []


def test_a_plan_that_changed_is_nothing_that_lines_share() -> None:
    """Nor is one that nobody knows."""
    days = part(date(2026, 10, 1), 1, [], plan="a"), part(date(2026, 10, 2), 1, [], plan="b")
    assert plan_of([days[0], days[0]]) == "a"
    assert plan_of(days) is None
    assert plan_of([part(date(2026, 10, 1), 1, [])]) is None


def test_the_nearest_lines_of_which_there_are_enough_are_the_neighbours() -> None:
    """Same ward and plan first; then ward and technology, then plan, then technology."""
    mine = own("mine", 100.0)
    alike = [own(f"a{n}", 100.0 + n) for n in range(FEWEST_NEIGHBOURS)]
    (found,) = Neighbourhood([mine, *alike]).of(mine)
    assert (found.likeness, found.lines) == (Likeness.WARD_AND_PLAN, FEWEST_NEIGHBOURS)
    assert (found.bits_per_second, found.reached) == (101.0, 0.505)
    others = [own(f"b{n}", 50.0, plan=f"q{n}") for n in range(FEWEST_NEIGHBOURS)]
    (found,) = Neighbourhood([mine, *others]).of(mine)
    assert found.likeness is Likeness.WARD_AND_TECHNOLOGY
    elsewhere = [own(f"c{n}", 70.0, ward=f"x{n}") for n in range(FEWEST_NEIGHBOURS)]
    (found,) = Neighbourhood([mine, *elsewhere]).of(mine)
    assert found.likeness is Likeness.PLAN
    far = [own(f"d{n}", 70.0, ward=f"x{n}", plan=f"q{n}") for n in range(FEWEST_NEIGHBOURS)]
    (found,) = Neighbourhood([mine, *far]).of(mine)
    assert found.likeness is Likeness.TECHNOLOGY
    assert Neighbourhood([mine, *alike[1:]]).of(mine) == []


def test_what_is_not_known_is_nothing_that_lines_share() -> None:
    """Lines without a plan have no plan in common, nor those without a ward a ward."""
    rates = range(FEWEST_NEIGHBOURS + 1)
    for ward, plan, likeness in (
        ("w", None, Likeness.WARD_AND_TECHNOLOGY),
        (None, "p", Likeness.PLAN),
        (None, None, Likeness.TECHNOLOGY),
    ):
        mine, *others = (own(f"l{rate}", float(rate + 1), ward, plan) for rate in rates)
        (found,) = Neighbourhood([mine, *others]).of(mine)
        assert found.likeness is likeness


def test_lines_that_were_not_measured_alike_are_no_neighbours() -> None:
    """In what they differ is told; lines further away that were are taken in their place."""
    mine = own("mine", 100.0)
    over_ipv6 = USUAL._replace(ip_version=6)
    near = [own(f"a{n}", 10.0, kind=over_ipv6) for n in range(FEWEST_NEIGHBOURS)]
    around = Neighbourhood([mine, *near, own("b", 10.0, kind=USUAL._replace(server="hn-2"))])
    assert around.of(mine) == []
    assert around.unlike(mine) == [Unlike.IP_VERSION, Unlike.SERVER]
    far = [own(f"c{n}", 70.0, ward="x") for n in range(FEWEST_NEIGHBOURS)]
    (found,) = Neighbourhood([mine, *near, *far]).of(mine)
    assert (found.likeness, found.bits_per_second) == (Likeness.PLAN, 70.0)
    silent = own("silent", 1.0, kind=None)
    assert Neighbourhood([silent, *near]).of(silent) == []
    assert Neighbourhood([silent, *near]).unlike(silent) == []


@given(st.lists(st.floats(1, 1e9), min_size=FEWEST_NEIGHBOURS, max_size=12), st.floats(1, 1e12))
def test_a_line_is_never_among_its_own_neighbours(rates: list[float], mine: float) -> None:
    """Whatever it has, what is said of the others stays the same."""
    others = [own(f"l{n}", rate) for n, rate in enumerate(rates)]
    me, other = own("me", mine), own("me", 1.0)
    assert Neighbourhood([me, *others]).of(me) == Neighbourhood([*others, other]).of(other)
