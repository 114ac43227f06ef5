"""Writes the record of every slot, exactly one, whatever the disk does.

While the disk is full, records wait in memory, in order. Beyond `MAX_WAITING` some of them shrink
to the bare fact that they could not be kept; beyond `MAX_FACTS` some are lost, and counted. Both go
by the spool's rule: the least valuable first, the oldest of each.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from probe.budget import month_of
from probe.clock import Clock
from probe.engine import Engine
from probe.errors import SpoolError
from probe.measurement import Taken
from probe.slots import Done, Slot
from probe.spool import Spool
from probe.spool_rows import Entry, Worth
from protocol.constants import GENESIS_HASH, MAX_RECORD_BYTES
from protocol.failures import Failure
from protocol.model import encode
from protocol.records import LatencyRecord, Method, Outcome, ReachRecord, SpeedRecord, Task
from protocol.results import FailureReport

MAX_WAITING: Final = 200
"""Whole records in memory while the disk is full: some 10 MB, two days of an ordinary schedule."""

MAX_FACTS: Final = 5000
"""Shrunken records in memory: a kilobyte each, two weeks of an ordinary schedule."""

WRITTEN_AT_ONCE: Final = 100
"""Records in one transaction: after weeks without power thousands of slots were missed."""

_MODELS: Final[Mapping[Task, type[SpeedRecord | LatencyRecord | ReachRecord]]] = {
    Task.SPEED: SpeedRecord,
    Task.LATENCY: LatencyRecord,
    Task.REACH: ReachRecord,
}
_WORTH: Final = {Task.LATENCY: Worth.LATENCY, Task.REACH: Worth.REACH}

log = logging.getLogger(__name__)

AnyRecord = SpeedRecord | LatencyRecord | ReachRecord


@dataclass(slots=True)
class _Waiting:
    """A record whose place in the chain is not known yet."""

    draft: AnyRecord
    slot: Slot
    worth: Worth
    moved_bytes: int = 0
    month: str = ""
    shrunken: bool = False

    def entry(self) -> Entry:
        draft = self.draft

        def build(chain: str, seq: int, prev: str) -> bytes:
            return encode(draft.model_copy(update={"chain": chain, "seq": seq, "prev": prev}))

        return Entry(
            build=build,
            task=self.slot.task,
            path=self.slot.path,
            slot=self.slot.moment,
            worth=self.worth,
            planned=self.slot.planned,
            trusted=draft.clock.source != "none",
            moved_bytes=self.moved_bytes,
            month=self.month,
        )


class Journal:
    """The only writer of the spool. Safe to use from several threads.

    Args:
        spool: where records go.
        clock: dates the records of slots that were not measured.
        probe: the probe's id.
        software: name and version, for the record.
        engine_of: returns what was planned to measure a slot, for one that did not run.
        today: the local day, for the data budget.
    """

    def __init__(
        self,
        *,
        spool: Spool,
        clock: Clock,
        probe: str,
        software: str,
        engine_of: Callable[[Slot], Engine],
        today: Callable[[], date],
    ) -> None:
        self.outcomes: Counter[tuple[Task, Outcome]] = Counter()
        self.lost = 0
        self.latest: dict[tuple[str, Task], AnyRecord] = {}
        self.latest_failure: dict[str, AnyRecord] = {}
        self._spool = spool
        self._clock = clock
        self._probe = probe
        self._software = software
        self._engine_of = engine_of
        self._today = today
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []

    def record(self, slot: Slot, taken: Taken) -> None:
        """Write what a measurement gave."""
        moved = taken.received_bytes + taken.sent_bytes
        draft = self._draft(
            slot,
            started_at=taken.started_at,
            clock=taken.clock,
            method=taken.method,
            outcome=taken.outcome,
            failure=taken.failure,
            flags=taken.flags,
            conditions=taken.conditions,
            section=taken.section,
        )
        worth = _WORTH.get(slot.task)
        if worth is None:
            worth = Worth.EVIDENCE if slot.profile == "full" else Worth.LESSER
        self._write([self._budgeted(_Waiting(draft, slot, worth), moved)])

    def skip(self, slot: Slot, code: Failure, detail: str, moved_bytes: int = 0) -> None:
        """Write that a slot did not run, or not to its end, and why.

        Args:
            slot: the slot.
            code: why.
            detail: the same for people.
            moved_bytes: what it had moved, for the data budget.
        """
        skipped = self._unmeasured(slot, Outcome.SKIPPED, code, detail)
        self._write([self._budgeted(skipped, moved_bytes)])

    def miss(self, slots: Sequence[Slot], code: Failure, detail: str) -> None:
        """Write that slots passed with nobody there to run them."""
        for first in range(0, len(slots), WRITTEN_AT_ONCE):
            part = slots[first : first + WRITTEN_AT_ONCE]
            self._write([self._unmeasured(slot, Outcome.MISSED, code, detail) for slot in part])

    def flush(self) -> None:
        """Try to write what waits in memory."""
        with self._lock:
            if self._waiting:
                self._store()

    def waiting(self) -> int:
        """Return how many records wait in memory for room on the disk."""
        return len(self._waiting)

    def waiting_slots(self) -> list[Done]:
        """Return the slots whose record waits in memory: they are served all the same."""
        with self._lock:
            return [Done(w.slot.task, w.slot.path, w.slot.moment) for w in self._waiting]

    def _budgeted(self, record: _Waiting, moved_bytes: int) -> _Waiting:
        """Count a record's bytes against its path's data budget, which is for speed tests."""
        if record.slot.task is Task.SPEED:
            record.moved_bytes, record.month = moved_bytes, month_of(self._today())
        return record

    def _unmeasured(self, slot: Slot, outcome: Outcome, code: Failure, detail: str) -> _Waiting:
        engine = self._engine_of(slot)
        draft = self._draft(
            slot,
            started_at=None,
            clock=self._clock.state(),
            method=Method(
                name=engine.name,
                version=engine.version,
                profile=engine.profile_of(slot.profile),
            ),
            outcome=outcome,
            failure=FailureReport(code=code, detail=detail[:500]),
            flags=(),
            conditions=None,
            section=None,
        )
        return _Waiting(draft, slot, Worth.LESSER)

    def _draft(self, slot: Slot, *, section: object, **fields: Any) -> AnyRecord:  # noqa: ANN401 - the record's own fields
        model = _MODELS[slot.task]
        common = {
            "probe": self._probe,
            "chain": "draft",
            "seq": 0,
            "prev": GENESIS_HASH,
            "task": slot.task,
            "path": slot.path,
            "slot": slot.moment,
            "family": slot.family,
            "server": slot.server,
            "software": self._software,
        }
        try:
            draft = model(**common, **fields, **{slot.task.value: section})
            size = len(encode(draft))
        except ValidationError as error:
            log.exception("a measurement does not fit its record")
            reason = f"the measurement does not fit its record: {error.errors()[0]['loc']}"
        else:
            if size < MAX_RECORD_BYTES - 2 * len(GENESIS_HASH):
                return draft
            reason = f"the record is too long: {size} bytes"
        fields.update(
            started_at=fields["started_at"] or self._clock.now(),
            outcome=Outcome.FAILED,
            failure=FailureReport(code=Failure.INTERNAL, detail=reason[:500]),
            conditions=None,
        )
        return model(**common, **fields, **{slot.task.value: None})

    def _write(self, records: list[_Waiting]) -> None:
        with self._lock:
            self._waiting += records
            for record in records:
                draft = record.draft
                self.outcomes[draft.task, draft.outcome] += 1
                self.latest[draft.path, draft.task] = draft
                if draft.failure:
                    self.latest_failure[draft.path] = draft
            self._store()

    def _store(self) -> None:
        """Write what waits, the oldest first, until all of it is written or the disk refuses."""
        try:
            while self._waiting:
                first = self._waiting[:WRITTEN_AT_ONCE]
                self._spool.append([waiting.entry() for waiting in first])
                del self._waiting[:WRITTEN_AT_ONCE]
        except SpoolError as error:
            log.warning("%d records wait in memory: %s", len(self._waiting), error)
            self._shrink()

    def _shrink(self) -> None:
        """Keep what waits within its bounds, the most valuable and newest as they are."""
        whole = [waiting for waiting in self._waiting if not waiting.shrunken]
        for waiting in _by_worth(whole)[:-MAX_WAITING]:
            waiting.draft = _bare(waiting.draft)
            waiting.shrunken = True
        excess = len(self._waiting) - MAX_FACTS
        if excess > 0:
            self.lost += excess
            log.error("%d records are lost: the disk has been full for too long", excess)
            given_up = {id(waiting) for waiting in _by_worth(self._waiting)[:excess]}
            self._waiting = [each for each in self._waiting if id(each) not in given_up]


def _by_worth(waiting: Sequence[_Waiting]) -> list[_Waiting]:
    """Return what waits in the order in which it gives way; the sort keeps the oldest first."""
    return sorted(waiting, key=lambda each: each.worth)


def _bare(draft: AnyRecord) -> AnyRecord:
    """Return what is left of a record for which there is no room: that it was made."""
    if draft.outcome in (Outcome.SKIPPED, Outcome.MISSED):
        return draft
    detail = f"the device's disk was full; the slot had ended as {draft.outcome.value}"
    return draft.model_copy(
        update={
            "outcome": Outcome.FAILED,
            "failure": FailureReport(code=Failure.LOCAL_RESOURCE, detail=detail),
            "conditions": None,
            draft.task.value: None,
        }
    )
