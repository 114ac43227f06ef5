"""Puts the readers together: a snapshot before, a watch during, a snapshot after."""

import resource
import threading
import time
from pathlib import Path
from typing import Final, Literal

from probe.conditions.device import (
    CpuTimes,
    cores,
    read_cpu_times,
    read_device,
    read_model,
    read_power,
    read_temperature,
)
from probe.conditions.interface import read_interface
from probe.conditions.route import default_gateway
from probe.conditions.wifi import read_wifi
from protocol.records import Conditions, During, Snapshot

WATCH_INTERVAL_SECONDS: Final = 1.0
"""How often processor, heat and power are read during a test: long enough that /proc/stat's ticks
of 10 ms give 1 %, short enough to see a core that is busy for one direction only."""


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
    """Reads processor, heat and power while a test runs. `stop` ends its thread within a second.

    Args:
        root: the file system's root.
        interval: seconds between readings.
    """

    def __init__(self, root: Path = Path("/"), interval: float = WATCH_INTERVAL_SECONDS) -> None:
        self._root = root
        self._interval = interval
        self._ended = threading.Event()
        self._busiest: float | None = None
        self._hottest: float | None = None
        self._undervoltage = False
        self._throttled = False
        self._power_before = read_power(root)
        self._started_at = time.monotonic()
        self._own_before = _own_cpu_seconds()
        self._before = read_cpu_times(root)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

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
        if self._undervoltage:
            seen["undervoltage"] = True
        if self._throttled:
            seen["throttled"] = True
        return now.model_copy(update={"device": now.device.model_copy(update=seen)})

    def during(self, before: Snapshot, after: Snapshot, received: int, sent: int) -> During:
        """Return what was seen between two snapshots, after `stop`.

        Args:
            before: the snapshot from before the test.
            after: the one from after it.
            received: payload bytes that the test itself received.
            sent: payload bytes that the test itself sent.
        """
        seconds = time.monotonic() - self._started_at
        shares = read_cpu_times(self._root).busy_since(self._before)
        earlier, later = before.interface, after.interface
        same = earlier is not None and later is not None and earlier.name == later.name
        return During(
            duration_seconds=seconds,
            process_cpu_ratio=(_own_cpu_seconds() - self._own_before) / max(seconds, 1e-9),
            machine_cpu_ratio=sum(shares) / len(shares) if shares else None,
            busiest_core_ratio=self._busiest
            if self._busiest is not None
            else max(shares, default=None),
            temperature_maximum_celsius=self._hottest,
            interface_received_bytes=_difference(earlier.received_bytes, later.received_bytes)
            if same and earlier and later
            else None,
            interface_sent_bytes=_difference(earlier.sent_bytes, later.sent_bytes)
            if same and earlier and later
            else None,
            test_received_bytes=received,
            test_sent_bytes=sent,
        )

    def _run(self) -> None:
        before: CpuTimes = self._before
        while not self._ended.wait(self._interval):
            now = read_cpu_times(self._root)
            self._busiest = _larger(self._busiest, max(now.busy_since(before), default=None))
            self._hottest = _larger(self._hottest, read_temperature(self._root))
            self._note_power()
            before = now
        self._note_power()

    def _note_power(self) -> None:
        """Note what is, and what was since the last reading: the firmware remembers a dip."""
        power, before = read_power(self._root), self._power_before
        self._undervoltage |= bool(power.undervoltage) or (
            bool(power.undervoltage_since_boot) and before.undervoltage_since_boot is False
        )
        self._throttled |= bool(power.throttled) or (
            bool(power.throttled_since_boot) and before.throttled_since_boot is False
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


def _larger(a: float | None, b: float | None) -> float | None:
    return max((value for value in (a, b) if value is not None), default=None)
