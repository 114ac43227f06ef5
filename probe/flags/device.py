"""Rules for a speed test: the probe itself, from its processor to its plug."""

from typing import Final

from probe.flags.evidence import directions, moments
from protocol.conditions import Conditions
from protocol.results import Speed

BUSY_CORE_RATIO: Final = 0.90
"""A core, or the thread of a stream, above it in any second of a window left no room to move more
bytes then. The busiest second, not the average: a test whose download alone is held back is idle
elsewhere (the project's own rule, not a standard's)."""

SLOWED_FREQUENCY_RATIO: Final = 0.90
"""A processor with work to do runs at its highest clock but for its governor's last step, 100 MHz
on a Raspberry Pi (1400 of 1500: 93 %). Below this share something slows it down: the mildest its
makers tell of is the 3B+'s at 60 °C, 1200 of 1400 MHz, 86 % (Raspberry Pi's documentation,
"frequency management and thermal control")."""

INTERFACE_SPEED_RATIO: Final = 0.85
"""A result above this share of the interface's speed may be the interface's limit: of Ethernet's
bits on the wire 94.1 % are TCP payload at most (1448 of 1538 bytes a frame), and an adapter on a
USB bus gives less."""

INTERFACE_ERROR_SHARE: Final = 1e-5
"""Damaged frames above this share are the cable's or the adapter's: Ethernet promises 100 times
less (IEEE 802.3: one bit in 10^10, a frame in 10^6), and by Mathis' formula four Reno streams with
20 ms of round trip still make 0.9 Gbit/s of a loss of 10^-5."""

_FULL_FRAME_BYTES: Final = 1514


def device_cpu(conditions: Conditions, _: Speed) -> bool:
    """A core, or a thread that moves the bytes, had no room left in some second."""
    during = conditions.during
    ratios = (during.busiest_core_ratio, during.busiest_thread_ratio) if during else ()
    return any(ratio is not None and ratio > BUSY_CORE_RATIO for ratio in ratios)


def device_power(conditions: Conditions, _: Speed) -> bool:
    """The board told of undervoltage or throttling before, meanwhile or after."""
    return any(
        moment.device.undervoltage or moment.device.throttled for moment in moments(conditions)
    )


def device_heat(conditions: Conditions, _: Speed) -> bool:
    """A thermal zone was at a limit of its own, or the processor was slowed down at work."""
    during = conditions.during
    if during is None:
        return False
    clock = during.cpu_frequency_minimum_ratio
    return during.heat_limit_reached is True or (
        clock is not None and clock < SLOWED_FREQUENCY_RATIO
    )


def interface_speed(conditions: Conditions, speed: Speed) -> bool:
    """A direction's rate is near the interface's own speed."""
    interface = conditions.before.interface
    if interface is None or interface.speed_bits_per_second is None:
        return False
    limit = INTERFACE_SPEED_RATIO * interface.speed_bits_per_second
    return any(each.bits_per_second > limit for each in directions(speed))


def half_duplex(conditions: Conditions, _: Speed) -> bool:
    """The interface is linked at half duplex: both directions share it, and collide."""
    return any(
        moment.interface is not None and moment.interface.duplex == "half"
        for moment in moments(conditions)
    )


def interface_errors(conditions: Conditions, _: Speed) -> bool:
    """The interface counted damaged frames, more than a whole cable gives."""
    before = conditions.before.interface
    after = conditions.after.interface if conditions.after else None
    if before is None or after is None or before.name != after.name:
        return False
    return is_damaged(
        growth(before.received_errors, after.received_errors),
        growth(before.received_bytes, after.received_bytes),
    ) or is_damaged(
        growth(before.sent_errors, after.sent_errors),
        growth(before.sent_bytes, after.sent_bytes),
    )


def growth(before: int | None, after: int | None) -> int:
    """Return how much a counter since boot grew; 0 where it is not known, or was set back."""
    return 0 if before is None or after is None else max(0, after - before)


def is_damaged(errors: int, carried_bytes: int) -> bool:
    """Tell whether so many damaged frames are more than a whole cable gives."""
    # A single one tells of no rate.
    return errors > max(1.0, INTERFACE_ERROR_SHARE * carried_bytes / _FULL_FRAME_BYTES)


def certified_ceiling(conditions: Conditions, speed: Speed) -> bool:
    """A direction's rate is above what this device was certified for, which has its margins."""
    ceiling = conditions.ceiling
    if ceiling is None:
        return False
    certified = (
        (speed.download, ceiling.download_bits_per_second),
        (speed.upload, ceiling.upload_bits_per_second),
    )
    return any(
        transfer is not None and transfer.bits_per_second > limit for transfer, limit in certified
    )
