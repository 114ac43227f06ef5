"""Each slot's record as text, but for its place in the chain: `build` gives it that.

What a slot ends as follows from the line, its troubles and the dice. The order of the keys and
every field's form are those of `protocol`'s models.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final

from probe.slots import Slot
from protocol.constants import GENESIS_HASH
from protocol.flags import Flag
from protocol.records import (
    ClockState,
    LatencyRecord,
    Method,
    Outcome,
    ReachRecord,
    RecordBase,
    SpeedRecord,
    Task,
)
from simulate.conditions import Moment, conditions_text
from simulate.lines import Nature
from simulate.packets import PACKETS, latency_text, trips_us
from simulate.plan import moment_text
from simulate.planting import Fault
from simulate.reach import reach_text
from simulate.registry import SERVERS, SOFTWARE, Probe, Way
from simulate.speed import Found, Test, speed_text
from simulate.text import NULL, Template, failure_text, string

LINE_BUSY_SHARE: Final = 0.003
FAILING_SHARE: Final = 0.008
SPOILT_SHARE: Final = 0.03
"""Of speed tests: skipped as another ran on, broken on their way, flagged for one of `SPOILING`."""

SPOILING: Final = (
    Flag.CROSS_TRAFFIC,
    Flag.DEVICE_CPU,
    Flag.DEVICE_POWER,
    Flag.DEVICE_HEAT,
    Flag.SERVER_LIMITED,
)
SECONDS: Final = {Task.SPEED: 28.1, Task.LATENCY: 60.2, Task.REACH: 0.8}
"""How long each task takes."""

WIFI_SHARE: Final = (0.55, 0.9)
"""What the radio lets through of the line's rate."""

_RECORDS: Final[dict[Task, type[RecordBase]]] = {
    Task.SPEED: SpeedRecord,
    Task.LATENCY: LatencyRecord,
    Task.REACH: ReachRecord,
}
METHODS: Final = {
    Task.SPEED: Method(name="http", version="2", profile="full"),
    Task.LATENCY: Method(name="stamp", version="2"),
    Task.REACH: Method(name="reach", version="2"),
}
"""As the probe's engines call theirs; a test holds them to it."""

_PLACE: Final = ("chain", "seq", "prev")
_HOLES: Final = (
    "probe",
    *_PLACE,
    "path",
    "slot",
    "family",
    "server",
    "started_at",
    "clock.synchronised",
    "clock.offset_seconds",
    "clock.source",
    "clock.boot_id",
    "clock.monotonic_seconds",
    "outcome",
    "failure",
    "flags",
    "conditions",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The device's clock at a slot's beginning.

    Attributes:
        moment: what it says, seconds since the epoch.
        monotonic: since this boot.
        known: whether somebody vouches for it.
    """

    boot_id: str
    moment: float
    monotonic: float
    known: bool


Build = Callable[[str, int, str], bytes]
"""Gives a record its place: chain, seq, prev → its line."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A record that has no place yet.

    Attributes:
        ended: when it was written, true time, seconds since the epoch.
        known: whether its moment is known without the help of another record.
    """

    slot: Slot
    outcome: Outcome
    ended: float
    known: bool
    build: Build


@cache
def _template(task: Task) -> Template:
    values: dict[str, Any] = {
        "probe": "p",
        "chain": "c",
        "seq": 0,
        "prev": GENESIS_HASH,
        "path": "p",
        "slot": datetime(2026, 1, 1, tzinfo=UTC),
        "started_at": None,
        "clock": ClockState(
            synchronised=None,
            offset_seconds=None,
            source="none",
            boot_id=None,
            monotonic_seconds=0.0,
        ),
        "method": METHODS[task],
        "software": SOFTWARE,
        "outcome": Outcome.SKIPPED,
        "failure": {"code": "line_busy", "detail": ""},
        "flags": (),
        "conditions": None,
        "task": task,
    }
    sample = _RECORDS[task](**values, **{task.value: None})
    return Template(sample, (*_HOLES, task.value))


def _common(probe: Probe, slot: Slot, clock: Reading) -> dict[str, Any]:
    return {
        "probe": f'"{probe.id}"',
        "path": f'"{slot.path}"',
        "slot": f'"{moment_text(slot.moment.timestamp())}"',
        "family": slot.family or NULL,
        "server": string(slot.server),
        "started_at": NULL,
        "clock.synchronised": "true" if clock.known else "false",
        "clock.offset_seconds": "0.000731" if clock.known else NULL,
        "clock.source": '"kernel"' if clock.known else '"none"',
        "clock.boot_id": f'"{clock.boot_id}"',
        "clock.monotonic_seconds": clock.monotonic,
        "failure": NULL,
        "flags": "[]",
        "conditions": NULL,
        slot.task.value: NULL,
    }


def _build(task: Task, values: dict[str, Any], chain: str, seq: int, prev: str) -> bytes:
    place = {"chain": f'"{chain}"', "seq": seq, "prev": f'"{prev}"'}
    return _template(task).fill(values | place).encode()


def not_run(
    probe: Probe, slot: Slot, clock: Reading, outcome: Outcome, why: tuple[str, str]
) -> Drafted:
    """Return the record of a slot that did not run: skipped or missed, with code and detail."""
    values = _common(probe, slot, clock)
    values["outcome"] = f'"{outcome.value}"'
    values["failure"] = failure_text(*why)
    ended = clock.moment
    return Drafted(slot, outcome, ended, clock.known, partial(_build, slot.task, values))


class Measurer:
    """Makes the records of one path.

    Args:
        probe: whose path.
        way: the path.
        nature: what its line is like.
        begins: the fleet's first moment.
        dice: of this path.
    """

    def __init__(
        self, probe: Probe, way: Way, nature: Nature, begins: float, dice: random.Random
    ) -> None:
        self._probe = probe
        self._way = way
        self._nature = nature
        self._begins = begins
        self._dice = dice
        self._servers = {entry.name: number for number, entry in enumerate(SERVERS)}
        self._counters = (dice.randrange(10**9, 10**11), dice.randrange(10**9, 10**11))

    def run(self, slot: Slot, clock: Reading, true: float) -> Drafted:
        """Return a slot's record: it ran, or was skipped. ``true``: when that was."""
        dice = self._dice
        if slot.task is Task.SPEED and dice.random() < LINE_BUSY_SHARE:
            why = ("line_busy", f"line {self._way.line.id} was in use")
            return not_run(self._probe, slot, clock, Outcome.SKIPPED, why)
        outage = self._nature.troubles.outage_at(true)
        code: str | None = outage.failure if outage else None
        if not code and self._refused(slot, true):
            code = "server_busy"
        values = _common(self._probe, slot, clock)
        at = self._moment(slot, clock, failed=code is not None)
        text, failure = self._section(slot, true, code, at)
        outcome = Outcome.FAILED if failure else Outcome.MEASURED
        flags = set(at.flags)
        if not clock.known:
            flags.add(Flag.CLOCK_UNSYNCHRONISED)
        if self._way.wifi:
            flags.add(Flag.WIFI)
        words = ",".join(f'"{flag.value}"' for flag in Flag if flag in flags) if flags else ""
        values |= {
            "started_at": f'"{moment_text(clock.moment)}"',
            "outcome": f'"{outcome.value}"',
            "failure": failure or NULL,
            "flags": f"[{words}]",
            "conditions": conditions_text(slot.path, self._probe.model, at, dice),
            slot.task.value: text,
        }
        received, sent = self._counters
        self._counters = (received + at.received + 90_000, sent + at.sent + 40_000)
        ended = true + at.seconds
        return Drafted(slot, outcome, ended, clock.known, partial(_build, slot.task, values))

    def _moment(self, slot: Slot, clock: Reading, *, failed: bool) -> Moment:
        asks = slot.task is Task.SPEED and not failed
        ip = self._way.public[slot.family or 4] if asks else None
        local = {4: "192.168.1.20", 6: "2001:db8:1::20"}[slot.family or 4]
        return Moment(
            monotonic=clock.monotonic,
            seconds=SECONDS[slot.task],
            received=0,
            sent=0,
            counters=self._counters,
            public=ip,
            local=local if slot.task is not Task.REACH and not failed else None,
            synchronised=clock.known,
        )

    def _section(
        self, slot: Slot, true: float, code: str | None, at: Moment
    ) -> tuple[str, str | None]:
        """Return a slot's section and why it failed; notes in ``at`` what it moved."""
        if slot.task is Task.SPEED:
            return self._speed(slot, true, code, at)
        if slot.task is Task.LATENCY:
            return self._latency(slot, true, code, at)
        trip = self._nature.trip(true, self._dice)
        outage = self._nature.troubles.outage_at(true)
        where = outage.where if outage else None
        text = reach_text(self._probe.server, trip, self._nature.ipv6, where, self._dice)
        return text, None

    def _fault(self, slot: Slot, true: float) -> Fault | None:
        """Return what is wrong with a speed test's server."""
        is_first = slot.task is Task.SPEED and slot.server == self._way.path.servers[0]
        return self._nature.fault_at(true) if is_first else None

    def _refused(self, slot: Slot, true: float) -> bool:
        fault = self._fault(slot, true)
        return fault is not None and fault.kind == "refuses"

    def _speed(
        self, slot: Slot, true: float, code: str | None, at: Moment
    ) -> tuple[str, str | None]:
        dice, nature = self._dice, self._nature
        if code is not None:
            at.seconds = 10.1
            said = "no room at" if code == "server_busy" else "cannot reach"
            return NULL, failure_text(code, f"{said} {slot.server}")
        down, up = nature.rates(true, (true - self._begins) / 86400, dice)
        if self._way.wifi:
            radio = dice.uniform(*WIFI_SHARE)
            down, up = down * radio, up * radio
        flags = frozenset({dice.choice(SPOILING)} if dice.random() < SPOILT_SHARE else ())
        if flags:
            down *= dice.uniform(0.4, 0.8)
        if fault := self._fault(slot, true):
            down, up = (
                min(rate, promised * 1e6 * fault.share * dice.gauss(1, nature.noise))
                for rate, promised in zip((down, up), nature.line.rate, strict=True)
            )
            if fault.kind == "limited":
                flags |= {Flag.SERVER_LIMITED}
        broken = dice.random() < FAILING_SHARE
        trip = nature.trip(true, dice)
        found: Found = speed_text(
            Test(
                server=self._server(slot),
                family=slot.family or 4,
                rates=(down, None if broken else up),
                trip_us=trip,
                wait_us=self._wait(true),
                queue_us=(dice.randint(9_000, 30_000), dice.randint(15_000, 60_000)),
                flags=flags,
            ),
            dice,
        )
        at.received, at.sent = found.received, found.sent
        at.download, at.upload, at.flags = found.download, found.upload, flags
        why = failure_text("connection_lost", "the server closed every stream") if broken else None
        return found.text, why

    def _latency(
        self, slot: Slot, true: float, code: str | None, at: Moment
    ) -> tuple[str, str | None]:
        dice, nature = self._dice, self._nature
        server, family = self._server(slot), slot.family or 4
        at.sent = 2 * PACKETS * 44
        if code is not None:
            text = latency_text(server, family, [], 0)
            return text, failure_text("no_replies", f"{PACKETS} packets sent, none came back")
        lost = sum(dice.random() < nature.loss for _ in range(PACKETS)) if nature.loss else 0
        trip = nature.trip(true, dice)
        trips = trips_us(trip, self._wait(true), PACKETS - lost, dice)
        at.received = (2 * PACKETS - 2 * lost) * 44
        # The line loses for both alike.
        return latency_text(server, family, trips, PACKETS - lost), None

    def _wait(self, true: float) -> int:
        return self._nature.queue_us(true, self._dice) * (5 if self._way.wifi else 1)

    def _server(self, slot: Slot) -> int:
        return self._servers.get(slot.server or "", self._probe.server)
