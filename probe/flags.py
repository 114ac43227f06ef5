"""When a measurement is flagged: each flag's rule, once, with its constants and their reasons.

Pure: from what was measured to `protocol.flags.Flag`. What only the engine can see (a lost stream,
an early end, counts that disagree, a loaded server, another address) it flags itself; the rest is
here.
"""

from typing import Final

from protocol.flags import Flag
from protocol.records import ClockState, Conditions, InterfaceState, Snapshot, Speed

HEADER_ALLOWANCE: Final = 1.10
"""Interface bytes per payload byte of a clean test: headers of full-size packets are 3 to 6 %
(52 to 72 of 1514 bytes), the acknowledgements of the other direction about 2 %."""

CROSS_TRAFFIC_SHARE: Final = 0.02
"""Other traffic above this share of the test's own bytes of a direction is cross traffic: it may
have taken as much from the result."""

CROSS_TRAFFIC_MINIMUM_BITS_PER_SECOND: Final = 64_000
"""Below it other traffic never counts: the FCC's threshold for downloads (64 kbit/s)."""

BUSY_CORE_RATIO: Final = 0.90
"""A core above it in any single second of the test left no room to move more bytes then. The
busiest second, not the average: a test whose download alone is held back is idle elsewhere (the
project's own rule, not a standard's)."""

INTERFACE_SPEED_RATIO: Final = 0.85
"""A result above this share of the interface's speed may be the interface's limit: Ethernet's and
TCP's headers alone take 6 %."""


def flags_of(clock: ClockState, conditions: Conditions, speed: Speed | None) -> frozenset[Flag]:
    """Return the flags that clock, device and surroundings raise.

    Args:
        clock: what the probe's clock was worth at the start.
        conditions: before, during and after.
        speed: the section of a speed test, as far as it came; None for other tasks, for which
            only clock, radio link and a changed path matter.
    """
    raised = set()
    if clock.source == "none":
        raised.add(Flag.CLOCK_UNSYNCHRONISED)
    interface = conditions.before.interface
    if interface is not None and interface.kind == "wifi":
        raised.add(Flag.WIFI)
    if conditions.after is not None and _path_changed(conditions.before, conditions.after):
        raised.add(Flag.PATH_CHANGED)
    if speed is not None:
        if _cross_traffic(conditions):
            raised.add(Flag.CROSS_TRAFFIC)
        if _busy(conditions):
            raised.add(Flag.DEVICE_CPU)
        if _powerless(conditions):
            raised.add(Flag.DEVICE_POWER)
        if _near_interface_speed(interface, speed):
            raised.add(Flag.INTERFACE_SPEED)
    return frozenset(raised)


def _path_changed(before: Snapshot, after: Snapshot) -> bool:
    if before.gateway != after.gateway:
        return True
    if before.interface is None or after.interface is None:
        return before.interface is not None
    return (
        before.interface.name,
        before.interface.speed_bits_per_second,
        before.interface.up,
    ) != (after.interface.name, after.interface.speed_bits_per_second, after.interface.up)


def _cross_traffic(conditions: Conditions) -> bool:
    during, interface = conditions.during, conditions.before.interface
    if during is None or (interface is not None and interface.kind == "loopback"):
        # Loopback carries both directions of every program of the device: no line is behind it.
        return False
    return any(
        _other_bytes(carried, own, opposite)
        > max(
            CROSS_TRAFFIC_SHARE * own,
            CROSS_TRAFFIC_MINIMUM_BITS_PER_SECOND / 8 * during.duration_seconds,
        )
        for carried, own, opposite in (
            (
                during.interface_received_bytes,
                during.test_received_bytes,
                during.test_sent_bytes,
            ),
            (during.interface_sent_bytes, during.test_sent_bytes, during.test_received_bytes),
        )
        if carried is not None and own is not None and opposite is not None
    )


def _other_bytes(carried: int, own: int, opposite: int) -> float:
    """Return the bytes of a direction that neither the test nor its acknowledgements explain."""
    acknowledgements = opposite * 0.05
    return carried - own * HEADER_ALLOWANCE - acknowledgements


def _busy(conditions: Conditions) -> bool:
    during = conditions.during
    busiest = during.busiest_core_ratio if during else None
    return busiest is not None and busiest > BUSY_CORE_RATIO


def _powerless(conditions: Conditions) -> bool:
    moments = [conditions.before, conditions.after]
    return any(
        moment.device.undervoltage or moment.device.throttled for moment in moments if moment
    )


def _near_interface_speed(interface: InterfaceState | None, speed: Speed) -> bool:
    if interface is None or interface.speed_bits_per_second is None:
        return False
    limit = INTERFACE_SPEED_RATIO * interface.speed_bits_per_second
    directions = (speed.download, speed.upload)
    return any(each is not None and each.bits_per_second > limit for each in directions)
