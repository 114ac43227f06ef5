"""The rule behind a line's state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.line_state import (
    CONTRACT_SHARE,
    JUDGED_SPAN,
    SILENT_AFTER,
    Evidence,
    LineState,
    ReachCheck,
    RecentTest,
    contract_share,
    holds_until,
    judge,
    telling,
)
from protocol.flags import AT_LEAST

NOW = datetime(2026, 11, 20, 13, tzinfo=UTC)
PROMISE = 100e6


def measured(rate: float, hours: float = 1, *, flags: str = "") -> RecentTest:
    """Return a measured test some hours ago."""
    return RecentTest(NOW - timedelta(hours=hours), "measured", flags, None, rate, rate)


def other(outcome: str, failure: str | None = None) -> RecentTest:
    """Return a test without a result, an hour ago."""
    return RecentTest(NOW - timedelta(hours=1), outcome, "", failure, None, None)


def lost(failure: str = "connect_timeout") -> RecentTest:
    """Return a test that failed."""
    return other("failed", failure)


DEAD = ReachCheck(gateway=True, resolver=False, far_ends=(False, None), server=False)
RESOLVES = ReachCheck(gateway=True, resolver=True, far_ends=(False, None), server=False)
SERVER_AWAY = ReachCheck(gateway=True, resolver=True, far_ends=(True, None), server=False)
ALIVE = ReachCheck(gateway=True, resolver=True, far_ends=(True, False), server=True)
NO_GATEWAY = ReachCheck(gateway=False, resolver=False, far_ends=(False, False), server=False)
NOTHING_ASKED = ReachCheck(gateway=True, resolver=None, far_ends=(None, None), server=None)


def state(
    *tests: RecentTest,
    heard: timedelta | None = timedelta(minutes=5),
    reach: ReachCheck | None = None,
    promise: float | None = PROMISE,
) -> LineState:
    """Return the state of a line with these tests, the newest first."""
    heard_at = None if heard is None else NOW - heard
    return judge(Evidence(heard_at, tests, reach, promise, promise), NOW)


HELD_BACK = [measured(70e6, flags="device_cpu")] * 3


@pytest.mark.parametrize(
    "found,expected",
    [
        (state(heard=None), LineState.WAITING),
        (state(measured(99e6), heard=SILENT_AFTER + timedelta(seconds=1)), LineState.SILENT),
        (state(measured(99e6), heard=SILENT_AFTER), LineState.GOOD),
        (state(lost(), measured(99e6)), LineState.GOOD),
        (state(lost(), lost(), measured(99e6)), LineState.FAILING),
        (state(lost()), LineState.FAILING),
        (state(measured(99e6), reach=DEAD), LineState.FAILING),
        (state(measured(99e6), reach=RESOLVES), LineState.GOOD),
        (state(measured(99e6), reach=ALIVE), LineState.GOOD),
        (state(measured(99e6), reach=NO_GATEWAY), LineState.GOOD),
        (state(measured(99e6), reach=NOTHING_ASKED), LineState.GOOD),
        (state(lost(), lost(), measured(99e6), reach=ALIVE), LineState.FAILING),
        (state(lost(), lost(), measured(99e6), reach=SERVER_AWAY), LineState.GOOD),
        (state(lost(), lost(), measured(9e6), reach=SERVER_AWAY), LineState.BELOW),
        (state(lost(), lost(), measured(99e6), reach=RESOLVES), LineState.FAILING),
        (state(lost("refused"), lost("server_busy"), measured(99e6)), LineState.GOOD),
        (state(lost("refused"), lost(), lost(), measured(99e6)), LineState.FAILING),
        (state(lost("refused"), lost("refused")), LineState.UNRATED),
        (state(other("skipped"), other("missed"), measured(99e6)), LineState.GOOD),
        (state(), LineState.UNRATED),
        (state(measured(99e6), promise=None), LineState.UNRATED),
        (state(measured(10e6, flags="cross_traffic")), LineState.UNRATED),
        (state(measured(99e6, flags="cross_traffic")), LineState.UNRATED),
        (state(measured(80e6, flags="device_cpu interface_speed")), LineState.GOOD),
        (state(measured(79e6, flags="device_cpu")), LineState.UNRATED),
        (state(measured(79e6, flags="device_cpu"), measured(79e6)), LineState.UNRATED),
        (state(measured(79e6, flags="device_cpu"), *[measured(79e6)] * 2), LineState.BELOW),
        (state(measured(79e6, flags="device_cpu"), *[measured(80e6)] * 2), LineState.GOOD),
        (state(*HELD_BACK, *[measured(99e6)] * 9), LineState.UNRATED),
        (state(*HELD_BACK, *[measured(70e6)] * 9), LineState.UNRATED),
        (state(*HELD_BACK[:2], *[measured(70e6)] * 3, *[measured(99e6)] * 9), LineState.BELOW),
        (state(*HELD_BACK[:2], *[measured(99e6)] * 3, *[measured(70e6)] * 9), LineState.GOOD),
        (state(measured(99e6, flags="device_cpu wifi")), LineState.UNRATED),
        (state(measured(10e6, JUDGED_SPAN / timedelta(hours=1) + 1)), LineState.UNRATED),
        (state(measured(79e6), measured(79e6), measured(99e6)), LineState.BELOW),
        (state(measured(80e6)), LineState.GOOD),
        (state(*[measured(99e6)] * 3, *[measured(10e6)] * 2), LineState.GOOD),
        (state(*[measured(99e6)] * 5, *[measured(10e6)] * 6), LineState.GOOD),
    ],
)
def test_first_rule_that_fits_gives_the_state(found: LineState, expected: LineState) -> None:
    """Each part of the written rule gives its state, in the written order."""
    assert found is expected


def test_either_direction_can_be_below() -> None:
    """An upload below its promise is enough, however good the download is."""
    test = RecentTest(NOW, "measured", "", None, 100e6, 20e6)
    assert judge(Evidence(NOW, [test], None, PROMISE, PROMISE), NOW) is LineState.BELOW
    assert judge(Evidence(NOW, [test], None, PROMISE, None), NOW) is LineState.GOOD


@given(st.lists(st.floats(1e5, 1e9), min_size=1, max_size=5), st.randoms())
def test_judgement_does_not_depend_on_order_and_follows_the_share(
    rates: list[float], dice: object
) -> None:
    """Good and below are told apart by the lowest median share alone, in whatever order."""
    tests = [measured(rate) for rate in rates]
    dice.shuffle(tests)  # type: ignore[attr-defined]
    evidence = Evidence(NOW, tests, None, PROMISE, PROMISE)
    share = contract_share(evidence, NOW)
    assert share is not None
    assert share.value == share.highest
    good = share.value >= CONTRACT_SHARE
    assert judge(evidence, NOW) is (LineState.GOOD if good else LineState.BELOW)


RATES = st.floats(1e6, 2e8)
BOUNDS = st.sets(st.sampled_from(sorted(AT_LEAST)), min_size=1).map(" ".join)
TESTS = st.lists(
    st.builds(
        lambda down, up, flags: RecentTest(NOW, "measured", flags, None, down, up),
        RATES | st.none(),
        RATES | st.none(),
        st.sampled_from(["", "", "", "cross_traffic"]) | BOUNDS,
    ),
    max_size=12,
)
WORSE_FIRST = [LineState.FAILING, LineState.BELOW, LineState.UNRATED, LineState.GOOD]


@given(TESTS, st.data())
def test_a_lower_bound_never_makes_a_line_worse(
    tests: list[RecentTest], data: st.DataObject
) -> None:
    """Whatever was measured: that device or server held a test back, too, is nothing against the
    line, and nothing that was good becomes unknown by it.
    """
    flag = data.draw(BOUNDS)
    chosen = data.draw(st.sets(st.integers(0, 11)))
    told = [
        replace(test, flags=f"{test.flags} {flag}".strip()) if number in chosen else test
        for number, test in enumerate(tests)
    ]
    before, after = state(*tests), state(*told)
    assert WORSE_FIRST.index(after) >= WORSE_FIRST.index(before)


@given(TESTS, BOUNDS, st.integers(0, 12), st.floats(1e6, 2 * PROMISE))
def test_a_lower_bound_never_turns_a_line_to_below(
    tests: list[RecentTest], flags: str, place: int, rate: float
) -> None:
    """Among whatever other tests: a line that carries at least too little may carry enough."""
    more = [*tests[:place], measured(rate, 0, flags=flags), *tests[place:]]
    assert (state(*more) is LineState.BELOW) <= (state(*tests) is LineState.BELOW)


@given(TESTS, st.data())
def test_a_line_is_rated_only_as_it_is_whatever_the_bounds_hide(
    tests: list[RecentTest], data: st.DataObject
) -> None:
    """Were the held back tests as fast as one likes, and no longer flagged, a line that was rated
    would be rated the same.
    """
    told = state(*tests)
    truth = []
    for test in tests:
        if test.flags and set(test.flags.split()) <= AT_LEAST:
            more = [
                None if rate is None else rate + data.draw(st.floats(0, 1e9))
                for rate in (test.download_bits_per_second, test.upload_bits_per_second)
            ]
            truth.append(RecentTest(test.measured_at, "measured", "", None, *more))
        else:
            truth.append(test)
    if told is not LineState.UNRATED:
        assert state(*truth) is told


DRAWN_RATES: st.SearchStrategy[float | None] = st.none() | st.sampled_from([50e6, 79e6, 90e6])
DRAWN_TESTS: st.SearchStrategy[RecentTest] = st.tuples(
    st.integers(0, 72).map(lambda hours: NOW - timedelta(hours=hours)),
    st.sampled_from(["measured", "measured", "failed"]),
    st.sampled_from(["", "", "wifi", "device_cpu", "server_limited", "cross_traffic"]),
    st.sampled_from([None, "connect_timeout", "server_busy", "refused"]),
    DRAWN_RATES,
    DRAWN_RATES,
).map(lambda drawn: RecentTest(*drawn))


@given(
    st.lists(DRAWN_TESTS, max_size=40),
    st.sampled_from([None, DEAD, SERVER_AWAY, ALIVE]),
    st.integers(0, 100),
)
def test_a_few_tests_tell_what_all_of_them_do(
    tests: list[RecentTest], reach: ReachCheck | None, hours: int
) -> None:
    """State and share are the same without the tests that the rule never comes to look at."""
    tests.sort(key=lambda test: test.measured_at, reverse=True)
    every = Evidence(NOW, tests, reach, PROMISE, PROMISE)
    few = replace(every, tests=telling(tests))
    now = NOW + timedelta(hours=hours)
    assert judge(every, NOW) == judge(few, NOW)
    assert contract_share(every, now) == contract_share(few, now)
    assert len(few.tests) <= 20


@given(st.lists(DRAWN_TESTS, max_size=10), st.integers(0, 60), st.floats(0, 1))
def test_a_state_stays_until_its_moment(tests: list[RecentTest], hours: int, part: float) -> None:
    """Without news state and share are the same at every moment up to the one that is named."""
    evidence = Evidence(NOW, tests, None, PROMISE, PROMISE)
    now = NOW + timedelta(hours=hours)
    until = holds_until(evidence, now) or now + timedelta(days=9)
    for then in (until, now + part * (until - now)):
        assert judge(evidence, then) == judge(evidence, now)
        assert contract_share(evidence, then) == contract_share(evidence, now)
