"""The collector is away for a week while the agent goes on measuring, then it comes back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from probe.agent import Agent, World
from probe.identity import Identity
from probe.instructions import zone
from probe.settings import ProbeSettings, UplinkSettings
from probe.slots import Slot, plan_day
from protocol.chain import follow
from protocol.model import encode
from protocol.records import RECORD, Outcome, Task
from tests.probe.fault_collector import FaultCollector, Reply, Request, fault_collector
from tests.probe.support import ENGINES, NOW, Device, Takes, instruction, path, plan

KEY = Ed25519PrivateKey.generate()
PLAN = instruction(path(schedule=plan(tests=8, latency=3600, reach=1800)))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Life:
    """An agent whose time passes as fast as its work is done.

    Its parts are joined as always, with their usual pauses. In place of the scheduler and of the
    uplink's thread, which wait in real time, the device's clock is set to what comes next: a slot,
    midnight, or the end of the uplink's pause.

    Attributes:
        pauses: those that the uplink made because something was in the way, in seconds.
    """

    agent: Agent
    device: Device
    pauses: list[float] = field(default_factory=list)
    _turn_at: float = 0.0

    def pass_until(self, end: datetime) -> None:
        """Let time go on, and have everything happen in it."""
        while self.device.wall < end.timestamp():
            at = min(self._next(), end.timestamp())
            if self._turn_at <= at:
                self._be_at(max(self._turn_at, self.device.wall))
                self.deliver()
            else:
                self._be_at(at)
                self.run_slots()

    def pass_to_next(self) -> None:
        """Let time go on to the planner's next moment."""
        self._be_at(self._next())

    def deliver(self) -> None:
        """Do what the uplink's thread would at this moment."""
        uplink = self.agent.parts.uplink
        pause = uplink.turn()
        self._turn_at = self.device.wall + pause
        if uplink.state.problem:
            self.pauses.append(pause)

    def _next(self) -> float:
        """Return when the planner has something to do."""
        slots = self.agent.parts.planner.next_slots().values()
        return min([end_of_day(self.device.wall), *(slot.moment.timestamp() for slot in slots)])

    def run_slots(self) -> None:
        """Do what the scheduler would at this moment."""
        planner, now = self.agent.parts.planner, self.device.wall
        for key, slot in planner.next_slots().items():
            if slot.moment.timestamp() <= now:
                planner._fire(key, planner._generation)
        if end_of_day(now - 1) <= now:
            planner.replan()

    def _be_at(self, moment: float) -> None:
        self.device.boot += moment - self.device.wall
        self.device.wall = moment


def end_of_day(moment: float) -> float:
    """Return the midnight of the plan's zone that follows a moment."""
    local = datetime.fromtimestamp(moment, zone(PLAN)) + DAY
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def planned(first: datetime, last: datetime) -> list[tuple[Task, datetime]]:
    """Return the plan's slots between two moments, in order."""
    found: list[Slot] = []
    day = first - DAY
    while day <= last + DAY:
        found += plan_day(day.date(), zone(PLAN), PLAN.paths, "probe-1").slots
        day += DAY
    return [(slot.task, slot.moment) for slot in found if first < slot.moment < last]


@contextmanager
def collector_of(device: Device, before: FaultCollector | None = None) -> Iterator[FaultCollector]:
    """Run a collector; one that was there ``before`` listens and knows what it did."""
    made = fault_collector(KEY, port=before.port if before else 0)
    made.instruction = Reply(200, encode(PLAN), headers={"ETag": '"v1"'})
    made.now = device.clock().now
    if before:
        made.lines, made.order = before.lines, before.order
    with made.running():
        yield made


def refuse_all(collector: FaultCollector) -> None:
    """Have a collector answer 503 to all records from now on."""

    def busy(request: Request, connection: socket.socket) -> Reply:
        del request, connection
        collector.faults.append(busy)
        return Reply(503)

    collector.faults = [busy]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[tuple[Life, FaultCollector]]:
    """Return an agent that has worked for an hour, and its collector, which answers 503 from then
    on until the next day, and is then gone.
    """
    device = Device()
    settings = ProbeSettings.model_validate(
        {"state_directory": tmp_path / "state", "status": {"port": 0}}
    )
    with collector_of(device) as collector:
        identity = Identity("probe-1", "Tổ 5", collector.url, KEY)
        agent = Agent(settings, identity, World(device.clock(), ENGINES, Takes()))
        life = Life(agent, device)
        life.pass_until(NOW + HOUR)
        assert life.pauses == []
        refuse_all(collector)
        life.pass_until(NOW + HOUR + DAY)
    yield life, collector
    agent.stop()


@pytest.mark.timeout(300)
def test_a_week_without_the_collector(life: tuple[Life, FaultCollector]) -> None:
    """A collector that answers 503 for a day and then refuses connections for six: slots go on at
    their moments, the uplink's pauses grow to their bound and stay there; when it is back, all
    records arrive in one chain and in order, while slots go on.
    """
    agent, gone = life
    parts = agent.agent.parts
    agent.pass_until(NOW + HOUR + 7 * DAY)
    away, settings = agent.pauses, UplinkSettings()
    shortest, longest = settings.retry_minimum_seconds, settings.retry_maximum_seconds
    bounds = [min(longest, shortest * 2 ** min(n, 20)) for n in range(1, len(away) + 1)]
    assert all(shortest <= pause <= bound for pause, bound in zip(away, bounds, strict=True))
    assert max(away) > longest / 2
    assert len(away) >= 7 * DAY.total_seconds() / longest
    assert parts.uplink.state.reachable is False
    waiting = parts.spool.fill().records
    assert waiting >= len(planned(NOW + HOUR, NOW + HOUR + 7 * DAY))

    end = NOW + 8 * DAY
    with collector_of(agent.device, gone) as back:
        measuring: list[threading.Thread] = []

        def meet_a_slot(request: Request, connection: socket.socket) -> Reply:
            """Take the backlog at the very moment of a slot."""
            del connection
            agent.pass_to_next()
            measuring.append(threading.Thread(target=agent.run_slots))
            measuring[0].start()
            return back._store(request)

        back.faults = [meet_a_slot]
        agent.deliver()
        measuring[0].join()
        agent.pass_until(end)
        agent.deliver()
        lines = [back.lines[place] for place in back.order]
    records = [RECORD.validate_json(line) for line in lines]
    assert [link.seq for link in follow(lines)] == list(range(len(lines)))
    assert [(record.task, record.slot) for record in records] == planned(NOW, end)
    assert {record.outcome for record in records} == {Outcome.MEASURED, Outcome.FAILED}
    assert all(record.started_at == record.slot for record in records)
    assert parts.uplink.counts.stored == len(records)
    assert back.gaps == []
