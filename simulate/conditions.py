"""The conditions of simulated tests: a Raspberry Pi with a cable or a radio, and what is wrong."""

import random
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from protocol.conditions import (
    Conditions,
    DeviceState,
    During,
    InterfaceState,
    Snapshot,
    WifiState,
    WindowTraffic,
)
from protocol.flags import Flag
from simulate.text import NULL, Template, string

FRAME_RATIO: Final = 1.047
"""Frames to payload of full segments over IPv4 or IPv6: below what the flag's rule explains."""

ACKNOWLEDGEMENT_BYTES: Final = 70
SEGMENT_BYTES: Final = 1448

CABLE_BITS_PER_SECOND: Final = 1_000_000_000

_SNAPSHOT_HOLES: Final = (
    "monotonic_seconds",
    "interface.received_bytes",
    "interface.sent_bytes",
    "device.load_1m",
    "device.temperature_celsius",
    "device.undervoltage",
    "local_address",
    "public_address",
    "clock_synchronised",
)
_DURING_HOLES: Final = (
    "duration_seconds",
    "busiest_core_ratio",
    "temperature_maximum_celsius",
    "interface_received_bytes",
    "interface_sent_bytes",
    "test_received_bytes",
    "test_sent_bytes",
    "heat_limit_reached",
    "download",
    "upload",
)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one direction's window moved: payload, and how much of it was others'."""

    payload: int
    others: float = 0.0


@dataclass(slots=True)
class Moment:
    """What the conditions of one record stand on.

    Attributes:
        monotonic: CLOCK_BOOTTIME before the test.
        seconds: how long the test took.
        received, sent: payload of the test.
        counters: the interface's bytes so far, received and sent.
        public: the public address, where the test learnt it.
        local: the address that it left from, where it did.
        flags: what is to be wrong with the device.
    """

    monotonic: float
    seconds: float
    received: int
    sent: int
    counters: tuple[int, int]
    public: str | None
    local: str | None
    synchronised: bool
    download: Traffic | None = None
    upload: Traffic | None = None
    flags: frozenset[Flag] = frozenset()


@cache
def _template(interface: str, model: str) -> tuple[Template, Template, Template]:
    """Return the templates of a snapshot, of what is between two, and of both together."""
    wifi = interface.startswith("wlan")
    snapshot = Snapshot(
        monotonic_seconds=1.0,
        interface=InterfaceState(
            name=interface,
            kind="wifi" if wifi else "wired",
            up=True,
            speed_bits_per_second=None if wifi else CABLE_BITS_PER_SECOND,
            duplex=None if wifi else "full",
            mtu_bytes=1500,
            received_bytes=0,
            sent_bytes=0,
            received_errors=0,
            sent_errors=0,
            received_dropped=0,
            sent_dropped=0,
        ),
        wifi=WifiState(
            signal_dbm=-58.0, rate_bits_per_second=433_300_000, frequency_hertz=5_180_000_000
        )
        if wifi
        else None,
        device=DeviceState(
            load_1m=0.1,
            memory_available_bytes=1_702_887_424,
            temperature_celsius=48.0,
            undervoltage=False,
            throttled=False,
        ),
        gateway="192.168.1.1",
        local_address=None,
        public_address=None,
        clock_synchronised=True,
    )
    during = During(
        duration_seconds=1.0,
        process_cpu_ratio=0.11,
        machine_cpu_ratio=0.06,
        busiest_core_ratio=0.2,
        temperature_maximum_celsius=50.0,
        interface_received_bytes=0,
        interface_sent_bytes=0,
        test_received_bytes=0,
        test_sent_bytes=0,
        busiest_thread_ratio=0.12,
        cpu_frequency_minimum_ratio=None,
        heat_limit_reached=False,
    )
    whole = Conditions(
        model=model, cores=4, before=snapshot, during=during, after=snapshot, by_carrier=True
    )
    return (
        Template(snapshot, _SNAPSHOT_HOLES),
        Template(during, _DURING_HOLES),
        Template(whole, ("before", "during", "after", "by_carrier")),
    )


@cache
def _window_template() -> Template:
    window = WindowTraffic(
        duration_seconds=10.0,
        interface_received_bytes=0,
        interface_sent_bytes=0,
        router_received_bytes=None,
        router_sent_bytes=None,
        test_bytes=0,
        segment_bytes=SEGMENT_BYTES,
        acknowledgements=0,
    )
    return Template(
        window,
        ("interface_received_bytes", "interface_sent_bytes", "test_bytes", "acknowledgements"),
    )


def conditions_text(interface: str, model: str, at: Moment, dice: random.Random) -> str:
    """Return the section of a record."""
    snapshot, during, whole = _template(interface, model)
    heat = dice.randint(460, 560) / 10
    values: dict[str, Any] = {
        "monotonic_seconds": at.monotonic,
        "interface.received_bytes": at.counters[0],
        "interface.sent_bytes": at.counters[1],
        "device.load_1m": dice.randint(2, 40) / 100,
        "device.temperature_celsius": heat,
        "device.undervoltage": "false",
        "local_address": string(at.local),
        "public_address": string(at.public),
        "clock_synchronised": "true" if at.synchronised else "false",
    }
    before = snapshot.fill(values)
    ways = [_window(at.download, down=True), _window(at.upload, down=False)]
    carried = [
        int((at.received, at.sent)[way] * FRAME_RATIO) + 4000 + sum(each[way] for _, each in ways)
        for way in (0, 1)
    ]
    values["monotonic_seconds"] = round(at.monotonic + at.seconds, 6)
    values["interface.received_bytes"] += carried[0]
    values["interface.sent_bytes"] += carried[1]
    if Flag.DEVICE_POWER in at.flags:
        values["device.undervoltage"] = "true"
    after = snapshot.fill(values)
    busy = 95 if Flag.DEVICE_CPU in at.flags else dice.randint(8, 60)
    middle = during.fill(
        {
            "duration_seconds": at.seconds,
            "busiest_core_ratio": busy / 100,
            "temperature_maximum_celsius": heat + 2,
            "interface_received_bytes": carried[0],
            "interface_sent_bytes": carried[1],
            "test_received_bytes": at.received,
            "test_sent_bytes": at.sent,
            "heat_limit_reached": "true" if Flag.DEVICE_HEAT in at.flags else "false",
            "download": ways[0][0],
            "upload": ways[1][0],
        }
    )
    # Whose network it left by is told by the public address alone.
    by_carrier = "true" if at.public else NULL
    return whole.fill(
        {"before": before, "during": middle, "after": after, "by_carrier": by_carrier}
    )


def _window(traffic: Traffic | None, *, down: bool) -> tuple[str, tuple[int, int]]:
    """Return a window's text, and what it moved that the test's payload does not say."""
    if traffic is None:
        return NULL, (0, 0)
    acknowledgements = traffic.payload // (2 * SEGMENT_BYTES)
    back = acknowledgements * ACKNOWLEDGEMENT_BYTES
    others = int(traffic.payload * traffic.others)
    along = int(traffic.payload * FRAME_RATIO) + others
    text = _window_template().fill(
        {
            "interface_received_bytes": along if down else back,
            "interface_sent_bytes": back if down else along,
            "test_bytes": traffic.payload,
            "acknowledgements": acknowledgements,
        }
    )
    return text, ((others, back) if down else (back, others))
