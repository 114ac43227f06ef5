"""PASS, FAIL or not enough data, by pure data."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.findings import Finding, Reason, Verdict
from collector.domain.line_month import LatencyHour, LinePart, Outage, SpeedTest, Where, Witness
from collector.domain.terms import Terms
from collector.domain.verdicts import judge
from tests.collector.domain.standards import (
    RATE,
    campaign_tree,
    file_of,
    indicator,
    limit,
    month_of,
    part_with,
    speed_test,
    tree,
)

RATES = st.lists(
    st.lists(st.integers(0, 2 * RATE), min_size=3, max_size=3), min_size=20, max_size=22
)
"""Months of three tests a day."""

OF_ALL = file_of(
    tree(
        indicator(),
        indicator("median", statistic="median"),
        indicator("nine", statistic="quantile", percent=10, limit=limit(0.5, "contracted")),
        indicator(
            "share",
            statistic="share",
            test=limit(0.8, "contracted"),
            limit=limit(0.8, unit="share"),
        ),
        indicator("upload", quantity="upload", limit=limit(50, unit="Mbit/s")),
    )
)
"""A standard with every statistic."""


def spread(mean: float, by: float = 0.1, days: int = 30, seed: int = 1) -> list[list[float]]:
    """Return four tests a day about a mean, as shares of the declared speed."""
    chance = random.Random(seed)
    return [[RATE * (mean + by * chance.uniform(-1, 1)) for _ in range(4)] for _ in range(days)]


def first(part: LinePart, *indicators: dict[str, Any], **parts: Any) -> Finding:
    """Return what is said to the first question."""
    return judge(part, file_of(tree(*indicators, **parts))).findings[0]


# --- what is said ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mean,by,verdict,reason",
    [
        (0.95, 0.10, Verdict.PASS, Reason.KEPT),
        (0.81, 0.30, Verdict.PASS, Reason.KEPT_NARROWLY),
        (0.78, 0.30, Verdict.NOT_ENOUGH_DATA, Reason.OPEN),
        (0.65, 0.10, Verdict.FAIL, Reason.BROKEN),
    ],
)
def test_a_limit_is_kept_broken_or_open(
    mean: float, by: float, verdict: Verdict, reason: Reason
) -> None:
    """FAIL only with the whole interval beyond the limit, PASS only with the figure keeping it."""
    found = first(part_with(month_of(spread(mean, by))))
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.limit == 0.8 * RATE
    assert found.value == pytest.approx(mean * RATE, rel=0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high  # type: ignore[operator]
    assert (found.high < found.limit) == (verdict is Verdict.FAIL)


def test_a_limit_is_of_the_declared_speed_and_of_the_contracted_where_none_is_declared() -> None:
    """What a limit is a share of is named, and nothing is judged where it is not known."""
    tests = month_of(spread(0.65))
    contracted = Terms(contracted_download_bits_per_second=50_000_000)
    assert first(part_with(tests)).reference == "declared"
    found = first(part_with(tests, terms=contracted))
    assert (found.reference, found.limit, found.verdict) == ("contracted", 4e7, Verdict.PASS)
    assert first(part_with(tests, terms=Terms())).reason is Reason.NO_TERMS


def test_too_few_days_or_tests_are_said_with_how_many_are_needed() -> None:
    """19 days, or 59 tests, judge nobody however bad they are."""
    found = first(part_with(month_of(spread(0.1, 0.01, days=19))))
    assert (found.reason, dict(found.details)) == (Reason.FEW_DAYS, {"days": 19, "wanted": 20})
    tests = month_of([[0.1 * RATE] * 2] * 29 + [[0.1 * RATE]])
    found = first(part_with(tests))
    assert (found.reason, dict(found.details)) == (Reason.FEW_TESTS, {"tests": 59, "wanted": 60})
    assert first(part_with([])).reason is Reason.NO_VALUES


def test_a_quantile_needs_tests_beyond_it() -> None:
    """P5 of 80 tests rests on four: nothing is said."""
    asked = indicator(statistic="quantile", percent=5)
    found = first(part_with(month_of(spread(0.3, days=20))), asked)
    assert (found.verdict, found.reason) == (Verdict.NOT_ENOUGH_DATA, Reason.FEW_BEYOND)
    assert found.value is not None
    assert found.low is None


def test_a_standard_is_for_some_technologies_alone() -> None:
    """A standard of fixed lines says nothing of a 5G line."""
    tests = month_of(spread(0.1))
    assert first(part_with(tests, technology="5g")).reason is Reason.NOT_FOR_TECHNOLOGY
    found = first(part_with(tests, technology="5g"), fits=["5g"])
    assert found.verdict is Verdict.FAIL


def test_a_number_that_is_not_known_is_never_judged_by() -> None:
    """An indicator whose number somebody still has to fill in says so."""
    asked = indicator(limit=limit(None, "declared"))
    found = first(part_with(month_of(spread(0.1))), asked)
    assert (found.verdict, found.reason) == (Verdict.NOT_ENOUGH_DATA, Reason.NO_NUMBER)


# --- lower bounds ----------------------------------------------------------------------------


def bounds_of(tests: list[SpeedTest], every: int = 1) -> list[SpeedTest]:
    """Return tests of which some are lower bounds."""
    return [one._replace(at_least=n % every == 0) for n, one in enumerate(tests)]


def test_a_device_that_is_too_slow_accuses_nobody_and_clears_nobody() -> None:
    """Where every test is a bound below the limit, it is not enough data, and counted."""
    found = first(part_with(bounds_of(month_of(spread(0.5)))))
    assert (found.verdict, found.reason) == (Verdict.NOT_ENOUGH_DATA, Reason.BOUNDS)
    assert found.bounds == 120
    assert found.value == RATE


def test_bounds_that_keep_the_limit_as_they_are_pass() -> None:
    """What was measured is enough, however much more there is."""
    assert first(part_with(bounds_of(month_of(spread(0.95))))).verdict is Verdict.PASS


def test_few_bounds_credited_in_full_do_not_hide_a_breach() -> None:
    """One bound of twenty is credited with the declared speed, and the line still fails."""
    found = first(part_with(bounds_of(month_of(spread(0.6)), every=20)))
    assert (found.verdict, found.bounds) == (Verdict.FAIL, 6)
    assert found.value == pytest.approx(0.62 * RATE, rel=0.02)


@settings(max_examples=40, deadline=None)
@given(RATES, st.data())
def test_crediting_a_lower_bound_never_makes_a_pass_a_fail(
    rates: list[list[int]], data: st.DataObject
) -> None:
    """Whatever tests are bounds, no indicator that passed without them fails with them."""
    tests = month_of(rates)
    held_back = data.draw(st.sets(st.integers(0, len(tests) - 1)))
    bounds = [one._replace(at_least=n in held_back) for n, one in enumerate(tests)]
    plain, credited = (judge(part_with(one), OF_ALL).findings for one in (tests, bounds))
    for before, after in zip(plain, credited, strict=True):
        assert not (before.verdict is Verdict.PASS and after.verdict is Verdict.FAIL)
        assert (after.verdict is Verdict.PASS) == (before.verdict is Verdict.PASS)


# --- properties ------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(RATES, st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(
    rates: list[list[int]], chance: random.Random
) -> None:
    """The same records in another order are the same judgement to the last bit."""
    tests = month_of(rates)
    shuffled = chance.sample(tests, len(tests))
    assert judge(part_with(tests), OF_ALL) == judge(part_with(shuffled), OF_ALL)


@settings(max_examples=40, deadline=None)
@given(RATES, st.lists(st.integers(0, 100), min_size=66, max_size=66))
def test_slower_tests_never_turn_anything_into_a_pass(
    rates: list[list[int]], percents: list[int]
) -> None:
    """However some tests become slower, what did not pass before does not pass after."""
    left = iter(percents)
    slower = [[rate * next(left) // 100 for rate in day] for day in rates]
    before = judge(part_with(month_of(rates)), OF_ALL).findings
    after = judge(part_with(month_of(slower)), OF_ALL).findings
    for one, other in zip(before, after, strict=True):
        assert one.verdict is Verdict.PASS or other.verdict is not Verdict.PASS


@settings(max_examples=25, deadline=None)
@given(RATES, st.integers(10, 99))
def test_a_line_that_is_slower_all_over_is_judged_no_better(
    rates: list[list[int]], percent: int
) -> None:
    """All rates times the same share: what a mean said of the line gets no better."""
    slower = [[rate * percent // 100 for rate in day] for day in rates]
    order = [Verdict.FAIL, Verdict.NOT_ENOUGH_DATA, Verdict.PASS]
    before, after = (
        judge(part_with(month_of(one)), OF_ALL).findings[:1] for one in (rates, slower)
    )
    assert order.index(after[0].verdict) <= order.index(before[0].verdict)


@settings(max_examples=25, deadline=None)
@given(RATES)
def test_no_interval_lies_beside_its_figure(rates: list[list[int]]) -> None:
    """Low ≤ value ≤ high wherever there is an interval."""
    for one in judge(part_with(month_of(rates)), OF_ALL).findings:
        if one.low is not None and one.value is not None and one.high is not None:
            assert one.low <= one.value <= one.high


def test_the_same_month_under_another_standard_is_another_verdict() -> None:
    """Both are kept apart by id, version and the hash of the file; neither depends on now."""
    part = part_with(month_of(spread(0.7)))
    strict, mild = (
        judge(part, file_of(tree(indicator(limit=limit(number, "declared")), version=version)))
        for version, number in ((1, 0.8), (2, 0.6))
    )
    assert (strict.verdict, mild.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert (strict.version, mild.version) == (1, 2)
    assert strict.sha256 != mild.sha256
    assert judge(part, file_of(tree())) == judge(part, file_of(tree()))


def test_a_standard_that_was_not_in_force_is_said_to_be_so() -> None:
    """An old month under a new standard is judged, and marked."""
    part = part_with(month_of(spread(0.9)))
    later = (part.last_day + timedelta(days=1)).isoformat()
    assert not judge(part, file_of(tree(effective_from=later))).in_force
    assert judge(part, file_of(tree(effective_to=later))).in_force


# --- several questions -----------------------------------------------------------------------


def test_all_but_the_primary_question_are_a_family() -> None:
    """What is barely beyond its limit alone is not enough among many questions; the primary
    question is asked alone.
    """
    chance = random.Random(4)
    barely = [[RATE * (0.79 + 0.01 * chance.uniform(-1, 1.1)) for _ in range(4)] for _ in range(30)]
    shift = next(
        by
        for by in range(1, 200)
        if 0.01 < (judged_with(barely, by, alone=True).chance or 1) < 0.04
    )
    assert judged_with(barely, shift, alone=True).verdict is Verdict.FAIL
    in_family = judged_with(barely, shift, alone=False)
    assert (in_family.verdict, in_family.reason) == (Verdict.NOT_ENOUGH_DATA, Reason.FAMILY)
    assert in_family.adjusted_chance is not None
    assert in_family.adjusted_chance > 0.05


def judged_with(rates: list[list[float]], shift: int, *, alone: bool) -> Finding:
    """Return the verdict on a mean, alone or as one of six questions."""
    tests = month_of([[rate + shift * RATE / 10000 for rate in day] for day in rates])
    asked = indicator("asked")
    others = [indicator(f"other-{n}", limit=limit(0.1, "declared")) for n in range(6)]
    file = file_of(tree(asked) if alone else tree(*others, asked))
    return next(o for o in judge(part_with(tests), file).findings if o.indicator == "asked")


def test_the_familys_size_is_stated() -> None:
    """Five questions: one is the primary one, four are the family."""
    judgement = judge(part_with(month_of(spread(0.9))), OF_ALL)
    assert judgement.family == 4
    assert [one.is_primary for one in judgement.findings] == [True] + [False] * 4
    assert judgement.findings[0].adjusted_chance is None


def test_days_that_are_alike_for_weeks_need_a_wider_interval() -> None:
    """Two bad weeks in a row are one event: the same days in turns fail, in a row they do not."""
    good, bad = [0.83 * RATE] * 4, [0.65 * RATE] * 4
    row = [bad] * 15 + [good] * 15
    turns = [bad, good] * 15
    assert first(part_with(month_of(turns))).verdict is Verdict.FAIL
    found = first(part_with(month_of(row)))
    assert (found.verdict, found.reason) == (Verdict.NOT_ENOUGH_DATA, Reason.ALIKE)


# --- a second server -------------------------------------------------------------------------


def witness(mean: float, days: int = 30) -> Witness:
    """Return a second server's tests."""
    return Witness("hn2", "other", month_of(spread(mean, days=days, seed=2)))


def test_a_second_server_that_says_otherwise_takes_a_fail_away() -> None:
    """A busy server looks like a slow line: the second one tells."""
    part = part_with(month_of(spread(0.6)), witnesses=(witness(0.95),))
    found = first(part)
    assert (found.reason, dict(found.details)) == (Reason.WITNESS_DISAGREES, {"server": "hn2"})


def test_a_second_server_that_agrees_is_named() -> None:
    """A FAIL that two networks saw says so, and a PASS asks nobody."""
    part = part_with(month_of(spread(0.6)), witnesses=(witness(0.7),))
    assert first(part).witness == "hn2"
    assert first(part, servers=2).verdict is Verdict.FAIL
    good = part_with(month_of(spread(0.9)), witnesses=(witness(0.7),))
    assert first(good).verdict is Verdict.PASS


def test_a_standard_may_ask_for_a_second_server() -> None:
    """Without one, or with one that was hardly tested, it is not enough data."""
    tests = month_of(spread(0.6))
    for witnesses in ((), (witness(0.7, days=9),)):
        part = part_with(tests, witnesses=witnesses)
        assert first(part).verdict is Verdict.FAIL
        assert first(part, servers=2).reason is Reason.WITNESS_MISSING


def test_tests_to_a_second_server_count_for_the_minimum_up_to_half_of_it() -> None:
    """Servers that take turns have the tests of the plan between them."""
    half = month_of([[0.6 * RATE] * 2] * 15 + [[0.61 * RATE]] * 15)
    assert first(part_with(half)).reason is Reason.FEW_TESTS
    assert first(part_with(half, witnesses=(witness(0.7),))).verdict is Verdict.FAIL
    fewer = month_of([[0.6 * RATE]] * 28)
    assert first(part_with(fewer, witnesses=(witness(0.7),))).reason is Reason.FEW_TESTS


# --- latency, loss, availability -------------------------------------------------------------


def latency_part(seconds: float, lost: float = 0.0) -> LinePart:
    """Return a month of hours of latency."""
    hours = [
        LatencyHour(one.at, [seconds, seconds * 1.1], [0.002], lost * (1 + n % 3), 2)
        for n, one in enumerate(month_of([[0.0] * 24] * 30))
    ]
    return part_with(month_of(spread(0.9)), latency=hours)


@pytest.mark.parametrize("seconds,verdict", [(0.01, Verdict.PASS), (0.06, Verdict.FAIL)])
def test_latency_has_a_limit_from_above(seconds: float, verdict: Verdict) -> None:
    """A mean of 63 ms fails a limit of 50 ms, one of 10.5 keeps it."""
    most = limit(50, unit="ms", side="at_most")
    found = first(latency_part(seconds), indicator(quantity="latency", limit=most))
    assert (found.verdict, found.tests) == (verdict, 1440)
    assert found.value == pytest.approx(1.05 * seconds)
    assert found.limit == pytest.approx(0.05)


@pytest.mark.parametrize("lost,verdict", [(0.001, Verdict.PASS), (0.02, Verdict.FAIL)])
def test_loss_is_packets_lost_over_packets_sent(lost: float, verdict: Verdict) -> None:
    """Twice the rate of the first hours on average: 0.2 % keeps 1 %, 4 % does not."""
    most = limit(0.01, unit="share", side="at_most")
    found = first(latency_part(0.01, lost), indicator(quantity="loss", limit=most))
    assert found.verdict is verdict
    assert found.value == pytest.approx(2 * lost)


def test_latency_under_load_is_that_of_the_slower_direction_and_bounds_have_none() -> None:
    """A test whose device was the limit has no latency."""
    most = limit(100, unit="ms", side="at_most")
    asked = indicator(quantity="latency_loaded", statistic="median", limit=most)
    tests = [one._replace(upload_latency_seconds=0.2) for one in month_of(spread(0.9))]
    found = first(part_with(tests), asked)
    assert found.verdict is Verdict.FAIL
    assert found.value == pytest.approx(0.2)
    bounds = [speed_test(day, 60 * day, RATE, bound=True) for day in range(20)]
    assert first(part_with(bounds), asked).value is None


AVAILABILITY = indicator(quantity="availability", limit=limit(0.99, unit="share"))


def outage(hours: float, where: Where, unknown_hours: float = 0.0) -> Outage:
    """Return an outage that lasted so long at least, and at most so much longer."""
    at = month_of([[0.0]])[0].at
    shortest, longest = 3600 * hours, 3600 * (hours + unknown_hours)
    return Outage(at, at + timedelta(seconds=longest), where, shortest, longest)


@pytest.mark.parametrize(
    "cuts,verdict",
    [
        ((), Verdict.PASS),
        ((outage(20, Where.ACCESS),), Verdict.FAIL),
        ((outage(20, Where.POWER), outage(20, Where.GATEWAY)), Verdict.PASS),
        ((outage(6, Where.BEYOND, unknown_hours=10),), Verdict.NOT_ENOUGH_DATA),
        ((outage(6, Where.BEYOND, unknown_hours=1),), Verdict.PASS),
    ],
)
def test_availability_counts_what_the_carrier_answers_for(
    cuts: tuple[Outage, ...], verdict: Verdict
) -> None:
    """Power and router are the site's; what lies between two checks may be either."""
    part = part_with([], outages=cuts, watched_seconds=720 * 3600.0)
    assert first(part, AVAILABILITY).verdict is verdict


def test_availability_of_a_month_that_was_hardly_watched_is_not_judged() -> None:
    """Four fifths of the time are not enough where nine tenths are asked for."""
    part = part_with([], outages=(outage(20, Where.ACCESS),), watched_seconds=576 * 3600.0)
    found = first(part, AVAILABILITY)
    assert found.reason is Reason.FEW_WATCHED
    assert found.details == {"share": pytest.approx(0.8), "wanted": 0.9}
    assert first(replace(part, watched_seconds=0.0), AVAILABILITY).reason is Reason.NO_VALUES


# --- campaigns -------------------------------------------------------------------------------

REACHED = indicator(
    "reached",
    statistic="days_reached",
    test=limit(0.9, "contracted"),
    limit=limit(2, unit="days"),
)
NORMAL = indicator(
    "normal", statistic="share", test=limit(1, "declared"), limit=limit(0.9, unit="share")
)
KEPT = indicator(
    "kept", statistic="days_kept", test=limit(0.5, "contracted"), limit=limit(2, unit="days")
)


CAMPAIGN = file_of(campaign_tree(REACHED, NORMAL, KEPT))


def counted(days: list[list[float]], **bound: bool) -> list[Verdict]:
    """Return the verdicts on a campaign of three days of four tests."""
    tests = [
        speed_test(2 * day, 60 * turn, rate * RATE, **bound)
        for day, of_day in enumerate(days)
        for turn, rate in enumerate(of_day)
    ]
    return [one.verdict for one in judge(part_with(tests), CAMPAIGN).findings]


def test_a_campaign_is_counted_by_its_rules() -> None:
    """One day below the maximum is no breach, two are; one day below the minimum likewise."""
    good, low, bad = [1.0] * 4, [0.8] * 4, [1.0, 1.0, 0.4, 1.0]
    passed, failed = Verdict.PASS, Verdict.FAIL
    assert counted([good, good, good]) == [passed, passed, passed]
    assert counted([good, good, low]) == [passed, failed, passed]
    assert counted([low, good, low]) == [failed, failed, passed]
    assert counted([good, bad, good]) == [passed, passed, passed]
    assert counted([bad, bad, good]) == [passed, failed, failed]


def test_bounds_in_a_campaign_accuse_nobody() -> None:
    """Where the device was the limit, the rule is open instead of broken."""
    assert counted([[0.4] * 4] * 3, bound=True) == [Verdict.NOT_ENOUGH_DATA] * 3


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 1.2), min_size=4, max_size=4), min_size=3, max_size=3),
    st.data(),
)
def test_one_more_failure_in_a_campaign_never_gives_a_better_verdict(
    days: list[list[float]], data: st.DataObject
) -> None:
    """What is counted only gets worse with a test that is slower."""
    slower = [[data.draw(st.floats(0, rate)) for rate in day] for day in days]
    for before, after in zip(counted(days), counted(slower), strict=True):
        assert (before, after) != (Verdict.FAIL, Verdict.PASS)


def test_a_month_without_a_campaign_says_so() -> None:
    """Three tests a day are not four."""
    part = part_with(month_of([[RATE] * 3] * 30))
    found = judge(part, file_of(campaign_tree(NORMAL))).findings[0]
    assert found.reason is Reason.NO_CAMPAIGN
