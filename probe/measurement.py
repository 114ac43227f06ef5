"""One measurement, whole: conditions before, during and after, deadline, flags, outcome.

`take` always returns. Whatever goes wrong, from a name that does not resolve to a defect of an
engine, ends as a failure of the closed list.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from probe.admission import come_back
from probe.carrier import is_of, with_public_address
from probe.ceiling import read_ceiling
from probe.conditions import route, watch
from probe.conditions.watch import RouterWatch, Watch
from probe.engine import Engine, Measurement, MeasurementError, Order, Section
from probe.flags import Evidence, flags_of
from probe.transfer.dial import Target, resolve
from probe.transfer.guard import Guard, start
from protocol.conditions import Conditions, Snapshot
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.messages import ServerEntry
from protocol.records import ClockState, Method, Outcome, Task
from protocol.results import FailureReport, Latency, Speed

GRACE_SECONDS: Final = 8.0
"""How long an engine may take to return after its deadline: one answer that is under way (5 s),
and closing its connections. One that takes longer has a defect; its thread is left behind."""

SMALL_BYTES: Final = 1024 * 1024
"""A test that moved less was refused before its load began: small requests take some kilobytes."""

_LOOK_SECONDS: Final = 2.0
"""How long finding out the interface may delay a measurement, where the server is a name."""

_IPV6: Final = 6

log = logging.getLogger(__name__)


class TimeOfDay(Protocol):
    """A clock that knows what it is worth; the probe's is `probe.clock.Clock`."""

    def now(self) -> datetime:
        """Return the time, aware."""

    def state(self) -> ClockState:
        """Return what the clock is worth at this moment."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a measurement gave: everything of its record but the place in the chain.

    Attributes:
        started_at: when it began, aware.
        clock: what the clock was worth then.
        method: how it was measured.
        outcome: MEASURED or FAILED.
        failure: why it failed; None where it is whole.
        flags: what makes it unfair as evidence, in the order of the list.
        conditions: None only where reading them failed by a defect.
        section: the record's section; partial or None where the measurement failed.
        task: what was measured.
        received_bytes: payload that it received, for the data budget.
        sent_bytes: payload that it sent.
    """

    started_at: datetime
    clock: ClockState
    method: Method
    outcome: Outcome
    failure: FailureReport | None
    flags: tuple[Flag, ...]
    conditions: Conditions | None
    section: Section | None
    task: Task
    received_bytes: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a measurement is taken in, besides its order.

    Attributes:
        root: the file system's root, for the conditions.
        state: the probe's state directory, which says what the device is certified for; None for a
            device that is not a probe.
        router: begins to read the counters of the router behind an interface; None where it is not
            to be asked.
    """

    root: Path = Path("/")
    state: Path | None = None
    router: Callable[[str | None], RouterWatch] | None = None


def take(
    engine: Engine,
    order: Order,
    clock: TimeOfDay,
    surroundings: Surroundings = Surroundings(),
) -> Taken:
    """Measure once; return what it gave, whatever happens.

    A server that is full is asked again, as long as the order's patience lasts. Returns within the
    engine's deadline (or the order's, if that is sooner) + `GRACE_SECONDS` + `_LOOK_SECONDS` +
    `ADDRESS_SECONDS`, and that patience, for each attempt that was refused.

    Args:
        engine: an entry of the registry.
        order: what to measure.
        clock: dates the record.
        surroundings: where.
    """
    taken, admission = come_back(
        order,
        lambda again: _take_once(engine, again, clock, surroundings),
        lambda one: one.failure if one.received_bytes + one.sent_bytes < SMALL_BYTES else None,
    )
    if admission is None or taken.conditions is None:
        return taken
    conditions = taken.conditions.model_copy(update={"admission": admission})
    return replace(taken, conditions=conditions)


def _take_once(engine: Engine, order: Order, clock: TimeOfDay, surroundings: Surroundings) -> Taken:
    deadline = min(order.deadline, time.monotonic() + engine.deadline_seconds)
    order = replace(order, deadline=deadline)
    started_at, state = clock.now(), clock.state()
    observer = _Observer(order, clock, surroundings, speed=engine.task is Task.SPEED)
    observer.begin()
    measurement = with_public_address(_checked(engine, _run(engine, order)), order)
    conditions = observer.end(measurement)
    profile = engine.profile_of(order.profile)
    flags: frozenset[Flag] = frozenset()
    if conditions is not None:
        flags = flags_of(
            Evidence(
                state,
                conditions,
                measurement.section,
                measurement.demanded_seconds,
                profile,
                measurement.counts,
            )
        )
    failure = measurement.failure or observer.failure
    return Taken(
        started_at=started_at,
        clock=state,
        method=Method(name=engine.name, version=engine.version, profile=profile),
        outcome=Outcome.FAILED if failure else Outcome.MEASURED,
        failure=failure,
        flags=tuple(flag for flag in Flag if flag in flags),
        conditions=conditions,
        section=_with_entry(measurement.section, order.server),
        task=engine.task,
        received_bytes=measurement.received_bytes,
        sent_bytes=measurement.sent_bytes,
    )


def _with_entry(section: Section | None, entry: ServerEntry | None) -> Section | None:
    """Return a section whose server is called what the order calls it, unless its engine chose."""
    if not isinstance(section, Speed | Latency) or entry is None or section.server.entry:
        return section
    known = {"entry": entry.name, "network": entry.network}
    return section.model_copy(update={"server": section.server.model_copy(update=known)})


def _defect(error: BaseException, where: str) -> FailureReport:
    log.error("a defect in %s", where, exc_info=error)
    detail = f"a defect in {where}: {type(error).__name__}: {error}"
    return FailureReport(code=Failure.INTERNAL, detail=detail[:500])


def _run(engine: Engine, order: Order) -> Measurement:
    """Run the engine in a thread of its own, so that one that hangs does not hang its caller."""
    results: list[Measurement] = []

    def work() -> None:
        try:
            results.append(engine.measure(order))
        except MeasurementError as error:
            results.append(Measurement(None, error.report))
        except Exception as error:  # noqa: BLE001 - a slot ends as a record even so; it is logged
            results.append(Measurement(None, _defect(error, f"engine {engine.name}")))

    thread = threading.Thread(target=work, name=f"measure-{engine.name}", daemon=True)
    try:
        start(thread)
    except MeasurementError as error:
        return Measurement(None, error.report)
    try:
        thread.join(max(0.0, order.deadline - time.monotonic()) + GRACE_SECONDS)
    except KeyboardInterrupt:
        order.cancelled.set()
        thread.join(GRACE_SECONDS)
        raise
    if results:
        return results[0]
    detail = f"engine {engine.name} did not return by its deadline"
    return Measurement(None, FailureReport(code=Failure.DEADLINE, detail=detail))


def _checked(engine: Engine, measurement: Measurement) -> Measurement:
    """Turn a measurement that calls itself whole and is not into a failed one."""
    section = measurement.section
    whole = section is not None
    if isinstance(section, Speed):
        whole = section.download is not None and section.upload is not None
    if whole or measurement.failure is not None:
        return measurement
    detail = f"engine {engine.name} said neither what it measured nor why it failed"
    return replace(measurement, failure=FailureReport(code=Failure.INTERNAL, detail=detail))


class _Observer:
    """Reads the conditions around a measurement; a defect in a reader becomes `failure`."""

    def __init__(
        self, order: Order, clock: TimeOfDay, surroundings: Surroundings, *, speed: bool
    ) -> None:
        self.failure: FailureReport | None = None
        self._order = order
        self._clock = clock
        self._root = surroundings.root
        self._state = surroundings.state
        # A minute of small packets is not worth asking the router all the while.
        self._watch_router = surroundings.router if speed else None
        self._router: RouterWatch | None = None
        self._interface: str | None = None
        self._before: Snapshot | None = None
        self._watch: Watch | None = None

    def begin(self) -> None:
        """Take the snapshot before, and start the watch."""
        try:
            self._interface = interface_before(self._order, self._root)
            self._before = self._snapshot(self._interface)
            self._watch = Watch(self._root, interface=self._interface)
            if self._watch_router is not None:
                self._router = self._watch_router(self._interface)
        except Exception as error:  # noqa: BLE001 - reported as this record's failure, and logged
            self.failure = _defect(error, "the conditions before")

    def end(self, measurement: Measurement) -> Conditions | None:
        """Take the snapshot after; return everything, or None after a defect."""
        if self._watch is not None:
            self._watch.stop()
        router = self._router.stop() if self._router is not None else None
        if self._before is None or self._watch is None:
            return None
        try:
            local = measurement.local_address
            interface = (route.interface_of(local, self._root) if local else None) or (
                self._interface
            )
            first = measurement.first
            before = self._before.model_copy(
                update={"local_address": first.local, "public_address": first.public}
            )
            after = self._watch.after(self._snapshot(interface, local, measurement.public_address))
            during = self._watch.during(before, after, measurement, router)
            found = watch.conditions(before, during, after)
            return found.model_copy(
                update={
                    "ceiling": read_ceiling(self._state, interface) if self._state else None,
                    "by_carrier": is_of(after.public_address, self._order.carrier_prefixes),
                }
            )
        except Exception as error:  # noqa: BLE001 - reported as this record's failure, and logged
            self.failure = _defect(error, "the conditions after")
            return None

    def _snapshot(
        self, interface: str | None, local: str | None = None, public: str | None = None
    ) -> Snapshot:
        return watch.snapshot(
            interface,
            clock_synchronised=self._clock.state().synchronised,
            family=self._order.family,
            local_address=local,
            public_address=public,
            root=self._root,
        )


def interface_before(order: Order, root: Path) -> str | None:
    """Return the interface that the test will leave by, as far as the routes tell beforehand."""
    if order.interface is not None:
        return order.interface
    server = order.server or next(iter(order.candidates), None)
    if server is not None:
        guard = Guard(min(order.deadline, time.monotonic() + _LOOK_SECONDS), order.cancelled)
        # No name, no address: the engine will say so. The default route is the best guess then.
        with contextlib.suppress(MeasurementError):
            target = Target.of(server.url)
            family, place = resolve(target.host, target.port, order.family, guard)[0]
            found = route.interface_towards(str(place[0]), 6 if family.name == "AF_INET6" else 4)
            if found is not None:
                return found
    gateway = route.default_gateway(order.family or 4, None, root)
    if gateway is None and order.family is None:
        gateway = route.default_gateway(_IPV6, None, root)
    return gateway[1] if gateway else None
