"""A probe at the end of a staged line: measures as it is told, line by line, and prints JSON.

`ip netns exec PROBE python -m tests.integration.staged_probe STATE` reads one JSON object a line:
`server`, and whatever else of an order; it answers with the measurement's flags and sections. It
prints `phase NAME` when a direction begins, so that something can be done to it meanwhile.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from probe.clock import Clock
from probe.commands.measure import as_dict
from probe.conditions.router import Routers
from probe.engine import Engine, Order, Progress
from probe.engines.http import HttpEngine, Profile
from probe.measurement import Surroundings, take
from probe.transfer.ramp import Fixed
from protocol.messages import MeasuredPath, Schedule, ServerEntry
from protocol.records import ClockState, Task

ENGINE = HttpEngine(full=Profile(Fixed(4, 0.2), 0.8, idle_requests=3))
"""A test of three seconds: the rules look at shares of the window, not at its length."""

LONGER = HttpEngine(full=Profile(Fixed(4, 0.3), 1.5, idle_requests=3))
"""A window in which readings that come by the loaded network are near enough."""

ROUTERS = Routers(interval_seconds=0.25)
"""Ten readings in a window, as once a second gives in one of 10 s."""


class StatedClock(Clock):
    """A clock whose state is what a test says: a container's kernel vouches for nothing."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source

    def state(self) -> ClockState:
        """Return the stated state."""
        return super().state().model_copy(update={"source": self._source})


def say(text: str) -> None:
    """Print a line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def phases() -> Callable[[Progress], None]:
    """Return what tells the beginning of each phase."""
    seen: set[str] = set()

    def report(progress: Progress) -> None:
        if progress.phase not in seen:
            seen.add(progress.phase)
            say(f"phase {progress.phase}")

    return report


def find_router() -> None:
    """Find the router, as the first tests of an agent do, whose warm-up is long enough for it."""
    for _ in range(5):
        watch = ROUTERS.watch(None)
        time.sleep(0.5)
        if watch.stop():
            return


def measure(asked: dict[str, Any], state: Path) -> dict[str, Any]:
    """Return one measurement."""
    path = MeasuredPath(
        name="eth0",
        carrier_prefixes=asked.get("carrier_prefixes", ()),
        schedule=Schedule(speed=None, latency=None, reach=None),
    )
    order = Order(
        server=ServerEntry(name="far", url=asked["server"]),
        carrier_prefixes=path.carrier_prefixes,
        progress=phases(),
    )
    chosen = LONGER if asked.get("router") else ENGINE
    engine = Engine("http", "1", Task.SPEED, 30.0, chosen.measure)
    clock = StatedClock(asked.get("clock", "kernel"))
    router = None
    if asked.get("router"):
        find_router()
        router = ROUTERS.watch
    return as_dict(take(engine, order, clock, Surroundings(state=state, router=router)))


def main() -> None:
    """Measure until there is nothing more to read."""
    for line in sys.stdin:
        say(json.dumps(measure(json.loads(line), Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
