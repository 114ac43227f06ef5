"""Runs one slot: the reasons not to, the line's lock, the measurement, the record.

Every slot that is started here ends as exactly one record, also when the agent is stopped in the
middle of it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from probe.budget import allows, month_of
from probe.clock import Clock
from probe.engine import Engine, Order, Progress
from probe.errors import SpoolError
from probe.journal import Journal
from probe.measurement import Taken
from probe.neighbour import neighbour_of
from probe.quiet import Quiet
from probe.servers import Assigned, NoServerError, Servers
from probe.slots import Done, Slot, line_key
from probe.spool import Spool
from protocol.constants import FOREIGN_ENGINES
from protocol.failures import Failure
from protocol.messages import MeasuredPath, ServerEntry
from protocol.records import Outcome, Task

OVERDUE_SECONDS: Final = 120
"""A slot that cannot start within two minutes of its moment is skipped: the moment was drawn, and
starting whenever the device comes round to it would choose the moments by what went wrong."""

WAIT_FOR_LINE_SECONDS: Final = {Task.SPEED: 60.0, Task.LATENCY: 5.0, Task.REACH: 5.0}
"""How long a slot waits for its line. Planned slots never overlap; a measurement that takes longer
than planned can make one wait. What is rare and valuable waits longer."""

WAIT_FOR_QUIET_SECONDS: Final = {Task.SPEED: 20.0, Task.LATENCY: 5.0}
"""How long a measurement waits for a delivery under way. `reach` moves nothing and waits not."""

WAIT_FOR_SERVER_SECONDS: Final = 45.0
"""How long a slot waits in all for a server that is full: with the test itself (some 35 s) it stays
within the time that the slot has its line for itself."""

STOP_SECONDS: Final = 5.0
"""How long measurements are given to end when the agent is stopped."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A slot with what is needed to run it."""

    slot: Slot
    path: MeasuredPath
    servers: Sequence[ServerEntry]


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a slot is skipped, and what it had moved by then."""

    code: Failure
    detail: str
    moved_bytes: int = 0


class _Stopped(Exception):  # noqa: N818 - not an error
    """The agent is stopping. Carries what the measurement that was cut short had moved."""

    def __init__(self, moved_bytes: int = 0) -> None:
        super().__init__()
        self.moved_bytes = moved_bytes


class Runner:
    """Runs slots, each line's one at a time. Safe to use from several threads.

    Args:
        journal: writes the records.
        spool: knows what a path's tests have used this month.
        clock: the time.
        quiet: keeps deliveries away from measurements.
        servers: assigns each slot its engine and its server.
        take: makes one measurement; returns within its deadline, whatever happens.
        today: the local day, for the data budget.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        spool: Spool,
        clock: Clock,
        quiet: Quiet,
        servers: Servers,
        take: Callable[[Engine, Order, Clock], Taken],
        today: Callable[[], date],
    ) -> None:
        self._journal = journal
        self._spool = spool
        self._clock = clock
        self._quiet = quiet
        self._servers = servers
        self._take = take
        self._today = today
        self._stopping = threading.Event()
        self._lines: dict[str, threading.Lock] = {}
        self._changed = threading.Condition()
        self._open: dict[Done, tuple[Slot, bool]] = {}

    def run(
        self, work: Assignment, progress: Callable[[Progress], None] | None = None
    ) -> Taken | None:
        """Run a slot to its record; return what was measured, or None where it was skipped.

        Ends within the waiting times above and the engine's deadline.
        """
        slot = work.slot
        if not self._begin(slot):
            return None
        taken: Taken | None = None
        reason: _Reason | None = None
        try:
            taken, reason = self._attempt(work, progress)
        except _Stopped as stopped:
            reason = _Reason(
                Failure.PROBE_STOPPING, "the agent was asked to stop", stopped.moved_bytes
            )
        finally:
            self._end(slot, taken, reason or _Reason(Failure.INTERNAL, "a defect ended the slot"))
        return taken

    def open_slots(self) -> list[Done]:
        """Return the slots that have begun and have no record yet."""
        with self._changed:
            return list(self._open)

    def cancel(self) -> None:
        """Have measurements under way end soon, and start no further one."""
        self._stopping.set()

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """End all measurements; return whether they did within ``seconds``.

        A slot that has not ended by then gets its record here: skipped.
        """
        self.cancel()
        with self._changed:
            self._changed.wait_for(lambda: not self._open, seconds)
            left = [slot for slot, claimed in self._open.values() if not claimed]
        for slot in left:
            self._end(
                slot, None, _Reason(Failure.PROBE_STOPPING, "the agent was stopped meanwhile")
            )
        return not left

    def _attempt(
        self, work: Assignment, progress: Callable[[Progress], None] | None
    ) -> tuple[Taken | None, _Reason | None]:
        slot = work.slot
        late = -self._clock.seconds_until(slot.moment)
        if late > OVERDUE_SECONDS:
            return None, _Reason(Failure.OVERDUE, f"{late:.0f} s late")
        try:
            assigned = self._servers.assign(slot, work.path, work.servers)
        except NoServerError as error:
            return None, _Reason(error.code, error.detail)
        spent = self._budget(work)
        if spent:
            return None, _Reason(Failure.DATA_BUDGET, spent)
        with self._line(work) as free:
            if not free:
                return None, _Reason(Failure.LINE_BUSY, f"{line_key(work.path)} was in use")
            with self._silence(slot.task):
                if self._stopping.is_set():
                    raise _Stopped
                return self._measure(work, assigned, progress), None

    def _measure(
        self,
        work: Assignment,
        assigned: Assigned,
        progress: Callable[[Progress], None] | None,
    ) -> Taken:
        engine, server = assigned.engine, assigned.server
        order = Order(
            server=server,
            candidates=assigned.candidates,
            others=tuple(
                entry.url for entry in work.servers if entry.engine not in FOREIGN_ENGINES
            ),
            neighbour=neighbour_of(server, work.servers),
            carrier_prefixes=work.path.carrier_prefixes,
            interface=work.path.interface,
            family=work.slot.family,
            profile=work.slot.profile,
            deadline=time.monotonic() + engine.deadline_seconds,
            cancelled=self._stopping,
            ookla_terms_accepted=self._servers.ookla_terms_accepted,
            patience_seconds=WAIT_FOR_SERVER_SECONDS,
        )
        if progress:
            order = replace(order, progress=progress)
        taken = self._take(engine, order, self._clock)
        if self._stopping.is_set() and taken.outcome is Outcome.FAILED:
            # Its bytes are spent all the same.
            raise _Stopped(taken.received_bytes + taken.sent_bytes)
        return taken

    def _budget(self, work: Assignment) -> str | None:
        """Return why the data budget forbids a slot, or None where it does not."""
        budget = work.path.monthly_data_budget_bytes
        if work.slot.task is not Task.SPEED or budget is None:
            return None
        today = self._today()
        try:
            usage = self._spool.usage(work.path.name, month_of(today))
        except SpoolError as error:
            log.warning("the data budget cannot be read, the test runs: %s", error)
            return None
        if allows(
            budget,
            usage.month_bytes,
            usage.last_bytes,
            today,
            evening_follows=work.slot.evening_follows,
        ):
            return None
        return f"{usage.month_bytes} of {budget} bytes used this month"

    @contextmanager
    def _line(self, work: Assignment) -> Iterator[bool]:
        with self._changed:
            lock = self._lines.setdefault(line_key(work.path), threading.Lock())
        end = time.monotonic() + WAIT_FOR_LINE_SECONDS[work.slot.task]
        while not (free := lock.acquire(timeout=0.2)) and time.monotonic() < end:
            if self._stopping.is_set():
                raise _Stopped
        try:
            yield free
        finally:
            if free:
                lock.release()

    def _silence(self, task: Task) -> AbstractContextManager[None]:
        patience = WAIT_FOR_QUIET_SECONDS.get(task)
        if patience is None:
            return nullcontext()
        return self._quiet.measuring(patience, light=task is not Task.SPEED)

    def _begin(self, slot: Slot) -> bool:
        done = Done(slot.task, slot.path, slot.moment)
        with self._changed:
            if done in self._open:
                return False
            self._open[done] = (slot, False)
        return True

    def _end(self, slot: Slot, taken: Taken | None, reason: _Reason) -> None:
        """Write the slot's record, unless `stop` or the slot's own thread already does."""
        done = Done(slot.task, slot.path, slot.moment)
        with self._changed:
            if self._open.get(done, (slot, True))[1]:
                return
            self._open[done] = (slot, True)
        try:
            if taken:
                self._journal.record(slot, taken)
            else:
                self._journal.skip(slot, reason.code, reason.detail, reason.moved_bytes)
        finally:
            with self._changed:
                del self._open[done]
                self._changed.notify_all()
