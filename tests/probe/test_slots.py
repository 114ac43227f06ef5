"""Slots: stratified, random, never on the hour, never two on a line, the same every time."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.slots import (
    EVENING_END,
    EVENING_START,
    HOUR_GUARD_SECONDS,
    QUARTER_SECONDS,
    RESERVED_SECONDS,
    Done,
    Plan,
    Slot,
    line_key,
    plan_day,
    unserved,
)
from protocol.messages import (
    LatencySchedule,
    MeasuredPath,
    ReachSchedule,
    Schedule,
    SpeedSchedule,
    Window,
)
from protocol.records import Task

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
DAY = date(2026, 11, 21)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Berlin's clocks change on these days."""

Families = tuple[Literal[4, 6], ...]
FOUR: Families = (4,)
SIX: Families = (6,)
BOTH: Families = (4, 6)

DEFAULT_WINDOWS = (
    Window(name="night", start=time(23), end=time(6), tests=2),
    Window(name="day", start=time(6), end=time(18), tests=4),
    Window(name="evening", start=time(18), end=time(23), tests=3),
)


@dataclass(frozen=True)
class Rhythm:
    """A path's plan: windows, and the periods of the light tasks in seconds."""

    windows: tuple[Window, ...] = DEFAULT_WINDOWS
    latency: int = 300
    reach: int = 300


def path(
    name: str = "eth0",
    rhythm: Rhythm = Rhythm(),
    line: str | None = None,
    families: Families = FOUR,
    beside: str | None = None,
) -> MeasuredPath:
    """Return a path with a usual schedule, changed as asked."""
    schedule = Schedule(
        speed=SpeedSchedule(windows=rhythm.windows),
        latency=LatencySchedule(every_seconds=rhythm.latency),
        reach=ReachSchedule(every_seconds=rhythm.reach),
    )
    return MeasuredPath(name=name, schedule=schedule, line=line, families=families, beside=beside)


def of_task(plan: Plan, task: Task) -> list[Slot]:
    """Return a plan's slots of one task."""
    return [slot for slot in plan.slots if slot.task is task]


def overlaps(slots: list[Slot]) -> list[tuple[Slot, Slot]]:
    """Return neighbours whose reserved times overlap."""
    ordered = sorted(slots)
    return [
        (a, b)
        for a, b in pairwise(ordered)
        if a.moment + timedelta(seconds=RESERVED_SECONDS[a.task]) > b.moment
    ]


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
windows = st.lists(st.tuples(times, times, st.integers(0, 8)), min_size=1, max_size=4).map(
    lambda found: tuple(
        Window(name=f"w{number}", start=start, end=end, tests=tests)
        for number, (start, end, tests) in enumerate(found)
    )
)
families = st.sampled_from([FOUR, SIX, BOTH])
paths = st.lists(
    st.tuples(
        windows,
        st.sampled_from([90, 120, 300, 7000]),
        st.sampled_from([45, 300]),
        st.sampled_from([None, "line-a", "line-b"]),
        families,
    ),
    min_size=1,
    max_size=3,
).map(
    lambda found: [
        path(f"p{number}", Rhythm(w, every, reach), line, families)
        for number, (w, every, reach, line, families) in enumerate(found)
    ]
)
days = st.sampled_from([(DAY, HANOI), (SPRING, BERLIN), (AUTUMN, BERLIN), (DAY, KOLKATA)])


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


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([90, 120, 300, 7000]), st.sampled_from([20, 60, 300, 1800]))
def test_each_period_has_at_most_one_slot(latency: int, reach: int) -> None:
    """A light task runs at most once in each of its periods."""
    plan = plan_day(DAY, HANOI, [path(rhythm=Rhythm(latency=latency, reach=reach))], "seed")
    for task, every in ((Task.LATENCY, latency), (Task.REACH, reach)):
        periods = Counter(int(slot.moment.timestamp()) // every for slot in of_task(plan, task))
        assert set(periods.values()) <= {1}


def test_usual_schedule_finds_room_for_everything() -> None:
    """With the usual schedule every speed part has its slot, on any day of a year, and hardly any
    light task's period has no room beside a speed slot and a full hour.
    """
    missing = 0
    for number in range(0, 365, 11):
        plan = plan_day(date(2026, 1, 1) + timedelta(number), HANOI, [path()], "probe-1")
        # The night's first part lies across midnight and belongs to either day.
        assert len(of_task(plan, Task.SPEED)) in (8, 9, 10)
        missing += sum(plan.without_room.values())
    assert missing < 5


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


@settings(max_examples=20, deadline=None)
@given(windows, st.integers(1, 4))
def test_evening_is_served_on_a_crowded_line(crowd: tuple[Window, ...], tests: int) -> None:
    """A window of the evening gets its tests, however crowded another path makes the line."""
    evening = (Window(name="evening", start=time(18, 30), end=time(22, 30), tests=tests),)
    crowded = tuple(w.model_copy(update={"tests": 20}) for w in crowd)
    plan = plan_day(
        DAY,
        HANOI,
        [path("a", Rhythm(evening), line="l"), path("b", Rhythm(crowded), line="l")],
        "s",
    )
    assert sum(slot.path == "a" for slot in of_task(plan, Task.SPEED)) == tests


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


def test_a_path_beside_another_goes_to_the_same_server() -> None:
    """What differs between two paths beside each other is the way to the line, not the server."""
    wired = path("eth0", line="l").model_copy(update={"servers": ("a", "b")})
    plan = plan_day(DAY, HANOI, [wired, path("wlan0", line="l", beside="eth0")], "s")
    servers = {slot.part_start: slot.server for slot in plan.slots if slot.path == "eth0"}
    beside = [slot for slot in of_task(plan, Task.SPEED) if slot.path == "wlan0"]
    assert beside
    assert all(slot.server == servers[slot.part_start] is not None for slot in beside)


@settings(max_examples=15, deadline=None)
@given(days, windows, families, st.integers(1, 3), st.text(max_size=8))
def test_a_path_beside_another_is_measured_in_the_same_quarter(
    when: tuple[date, ZoneInfo],
    some: tuple[Window, ...],
    its_families: Families,
    count: int,
    seed: str,
) -> None:
    """Each speed slot of the path beside has one of the other in its quarter of an hour, whole, of
    the same family and part, never at the same time, and none of its own.
    """
    day, zone = when
    wired = path("eth0", Rhythm(some, 120, 60), "l", its_families)
    radios = [path(f"wlan{n}", line="l", beside="eth0", families=SIX) for n in range(count)]
    plan = plan_day(day, zone, [*radios, wired], seed)
    assert overlaps(list(plan.slots)) == []
    speed = of_task(plan, Task.SPEED)
    of_wired = [slot for slot in speed if slot.path == "eth0"]
    beside = [slot for slot in speed if slot.path != "eth0"]
    for slot in beside:
        quarter = slot.moment.timestamp() // QUARTER_SECONDS
        assert any(
            (one.part_start, one.part_end, one.family)
            == (slot.part_start, slot.part_end, slot.family)
            and one.moment.timestamp() // QUARTER_SECONDS == quarter
            for one in of_wired
        )
        ends = slot.moment.timestamp() + RESERVED_SECONDS[Task.SPEED]
        assert ends <= (quarter + 1) * QUARTER_SECONDS
    lone = len(of_wired) * count - len(beside)
    assert plan.without_room[Task.SPEED] >= lone


def test_slots_beside_each_other_come_in_either_order() -> None:
    """Over many days each comes first about as often, and where there is room none is alone."""
    paths = [path("eth0", line="l"), path("wlan0", line="l", beside="eth0")]
    first: Counter[str] = Counter()
    for number in range(40):
        speed = of_task(plan_day(DAY + timedelta(number), HANOI, paths, "s"), Task.SPEED)
        pairs = [speed[at : at + 2] for at in range(0, len(speed), 2)]
        assert all({a.path, b.path} == {"eth0", "wlan0"} for a, b in pairs)
        first.update(min(pair).path for pair in pairs)
    assert 0.4 < first["eth0"] / first.total() < 0.6


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


def test_probes_differ_and_moments_spread() -> None:
    """Two probes measure at different moments, and moments cover their part, not one corner."""
    window = (Window(name="w", start=time(19), end=time(20), tests=1),)
    moments = {
        of_task(plan_day(DAY, HANOI, [path(rhythm=Rhythm(window))], f"probe-{n}"), Task.SPEED)[
            0
        ].moment
        for n in range(100)
    }
    assert len(moments) > 90
    minutes = [m.minute for m in moments]
    assert min(minutes) < 6
    assert max(minutes) > 52


def test_part_too_short_is_counted_not_squeezed_in() -> None:
    """A part that has no room for its task has no slot, and the plan says so."""
    narrow = (Window(name="w", start=time(9), end=time(9, 10), tests=20),)
    plan = plan_day(DAY, HANOI, [path(rhythm=Rhythm(narrow, 3600, 3600))], "s")
    assert of_task(plan, Task.SPEED) == []
    assert plan.without_room[Task.SPEED] == 20


def test_null_tasks_do_not_run() -> None:
    """A task without a schedule has no slots."""
    nothing = MeasuredPath(name="p", schedule=Schedule(speed=None, latency=None, reach=None))
    assert plan_day(DAY, HANOI, [nothing], "s") == Plan((), dict.fromkeys(Task, 0))


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
