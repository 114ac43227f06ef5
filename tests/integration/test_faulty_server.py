"""A measurement server goes wrong; the slot says how, in time, and the next slot runs.

The agent's own parts, from plan to record, against real sockets; only the lengths of a test are
short, and time is fast between the slots.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from probe.clock import Clock
from probe.engine import Engine, Order
from probe.engines.http import HttpEngine, Profile
from probe.instructions import KeptInstruction, zone
from probe.journal import Journal
from probe.measurement import Taken, take
from probe.planner import Planner
from probe.quiet import Quiet
from probe.runner import Runner
from probe.servers import Servers
from probe.slots import Slot, plan_day
from probe.transfer.ramp import Fixed
from protocol.constants import SERVER_PATH
from protocol.failures import Failure
from protocol.messages import Schedule, ServerEntry, SpeedSchedule, Window
from protocol.records import Outcome, Task
from tests.probe.far_end import (
    Handler,
    answer,
    empty,
    freezes,
    garbage,
    get_ip,
    plain_backend,
    stops,
)
from tests.probe.support import (
    ENGINES,
    NOW,
    FastClock,
    codes,
    instruction,
    open_spool,
    path,
    records,
    wait_until,
)

RATE = 40
"""How fast time goes: 120 s, which a slot may be late, are 3 s."""

DEADLINE_SECONDS = 12
ENGINE = Engine(
    "http",
    "1",
    Task.SPEED,
    DEADLINE_SECONDS,
    HttpEngine(full=Profile(Fixed(2, 0.3), 0.7, idle_requests=3), stall_seconds=1.0).measure,
)
DAY = Window(name="day", start="00:00", end="00:00", tests=144)
SPEED = path(schedule=Schedule(speed=SpeedSchedule(windows=(DAY,)), latency=None, reach=None))


def silent(request: Handler) -> None:
    """Say nothing until the other side goes away."""
    request.connection.settimeout(DEADLINE_SECONDS)
    request.rfile.read(1)
    request.close_connection = True


def babbles(request: Handler) -> None:
    """Answer with what is no HTTP."""
    request.wfile.write(bytes(range(256)) * 8)
    request.close_connection = True


def busy(request: Handler) -> None:
    """Refuse for now."""
    answer(request, b"full", status=503, headers={"Retry-After": "600"})


def unknown(request: Handler) -> None:
    """Have no such resource."""
    answer(request, b"nothing here", status=404)


WELL = {"garbage.php": garbage, "empty.php": empty, "getIP.php": get_ip, SERVER_PATH[1:]: unknown}
DOWNLOAD, ALL = ("garbage.php",), tuple(WELL)


@dataclass
class Ward:
    """A server that is ill until its first test has ended. A `take` that notes how long it took."""

    ill: Callable[[Handler], None]
    resources: tuple[str, ...]
    seconds: list[float] = field(default_factory=list)
    cured: threading.Event = field(default_factory=threading.Event)

    def replaced(self) -> dict[str, Callable[[Handler], None]]:
        """Return the resources for `plain_backend`."""
        return {name: self._resource(name) for name in self.resources}

    def _resource(self, name: str) -> Callable[[Handler], None]:
        def serve(request: Handler) -> None:
            (WELL[name] if self.cured.is_set() else self.ill)(request)

        return serve

    def take(self, engine: Engine, order: Order, clock: Clock) -> Taken:
        """Measure for real; the server is well afterwards."""
        began = time.monotonic()
        try:
            return take(engine, order, clock)
        finally:
            self.seconds.append(time.monotonic() - began)
            self.cured.set()


def two_near_slots() -> tuple[Slot, Slot]:
    """Return two slots of a day that follow each other as closely as any do."""
    of = instruction(SPEED)
    slots = plan_day(NOW.date(), zone(of), of.paths, "probe-1").slots
    return min(pairwise(slots), key=lambda pair: pair[1].moment - pair[0].moment)


def kept(url: str, since: datetime) -> KeptInstruction:
    """Return the plan, in force, with one server."""
    of = instruction(SPEED, servers=(ServerEntry(name="near", url=url),))
    return KeptInstruction(etag=None, since=since, instruction=of)


@pytest.mark.parametrize(
    "ill, resources, code",
    [
        (stops, DOWNLOAD, Failure.CONNECTION_LOST),
        (freezes, DOWNLOAD, Failure.STALLED),
        (silent, ALL, Failure.STALLED),
        (babbles, ALL, Failure.NOT_A_SERVER),
        (busy, ALL, Failure.SERVER_BUSY),
    ],
)
def test_the_slot_says_what_was_wrong_and_the_next_one_runs(
    tmp_path: Path, ill: Callable[[Handler], None], resources: tuple[str, ...], code: Failure
) -> None:
    """A server that stops or freezes in mid-download, accepts and never answers, answers garbage or
    503: the slot ends as that failure before its deadline, and the next slot, minutes later, is
    measured, as the server is well by then.
    """
    first, second = two_near_slots()
    start = first.moment - timedelta(seconds=RATE)
    ward = Ward(ill, resources)
    clock = FastClock(start, RATE)
    spool = open_spool(tmp_path, clock)
    servers = Servers({**ENGINES, Task.SPEED: ENGINE})

    def today() -> date:
        return clock.now().date()

    journal = Journal(
        spool=spool,
        clock=clock,
        probe="probe-1",
        software="linewatch/test",
        engine_of=servers.engine,
        today=today,
    )
    runner = Runner(
        journal=journal,
        spool=spool,
        clock=clock,
        quiet=Quiet(),
        servers=servers,
        take=ward.take,
        today=today,
    )
    planner = Planner(probe="probe-1", clock=clock, spool=spool, journal=journal, runner=runner)
    with plain_backend(ward.replaced()) as url:
        planner.start()
        planner.follow(kept(url, start))
        ended = wait_until(lambda: spool.fill().records >= 2, 60)
        planner.stop()
        assert runner.stop()
    found = records(spool)[:2]
    spool.close()
    assert ended
    assert [record.slot for record in found] == [first.moment, second.moment]
    assert codes(found) == [
        (Task.SPEED, Outcome.FAILED, code),
        (Task.SPEED, Outcome.MEASURED, None),
    ]
    assert ward.seconds[0] < DEADLINE_SECONDS
