"""One probe from its first day to its last: slots, power, clock, records, chain, sealed batches."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from probe.slots import Slot, plan_day
from protocol import chain
from protocol.constants import GENESIS_HASH
from protocol.model import encode
from protocol.records import Outcome, Task, Tombstone
from simulate.lines import nature_of
from simulate.plan import ZONE, FleetPlan
from simulate.records import Drafted, Measurer, Reading, not_run
from simulate.registry import Probe
from simulate.troubles import PowerCut, probe_troubles
from simulate.truth import ChainHead, ProbeTruth

BATCH_BYTES: Final = 1024 * 1024
"""Where the probe ends a batch before its records do."""

BOOT_SECONDS: Final = 41.5
"""From power to the agent's first slot."""

DELIVERED_AFTER_SECONDS: Final = 15.0

TOMBSTONE_SHARE: Final = 0.0004
"""Of records that the probe could not keep."""

OFF: Final = ("probe_off", "found when the agent started again")
STEP: Final = ("clock_step", "the clock passed over the slot's moment")


@dataclass(frozen=True, slots=True)
class Batch:
    """A sealed batch as a probe delivers it.

    Attributes:
        probe: whose.
        chain: of all its lines.
        first_seq: of its first line.
        lines: each without its newline.
        body: what travels, before it is compressed: the lines and the seal.
        sent_at: when the probe would have delivered it, seconds since the epoch.
    """

    probe: str
    chain: str
    first_seq: int
    lines: tuple[bytes, ...]
    body: bytes
    sent_at: float


@dataclass(slots=True)
class _Link:
    """Where the chain stands."""

    name: str
    seq: int = 0
    prev: str = GENESIS_HASH


@dataclass(slots=True)
class _Boot:
    """A boot: its id, and the true moment at which its monotonic clock was 0."""

    id: str
    began: float


class Device:
    """A probe that lives through the plan's days, in their order.

    Attributes:
        probe: which.
        truth: what it wrote so far.
    """

    def __init__(self, plan: FleetPlan, probe: Probe) -> None:
        self.plan = plan
        self.probe = probe
        self.truth = ProbeTruth()
        self._key: Ed25519PrivateKey = probe.key(plan.seed)
        self._dice = plan.dice("device", probe.id)
        troubles = probe_troubles(plan, probe)
        self._cuts = list(troubles.power_cuts)
        self._new_chains = list(troubles.new_chains)
        natures = {line.id: nature_of(plan, line, probe.story) for line in probe.lines}
        self._natures = list(natures.values())
        self._measurers = {
            way.path.name: Measurer(
                probe,
                way,
                natures[way.line.id],
                plan.begins,
                plan.dice("path", probe.id, way.path.name),
            )
            for way in probe.ways
        }
        self._boot = _Boot(self._name(36), plan.begins - self._dice.uniform(1, 90) * 86400)
        self._chain = _Link(self._name(16))
        self._waiting: list[tuple[Slot, tuple[str, str] | None]] = []
        self._lines: list[bytes] = []
        self._bytes = 0
        self._ended = 0.0

    def _name(self, length: int) -> str:
        drawn = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        return drawn if length == len(drawn) else drawn.replace("-", "")[:length]

    def day(self, day: date) -> Iterator[Batch]:
        """Yield the batches of a day; call it for each day in turn."""
        for nature in self._natures:
            nature.next_day(self._dice)
        paths = [way.path for way in self.probe.ways]
        for slot in plan_day(day, ZONE, paths, self.probe.id).slots:
            self.truth.planned += 1
            yield from self._slot(slot)
        yield from self._flush()

    # --- Power and clock -------------------------------------------------------------------------

    def _slot(self, slot: Slot) -> Iterator[Batch]:
        """Yield what is full once a slot has passed; without power it waits for its record."""
        moment = slot.moment.timestamp()
        cut = self._cuts[0] if self._cuts else None
        if cut and moment >= cut.span.start:
            if moment < cut.span.end + _lost(cut):
                # In the first minutes after the cut the device takes this moment for the present.
                measured = moment < cut.span.start + _lost(cut)
                why = None if measured else (OFF if moment < cut.span.end else STEP)
                self._waiting.append((slot, why))
                return
            self._cuts.pop(0)
            yield from self._wake(cut)
        yield from self._restart_chain(moment)
        late = self._dice.randint(10, 90) / 1000
        clock = self._reading(moment + late, moment + late, known=True)
        measured_ = self._measurers[slot.path].run(slot, clock, moment + late)
        yield from self._append(measured_)

    def _wake(self, cut: PowerCut) -> Iterator[Batch]:
        """Yield what is full of the slots that the power cut left behind."""
        yield from self._flush()
        self._boot = _Boot(self._name(36), cut.span.end - BOOT_SECONDS)
        behind = cut.span.end - cut.span.start
        told = cut.span.end + _lost(cut)
        for slot, why in self._waiting:
            moment = slot.moment.timestamp()
            if why is None:
                # By its own clock it is still the moment at which the power went.
                clock = self._reading(moment, moment + behind, known=False)
                yield from self._append(
                    self._measurers[slot.path].run(slot, clock, moment + behind)
                )
            else:
                clock = self._reading(told, told, known=True)
                yield from self._append(not_run(self.probe, slot, clock, Outcome.MISSED, why))
        self._waiting = []

    def _reading(self, says: float, true: float, *, known: bool) -> Reading:
        monotonic = max(0.001, round(true - self._boot.began, 3))
        return Reading(self._boot.id, round(says, 3), monotonic, known)

    # --- The chain -------------------------------------------------------------------------------

    def _restart_chain(self, moment: float) -> Iterator[Batch]:
        if self._new_chains and moment >= self._new_chains[0]:
            self._new_chains.pop(0)
            yield from self._flush()
            self._chain = _Link(self._name(16))

    def _append(self, drafted: Drafted) -> Iterator[Batch]:
        place = self._chain
        line = drafted.build(place.name, place.seq, place.prev)
        own = hashlib.sha256(line).hexdigest()
        if self._dice.random() < TOMBSTONE_SHARE * self.plan.trouble:
            line = self._bury(drafted.slot, own)
            self.truth.tombstones += 1
        else:
            self.truth.count(drafted.slot.task, drafted.outcome, known=drafted.known)
        if self._lines and self._bytes + len(line) > BATCH_BYTES:
            yield from self._flush()
        self._lines.append(line)
        self._bytes += len(line) + 1
        self._ended = max(self._ended, drafted.ended)
        place.seq, place.prev = place.seq + 1, own
        self.truth.chains[place.name] = ChainHead(place.seq, own)
        if len(self._lines) >= self.plan.batch_records:
            yield from self._flush()

    def _bury(self, slot: Slot, own: str) -> bytes:
        return encode(
            Tombstone(
                tombstone="spool_full",
                probe=self.probe.id,
                chain=self._chain.name,
                seq=self._chain.seq,
                prev=self._chain.prev,
                hash=own,
                task=Task(slot.task),
                path=slot.path,
                slot=slot.moment,
            )
        )

    def _flush(self) -> Iterator[Batch]:
        """Yield the batch that is open, if there is one."""
        if not self._lines:
            return
        place = self._chain
        last = chain.Link(self.probe.id, place.name, place.seq - 1, "", place.prev, tombstone=False)
        lines = tuple(self._lines)
        body = chain.write_batch(lines, chain.seal(self._key, last))
        first = place.seq - len(lines)
        sent_at = self._ended + DELIVERED_AFTER_SECONDS
        self._lines, self._bytes = [], 0
        yield Batch(self.probe.id, place.name, first, lines, body, sent_at)


def _lost(cut: PowerCut) -> float:
    """Return for how long the device is wrong about the time, never longer than half of the cut."""
    return min(cut.lost_seconds, (cut.span.end - cut.span.start) / 2)
