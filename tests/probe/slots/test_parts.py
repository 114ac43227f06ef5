"""The parts of a day: how many over midnight and changes of the clock, and whose turn it is."""

from collections import Counter
from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.slots import Plan, plan_day
from protocol.messages import MeasuredPath, Schedule, SpeedSchedule, Window
from protocol.records import Task
from tests.probe.slots.schedules import (
    AUTUMN,
    BERLIN,
    BOTH,
    DAY,
    DEFAULT_WINDOWS,
    HANOI,
    SPRING,
    Families,
    Rhythm,
    families,
    of_task,
    path,
    windows,
)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([90, 120, 300, 7000]), st.sampled_from([20, 60, 300, 1800]))
def test_each_period_has_at_most_one_slot(latency: int, reach: int) -> None:
    """A light task runs at most once in each of its periods."""
    plan = plan_day(DAY, HANOI, [path(rhythm=Rhythm(latency=latency, reach=reach))], "seed")
    for task, every in ((Task.LATENCY, latency), (Task.REACH, reach)):
        periods = Counter(int(slot.moment.timestamp()) // every for slot in of_task(plan, task))
        assert set(periods.values()) <= {1}


def test_windows_get_their_numbers_also_past_midnight() -> None:
    """Over many days each window gets exactly its tests for each day, wherever midnight falls."""
    days_count = 30
    counts: Counter[str] = Counter()
    for number in range(-1, days_count + 1):
        for slot in of_task(plan_day(DAY + timedelta(number), HANOI, [path()], "s"), Task.SPEED):
            begins = (slot.moment.astimezone(HANOI) - timedelta(hours=6)).date()
            if DAY <= begins < DAY + timedelta(days_count):
                hour = slot.moment.astimezone(HANOI).hour
                counts["day" if 6 <= hour < 18 else "evening" if 18 <= hour < 23 else "night"] += 1
    assert counts == {"day": 120, "evening": 90, "night": 60}


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_clock_change_keeps_the_numbers(day: date) -> None:
    """On the days when the clocks change, the windows keep their numbers of tests."""
    day_and_evening = DEFAULT_WINDOWS[1:]
    plan = plan_day(day, BERLIN, [path(rhythm=Rhythm(day_and_evening))], "s")
    assert len(of_task(plan, Task.SPEED)) == 7


def test_families_take_turns_over_the_day_and_over_days() -> None:
    """Both address families are served every day, and also with one test a day within two days."""
    slots = of_task(plan_day(DAY, HANOI, [path(families=BOTH)], "s"), Task.SPEED)
    assert {slot.family for slot in slots} == {4, 6}
    one = (Window(name="evening", start=time(19), end=time(22), tests=1),)
    found = [
        of_task(
            plan_day(DAY + timedelta(n), HANOI, [path(rhythm=Rhythm(one), families=BOTH)], "s"),
            Task.SPEED,
        )[0].family
        for n in range(2)
    ]
    assert sorted(found, key=str) == [4, 6]


@settings(max_examples=10, deadline=None)
@given(windows, st.integers(0, 400), st.text(max_size=8))
def test_each_window_meets_both_families_in_two_days(
    some: tuple[Window, ...], shift: int, seed: str
) -> None:
    """Whatever the windows, none keeps to one family: two days give each of them both, and each
    family as many tests as the other.
    """
    there = path(rhythm=Rhythm(some), families=BOTH)
    found: dict[str, Counter[int | None]] = {}
    for window in some:
        alone = there.model_copy(
            update={
                "schedule": Schedule(
                    speed=SpeedSchedule(windows=(window,)), latency=None, reach=None
                )
            }
        )
        first = DAY + timedelta(shift)
        for number in range(-1, 4):
            for slot in of_task(
                plan_day(first + timedelta(number), HANOI, [alone], seed), Task.SPEED
            ):
                begins = slot.part_start.astimezone(HANOI) - timedelta(
                    hours=window.start.hour, minutes=window.start.minute
                )
                if first <= begins.date() < first + timedelta(2):
                    found.setdefault(window.name, Counter())[slot.family] += 1
    for counts in found.values():
        if counts.total() > 1:
            assert abs(counts[4] - counts[6]) <= counts.total() % 2


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 4),
    families,
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 400),
    st.text(max_size=8),
)
def test_each_window_meets_every_server_over_every_family(
    count: int, its_families: Families, day_tests: int, evening_tests: int, shift: int, seed: str
) -> None:
    """Within as many days as there are pairs of turns, each window has had each server over each
    family: the main one in every other test, the others the rest, evenly.
    """
    some = (
        Window(name="day", start=time(6), end=time(18), tests=day_tests),
        Window(name="evening", start=time(19), end=time(23), tests=evening_tests),
    )
    names = tuple(f"s{number}" for number in range(count))
    there = path(rhythm=Rhythm(some), families=its_families).model_copy(update={"servers": names})
    turns = max(1, 2 * (count - 1))
    found: Counter[tuple[bool, str | None, int | None]] = Counter()
    for number in range(turns * len(its_families)):
        plan = plan_day(DAY + timedelta(shift + number), HANOI, [there], seed)
        slots = of_task(plan, Task.SPEED)
        assert slots == of_task(
            plan_day(DAY + timedelta(shift + number), HANOI, [there], seed), Task.SPEED
        )
        found += Counter((slot.evening, slot.server, slot.family) for slot in slots)
    for evening, tests in ((False, day_tests), (True, evening_tests)):
        for family in its_families:
            shares = [found[evening, name, family] for name in names]
            assert shares == [tests * max(1, count - 1), *[tests] * (count - 1)]


def test_servers_are_the_speed_tests_alone_and_probes_begin_with_different_ones() -> None:
    """A path without servers plans none; light tasks have no turns; of many probes about as many
    begin with the one as with the other, so that they do not all meet at one server.
    """
    there = path().model_copy(update={"servers": ("a", "b")})
    plans = [plan_day(DAY, HANOI, [there], f"probe-{number}") for number in range(40)]
    first = Counter(of_task(plan, Task.SPEED)[0].server for plan in plans)
    assert min(first["a"], first["b"]) >= 10
    assert {slot.server for slot in plans[0].slots if slot.task is not Task.SPEED} == {None}
    assert {slot.server for slot in plan_day(DAY, HANOI, [path()], "s").slots} == {None}


def test_null_tasks_do_not_run() -> None:
    """A task without a schedule has no slots."""
    nothing = MeasuredPath(name="p", schedule=Schedule(speed=None, latency=None, reach=None))
    assert plan_day(DAY, HANOI, [nothing], "s") == Plan((), dict.fromkeys(Task, 0))
