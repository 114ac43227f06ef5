"""Flags of the device and of a server's own loss, raised by real measurements on loopback.

What this machine has not is told by files like the kernel's: a radio, a bad cable, a hot board.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from probe.clock import Clock
from probe.engine import Engine, Measurement, Order
from probe.engines.http import HttpEngine, Profile
from probe.engines.stamp import StampEngine
from probe.measurement import Surroundings, Taken, take
from probe.transfer.ramp import Fixed
from protocol.flags import Flag
from protocol.messages import ServerEntry
from protocol.records import Task
from tests.probe.conditions.test_readers import ETHERNET, put
from tests.probe.engines.test_stamp import order, reflector
from tests.probe.far_end import plain_backend

SHORT = HttpEngine(full=Profile(Fixed(1, 0.1), 0.3, idle_requests=2))

WIRE: Mapping[str, str] = {
    **{name.replace("eth0", "lo"): content for name, content in ETHERNET.items()},
    "sys/class/net/lo/statistics/rx_errors": "3\n",
    "sys/class/net/lo/speed": "100000\n",
}
"""Loopback, looking like a clean port of 100 Gbit/s: what is measured never comes near it."""

NOT_THE_DEVICES = {Flag.CLOCK_UNSYNCHRONISED, Flag.RECEIVER_LIMITED, Flag.SENDER_LIMITED}
"""Raised rightly here: a container's kernel vouches for no clock, and a backend of Python reads
slower than loopback carries."""

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
ZONE = "sys/class/thermal/thermal_zone0"
COOL = {
    f"{ZONE}/temp": "61000\n",
    f"{ZONE}/trip_point_0_type": "active\n",
    f"{ZONE}/trip_point_0_temp": "50000\n",
    f"{ZONE}/trip_point_1_type": "passive\n",
    f"{ZONE}/trip_point_1_temp": "80000\n",
    f"{ZONE}/trip_point_2_type": "critical\n",
    f"{ZONE}/trip_point_2_temp": "-274000\n",
}
"""A fan has begun at 50 °C; 80 °C would slow the board down; a limit is switched off."""


def measure(root: Path, during: Mapping[str, str] | None = None) -> set[Flag]:
    """Measure on loopback; ``during`` is written between begin and end. Return device flags."""

    def run(asked: Order) -> Measurement:
        try:
            return SHORT.measure(asked)
        finally:
            put(root, dict(during or {}))
            # Load, heat and power are read once a second.
            time.sleep(1.1)

    with plain_backend() as url:
        asked = Order(server=ServerEntry(name="near", url=url), interface=None)
        taken = take(Engine("http", "1", Task.SPEED, 20.0, run), asked, Clock(), Surroundings(root))
    assert taken.failure is None, taken.failure
    return set(taken.flags) - NOT_THE_DEVICES


def test_a_device_in_order_has_no_flag(tmp_path: Path) -> None:
    """A wired, cool, well-fed board raises nothing, also with a fan that turns."""
    put(tmp_path, {**WIRE, **COOL, THROTTLED: "0x0\n"})
    assert measure(tmp_path) == set()


@pytest.mark.parametrize(
    "flags,before,during",
    [
        (
            # All that a bad place to stand has: one run each would say no more.
            {Flag.WIFI, Flag.HALF_DUPLEX, Flag.INTERFACE_SPEED},
            {
                "sys/class/net/lo/wireless/x": "",
                "sys/class/net/lo/duplex": "half\n",
                "sys/class/net/lo/speed": "10\n",
            },
            {},
        ),
        (
            {Flag.DEVICE_HEAT, Flag.DEVICE_POWER, Flag.INTERFACE_ERRORS},
            {},
            {
                f"{ZONE}/temp": "80500\n",
                THROTTLED: "0x50005\n",
                "sys/class/net/lo/statistics/rx_errors": "60\n",
            },
        ),
    ],
)
def test_a_device_that_is_not_in_order_is_told(
    tmp_path: Path, flags: set[Flag], before: dict[str, str], during: dict[str, str]
) -> None:
    """Each fault raises its own flag, and nothing else does."""
    put(tmp_path, {**WIRE, **COOL, THROTTLED: "0x0\n", **before})
    assert measure(tmp_path, during) == flags


def test_a_processor_that_is_slowed_down_at_work_is_told(tmp_path: Path) -> None:
    """A core that is busy all the second at 600 of 1500 MHz raises the flag; an idle one at 600
    MHz is none.
    """
    cores = {
        f"sys/devices/system/cpu/cpu{core}/cpufreq/{name}": f"{kilohertz}\n"
        for core in (0, 1)
        for name, kilohertz in (("scaling_cur_freq", 600_000), ("cpuinfo_max_freq", 1_500_000))
    }
    idle, half = "cpu1 0 0 0 100 0 0 0 0\n", "cpu0 50 0 0 50 0 0 0 0\n"
    put(tmp_path, {**WIRE, **cores, "proc/stat": half + idle})
    busy = {"proc/stat": "cpu0 135 0 0 65 0 0 0 0\ncpu1 0 0 0 200 0 0 0 0\n"}
    assert measure(tmp_path, busy) == {Flag.DEVICE_HEAT}
    calm = {"proc/stat": "cpu0 135 0 0 165 0 0 0 0\ncpu1 0 0 0 300 0 0 0 0\n"}
    assert measure(tmp_path, calm) == set()


def latency(every: int, beside_every: int) -> Taken:
    """Measure a minute's packets in half a second; a reflector drops one of ``every``."""
    engine = StampEngine(packets=100, interval_seconds=0.004, straggler_seconds=0.2)
    with (
        reflector(lambda turn, packet: [] if turn % every == 0 else [packet]) as address,
        reflector(lambda turn, packet: [] if turn % beside_every == 0 else [packet]) as near,
    ):
        neighbour = ServerEntry(name="beside", url="http://127.0.0.1:9", stamp=near)
        asked = replace(order(address), neighbour=neighbour)
        return take(Engine("stamp", "2", Task.LATENCY, 20.0, engine.measure), asked, Clock())


def test_a_server_that_loses_more_than_its_neighbour_is_told() -> None:
    """A tenth lost beside a hundredth is the server's; a tenth lost beside a tenth is not."""
    assert Flag.SERVER_LOSS in latency(10, 1000).flags
    assert Flag.SERVER_LOSS not in latency(10, 10).flags


def test_a_failed_measurement_is_judged_too() -> None:
    """A reflector that is silent beside one that answers fails the slot, and says whose fault."""
    taken = latency(1, 1000)
    assert taken.failure is not None
    assert Flag.SERVER_LOSS in taken.flags
