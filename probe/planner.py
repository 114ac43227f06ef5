"""Turns the instruction into slots that run at their moments, and accounts for those that did not.

APScheduler runs one job for each path and task: its next slot. The day is planned anew at local
midnight, when the instruction changes, and when a clock is stepped; a day planned again has the
same slots, so nothing runs twice. What has passed without a record is written as missed, but only
while somebody vouches for the clock: a device that wakes up in 1970 has missed nothing.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler

from probe.clock import Clock
from probe.errors import SpoolError
from probe.instructions import KeptInstruction, zone
from probe.journal import Journal
from probe.runner import OVERDUE_SECONDS, Assignment, Runner
from probe.slots import Done, Plan, Slot, plan_day, unserved
from probe.spool import Spool
from protocol.failures import Failure
from protocol.records import Task

LOOK_BACK: Final = timedelta(days=35)
"""How far back missed slots are written: a month and some days. A probe that was in a drawer for a
year has no more to say of that year than its last record says already."""

SEEN: Final = timedelta(days=1)
"""Slots are checked one by one from this long before a task's last record on: a slot that was under
way when the power went has none, though later ones may."""

REMEMBERED: Final = timedelta(days=8)
"""How long served slots are remembered: `SEEN` and a week, more than lies between two plannings."""

STEP_SECONDS: Final = 2.0
"""A clock that moved by this against CLOCK_BOOTTIME was stepped, not slewed: plan anew."""

MAX_THREADS: Final = 32
"""Slots that run or wait for their line at once: 16 paths, two each. Made only when needed."""

Key = tuple[str, Task]

log = logging.getLogger(__name__)


class Planner:
    """Plans and starts the slots of one probe. Safe to use from several threads.

    Args:
        probe: the probe's id, the seed of its moments.
        clock: the time.
        spool: knows the served slots.
        journal: writes what was missed.
        runner: runs a slot.
    """

    def __init__(
        self, *, probe: str, clock: Clock, spool: Spool, journal: Journal, runner: Runner
    ) -> None:
        self.without_room: Mapping[Task, int] = {}
        self._probe = probe
        self._clock = clock
        self._spool = spool
        self._journal = journal
        self._runner = runner
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": {"type": "threadpool", "max_workers": MAX_THREADS}},
            job_defaults={"misfire_grace_time": None, "max_instances": MAX_THREADS},
        )
        self._lock = threading.RLock()
        self._kept: KeptInstruction | None = None
        self._upcoming: dict[Key, deque[Slot]] = {}
        self._fired: set[Done] = set()
        self._generation = 0
        self._began = clock.boottime()
        self._offsets: tuple[float, float] | None = None
        self._trusted = False

    def start(self) -> None:
        """Begin to run slots."""
        self._scheduler.start()

    def stop(self) -> None:
        """Start no further slot."""
        with self._lock:
            self._generation += 1
            self._upcoming = {}
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def follow(self, kept: KeptInstruction) -> None:
        """Follow an instruction from now on; what was missed under the old one is written first."""
        with self._lock:
            self._look_back_safely()
            self._kept = kept
            self.replan()

    @property
    def kept(self) -> KeptInstruction | None:
        """The instruction in force."""
        return self._kept

    def zone(self) -> ZoneInfo:
        """Return the zone of the schedules' days."""
        return zone(self._kept.instruction) if self._kept else ZoneInfo("UTC")

    def today(self) -> date:
        """Return the local day."""
        return self._clock.now().astimezone(self.zone()).date()

    def next_slots(self) -> dict[Key, Slot]:
        """Return the next slot of each path and task that is planned for today."""
        with self._lock:
            return {key: slots[0] for key, slots in self._upcoming.items() if slots}

    def tick(self) -> None:
        """Plan anew if a clock was stepped or is vouched for now. Call it every few seconds."""
        true, wall = self._clock.offsets()
        with self._lock:
            stepped = self._offsets is None or (
                abs(true - self._offsets[0]) > STEP_SECONDS
                or abs(wall - self._offsets[1]) > STEP_SECONDS
            )
            if stepped or self._clock.trusted != self._trusted:
                self.replan()

    def replan(self) -> None:
        """Plan the rest of the day, and write what was missed."""
        with self._lock:
            self._offsets = self._clock.offsets()
            self._trusted = self._clock.trusted
            self._generation += 1
            self._scheduler.remove_all_jobs()
            self._upcoming = {}
            if self._kept is None:
                return
            self._look_back_safely()
            self._plan_today(self._kept)
            for key in self._upcoming:
                self._schedule_next(key)
            midnight = _midnight(self.today() + timedelta(1), self.zone())
            self._at(midnight + timedelta(seconds=1), self.replan, "midnight")

    def _plan_today(self, kept: KeptInstruction) -> None:
        plan = self._plan(kept, self.today())
        self.without_room = plan.without_room
        crowded = plan.without_room[Task.SPEED]
        if crowded:
            log.warning("%d speed slots of today find no room on their line", crowded)
        earliest = max(self._started(), self._clock.now() - timedelta(seconds=OVERDUE_SECONDS))
        for slot in self._without_record(plan.slots, earliest):
            if slot.moment >= earliest:
                self._upcoming.setdefault((slot.path, slot.task), deque()).append(slot)

    def _plan(self, kept: KeptInstruction, day: date) -> Plan:
        instruction = kept.instruction
        plan = plan_day(day, self.zone(), instruction.paths, self._probe)
        engines = {entry.name: entry.engine for entry in instruction.servers}
        slots = (
            replace(slot, engine=engines.get(slot.server)) if slot.server else slot
            for slot in plan.slots
        )
        return replace(plan, slots=tuple(slots))

    def _without_record(self, slots: Iterable[Slot], since: datetime) -> list[Slot]:
        """Return the slots that have no record, and are not about to have one."""
        busy = [*self._journal.waiting_slots(), *self._runner.open_slots(), *self._fired]
        try:
            served = self._spool.done_since(since - SEEN)
        except SpoolError as error:
            log.warning("served slots cannot be read: %s", error)
            served = []
        return unserved(slots, {*served, *busy})

    # --- Running ---------------------------------------------------------------------------------

    def _schedule_next(self, key: Key) -> None:
        slots = self._upcoming.get(key)
        if slots:
            name = f"{key[0]} {key[1].value}"
            self._at(slots[0].moment, self._fire, name, key, self._generation)

    def _fire(self, key: Key, generation: int) -> None:
        """Run a slot in the scheduler's thread; its successor is on its way before it starts."""
        with self._lock:
            kept = self._kept
            if generation != self._generation or not self._upcoming.get(key) or kept is None:
                return
            slot = self._upcoming[key].popleft()
            # Until the runner knows of it, a plan made meanwhile must not have it a second time.
            fired = Done(slot.task, slot.path, slot.moment)
            self._fired.add(fired)
            self._schedule_next(key)
        try:
            for path in kept.instruction.paths:
                if path.name == slot.path:
                    self._runner.run(Assignment(slot, path, kept.instruction.servers))
        finally:
            with self._lock:
                self._fired.discard(fired)

    def _at(self, moment: datetime, call: object, name: str, *arguments: object) -> None:
        """Have the scheduler, which goes by the device's clock, call at a true moment."""
        seconds = self._clock.seconds_until(moment)
        self._scheduler.add_job(
            call,
            "date",
            run_date=datetime.now(UTC) + timedelta(seconds=max(0.0, seconds)),
            args=arguments,
            id=f"{name} {self._generation} {moment.isoformat()}",
        )

    # --- What was missed -------------------------------------------------------------------------

    def _started(self) -> datetime:
        """Return when this agent started, by the clock as it is known now."""
        running = self._clock.boottime() - self._began
        return self._clock.now() - timedelta(seconds=running)

    def _look_back_safely(self) -> None:
        try:
            self._look_back()
        except SpoolError as error:
            log.warning("missed slots cannot be found now: %s", error)

    def _look_back(self) -> None:
        """Write the slots as missed that have passed without a record."""
        kept = self._kept
        if kept is None or not self._clock.trusted:
            return
        now, started = self._clock.now(), self._started()
        latest = now - timedelta(seconds=OVERDUE_SECONDS)
        oldest = now - LOOK_BACK
        since = self._known_since(kept, oldest)
        missed: dict[Failure, list[Slot]] = {Failure.PROBE_OFF: [], Failure.CLOCK_STEP: []}
        if since:
            first = min(since.values())
            day = first.astimezone(self.zone()).date()
            slots: list[Slot] = []
            while day <= self.today():
                slots += self._plan(kept, day).slots
                day += timedelta(1)
            for slot in self._without_record(slots, first):
                if slot.moment <= since.get((slot.path, slot.task), now):
                    continue
                if slot.moment < started:
                    missed[Failure.PROBE_OFF].append(slot)
                elif slot.moment < latest:
                    missed[Failure.CLOCK_STEP].append(slot)
        self._journal.miss(
            missed[Failure.PROBE_OFF], Failure.PROBE_OFF, "found when the agent started again"
        )
        self._journal.miss(
            missed[Failure.CLOCK_STEP],
            Failure.CLOCK_STEP,
            "the clock passed over the slot's moment",
        )
        self._spool.forget_done(before=now - REMEMBERED, after=now + SEEN)

    def _known_since(self, kept: KeptInstruction, oldest: datetime) -> dict[Key, datetime]:
        """Return from when on each path's tasks are known to have been planned like this.

        That is the moment the instruction came into force, or a day before the task's last record
        with a trusted clock, whichever is later; where there is neither, nothing is known.
        """
        last: dict[Key, datetime] = {}
        for done in self._spool.done_since(oldest - SEEN, trusted_only=True):
            key = (done.path, done.task)
            last[key] = max(last.get(key, done.moment), done.moment)
        since: dict[Key, datetime] = {}
        for path in kept.instruction.paths:
            for task in Task:
                bounds = [oldest]
                if kept.since:
                    bounds.append(kept.since)
                if (path.name, task) in last:
                    bounds.append(last[path.name, task] - SEEN)
                if len(bounds) > 1:
                    since[path.name, task] = max(bounds)
        return since


def _midnight(day: date, of: ZoneInfo) -> datetime:
    return datetime.combine(day, time_of_day(), of).astimezone(UTC)
