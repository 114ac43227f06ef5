"""The link's fill, from files like the kernel's."""

from pathlib import Path

import pytest

from server.link import Fill, LinkMeter

ROUTE = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"


class Tick:
    """A clock that goes on by a second with each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        self.now += 1.0
        return self.now


def machine(folder: Path, sent: int, received: int, speed: str = "1000") -> Path:
    """Write a machine with its counters; return its root."""
    net = folder / "sys/class/net/eth1"
    (net / "statistics").mkdir(parents=True, exist_ok=True)
    (net / "speed").write_text(speed)
    (net / "statistics/tx_bytes").write_text(str(sent))
    (net / "statistics/rx_bytes").write_text(str(received))
    (folder / "proc/net").mkdir(parents=True, exist_ok=True)
    (folder / "proc/net/route").write_text(
        f"{ROUTE}eth0\t0000A8C0\t00000000\t1\t0\t0\t0\t00FFFFFF\n"
        "eth1\t00000000\t0101A8C0\t3\t0\t0\t0\t00000000\n"
    )
    return folder


def test_the_interface_of_the_default_route_is_read(tmp_path: Path) -> None:
    """In a second 100 MB out and 50 MB in are 0.8 and 0.4 of a gigabit link."""
    meter = LinkMeter(None, machine(tmp_path, 5, 5), Tick())
    assert meter.bits_per_second == 10**9
    machine(tmp_path, 100_000_005, 50_000_005)
    assert meter.measure() == Fill(0.8, 0.4)


def test_the_configured_capacity_goes_first(tmp_path: Path) -> None:
    """A port of 10 Gbit/s with a contract of 500 Mbit/s has room for 500."""
    meter = LinkMeter(500, machine(tmp_path, 0, 0, "10000"), Tick())
    machine(tmp_path, 50_000_000, 0)
    assert meter.measure() == Fill(0.8, 0.0)


@pytest.mark.parametrize(
    "megabits,speed,capacity",
    [
        (None, "100000", 100 * 10**9),
        (None, "400000", 400 * 10**9),
        (100_000, "-1", 100 * 10**9),
        (65_535, "-1", 65_535 * 10**6),
    ],
)
def test_a_fast_link_is_no_placeholder(
    tmp_path: Path, megabits: int | None, speed: str, capacity: int
) -> None:
    """Adapters of 100 Gbit/s and more are believed, and so is whatever the operator configured."""
    assert LinkMeter(megabits, machine(tmp_path, 0, 0, speed), Tick()).bits_per_second == capacity


@pytest.mark.parametrize("speed", ["-1", "0", "65535", "4294967295", ""])
def test_a_link_of_unknown_capacity_is_not_judged(tmp_path: Path, speed: str) -> None:
    """Placeholders of drivers are no capacity, and without one there is no fill."""
    meter = LinkMeter(None, machine(tmp_path, 0, 0, speed), Tick())
    machine(tmp_path, 10**9, 10**9, speed)
    assert (meter.bits_per_second, meter.measure()) == (None, None)


def test_a_machine_without_a_default_route_is_not_judged(tmp_path: Path) -> None:
    """Nobody knows by which link its tests come, whatever was configured."""
    assert LinkMeter(1000, tmp_path, Tick()).measure() is None


def test_a_counter_that_was_set_back_shows_nothing(tmp_path: Path) -> None:
    """An interface that was replaced does not count backwards."""
    meter = LinkMeter(None, machine(tmp_path, 10**9, 10**9), Tick())
    machine(tmp_path, 0, 0)
    assert meter.measure() == Fill(0.0, 0.0)
