"""The agent: its parts put together, started, watched and stopped. The probe's composition root."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Final

from probe.client import CollectorClient, Deadlines
from probe.clock import Clock
from probe.engine import Engine, Order, Progress
from probe.errors import AgentRunningError, CollectorError, IdentityError, NoPathError
from probe.identity import Identity
from probe.instructions import InstructionKeeper, KeptInstruction, check
from probe.journal import Journal
from probe.measurement import Taken
from probe.memory import give_back
from probe.metrics import make_registry
from probe.parts import Parts
from probe.planner import Planner
from probe.quiet import Quiet
from probe.report import report
from probe.runner import Assignment, Runner
from probe.server_list import read_list
from probe.servers import Servers
from probe.settings import ProbeSettings
from probe.slots import Slot
from probe.spool import Spool
from probe.status import StatusServer
from probe.status_models import AgentStatus
from probe.uplink import Listener, Uplink
from protocol.errors import ConfigurationError
from protocol.messages import Instruction, MeasuredPath
from protocol.records import Task

LOCK_NAME: Final = "agent.lock"

TICK_SECONDS: Final = 5.0
"""How often the clocks are compared, and records that wait for room on the disk are tried again."""

UPLINK_STOP_SECONDS: Final = 3.0
"""A delivery under way is given this long at the end; what it carried is in the spool anyway."""


Take = Callable[[Engine, Order, Clock], Taken]
"""Makes one measurement."""


@dataclass(frozen=True, slots=True)
class World:
    """What an agent takes from outside of itself; tests replace it.

    Attributes:
        clock: the time.
        engines: what measures each task.
        engines_by_name: all of them, for servers that name theirs.
        take: makes one measurement.
    """

    clock: Clock
    engines: Mapping[Task, Engine]
    take: Take
    engines_by_name: Mapping[str, Engine] = field(default_factory=dict)


class Agent:
    """One probe's agent. Holds its state directory from its making to `stop`.

    Args:
        settings: the section `probe` of the configuration.
        identity: the enrolled probe.
        world: clock and engines.

    Raises:
        AgentRunningError: another agent holds the state directory, or the status page's address
            is taken.
        IdentityError: the state directory cannot be used.
        ConfigurationError: the settings contradict themselves.
    """

    def __init__(self, settings: ProbeSettings, identity: Identity, world: World) -> None:
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._instructed = threading.Event()
        self._tidied = -1
        self._began = world.clock.boottime()
        self._keeper = InstructionKeeper(settings.state_directory, identity.probe)
        self._first = self._keeper.load() or _own_plan(settings, identity.probe)
        self._lock = _hold(settings.state_directory)
        try:
            self.parts = self._compose(settings, identity, world)
            self.status = StatusServer(settings.status, self.report, make_registry(self.parts))
        except BaseException:
            os.close(self._lock)
            raise

    def start(self) -> None:
        """Begin to measure, to deliver and to answer on the status page."""
        self.status.start()
        self.parts.planner.start()
        if self._first:
            self._follow(self._first)
        self.parts.uplink.start()

    def run(self) -> None:
        """Watch over the parts until `request_stop`."""
        while not self._stopping.is_set():
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()
            if not self._stopping.is_set():
                self.parts.planner.tick()
                self.parts.journal.flush()
                self._tidy()

    def request_stop(self) -> None:
        """Have `run`, and a measurement under way, end soon."""
        self._stopping.set()
        self.parts.runner.cancel()
        self._wake.set()

    def stop(self) -> bool:
        """End everything, within `STOP_SECONDS` and `UPLINK_STOP_SECONDS`.

        Returns:
            Whether every measurement ended; one with a defect may not, and is left behind.
        """
        self.request_stop()
        self.parts.planner.stop()
        ended = self.parts.runner.stop()
        self.parts.uplink.stop(UPLINK_STOP_SECONDS)
        self.parts.journal.flush()
        self.status.stop()
        self.parts.spool.close()
        os.close(self._lock)
        return ended

    def measure_now(
        self, wait_seconds: float, progress: Callable[[Progress], None] | None = None
    ) -> Taken | None:
        """Measure the first path's speed at once; its record is like any other.

        Args:
            wait_seconds: how long to wait for the collector's first instruction.
            progress: called while it measures.

        Returns:
            What it gave; None where it was skipped: the journal says why.

        Raises:
            NoPathError: no instruction came, or it names no path.
        """
        end = time.monotonic() + wait_seconds
        while not (self._instructed.is_set() or self._stopping.is_set()):
            if time.monotonic() > end:
                break
            self._instructed.wait(0.2)
        kept = self.parts.planner.kept
        if kept is None or not kept.instruction.paths:
            problem = self.parts.uplink.state.problem
            raise NoPathError(
                "there is no path to measure: the collector gave no instruction"
                + (f" ({problem})" if problem else "")
                + "; register a line for this probe there, or set probe.paths"
            )
        path = kept.instruction.paths[0]
        slot = self._slot_now(path)
        taken = self.parts.runner.run(Assignment(slot, path, kept.instruction.servers), progress)
        self.parts.uplink.wake()
        return taken

    def report(self) -> AgentStatus:
        """Return the status of this moment."""
        return report(self.parts, self.parts.clock.boottime() - self._began)

    def _tidy(self) -> None:
        """Give memory back after slots have ended and before others begin."""
        ended = sum(self.parts.journal.outcomes.values())
        if ended != self._tidied and not self.parts.runner.open_slots():
            self._tidied = ended
            give_back()

    def _slot_now(self, path: MeasuredPath) -> Slot:
        moment = self.parts.clock.now().replace(microsecond=0)
        speed = path.schedule.speed
        return Slot(
            moment=moment,
            task=Task.SPEED,
            path=path.name,
            family=path.families[0],
            profile=speed.profile if speed else "full",
            part_start=moment,
            part_end=moment,
            evening=False,
            server=path.servers[0] if path.servers else None,
        )

    def _today(self) -> date:
        return self.parts.planner.today()

    def _instruct(self, instruction: Instruction, etag: str | None) -> None:
        """Follow a new instruction; called by the uplink's thread."""
        clock, before = self.parts.clock, self.parts.planner.kept
        since = clock.now() if clock.trusted else None
        if before and _same_plan(before.instruction, instruction):
            since = before.since
        self._follow(self._keeper.keep(instruction, etag, since))

    def _follow(self, kept: KeptInstruction) -> None:
        if not kept.instruction.servers:
            servers = self.parts.settings.servers
            with_servers = kept.instruction.model_copy(update={"servers": servers})
            kept = kept.model_copy(update={"instruction": with_servers})
        self.parts.planner.follow(kept)
        self._instructed.set()

    def _compose(self, settings: ProbeSettings, identity: Identity, world: World) -> Parts:
        clock = world.clock
        software = f"linewatch/{metadata.version('linewatch')}"
        directory = settings.state_directory
        spool = Spool(directory, identity.probe, settings.spool.maximum_bytes, clock.now)
        quiet = Quiet()
        servers = Servers(
            world.engines,
            world.engines_by_name,
            read_list(settings.server_list),
            settings.ookla.accept_terms,
        )
        journal = Journal(
            spool=spool,
            clock=clock,
            probe=identity.probe,
            software=software,
            engine_of=servers.engine,
            today=self._today,
        )
        runner = Runner(
            journal=journal,
            spool=spool,
            clock=clock,
            quiet=quiet,
            servers=servers,
            take=_also_asking(identity.collector_url, world.take),
            today=self._today,
        )
        planner = Planner(
            probe=identity.probe, clock=clock, spool=spool, journal=journal, runner=runner
        )
        deadlines = Deadlines(settings.uplink.connect_seconds, settings.uplink.request_seconds)
        uplink = Uplink(
            identity=identity,
            client=CollectorClient(identity.collector_url, clock, settings.ca_file, deadlines),
            spool=spool,
            clock=clock,
            quiet=quiet,
            settings=settings.uplink,
            listener=Listener(self._instruct, self._wake.set),
            etag=self._first.etag if self._first else None,
        )
        return Parts(
            settings=settings,
            identity=identity,
            software=software,
            clock=clock,
            spool=spool,
            journal=journal,
            runner=runner,
            planner=planner,
            uplink=uplink,
        )


def _own_plan(settings: ProbeSettings, probe: str) -> KeptInstruction | None:
    """Return the settings' own plan, for before the first instruction; None where it is empty."""
    if not settings.paths:
        return None
    instruction = Instruction(
        probe=probe, timezone=settings.timezone, servers=settings.servers, paths=settings.paths
    )
    try:
        check(instruction, probe)
    except CollectorError as error:
        raise ConfigurationError(f"probe.paths and probe.timezone: {error}") from None
    return KeptInstruction(etag=None, since=None, instruction=instruction)


def _also_asking(collector_url: str, take: Take) -> Take:
    """Return ``take`` with the collector as one more far end that a living line reaches."""

    def taking(engine: Engine, order: Order, clock: Clock) -> Taken:
        return take(engine, replace(order, collector=collector_url), clock)

    return taking


def _same_plan(one: Instruction, other: Instruction) -> bool:
    return _plan(one) == _plan(other)


def _plan(instruction: Instruction) -> tuple[object, ...]:
    """Return what slots are drawn from: a carrier's new network moves none of them."""
    paths = [path.model_copy(update={"carrier_prefixes": ()}) for path in instruction.paths]
    return instruction.timezone, *paths


def _hold(directory: Path) -> int:
    """Return a descriptor that holds the state directory until it is closed."""
    path = directory / LOCK_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise IdentityError(
            f"{path}: cannot be written ({error.strerror}); give this user the state directory, "
            "or set probe.state_directory"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise AgentRunningError(
            f"{directory}: another agent works here already; 'linewatch probe status' shows it"
        ) from None
    return descriptor
