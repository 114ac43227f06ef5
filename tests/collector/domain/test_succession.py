"""Which series stands for a line's month, also where its probe was replaced."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.series import SeriesId
from collector.domain.succession import (
    Kind,
    Leg,
    Result,
    Succession,
    Turns,
    find_kind,
    find_succession,
    kind_of,
    way_of,
)

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BEGIN = datetime(2026, 10, 1, tzinfo=ZONE)
USUAL = SeriesId("p1", "eth0", "http", "2", "full", 4, "ix")
OVER_IPV6 = USUAL._replace(ip_version=6)
NEW = USUAL._replace(probe="p2", path="end0")


def on(series: SeriesId, days: Iterable[int], *, a_day: int = 4, tier: int = 0) -> list[Result]:
    """Return tests of a series on some days of the month, counted from 1, in even hours."""
    step = timedelta(hours=24 / a_day)
    return [
        Result(series, BEGIN + timedelta(days=day - 1) + number * step, tier, ran=True)
        for day in days
        for number in range(a_day)
    ]


def stands(results: Sequence[Result], server: str | None = "ix") -> list[SeriesId]:
    """Return what stands for a month, in the order of time."""
    found = find_succession(results, server)
    assert found is not None
    return series_of(found)


def series_of(found: Succession) -> list[SeriesId]:
    """Return the series of a succession, in the order of time."""
    return [SeriesId._make((*leg.way, *found.kind)) for leg in found.turns.legs]


# --- One probe -----------------------------------------------------------------------------------


def test_nothing_stands_for_a_month_without_results() -> None:
    """There is no series where there is no record."""
    assert find_succession([], "ix") is None
    assert find_kind([]) is None


def test_a_single_test_over_ipv4_sets_no_month_of_ipv6_aside() -> None:
    """One good test over IPv4 beside 200 over IPv6: the 200 stand for the month."""
    assert stands([*on(OVER_IPV6, range(1, 26), a_day=8), *on(USUAL, [3], a_day=1)]) == [OVER_IPV6]


def test_families_in_turns_are_judged_by_ipv4() -> None:
    """Where both families have nearly all days and half of the tests, chance decides nothing."""
    assert stands([*on(OVER_IPV6, range(1, 32)), *on(USUAL, range(2, 32), a_day=3)]) == [USUAL]


def test_one_test_a_day_over_ipv4_is_too_little_to_be_preferred() -> None:
    """All days are not enough where the other family has twice the tests and more."""
    assert stands([*on(OVER_IPV6, range(1, 32)), *on(USUAL, range(1, 32), a_day=1)]) == [OVER_IPV6]


def test_the_plans_server_stands_for_a_month_while_it_has_nearly_all_days() -> None:
    """Servers in turns differ by chance; a server that was away for a week is set aside."""
    other = USUAL._replace(server="a-server")
    assert stands([*on(other, range(1, 31)), *on(USUAL, range(1, 28))]) == [USUAL]
    assert stands([*on(other, range(1, 31)), *on(USUAL, range(1, 27))]) == [other]
    assert stands([*on(other, range(1, 31)), *on(USUAL, range(1, 31))], None) == [other]


def test_days_come_before_tests() -> None:
    """Many tests on few days say less of a month than few tests on each."""
    other = USUAL._replace(server="a-server")
    assert stands([*on(USUAL, range(1, 11), a_day=24), *on(other, range(1, 31))]) == [other]


def test_results_that_tell_less_do_not_add_to_those_that_tell_more() -> None:
    """Of a month with evidence only that decides; of one without, what there is."""
    wifi = USUAL._replace(path="wlan0")
    flagged = on(wifi, range(1, 32), tier=2)
    assert stands([*flagged, *on(USUAL, [1, 2])]) == [USUAL]
    assert stands(flagged) == [wifi]


# --- A probe that was replaced -------------------------------------------------------------------


def test_a_replaced_probe_and_its_successor_count_together() -> None:
    """Two weeks of each, one after the other: both stand for the month, each in its time."""
    results = [*on(NEW, range(15, 32)), *on(USUAL, range(1, 14))]
    found = find_succession(results, "ix")
    assert found is not None
    assert series_of(found) == [USUAL, NEW]
    change = BEGIN + timedelta(days=14)
    assert found.turns.legs == [Leg(way_of(USUAL)), Leg(way_of(NEW), change)]
    for moment, series in (
        (BEGIN - timedelta(days=1), USUAL),
        (change - timedelta(seconds=1), USUAL),
        (change, NEW),
        (BEGIN + timedelta(days=40), NEW),
    ):
        assert found.at(moment) == series
        assert found.turns.at(moment.timestamp()) == way_of(series)


def test_together_they_are_held_against_other_series() -> None:
    """A series that lasted all month, to another server, does not beat two halves of the plan's."""
    other = USUAL._replace(server="a-server")
    results = [*on(USUAL, range(1, 14)), *on(NEW, range(15, 32)), *on(other, range(1, 14))]
    results += on(NEW._replace(server="a-server"), range(15, 32))
    assert stands(results) == [USUAL, NEW]


def test_two_replacements_are_one_succession() -> None:
    """However often a probe is replaced, all that was measured counts."""
    third = USUAL._replace(probe="p0")
    results = [*on(third, range(21, 32)), *on(USUAL, range(1, 11)), *on(NEW, range(11, 21))]
    assert stands(results) == [USUAL, NEW, third]


def test_a_probe_that_comes_back_was_not_replaced() -> None:
    """Its tests lie around the other one's: the richer of the two stands alone."""
    back = [*on(USUAL, range(1, 11)), *on(USUAL, range(20, 32)), *on(NEW, range(12, 19))]
    assert stands(back) == [USUAL]


def test_probes_side_by_side_are_never_mixed() -> None:
    """Where both were there for an hour too long, that with more days stands, whatever its name."""
    assert stands([*on(USUAL, range(1, 16)), *on(NEW, range(15, 32))]) == [NEW]
    assert stands([*on(USUAL, range(1, 19)), *on(NEW, range(18, 32))]) == [USUAL]


def test_probes_that_took_turns_with_servers_are_side_by_side() -> None:
    """A way's time is that of its tests to any server: two that swap servers replace nobody."""
    far, new_far = USUAL._replace(server="far"), NEW._replace(server="far")
    results = [*on(USUAL, range(1, 14)), *on(far, range(15, 32))]
    results += [*on(new_far, range(1, 14)), *on(NEW, range(16, 32))]
    assert stands(results) == [NEW]


def test_a_visitor_does_not_break_a_succession() -> None:
    """A third probe that measured for an afternoon beside the second one is not mixed in."""
    visitor = USUAL._replace(probe="a-visitor")
    results = [*on(USUAL, range(1, 14)), *on(NEW, range(15, 32)), *on(visitor, [20])]
    assert stands(results) == [USUAL, NEW]


def test_another_method_is_another_kind() -> None:
    """A new probe of a newer method begins anew: two methods are never mixed."""
    newer = NEW._replace(version="3")
    assert stands([*on(USUAL, range(1, 14)), *on(newer, range(15, 32))]) == [newer]


def test_what_was_only_planned_makes_nobody_overlap() -> None:
    """Slots that a probe writes as missed when it is switched on again are no tests of the line."""
    missed = [one._replace(ran=False, tier=3) for one in on(USUAL, range(15, 32))]
    assert stands([*on(USUAL, range(1, 14)), *on(NEW, range(15, 32)), *missed]) == [USUAL, NEW]


def test_a_test_that_failed_shows_that_a_probe_is_still_there() -> None:
    """Who fails all day beside another probe was not replaced by it."""
    failed = on(USUAL, range(15, 32), tier=3)
    assert stands([*on(USUAL, range(1, 14)), *on(NEW, [20]), *failed]) == [USUAL]


# --- Laws ----------------------------------------------------------------------------------------

SERIES = st.builds(
    SeriesId,
    st.sampled_from(["p1", "p2", "p3", "p4"]),
    st.sampled_from(["eth0", "wlan0"]),
    st.just("http"),
    st.sampled_from(["2", "3"]),
    st.just("full"),
    st.sampled_from([4, 6]),
    st.sampled_from(["ix", "far"]),
)
RESULT = st.builds(
    Result,
    SERIES,
    st.integers(0, 30 * 24).map(lambda hours: BEGIN + timedelta(hours=hours)),
    st.sampled_from([0, 0, 0, 1, 3]),
    st.booleans(),
    st.integers(1, 60),
)
RUN = st.builds(
    lambda series, first, days, a_day: on(series, range(first, min(first + days, 31)), a_day=a_day),
    SERIES,
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 4),
)
MONTH = st.one_of(
    st.lists(RESULT, max_size=40),
    st.lists(RUN, max_size=5).map(lambda runs: [one for run in runs for one in run]),
)


@given(MONTH, st.sampled_from([None, "ix", "far"]), st.randoms())
def test_the_order_of_records_does_not_matter(
    results: list[Result], server: str | None, dice: Random
) -> None:
    """Whatever was measured: the same results give the same succession in any order."""
    found = find_succession(results, server)
    dice.shuffle(results)
    assert find_succession(results, server) == found
    assert (found is None) == (not results)


@given(MONTH)
def test_a_succession_is_of_one_kind_and_never_of_ways_side_by_side(results: list[Result]) -> None:
    """Whatever was measured: what counts together differs in its way alone, and the tests of each
    way, to whatever server, are all over before those of the next one begin.
    """
    found = find_succession(results, "ix")
    if found is None:
        return
    best = min(one.tier for one in results)
    there = {one.series for one in results if one.tier == best}
    assert there.issuperset(series_of(found))
    legs = found.turns.legs
    assert (found.turns.only is None) == (len(legs) > 1)
    if len(legs) == 1:
        return
    times = [
        [one.at for one in results if one.ran and way_of(one.series) == leg.way] for leg in legs
    ]
    for earlier, later in pairwise(times):
        assert max(earlier) < min(later)
    assert [leg.since for leg in legs] == [None, *(min(of) for of in times[1:])]
    for leg, of in zip(legs, times, strict=True):
        assert {way_of(found.at(at)) for at in of} == {leg.way}


def days_of(results: Iterable[Result], kind: Kind) -> int:
    """Return on how many days there are tests of a kind that count."""
    return len({one.at.date() for one in results if one.tier == 0 and kind_of(one.series) == kind})


@given(
    MONTH, st.sampled_from([None, "ix"]), SERIES, st.integers(0, 30 * 24), st.sampled_from([0, 2])
)
def test_a_stray_test_takes_no_month_away(
    results: list[Result], server: str | None, series: SeriesId, hour: int, tier: int
) -> None:
    """One test of a probe that was never there does not change which series stands for a month that
    has some days, and takes none of its probes out of it; be it of the same kind, or of another one
    that has less than half of the days.
    """
    found = find_succession(results, server)
    if found is None:
        return
    own = days_of(results, found.kind)
    if own < 2 or (kind_of(series) != found.kind and 2 * days_of(results, kind_of(series)) >= own):
        return
    at = BEGIN + timedelta(hours=hour, minutes=30)
    stray = Result(series._replace(probe="stray"), at, tier, ran=True)
    again = find_succession([*results, stray], server)
    assert again is not None
    assert again.kind == found.kind
    probes = [one.probe for one in series_of(again)]
    assert [name for name in probes if name != "stray"] == [one.probe for one in series_of(found)]


def test_a_kind_is_chosen_by_records_however_they_are_folded() -> None:
    """An hour that sixty records were folded into counts as much as they did."""
    single = [Result(USUAL, BEGIN + timedelta(minutes=number), 0, ran=True) for number in range(60)]
    other = on(USUAL._replace(server="far"), [1], a_day=24)
    folded = [Result(USUAL, BEGIN, 0, ran=True, records=60)]
    assert find_kind([*single, *other]) == find_kind([*folded, *other]) == kind_of(USUAL)
    assert find_kind(other) == Kind("http", "2", "full", 4, "far")


def test_a_change_by_the_hour_is_at_its_beginning() -> None:
    """Latency of an hour is of one way, before it is folded and afterwards."""
    turns = Turns([Leg(("p1", "a")), Leg(("p2", "b"), BEGIN + timedelta(hours=1, minutes=20))])
    by_hour = turns.by_hour()
    assert by_hour.legs[1].since == BEGIN + timedelta(hours=1)
    moments = [BEGIN.timestamp() + 60 * minute for minute in (59, 60, 79, 80)]
    assert [turns.at(at)[0] for at in moments] == ["p1", "p1", "p1", "p2"]
    assert [by_hour.at(at)[0] for at in moments] == ["p1", "p2", "p2", "p2"]


def test_one_way_alone_stands_where_it_is_asked_for() -> None:
    """What is held before and after a moment is measured by one probe: the one with more days."""
    results = [*on(USUAL, range(1, 14)), *on(NEW, range(15, 32))]
    found = find_succession(results, "ix", one_way=True)
    assert found is not None
    assert series_of(found) == [NEW]
