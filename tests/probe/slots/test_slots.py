"""A day's slots: one for each part, never two on a line, the same every time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.slots import Done, Slot, line_key, plan_day, unserved
from probe.slots.places import RESERVED_SECONDS
from protocol.constants import HOUR_GUARD_SECONDS
from protocol.messages import EVENING_END, EVENING_START, MeasuredPath, Schedule
from protocol.records import Task
from tests.probe.slots.schedules import (
    DAY,
    HANOI,
    days,
    of_task,
    overlaps,
    path,
    paths,
)


@settings(max_examples=12, deadline=None)
@given(days, paths, st.text(max_size=8))
def test_laws_hold_for_any_schedule(
    when: tuple[date, ZoneInfo], some_paths: list[MeasuredPath], seed: str
) -> None:
    """Whatever the schedule: no overlap on a line, never on the hour, within part and day, and the
    same again for the same question.
    """
    day, zone = when
    plan = plan_day(day, zone, some_paths, seed)
    assert plan == plan_day(day, zone, some_paths, seed)
    assert list(plan.slots) == sorted(plan.slots, key=lambda slot: (slot.moment, slot.path))
    lines: dict[str, list[Slot]] = {}
    of_path = {p.name: p for p in some_paths}
    for slot in plan.slots:
        lines.setdefault(line_key(of_path[slot.path]), []).append(slot)
        local = slot.moment.astimezone(zone)
        assert local.date() == day
        assert HOUR_GUARD_SECONDS <= local.minute * 60 + local.second <= 3600 - HOUR_GUARD_SECONDS
        ends = slot.moment + timedelta(seconds=RESERVED_SECONDS[slot.task])
        assert slot.part_start <= slot.moment
        assert ends <= slot.part_end
        assert slot.evening == (EVENING_START <= local.time() < EVENING_END)
        if slot.task is not Task.REACH:
            assert slot.family in of_path[slot.path].families
    for slots in lines.values():
        assert overlaps(slots) == []


@settings(max_examples=6, deadline=None)
@given(days, paths)
def test_days_join_without_overlap_and_every_part_belongs_to_one(
    when: tuple[date, ZoneInfo], some_paths: list[MeasuredPath]
) -> None:
    """Two days planned apart never overlap on a line, and no part is served by both."""
    day, zone = when
    both = [
        *plan_day(day, zone, some_paths, "seed").slots,
        *plan_day(day + timedelta(1), zone, some_paths, "seed").slots,
    ]
    lines: dict[str, list[Slot]] = {}
    of_path = {p.name: p for p in some_paths}
    for slot in both:
        lines.setdefault(line_key(of_path[slot.path]), []).append(slot)
    for slots in lines.values():
        assert overlaps(slots) == []


def test_a_path_beside_another_goes_to_the_same_server() -> None:
    """What differs between two paths beside each other is the way to the line, not the server."""
    wired = path("eth0", line="l").model_copy(update={"servers": ("a", "b")})
    plan = plan_day(DAY, HANOI, [wired, path("wlan0", line="l", beside="eth0")], "s")
    servers = {slot.part_start: slot.server for slot in plan.slots if slot.path == "eth0"}
    beside = [slot for slot in of_task(plan, Task.SPEED) if slot.path == "wlan0"]
    assert beside
    assert all(slot.server == servers[slot.part_start] is not None for slot in beside)


@pytest.mark.parametrize(
    "beside, line, partner",
    [
        ("eth1", "l", {}),
        ("eth0", "other", {}),
        ("eth0", None, {}),
        ("wlan0", "l", {}),
        ("eth0", "l", {"beside": "wlan0"}),
        ("eth0", "l", {"schedule": Schedule(speed=None, latency=None, reach=None)}),
    ],
)
def test_a_path_beside_nothing_has_slots_of_its_own(
    beside: str, line: str | None, partner: dict[str, object]
) -> None:
    """Where what it is to be measured beside is missing, on another line, beside something itself
    or without speed tests, a path is planned as any other.
    """
    wired = path("eth0", line="l").model_copy(update=partner)
    plan = plan_day(DAY, HANOI, [wired, path("wlan0", line=line, beside=beside)], "s")
    assert sum(slot.path == "wlan0" for slot in of_task(plan, Task.SPEED)) >= 8


def test_served_parts_are_not_planned_again() -> None:
    """A record serves its own slot, or after a change of schedule one slot of its part."""
    slots = plan_day(DAY, HANOI, [path()], "s").slots
    done = [Done(slot.task, slot.path, slot.moment) for slot in slots[:100]]
    assert unserved(slots, done) == list(slots[100:])
    speed = [slot for slot in slots if slot.task is Task.SPEED]
    elsewhere = Done(Task.SPEED, "eth0", speed[3].part_start + timedelta(seconds=1))
    assert unserved(speed, [elsewhere]) == speed[:3] + speed[4:]
    other_path = Done(Task.SPEED, "wlan0", speed[3].moment)
    assert unserved(speed, [other_path]) == speed


def test_moments_are_whole_seconds_in_utc() -> None:
    """A slot's moment is a whole second, UTC."""
    for slot in plan_day(DAY, HANOI, [path()], "s").slots:
        assert slot.moment.tzinfo is UTC
        assert slot.moment == datetime.fromtimestamp(int(slot.moment.timestamp()), UTC)
