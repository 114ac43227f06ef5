"""Outages, and for how long anybody knows, by what reachability checks found."""

from datetime import UTC, datetime
from functools import partial
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.line_month import CARRIERS_OWN, Where
from collector.domain.line_state import ReachCheck
from collector.domain.outages import (
    Check,
    Reach,
    cut_of,
    find_outages,
    reach_of,
    usual_step,
    watched_seconds,
)

STEP = 300.0
WAY = ("p1", "eth0")

CUTS = st.sampled_from([None, None, None, *Where])


def checks(*cuts: Where | None, begin: float = 0.0) -> list[Check]:
    """Return checks that follow each other by `STEP`."""
    return [Check(begin + number * STEP, cut) for number, cut in enumerate(cuts)]


@pytest.mark.parametrize(
    "found, where",
    [
        (ReachCheck(True, True, (True, None), True), None),
        # A gateway may keep silent: what answers behind it was reached through it.
        (ReachCheck(False, False, (False, True), None), None),
        (ReachCheck(True, True, (False, False), False), Where.BEYOND),
        (ReachCheck(False, True, (False, None), False), Where.BEYOND),
        (ReachCheck(True, False, (False, None), False), Where.ACCESS),
        (ReachCheck(True, None, (False,), False), Where.ACCESS),
        (ReachCheck(False, False, (False,), False), Where.GATEWAY),
        (ReachCheck(None, False, (False,), None), Where.GATEWAY),
    ],
)
def test_a_way_ends_at_the_last_thing_that_answers(found: ReachCheck, where: Where | None) -> None:
    """Far ends before name servers before the gateway: the farthest answer says where it ends."""
    assert cut_of(found) is where


def test_only_what_was_asked_or_a_probe_that_was_off_is_a_check() -> None:
    """A skipped slot, one missed for another reason, and one that asked nothing tell nothing."""
    good = ReachCheck(True, True, (True,), True)
    nothing = ReachCheck(None, None, (None,), None)
    said = partial(reach_of, WAY)
    assert said(True, "measured", "", "", good) == Reach(WAY, True, None, False)
    assert said(True, "missed", "probe_off", "", nothing) == Reach(WAY, True, Where.POWER, False)
    assert not said(True, "missed", "overdue", "", nothing).tells
    assert not said(True, "skipped", "line_busy", "", nothing).tells
    assert not said(True, "failed", "internal", "", nothing).tells
    assert not said(True, "measured", "", "", nothing).tells


def test_a_check_without_a_moment_or_of_another_line_tells_nothing() -> None:
    """Nobody vouches for when it was, or it went over another carrier: it is no check."""
    good = ReachCheck(True, True, (True,), True)
    assert not reach_of(WAY, False, "measured", "", "", good).tells
    assert not reach_of(WAY, True, "measured", "", "cross_traffic other_carrier", good).tells
    assert reach_of(WAY, True, "measured", "", "cross_traffic", good).tells


def test_an_outage_lies_between_the_good_checks_around_it() -> None:
    """Its shortest length is between its own checks, its longest between the good ones around."""
    ordered = checks(None, Where.ACCESS, Where.ACCESS, Where.ACCESS, None, None)
    (found,) = find_outages(ordered, UTC)
    assert found.where is Where.ACCESS
    assert found.begins_at == datetime.fromtimestamp(STEP, UTC)
    assert found.ends_at == datetime.fromtimestamp(4 * STEP, UTC)
    assert found.shortest_seconds == 2 * STEP
    assert found.longest_seconds == 4 * STEP


def test_an_outage_that_moves_is_one_at_each_place() -> None:
    """Access, then beyond, without a good check between: two outages that touch."""
    ordered = checks(None, Where.ACCESS, Where.BEYOND, Where.BEYOND, None)
    first, second = find_outages(ordered, UTC)
    assert (first.where, second.where) == (Where.ACCESS, Where.BEYOND)
    assert first.ends_at == second.begins_at
    assert (first.shortest_seconds, first.longest_seconds) == (0, 2 * STEP)
    assert (second.shortest_seconds, second.longest_seconds) == (STEP, 3 * STEP)


def test_silence_ends_what_is_known() -> None:
    """Bad checks around hours without any are two outages, and the hours between count nowhere."""
    before = checks(*[None] * 20, Where.ACCESS)
    behind = checks(Where.ACCESS, *[None] * 20, begin=100 * STEP)
    first, second = find_outages(before + behind, UTC)
    assert (first.shortest_seconds, first.longest_seconds) == (0, STEP)
    assert (second.shortest_seconds, second.longest_seconds) == (0, STEP)
    assert watched_seconds(before + behind) == 40 * STEP


def test_the_houses_own_outages_count_neither_for_nor_against_the_carrier() -> None:
    """Time around a probe that was off, or whose gateway was away, is taken off what is known."""
    ordered = checks(None, None, Where.POWER, Where.POWER, None, Where.GATEWAY, None)
    assert watched_seconds(ordered) == STEP
    assert [one.where for one in find_outages(ordered, UTC)] == [Where.POWER, Where.GATEWAY]


def test_a_line_that_was_out_for_a_tenth() -> None:
    """The share of time out lies between what is certain and what is possible."""
    ordered = checks(*[None] * 5, *[Where.ACCESS] * 11, *[None] * 85)
    (found,) = find_outages(ordered, UTC)
    known = watched_seconds(ordered)
    assert known == 100 * STEP
    assert found.shortest_seconds / known == pytest.approx(0.10)
    assert found.longest_seconds / known == pytest.approx(0.12)


def test_too_few_checks_tell_nothing() -> None:
    """Without checks, or with one, nothing is known for any time."""
    for few in ([], checks(None), checks(Where.ACCESS)):
        assert watched_seconds(few) == 0
    assert usual_step(checks(None)) == 0.0


@given(st.lists(CUTS, max_size=60), st.randoms())
def test_order_does_not_matter_and_outages_fit_into_what_is_known(
    cuts: list[Where | None], dice: Random
) -> None:
    """In any order the same; the carrier's outages are no longer than the time that is watched."""
    ordered = checks(*cuts)
    mixed = list(ordered)
    dice.shuffle(mixed)
    outages, known = find_outages(mixed, UTC), watched_seconds(mixed)
    assert outages == find_outages(ordered, UTC)
    assert known == watched_seconds(ordered)
    assert sum(one.shortest_seconds for one in outages if one.where in CARRIERS_OWN) <= known
    assert all(one.shortest_seconds <= one.longest_seconds for one in outages)
