"""The parts of a running agent, for those who look at all of them: status and metrics."""

from dataclasses import dataclass

from probe.clock import Clock
from probe.identity import Identity
from probe.journal import Journal
from probe.planner import Planner
from probe.runner import Runner
from probe.settings import ProbeSettings
from probe.spool import Spool
from probe.uplink import Uplink


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that an agent is made of."""

    settings: ProbeSettings
    identity: Identity
    software: str
    clock: Clock
    spool: Spool
    journal: Journal
    runner: Runner
    planner: Planner
    uplink: Uplink
