"""The planner: every planned slot ends as one record, also those that nobody was there to run."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from probe.clock import Clock
from probe.instructions import KeptInstruction, zone
from probe.planner import LOOK_BACK, Planner
from probe.quiet import Quiet
from probe.runner import Assignment, Runner
from probe.servers import Servers
from probe.slots import Done, Slot, plan_day
from protocol.failures import Failure
from protocol.messages import Schedule
from protocol.records import Outcome, Task
from tests.probe.support import (
    ENGINES,
    NOW,
    UNSYNCHRONISED,
    Device,
    FastClock,
    Takes,
    instruction,
    make_journal,
    open_spool,
    path,
    plan,
    records,
    wait_until,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Key = tuple[Task, datetime]


class Bench:
    """A state directory, a device, and agents' planners that come and go on it."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        self.device = Device()
        self.clock = clock or self.device.clock()
        self.spool = open_spool(directory, self.clock)
        self.journal = make_journal(self.spool, self.clock)
        self.take = Takes()
        self.planners: list[Planner] = []

    def start(self, since: datetime | None = NOW) -> Planner:
        """Return a new agent's planner that follows an instruction in force since a moment."""
        runner = Runner(
            journal=self.journal,
            spool=self.spool,
            clock=self.clock,
            quiet=Quiet(),
            servers=Servers(ENGINES),
            take=self.take,
            today=lambda: self.clock.now().date(),
        )
        planner = Planner(
            probe="probe-1",
            clock=self.clock,
            spool=self.spool,
            journal=self.journal,
            runner=runner,
        )
        self.planners.append(planner)
        planner.follow(self.kept(since))
        return planner

    def kept(self, since: datetime | None, schedule: Schedule | None = None) -> KeptInstruction:
        """Return an instruction in force."""
        of = instruction(path(schedule=schedule or plan()))
        return KeptInstruction(etag=None, since=since, instruction=of)

    def planned(self, first: datetime, last: datetime) -> set[Key]:
        """Return the usual plan's slots between two moments."""
        of = instruction(path())
        day, found = first - DAY, set()
        while day <= last + DAY:
            for slot in plan_day(day.date(), zone(of), of.paths, "probe-1").slots:
                if first < slot.moment < last:
                    found.add((slot.task, slot.moment))
            day += DAY
        return found

    def missed(self) -> dict[Key, Failure]:
        """Return the slots that have a record as missed."""
        return {
            (r.task, r.slot): r.failure.code
            for r in records(self.spool)
            if r.outcome is Outcome.MISSED and r.failure
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench on an empty state directory."""
    made = Bench(tmp_path)
    yield made
    for planner in made.planners:
        planner.stop()
    made.spool.close()


def upcoming(planner: Planner) -> set[Key]:
    """Return what a planner has planned for the rest of the day."""
    return {(slot.task, slot.moment) for slots in planner._upcoming.values() for slot in slots}


def end_of_day(moment: datetime) -> datetime:
    """Return the end of Hà Nội's day."""
    return (moment + timedelta(hours=7) + DAY).replace(hour=0, minute=0) - timedelta(hours=7)


def test_rest_of_the_day_is_planned_once(bench: Bench) -> None:
    """A new agent plans the rest of the day, and planning again changes nothing."""
    planner = bench.start()
    expected = bench.planned(NOW, end_of_day(NOW))
    assert upcoming(planner) == expected
    planner.replan()
    assert upcoming(planner) == expected
    assert bench.missed() == {}
    following = planner.next_slots()
    assert following["eth0", Task.REACH].moment == min(m for t, m in expected if t is Task.REACH)


def test_time_off_becomes_missed_slots(bench: Bench) -> None:
    """Slots that passed while the agent was off are written as missed, each once, and no other."""
    bench.start()
    bench.device.passes(3 * DAY + 5 * HOUR)
    bench.start()
    now = bench.clock.now()
    assert set(bench.missed()) == bench.planned(NOW, now)
    assert set(bench.missed().values()) == {Failure.PROBE_OFF}
    count = len(records(bench.spool))
    bench.start()
    assert len(records(bench.spool)) == count
    assert bench.spool.done_since(NOW - DAY)


def test_slot_that_was_under_way_is_missed(bench: Bench) -> None:
    """A slot without a record among slots with records is found: power went in the middle of it."""
    bench.start()
    slots = sorted(bench.planned(NOW, NOW + 2 * HOUR), key=lambda key: key[1])
    whole = {s.moment: s for s in all_slots(bench) if (s.task, s.moment) in slots}
    for task, moment in slots[:4] + slots[5:]:
        assert whole[moment].task is task
        bench.journal.skip(whole[moment], Failure.LINE_BUSY, "a record")
    bench.device.passes(2 * HOUR)
    bench.start()
    assert set(bench.missed()) == {slots[4]}


def all_slots(bench: Bench) -> list[Slot]:
    """Return today's slots."""
    of = instruction(path())
    return list(plan_day(bench.clock.now().date(), zone(of), of.paths, "probe-1").slots)


def test_look_back_is_bounded(bench: Bench) -> None:
    """After a year in a drawer, only the last weeks are written as missed."""
    bench.start()
    bench.device.passes(365 * DAY)
    bench.start()
    now = bench.clock.now()
    first = min(moment for _, moment in bench.missed())
    assert now - LOOK_BACK <= first < now - LOOK_BACK + HOUR
    assert len(bench.missed()) == len(bench.planned(now - LOOK_BACK, now))


def test_untrusted_clock_has_missed_nothing_until_it_is_vouched_for(bench: Bench) -> None:
    """A device that wakes up with a false time writes nothing as missed; when the time is known,
    it does, and plans the true day.
    """
    bench.start()
    bench.device.passes(6 * HOUR)
    bench.device.kernel = UNSYNCHRONISED
    bench.device.wall -= timedelta(days=3652).total_seconds()
    planner = bench.start()
    bench.device.passes(timedelta(minutes=10))
    planner.tick()
    assert bench.missed() == {}
    assert all(moment.year == 2016 for _, moment in upcoming(planner))
    now = NOW + 6 * HOUR + timedelta(minutes=10)
    assert bench.clock.learn(now, 0.0)
    planner.tick()
    assert {moment.date() for _, moment in upcoming(planner)} == {now.date()}
    found = bench.missed()
    assert {k for k, code in found.items() if code is Failure.PROBE_OFF} == bench.planned(
        NOW, now - timedelta(minutes=10)
    )
    passed_over = {key for key, code in found.items() if code is Failure.CLOCK_STEP}
    assert passed_over == bench.planned(now - timedelta(minutes=10), now - timedelta(seconds=120))


def test_step_forward_says_so_of_the_slots_it_passed_over(bench: Bench) -> None:
    """When the clock is set forward while the agent runs, the slots in between are missed for
    that reason.
    """
    planner = bench.start()
    bench.device.passes(timedelta(minutes=1))
    planner.tick()
    bench.device.wall += HOUR.total_seconds()
    bench.device.boot += 0.5
    planner.tick()
    # The agent has been up a minute: by the clock as it is now, it started in what was passed over.
    started = bench.clock.now() - timedelta(minutes=1, seconds=0.5)
    off = {key for key, code in bench.missed().items() if code is Failure.PROBE_OFF}
    assert off == bench.planned(NOW, started)


def test_step_back_runs_no_slot_twice(bench: Bench) -> None:
    """When the clock is set back, slots that have their record are not planned again."""
    planner = bench.start()
    first = min(upcoming(planner), key=lambda key: key[1])
    slot = next(s for s in all_slots(bench) if (s.task, s.moment) == first)
    bench.device.passes(slot.moment - NOW)
    bench.journal.skip(slot, Failure.LINE_BUSY, "a record")
    bench.device.wall -= 600
    planner.tick()
    assert first not in upcoming(planner)
    assert Done(slot.task, slot.path, slot.moment) in bench.spool.done_since(NOW - DAY)


def test_new_schedule_starts_now_and_blames_nobody(bench: Bench) -> None:
    """A new instruction has no missed slots of the time before it was in force."""
    bench.start()
    bench.device.passes(HOUR)
    planner = bench.planners[0]
    planner.follow(bench.kept(bench.clock.now(), schedule=plan(tests=48, reach=60)))
    before = len(bench.missed())
    bench.device.passes(timedelta(seconds=30))
    planner.replan()
    assert len(bench.missed()) == before
    assert max(len(slots) for slots in planner._upcoming.values()) > 500


def test_slots_run_at_their_moments_and_midnight_plans_the_next_day(tmp_path: Path) -> None:
    """On a clock that goes 600 times as fast, across midnight, each planned slot gets exactly one
    record, near its moment.
    """
    start = end_of_day(NOW) - timedelta(minutes=25)
    bench = Bench(tmp_path, FastClock(start, 600))
    planner = bench.start(start)
    planner.start()
    last = start + timedelta(minutes=50)
    assert wait_until(lambda: bench.clock.now() > last + timedelta(minutes=2), 8)
    planner.stop()
    found = records(bench.spool)
    done = [(r.task, r.slot) for r in found]
    assert len(done) == len(set(done))
    assert {key for key in done if key[1] < last} == bench.planned(start, last)
    measured = [r for r in found if r.started_at]
    assert len(measured) > len(found) * 0.7
    late = [(r.started_at - r.slot).total_seconds() for r in measured if r.started_at]
    assert min(late) >= -1
    assert max(late) <= 125
    bench.spool.close()


def test_slot_on_its_way_to_the_runner_is_not_planned_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan made between a slot's moment and its begin does not have it a second time."""
    planner = bench.start()
    key = ("eth0", Task.REACH)
    first = planner.next_slots()[key]
    following: list[Slot] = []

    def plan_anew(work: Assignment) -> None:
        assert work.slot == first
        planner.replan()
        following.append(planner.next_slots()[key])

    monkeypatch.setattr(planner._runner, "run", plan_anew)
    planner._fire(key, planner._generation)
    assert following[0].moment > first.moment
    planner.replan()
    assert planner.next_slots()[key] == first
