"""A line's month beside its month before and its neighbours'."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.comparison import (
    FEWEST_DAYS,
    FEWEST_NEIGHBOURS,
    Kind,
    Likeness,
    Middle,
    Neighbourhood,
    Own,
    changes_between,
    day_medians,
    middles_of,
)
from collector.domain.line_month import LinePart, RecordRef, SpeedTest
from collector.domain.quantities import Quantity
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


def own(line: str, rate: float, ward: str = "w", plan: str | None = "p") -> Own:
    """Return what others are told of a line."""
    middle = Middle(Quantity.DOWNLOAD, rate, 100, 30, 200)
    return Own(line, Kind(ward, "fibre", plan), [middle])


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
    """Half the speed is found; other servers or few days are not tested, but shown."""
    before = [part(date(2026, 9, 1), 30, [100e6, 101e6])]
    after = [part(date(2026, 10, 1), 31, [50e6, 51e6])]
    (found,) = changes_between(before, after, same_server=True)
    assert found.chance is not None
    assert found.chance < 0.01
    assert (found.before_days, found.after_days) == (30, 31)
    assert found.after_bits_per_second == pytest.approx(50.5e6)
    (unlike,) = changes_between(before, after, same_server=False)
    assert unlike.chance is None
    few = [part(date(2026, 10, 1), FEWEST_DAYS - 1, [50e6])]
    assert changes_between(before, few, same_server=True)[0].chance is None
    assert changes_between(before, [part(date(2026, 10, 1), 1, [])], same_server=True) == []


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


@given(st.lists(st.floats(1, 1e9), min_size=FEWEST_NEIGHBOURS, max_size=12), st.floats(1, 1e12))
def test_a_line_is_never_among_its_own_neighbours(rates: list[float], mine: float) -> None:
    """Whatever it has, what is said of the others stays the same."""
    others = [own(f"l{n}", rate) for n, rate in enumerate(rates)]
    me, other = own("me", mine), own("me", 1.0)
    assert Neighbourhood([me, *others]).of(me) == Neighbourhood([*others, other]).of(other)
