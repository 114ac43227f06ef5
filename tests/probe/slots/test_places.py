"""Where slots find their place: random, beside each other, crowded, and where there is none."""

from collections import Counter
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from probe.slots import plan_day
from probe.slots.places import QUARTER_SECONDS, RESERVED_SECONDS
from protocol.messages import Window
from protocol.records import Task
from tests.probe.slots.schedules import (
    DAY,
    HANOI,
    SIX,
    Families,
    Rhythm,
    days,
    families,
    of_task,
    overlaps,
    path,
    windows,
)


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
