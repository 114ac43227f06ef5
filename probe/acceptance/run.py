"""Runs the acceptance test: the network, then the device under load, then a test to a server.

Typically a minute: a few seconds of network, 12 s of loopback, half a minute to the server. Each
step has a deadline of its own, and `Site.guard` ends all of it.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from probe.acceptance import ceiling, device, link, network
from probe.acceptance.acceptance import Acceptance
from probe.acceptance.contract import Contract
from probe.acceptance.far_end import far_end
from probe.acceptance.finding import Finding
from probe.acceptance.hops import first_hops
from probe.acceptance.loopback import WINDOW_SECONDS, Cost, measure
from probe.acceptance.reference import is_device_limited, rates_of, reference
from probe.acceptance.words import CHECKS
from probe.clock import Clock, read_kernel_clock
from probe.conditions.device import cores, read_model, read_temperature
from probe.conditions.files import text
from probe.conditions.route import ipv4_address
from probe.conditions.router import external_address
from probe.conditions.watch import Watch
from probe.engine import Engine, MeasurementError, Order, Progress
from probe.engines import ENGINES
from probe.engines.reach import ReachEngine
from probe.identity import Enrolment
from probe.measurement import Surroundings, Taken, interface_before, take
from probe.transfer.dial import Dialer, Target
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from probe.transfer.names import NameServers, is_public_name
from protocol.messages import ServerEntry
from protocol.results import Reach

TEST_SECONDS: Final = 150.0
"""The longest that all of it may take."""

NETWORK_SECONDS: Final = 12.0
LOOPBACK_SECONDS: Final = 20.0

_SHARES: Final = {"network": 0.1, "download": 0.12, "upload": 0.12, "reference": 0.66}
"""Of the whole test's time, for the bar."""

_PHASES: Final = {"connect": 0.0, "latency": 0.02, "download": 0.1, "upload": 0.55, "finish": 0.98}
"""Where the phases of a speed test begin, of its own time, for the bar."""

_NAME_TO_ASK: Final = "example.com"
"""Where no server has a name: IANA's own, which stays."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the test is made.

    Attributes:
        server: the reference server; None without one.
        others: URLs of further far ends, to look at the network with: the reference server may
            stand inside, or have no IPv6.
        interface: to leave by; None for the way to the server, or out.
        contract: what the contract promises, if said.
        state: the probe's state directory.
        spool_bytes: how large the spool may grow.
        enrolment: who the probe is; None before it is enrolled.
        progress: told the step and the share of all that is done.
        root: the file system's root.
        speed: the engine of the reference test.
        window_seconds: of each direction over loopback.
        cancelled: set to end early.
    """

    server: ServerEntry | None
    interface: str | None
    contract: Contract | None
    state: Path
    spool_bytes: int
    enrolment: Enrolment | None
    others: tuple[str, ...] = ()
    progress: Callable[[str, float], None] = lambda step, share: None  # noqa: ARG005
    root: Path = Path("/")
    speed: Engine = field(default_factory=lambda: ENGINES["http"])
    window_seconds: float = WINDOW_SECONDS
    cancelled: threading.Event = field(default_factory=threading.Event)

    def guard(self, seconds: float) -> Guard:
        """Return the end of a step's waiting."""
        return Guard(time.monotonic() + seconds, self.cancelled)


def accept(site: Site) -> Acceptance:
    """Run the whole test; ends within `TEST_SECONDS`."""
    clock = Clock()
    at, began = clock.now(), time.monotonic()
    order = Order(
        site.server,
        interface=site.interface,
        deadline=began + TEST_SECONDS,
        cancelled=site.cancelled,
    )
    name = interface_before(order, site.root)
    before = link.read_link(name, site.root) if name else None
    findings, translation = _network(site, clock, name)
    load = _load(site, order, clock, name)
    after = link.read_link(name, site.root) if name else None
    way = after.limit_bits_per_second if after else None
    findings += [
        link.interface(after, site.contract),
        link.cable(before, after),
        load.processor(way, site.contract),
        reference(load.taken),
        network.translated(replace(translation, seen=_seen(load.taken))),
        device.power(load.strain),
        device.heat(load.strain),
        device.disk(device.read_disk(site.state, site.root), site.spool_bytes),
        device.software(metadata.version("linewatch"), cores()),
    ]
    limits = load.limits(way)
    places = list(CHECKS)
    return Acceptance(
        at=at,
        seconds=time.monotonic() - began,
        probe=site.enrolment.probe if site.enrolment else None,
        site=site.enrolment.site if site.enrolment else None,
        model=read_model(site.root),
        serial=text(site.root / "proc/device-tree/serial-number"),
        interface=name,
        server=site.server.url if site.server else None,
        contract=site.contract,
        findings=tuple(sorted(findings, key=lambda each: places.index(each.check))),
        download=limits[0] if limits else None,
        upload=limits[1] if limits else None,
    )


def _network(
    site: Site, clock: Clock, name: str | None
) -> tuple[list[Finding], network.Translation]:
    """Look at the network while it is idle, at all of it at once; within `NETWORK_SECONDS`."""
    site.progress("network", 0.0)
    guard = site.guard(NETWORK_SECONDS)
    order = Order(
        site.server,
        others=site.others,
        interface=name,
        deadline=guard.deadline,
        cancelled=site.cancelled,
    )
    names = NameServers.of_path(name, site.root)
    local = ipv4_address(name) if name else None
    with ThreadPoolExecutor(thread_name_prefix="acceptance") as readers:
        try:
            reaching = readers.submit(ReachEngine(site.root).measure, order)
            naming = readers.submit(network.ask_name_servers, names, _name_to_ask(site), guard)
            dating = readers.submit(_server_difference, site, name, guard)
            tracing = readers.submit(first_hops, name, guard) if local else None
            asking = readers.submit(external_address, name) if local else None
            section = reaching.result().section
            reach = section if isinstance(section, Reach) else None
            translation = network.Translation(
                local=local,
                hops=tracing.result() if tracing else (),
                external=asking.result() if asking else None,
            )
            findings = [
                network.dns(naming.result()),
                network.ipv4(reach.targets if reach else ()),
                network.ipv6(reach.ipv6 if reach else None),
                device.clock(_time(site, clock, dating.result())),
            ]
        except BaseException:
            # The others end at once, so that Ctrl-C need not wait for them.
            site.cancelled.set()
            raise
    return findings, translation


def _name_to_ask(site: Site) -> str:
    host = Target.of(site.server.url).host if site.server else _NAME_TO_ASK
    return host if is_public_name(host) else _NAME_TO_ASK


def _time(site: Site, clock: Clock, difference: float | None) -> device.TimeReading:
    kernel = read_kernel_clock()
    return device.TimeReading(
        state=clock.state(),
        service=device.time_service(site.root),
        kernel_offset_seconds=kernel.offset_seconds if kernel else None,
        server_difference_seconds=difference,
    )


def _server_difference(site: Site, name: str | None, guard: Guard) -> float | None:
    """Return the server's Date minus this device's clock; None where it does not tell."""
    if site.server is None:
        return None
    try:
        client = Client(Dialer(Target.of(site.server.url), guard, name))
        try:
            date = client.get("/").head.headers.get("date")
        finally:
            client.close()
        told = parsedate_to_datetime(date) if date else None
    except (MeasurementError, ValueError):
        return None
    return (told - datetime.now(UTC)).total_seconds() + 0.5 if told else None


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the device did under load."""

    costs: tuple[Cost, Cost] | None
    why_not: str
    taken: Taken | None
    strain: device.Strain

    def processor(self, way: float | None, contract: Contract | None) -> Finding:
        """Return the finding on the processor."""
        if self.costs is None:
            return ceiling.processor_unknown(self.why_not)
        return ceiling.processor(self.costs, way, contract)

    def limits(self, way: float | None) -> tuple[ceiling.Limit, ceiling.Limit] | None:
        """Return what each direction is certified for."""
        if self.costs is None:
            return None
        rates = rates_of(self.taken) if is_device_limited(self.taken) else None
        down, up = rates or (None, None)
        return ceiling.limit(self.costs[0], way, down), ceiling.limit(self.costs[1], way, up)


def _load(site: Site, order: Order, clock: Clock, name: str | None) -> _Loaded:
    """Load the device over loopback, then over the path, and watch it meanwhile."""
    start = read_temperature(site.root)
    watch = Watch(site.root, interface=name)
    costs: tuple[Cost, Cost] | None = None
    why_not = ""
    try:
        try:
            costs = _loopback(site)
        except (MeasurementError, OSError, ValueError) as error:
            why_not = str(error)
        taken = _reference(site, order, clock)
    finally:
        watch.stop()
    return _Loaded(costs, why_not, taken, device.strain(watch.load, start, site.root))


def _loopback(site: Site) -> tuple[Cost, Cost]:
    guard = site.guard(LOOPBACK_SECONDS + 2 * site.window_seconds)
    with far_end(guard) as far:
        down, up = (
            measure(
                far,
                direction,
                guard,
                _told(site, direction),
                root=site.root,
                window_seconds=site.window_seconds,
            )
            for direction in ("download", "upload")
        )
    return down, up


def _told(site: Site, step: str) -> Callable[[float, float], None]:
    return lambda share, _: site.progress(step, _whole(step, share))


def _whole(step: str, share: float) -> float:
    """Return the share of all that is done when so much of a step is."""
    steps = list(_SHARES)
    return sum(_SHARES[each] for each in steps[: steps.index(step)]) + share * _SHARES[step]


def _reference(site: Site, order: Order, clock: Clock) -> Taken | None:
    if site.server is None:
        return None

    def progress(told: Progress) -> None:
        starts = [*_PHASES.values(), 1.0]
        here = list(_PHASES).index(told.phase)
        share = starts[here] + told.done_ratio * (starts[here + 1] - starts[here])
        site.progress("reference", _whole("reference", min(1.0, share)))

    return take(site.speed, replace(order, progress=progress), clock, Surroundings(root=site.root))


def _seen(taken: Taken | None) -> str | None:
    """Return the Internet's address that a server saw; None: it stands inside, or none did."""
    after = taken.conditions.after if taken and taken.conditions else None
    seen = after.public_address if after else None
    return seen if network.is_public(seen) else None
