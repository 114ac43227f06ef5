"""What the tests of the agent's parts share: clocks to move, engines that do nothing."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from probe.clock import Clock, KernelClock
from probe.engine import Engine, Measurement, Order
from probe.journal import Journal
from probe.measurement import Taken, take
from probe.slots import Slot
from probe.spool import Spool
from protocol.chain import follow
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.messages import (
    Instruction,
    LatencySchedule,
    MeasuredPath,
    ReachSchedule,
    Schedule,
    ServerEntry,
    SpeedSchedule,
    Window,
)
from protocol.records import RECORD, LatencyRecord, Method, Outcome, ReachRecord, SpeedRecord, Task
from protocol.results import (
    FailureReport,
    LatencySummary,
    Reach,
    ReachTarget,
    ServerIdentity,
    Speed,
    SpeedLatency,
    Transfer,
)

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
"""Ten in the morning in Hà Nội."""

SERVER = ServerEntry(name="server", url="http://server.example:8080", stamp="server.example:8080")
SYNCHRONISED = KernelClock(synchronised=True, offset_seconds=0.0)
UNSYNCHRONISED = KernelClock(synchronised=False, offset_seconds=0.0)


@dataclass
class Device:
    """A device whose clocks the test moves."""

    wall: float = NOW.timestamp()
    boot: float = 1000.0
    kernel: KernelClock | None = SYNCHRONISED

    def clock(self) -> Clock:
        """Return a clock that reads this device."""
        return Clock(lambda: self.wall, lambda: self.boot, lambda: self.kernel, lambda: "boot")

    def passes(self, span: timedelta) -> None:
        """Let time go on."""
        self.wall += span.total_seconds()
        self.boot += span.total_seconds()


class FastClock(Clock):
    """A synchronised clock on which time goes ``rate`` times as fast as it does."""

    def __init__(self, start: datetime, rate: float) -> None:
        self._rate = rate
        began = time.monotonic()
        super().__init__(
            wall=lambda: start.timestamp() + (time.monotonic() - began) * rate,
            boottime=lambda: 1000.0 + (time.monotonic() - began) * rate,
            kernel=lambda: SYNCHRONISED,
            boot_id=lambda: "boot",
        )

    def seconds_until(self, moment: datetime) -> float:
        """Return the real seconds until a moment of this clock."""
        return super().seconds_until(moment) / self._rate


def plan(tests: int = 24, latency: int = 900, reach: int = 300) -> Schedule:
    """Return a schedule: ``tests`` a day in one window, the light tasks' periods in seconds."""
    day = Window(name="day", start="00:00", end="00:00", tests=tests)
    return Schedule(
        speed=SpeedSchedule(windows=(day,)),
        latency=LatencySchedule(every_seconds=latency),
        reach=ReachSchedule(every_seconds=reach),
    )


def path(name: str = "eth0", **changes: object) -> MeasuredPath:
    """Return a path with a plan."""
    return MeasuredPath.model_validate(
        {"name": name, "line": "line-1", "schedule": plan(), **changes}
    )


def instruction(*paths: MeasuredPath, servers: tuple[ServerEntry, ...] = (SERVER,)) -> Instruction:
    """Return an instruction for probe-1."""
    return Instruction(probe="probe-1", servers=servers, paths=paths or (path(),))


def slot(task: Task = Task.SPEED, moment: datetime = NOW, **changes: object) -> Slot:
    """Return a planned slot, changed as asked."""
    fields: dict[str, object] = {
        "moment": moment,
        "task": task,
        "path": "eth0",
        "family": 4,
        "profile": "full",
        "part_start": moment - timedelta(minutes=1),
        "part_end": moment + timedelta(minutes=10),
        "evening": False,
        **changes,
    }
    return Slot(**fields)  # type: ignore[arg-type]  # one dict for fields of many types


def never(order: Order) -> Measurement:
    """Stand for an engine that `take` is given instead of."""
    raise AssertionError(order)


ENGINES = {
    Task.SPEED: Engine("http", "1", Task.SPEED, 75, never),
    Task.LATENCY: Engine("stamp", "1", Task.LATENCY, 75, never),
    Task.REACH: Engine("reach", "1", Task.REACH, 30, never),
}

_TRANSFER = Transfer(
    bits_per_second=1e8,
    bytes=125_000_000,
    duration_seconds=10,
    warm_up_seconds=3,
    total_bytes=160_000_000,
    counted_by="receiver",
    stream_count=0,
    streams=(),
    samples=(),
    server=None,
)
_SUMMARY = LatencySummary(
    minimum_seconds=0.01,
    median_seconds=0.012,
    p95_seconds=0.02,
    jitter_seconds=0.001,
    sent=20,
    received=20,
    round_trips_seconds=(),
)
_IDENTITY = ServerIdentity(
    url=SERVER.url, address=None, name=None, software=None, tests_running=None, cpu_ratio=None
)


def section_of(task: Task) -> Speed | Reach | None:
    """Return a small section of a task; none for latency, whose records then fail."""
    if task is Task.SPEED:
        latency = SpeedLatency(idle=_SUMMARY, download=None, upload=None)
        return Speed(
            download=_TRANSFER, upload=_TRANSFER, latency=latency, server=_IDENTITY, ip_version=4
        )
    target = ReachTarget(
        name="gateway",
        target="192.0.2.1",
        ip_version=4,
        reached=True,
        round_trip_seconds=0.001,
        failure=None,
    )
    return Reach(targets=(target,)) if task is Task.REACH else None


def taken(engine: Engine, clock: Clock, failure: Failure | None = None) -> Taken:
    """Return what a measurement gave; a latency test always got no replies."""
    section = None if failure else section_of(engine.task)
    if section is None:
        failure = failure or Failure.NO_REPLIES
    return Taken(
        started_at=clock.now(),
        clock=clock.state(),
        method=Method(name=engine.name, version=engine.version),
        outcome=Outcome.FAILED if failure else Outcome.MEASURED,
        failure=FailureReport(code=failure, detail="as the test asked") if failure else None,
        flags=(),
        conditions=None,
        section=section,
        task=engine.task,
        received_bytes=160_000_000,
        sent_bytes=160_000_000,
    )


def open_spool(directory: Path, clock: Clock) -> Spool:
    """Return a spool that is large enough."""
    return Spool(directory, "probe-1", 64 * 1024 * 1024, clock.now)


def make_journal(spool: Spool, clock: Clock) -> Journal:
    """Return a journal of probe-1."""
    return Journal(
        spool=spool,
        clock=clock,
        probe="probe-1",
        software="linewatch/test",
        engine_of=lambda slot: ENGINES[slot.task],
        today=lambda: clock.now().date(),
    )


AnyRecord = SpeedRecord | LatencyRecord | ReachRecord


def records(spool: Spool) -> list[AnyRecord]:
    """Return all records in the spool, their chain checked."""
    batch = spool.batch(max_records=100_000, max_bytes=2**30)
    if batch is None:
        return []
    follow(batch.lines)
    return [RECORD.validate_json(line) for line in batch.lines]


def codes(found: list[AnyRecord]) -> list[tuple[Task, Outcome, Failure | None]]:
    """Return what became of each record's slot."""
    return [(r.task, r.outcome, r.failure.code if r.failure else None) for r in found]


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Return whether something became true within a time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def as_json(text: bytes | str) -> dict[str, object]:
    """Return a JSON object."""
    found: dict[str, object] = json.loads(text)
    return found


@dataclass
class Takes:
    """A `take` that notes its orders and gives what the test asked for."""

    seconds: float = 0.0
    failure: Failure | None = None
    error: Exception | None = None
    orders: list[tuple[Task, Order]] = field(default_factory=list)

    def __call__(self, engine: Engine, order: Order, clock: Clock) -> Taken:
        """Measure nothing."""
        self.orders.append((engine.task, order))
        if order.cancelled.wait(self.seconds):
            return taken(engine, clock, Failure.DEADLINE)
        if self.error:
            raise self.error
        return taken(engine, clock, self.failure)


def flags_raised(measurement: Measurement) -> tuple[Flag, ...]:
    """Return the flags of a record of a speed test over loopback that gave this."""
    given = Engine("given", "1", Task.SPEED, 10.0, lambda _: measurement)
    near = ServerEntry(name="near", url="http://127.0.0.1:9")
    return take(given, Order(server=near), Clock()).flags
