"""Each flag's rule: raised by what it is for, and not by a clean test."""

from collections.abc import Callable
from typing import Any

import pytest

from probe.flags import flags_of
from protocol.flags import Flag
from protocol.records import (
    ClockState,
    Conditions,
    DeviceState,
    During,
    InterfaceState,
    ServerIdentity,
    Snapshot,
    Speed,
    SpeedLatency,
    Transfer,
)

MEGABYTE = 1_000_000


def clock(source: str = "kernel") -> ClockState:
    """Return a clock that somebody vouches for, or not."""
    return ClockState.model_validate(
        {
            "synchronised": source == "kernel",
            "offset_seconds": None,
            "source": source,
            "boot_id": "b",
            "monotonic_seconds": 1,
        }
    )


def interface(**changes: Any) -> InterfaceState:
    """Return a wired gigabit interface."""
    fields: dict[str, Any] = dict.fromkeys(InterfaceState.model_fields)
    fields |= {"name": "eth0", "kind": "wired", "up": True, "speed_bits_per_second": 10**9}
    return InterfaceState.model_validate(fields | changes)


def moment(**changes: Any) -> Snapshot:
    """Return clean conditions at one moment."""
    device: dict[str, Any] = dict.fromkeys(DeviceState.model_fields)
    device |= {name: changes.pop(name) for name in ("undervoltage", "throttled") if name in changes}
    fields = {
        "monotonic_seconds": 1.0,
        "interface": interface(),
        "wifi": None,
        "device": DeviceState.model_validate(device),
        "gateway": "192.0.2.1",
        "local_address": "192.0.2.9",
        "public_address": "203.0.113.9",
        "clock_synchronised": True,
    }
    return Snapshot.model_validate(fields | changes)


def during(**changes: Any) -> During:
    """Return what a clean test of 100 MB down and 50 MB up leaves on the interface."""
    fields = {
        "duration_seconds": 26.0,
        "process_cpu_ratio": 0.2,
        "machine_cpu_ratio": 0.2,
        "busiest_core_ratio": 0.5,
        "temperature_maximum_celsius": 50.0,
        "interface_received_bytes": round(105.5 * MEGABYTE),
        "interface_sent_bytes": round(54.5 * MEGABYTE),
        "test_received_bytes": 100 * MEGABYTE,
        "test_sent_bytes": 50 * MEGABYTE,
    }
    return During.model_validate(fields | changes)


def conditions(**changes: Any) -> Conditions:
    """Return the conditions of a clean test."""
    fields = {"model": None, "cores": 4, "before": moment(), "during": during(), "after": moment()}
    return Conditions.model_validate(fields | changes)


def speed(bits_per_second: float = 100e6) -> Speed:
    """Return a test with the same rate both ways."""
    transfer = Transfer(
        bits_per_second=bits_per_second,
        bytes=1,
        duration_seconds=10,
        warm_up_seconds=3,
        total_bytes=1,
        counted_by="receiver",
        stream_count=4,
        streams=(),
        samples=(),
        server=None,
    )
    identity = dict.fromkeys(ServerIdentity.model_fields) | {"url": "http://server"}
    return Speed(
        download=transfer,
        upload=transfer,
        latency=SpeedLatency(idle=None, download=None, upload=None),
        server=ServerIdentity.model_validate(identity),
        ip_version=4,
    )


def test_a_clean_test_has_no_flag() -> None:
    """Nothing is raised where clock, device, interface and path are as they should be."""
    assert flags_of(clock(), conditions(), speed()) == frozenset()


STAGED: list[tuple[Flag, Callable[[], frozenset[Flag]]]] = [
    (Flag.CLOCK_UNSYNCHRONISED, lambda: flags_of(clock("none"), conditions(), speed())),
    (
        Flag.WIFI,
        lambda: flags_of(
            clock(),
            conditions(
                before=moment(interface=interface(kind="wifi")),
                after=moment(interface=interface(kind="wifi")),
            ),
            speed(),
        ),
    ),
    (
        Flag.CROSS_TRAFFIC,
        lambda: flags_of(
            clock(),
            conditions(during=during(interface_received_bytes=116 * MEGABYTE)),
            speed(),
        ),
    ),
    (
        Flag.DEVICE_CPU,
        lambda: flags_of(clock(), conditions(during=during(busiest_core_ratio=0.95)), speed()),
    ),
    (
        Flag.DEVICE_POWER,
        lambda: flags_of(clock(), conditions(after=moment(undervoltage=True)), speed()),
    ),
    (Flag.INTERFACE_SPEED, lambda: flags_of(clock(), conditions(), speed(900e6))),
    (
        Flag.PATH_CHANGED,
        lambda: flags_of(clock(), conditions(after=moment(gateway="192.0.2.2")), speed()),
    ),
    (
        Flag.PATH_CHANGED,
        lambda: flags_of(clock(), conditions(after=moment(interface=None)), speed()),
    ),
    (
        Flag.PATH_CHANGED,
        lambda: flags_of(
            clock(),
            conditions(after=moment(interface=interface(speed_bits_per_second=10**8))),
            speed(),
        ),
    ),
]


@pytest.mark.parametrize("flag,raise_it", STAGED)
def test_each_flag_is_raised_alone_by_its_own_cause(
    flag: Flag, raise_it: Callable[[], frozenset[Flag]]
) -> None:
    """One thing wrong raises one flag."""
    assert raise_it() == {flag}


def test_small_talk_beside_a_test_is_not_cross_traffic() -> None:
    """Traffic below the fixed threshold does not count, however slow the line."""
    quiet = during(
        test_received_bytes=MEGABYTE,
        test_sent_bytes=MEGABYTE,
        interface_received_bytes=round(1.2 * MEGABYTE),
        interface_sent_bytes=round(1.2 * MEGABYTE),
    )
    assert flags_of(clock(), conditions(during=quiet), speed(1e6)) == frozenset()


def test_a_light_task_is_not_judged_by_rules_of_speed() -> None:
    """A busy core or other traffic says nothing against a reach or latency record's presence."""
    busy = conditions(during=during(busiest_core_ratio=1.0, interface_received_bytes=10**12))
    assert flags_of(clock(), busy, None) == frozenset()


def test_counters_that_are_not_told_raise_nothing() -> None:
    """What was not measured is not held against anyone."""
    blind = during(interface_received_bytes=None, interface_sent_bytes=None)
    assert flags_of(clock(), conditions(during=blind), speed()) == frozenset()
