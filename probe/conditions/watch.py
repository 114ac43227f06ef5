"""Puts the readers together: a snapshot before, a watch during, a snapshot after."""

import resource
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

from probe.conditions.counters import Series
from probe.conditions.device import cores, read_cpu_times, read_device, read_model
from probe.conditions.interface import read_carried, read_interface
from probe.conditions.load import Load
from probe.conditions.route import default_gateway
from probe.conditions.wifi import read_wifi
from probe.engine import MeasuredWindow, Measurement
from protocol.conditions import Conditions, During, Snapshot, WindowTraffic
from protocol.constants import SAMPLE_INTERVAL_SECONDS

WATCH_INTERVAL_SECONDS: Final = 1.0
"""How often processor, heat and power are read during a test: long enough that /proc/stat's ticks
of 10 ms give 1 %, short enough to see a core that is busy for one direction only. The interface's
counters are read as often as the streams' bytes, so that both can be told for the same window."""


class RouterWatch(Protocol):
    """Reads a router's counters while a test runs; see `probe.conditions.router`."""

    def stop(self) -> Series | None:
        """End; return what the counters said, None where there is no router that tells."""


def snapshot(
    interface: str | None,
    *,
    clock_synchronised: bool | None,
    family: Literal[4, 6] | None = None,
    local_address: str | None = None,
    public_address: str | None = None,
    root: Path = Path("/"),
) -> Snapshot:
    """Return the conditions at this moment.

    Args:
        interface: the path's interface, or None where it is not known.
        clock_synchronised: what the probe's clock says of itself.
        family: the address family of the test, for the gateway.
        local_address: the address that the test left from, once known.
        public_address: the address that the server saw, once known.
        root: the file system's root.
    """
    families: tuple[Literal[4, 6], ...] = (family,) if family else (4, 6)
    gateways = (default_gateway(each, interface, root) for each in families)
    gateway = next((found for found in gateways if found), None)
    return Snapshot(
        monotonic_seconds=time.clock_gettime(time.CLOCK_BOOTTIME),
        interface=read_interface(interface, root) if interface else None,
        wifi=read_wifi(interface, root) if interface else None,
        device=read_device(root),
        gateway=gateway[0] if gateway else None,
        local_address=local_address,
        public_address=public_address,
        clock_synchronised=clock_synchronised,
    )


class Watch:
    """Reads load, heat, power and counters while a test runs. `stop` ends its thread at once.

    Args:
        root: the file system's root.
        interval: seconds between readings of load, heat and power.
        interface: whose counters are read; None for none.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        interval: float = WATCH_INTERVAL_SECONDS,
        interface: str | None = None,
    ) -> None:
        self._root = root
        self._interval = interval
        self._interface = interface
        self._ended = threading.Event()
        self._carried = Series()
        self._started_at = time.monotonic()
        self._load = Load(root, self._started_at)
        self._own_before = _own_cpu_seconds()
        self._cpu_before = read_cpu_times(root)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    @property
    def load(self) -> Load:
        """What was seen of the device so far."""
        return self._load

    def stop(self) -> "Watch":
        """End the watch and return it; reading it again does no harm."""
        self._ended.set()
        self._thread.join()
        return self

    def after(self, now: Snapshot) -> Snapshot:
        """Return the snapshot after the test, with what happened to the power during it.

        The load that causes it is over by then, and its trace with it.
        """
        seen: dict[str, bool] = {}
        if self._load.undervoltage:
            seen["undervoltage"] = True
        if self._load.throttled:
            seen["throttled"] = True
        return now.model_copy(update={"device": now.device.model_copy(update=seen)})

    def during(
        self, before: Snapshot, after: Snapshot, measured: Measurement, router: Series | None = None
    ) -> During:
        """Return what was seen between two snapshots, after `stop`.

        Args:
            before: the snapshot from before the test.
            after: the one from after it.
            measured: what the engine gave: bytes and windows.
            router: what the router's counters said meanwhile.
        """
        seconds = time.monotonic() - self._started_at
        shares = list(read_cpu_times(self._root).busy_since(self._cpu_before).values())
        earlier, later = before.interface, after.interface
        same = earlier is not None and later is not None and earlier.name == later.name
        spans = [(window.start, window.end) for window in measured.windows]
        seen = self._load.within(spans) or self._load.seconds
        carried = self._carried if same and earlier and earlier.name == self._interface else None
        traffic = {
            window.direction: _traffic(window, carried, router) for window in measured.windows
        }
        return During(
            duration_seconds=seconds,
            process_cpu_ratio=(_own_cpu_seconds() - self._own_before) / max(seconds, 1e-9),
            machine_cpu_ratio=sum(shares) / len(shares) if shares else None,
            busiest_core_ratio=_best(max, [each.busiest_core for each in seen])
            if seen
            else max(shares, default=None),
            busiest_thread_ratio=_best(max, [each.busiest_thread for each in seen]),
            cpu_frequency_minimum_ratio=_best(min, [each.clock for each in seen]),
            temperature_maximum_celsius=self._load.hottest,
            heat_limit_reached=self._load.heat_limit_reached,
            interface_received_bytes=_difference(earlier.received_bytes, later.received_bytes)
            if same and earlier and later
            else None,
            interface_sent_bytes=_difference(earlier.sent_bytes, later.sent_bytes)
            if same and earlier and later
            else None,
            test_received_bytes=measured.received_bytes,
            test_sent_bytes=measured.sent_bytes,
            download=traffic.get("download"),
            upload=traffic.get("upload"),
        )

    def _run(self) -> None:
        due = self._started_at + self._interval
        self._count()
        while not self._ended.wait(min(SAMPLE_INTERVAL_SECONDS, self._interval)):
            self._count()
            now = time.monotonic()
            if now >= due:
                self._load.read(now)
                due = now + self._interval
        self._count()
        self._load.note_power()

    def _count(self) -> None:
        if self._interface is not None:
            received, sent = read_carried(self._interface, self._root)
            self._carried.add(time.monotonic(), received, sent)


def _traffic(
    window: MeasuredWindow, carried: Series | None, router: Series | None
) -> WindowTraffic:
    """Return what moved in a direction's window; unknown is None."""
    near = carried.growth(window.start, window.end) if carried else None
    far = None
    if router and not router.is_stale(window.start, window.end):
        straight = router.unwrapped()
        far = straight.growth(window.start, window.end) if straight else None
    return WindowTraffic(
        duration_seconds=window.end - window.start,
        interface_received_bytes=near[0] if near else None,
        interface_sent_bytes=near[1] if near else None,
        router_received_bytes=far[0] if far else None,
        router_sent_bytes=far[1] if far else None,
        test_bytes=window.carried_bytes,
        segment_bytes=window.segment_bytes,
        acknowledgements=window.acknowledgements,
    )


def conditions(before: Snapshot, during: During | None, after: Snapshot | None) -> Conditions:
    """Return the record's section."""
    return Conditions(model=read_model(), cores=cores(), before=before, during=during, after=after)


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _difference(before: int | None, after: int | None) -> int | None:
    """Return the growth of a counter; None where it is unknown or was reset in between."""
    return None if before is None or after is None or after < before else after - before


def _best(choose: Callable[[list[float]], float], values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return choose(known) if known else None
