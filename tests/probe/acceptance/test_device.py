"""The rules on power, heat, clock and disk."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probe.acceptance.device import (
    Disk,
    Strain,
    TimeReading,
    clock,
    disk,
    heat,
    power,
    read_disk,
    strain,
    time_service,
)
from probe.acceptance.finding import Result
from probe.conditions.load import Load
from protocol.records import ClockState
from tests.probe.conditions.test_readers import put

CALM = Strain(
    start_celsius=45.0,
    hottest_celsius=52.0,
    headroom_celsius=28.0,
    limit_reached=False,
    slowest_clock=1.0,
    undervoltage=False,
    throttled=False,
    undervoltage_since_boot=False,
)


def strained(**changed: Any) -> Strain:
    """Return a device that stood its load, changed."""
    return replace(CALM, **changed)


@pytest.mark.parametrize(
    "seen,result",
    [
        (CALM, Result.OK),
        (strained(undervoltage=True), Result.MEND),
        (strained(throttled=True), Result.MEND),
        (strained(undervoltage_since_boot=True), Result.WARN),
        (strained(undervoltage=None, throttled=None), Result.UNKNOWN),
    ],
)
def test_power_has_to_hold_under_load(seen: Strain, result: Result) -> None:
    """Undervoltage during the load is mended; one before it is told."""
    assert power(seen).result is result


@pytest.mark.parametrize(
    "seen,result",
    [
        (CALM, Result.OK),
        (strained(headroom_celsius=None), Result.OK),
        (strained(headroom_celsius=5.0), Result.WARN),
        (strained(limit_reached=True), Result.MEND),
        (strained(slowest_clock=0.6), Result.MEND),
        (strained(hottest_celsius=None, headroom_celsius=None), Result.UNKNOWN),
    ],
)
def test_heat_must_not_slow_the_device(seen: Strain, result: Result) -> None:
    """A limit that is reached, or a slowed processor, is mended; being near it is told."""
    assert heat(seen).result is result


BOARD = {
    "proc/stat": "cpu0 0 0 0 0 0 0 0 0\n",
    "sys/class/thermal/thermal_zone0/temp": "70000\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_type": "passive\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp": "80000\n",
}
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


def test_a_dip_of_the_voltage_between_two_readings_is_seen(tmp_path: Path) -> None:
    """The firmware remembers what happened since boot, and it was not there before the load."""
    put(tmp_path, BOARD | {THROTTLED: "0\n"})
    load = Load(tmp_path, 0.0)
    put(tmp_path, {THROTTLED: "10000\n"})
    load.read(1.0)
    seen = strain(load, 45.0, tmp_path)
    assert (seen.undervoltage, seen.throttled) == (True, False)
    assert (seen.start_celsius, seen.hottest_celsius, seen.headroom_celsius) == (45.0, 70.0, 10.0)


def reading(*, synchronised: bool | None = True, difference: float | None = 0.2) -> TimeReading:
    """Return what is known of a clock."""
    state = ClockState(
        synchronised=synchronised,
        offset_seconds=None,
        source="kernel" if synchronised else "none",
        boot_id=None,
        monotonic_seconds=1.0,
    )
    return TimeReading(state, "chrony", 0.0012, difference)


@pytest.mark.parametrize(
    "read,result",
    [
        (reading(), Result.OK),
        (reading(difference=None), Result.OK),
        (reading(synchronised=False), Result.WARN),
        (reading(synchronised=None, difference=None), Result.WARN),
        (reading(difference=3600), Result.MEND),
        (reading(synchronised=False, difference=-90), Result.MEND),
    ],
)
def test_a_clock_is_synchronised_and_agrees_with_the_server(
    read: TimeReading, result: Result
) -> None:
    """A clock that the server contradicts is mended; one that nobody sets is told."""
    finding = clock(read)
    assert finding.result is result
    assert "chrony" in finding.said.vi


def test_the_program_that_sets_the_clock_is_found_by_its_name(tmp_path: Path) -> None:
    """The kernel cuts names to 15 letters; other programs set no clock."""
    put(tmp_path, {"proc/1/comm": "systemd\n", "proc/77/comm": "systemd-timesyn\n"})
    assert time_service(tmp_path) == "systemd-timesyncd"
    put(tmp_path, {"proc/77/comm": "sshd\n"})
    assert time_service(tmp_path) is None


SPOOL = 512_000_000


@pytest.mark.parametrize(
    "read,result",
    [
        (Disk(Path("/var"), 8_000_000_000, "ext4"), Result.OK),
        (Disk(Path("/var"), 600_000_000, "ext4"), Result.MEND),
        (Disk(Path("/var"), 8_000_000_000, "tmpfs"), Result.MEND),
        (Disk(Path("/var"), 8_000_000_000, "overlay"), Result.WARN),
        (None, Result.UNKNOWN),
    ],
)
def test_a_disk_has_room_for_the_spool_and_keeps_it(read: Disk | None, result: Result) -> None:
    """Records lie there until the collector has them: for days, over power cuts."""
    assert disk(read, SPOOL).result is result


def test_a_folder_that_is_not_there_yet_is_on_the_disk_of_the_one_above(tmp_path: Path) -> None:
    """The longest mount point above it tells the type."""
    put(tmp_path, {"proc/mounts": f"a / ext4 rw 0 0\nb {tmp_path} btrfs rw 0 0\n"})
    found = read_disk(tmp_path / "var/lib/linewatch", tmp_path)
    assert found is not None
    assert (found.place, found.kind) == (tmp_path, "btrfs")
    assert found.free_bytes > 0
