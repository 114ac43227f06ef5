"""The device itself: processor, memory, heat and power."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from probe.conditions.files import number, text
from protocol.conditions import DeviceState

_THROTTLED_FILE: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"
_UNDERVOLTAGE: Final = 0x1
_THROTTLED: Final = 0x2 | 0x4 | 0x8
_SINCE_BOOT_SHIFT: Final = 16
"""Bits of the Raspberry Pi firmware's get_throttled: under-voltage; frequency capped, throttled,
soft temperature limit. The upper half-word has the same bits for "since boot"."""

_IDLE_COLUMNS: Final = (3, 4)
"""Of a `cpu` line in /proc/stat, after its name: idle and iowait."""


_LIMITING_TRIPS: Final = frozenset({"passive", "hot", "critical"})
"""Kinds of a thermal zone's trip points at which the device is slowed down or worse; `active` only
turns a fan on (Linux, Documentation/driver-api/thermal/sysfs-api.rst)."""

_CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Busy and total time of each core since boot, in kernel ticks, by its name (`cpu0`)."""

    cores: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def busy_since(self, before: "CpuTimes") -> dict[str, float]:
        """Return each core's busy share since ``before``, 0 to 1; none for which nothing passed."""
        shares = {}
        for name, (busy, total) in self.cores.items():
            busy_before, total_before = before.cores.get(name, (busy, total))
            if total > total_before:
                shares[name] = min(1.0, max(0.0, (busy - busy_before) / (total - total_before)))
        return shares


@dataclass(frozen=True, slots=True)
class Power:
    """Under-voltage and throttling at one moment, and whether there was any since boot.

    None where the board does not tell.
    """

    undervoltage: bool | None
    throttled: bool | None
    undervoltage_since_boot: bool | None = None
    throttled_since_boot: bool | None = None


def read_cpu_times(root: Path = Path("/")) -> CpuTimes:
    """Return the cores' times; empty where /proc/stat cannot be read."""
    cores = {}
    for line in (text(root / "proc/stat") or "").splitlines():
        name, _, rest = line.partition(" ")
        if name.startswith("cpu") and name != "cpu":
            # Guest time (columns 8 and 9) is already in user time.
            ticks = [int(tick) for tick in rest.split()[:8]]
            idle = sum(ticks[column] for column in _IDLE_COLUMNS)
            cores[name] = (sum(ticks) - idle, sum(ticks))
    return CpuTimes(cores)


def read_thread_seconds(root: Path = Path("/")) -> dict[str, float]:
    """Return the CPU time of each thread of this program so far, by its id."""
    used = {}
    for folder in (root / "proc/self/task").glob("*"):
        # Behind the name, which may hold spaces: utime and stime are fields 14 and 15 (proc(5)).
        fields = (text(folder / "stat") or "").rpartition(")")[2].split()
        if len(fields) > 12:  # noqa: PLR2004 - a thread that ended meanwhile has none
            used[folder.name] = (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
    return used


def read_clock_ratios(cores: Iterable[str], root: Path = Path("/")) -> list[float]:
    """Return the clock of each of the cores as a share of its highest, where both are told."""
    ratios = []
    for core in cores:
        folder = root / "sys/devices/system/cpu" / core / "cpufreq"
        now, highest = number(folder / "scaling_cur_freq"), number(folder / "cpuinfo_max_freq")
        if now is not None and highest:
            ratios.append(now / highest)
    return ratios


def read_heat_limit(root: Path = Path("/")) -> bool | None:
    """Return whether any thermal zone is at or above its lowest limit; None where none has one."""
    headroom = read_heat_headroom(root)
    return None if headroom is None else headroom <= 0


def read_heat_headroom(root: Path = Path("/")) -> float | None:
    """Return how far the zone that is closest to its lowest limit is below it, in °C."""
    left = []
    for zone in (root / "sys/class/thermal").glob("thermal_zone*"):
        limits = [
            limit
            for kind in zone.glob("trip_point_*_type")
            if text(kind) in _LIMITING_TRIPS
            and (limit := number(zone / kind.name.replace("_type", "_temp"))) is not None
            # Limits that are switched off are told as 0 or as absolute zero.
            and limit > 0
        ]
        temperature = number(zone / "temp")
        if limits and temperature is not None:
            left.append((min(limits) - temperature) / 1000)
    return min(left, default=None)


def read_device(root: Path = Path("/")) -> DeviceState:
    """Return the device's state now."""
    power = read_power(root)
    return DeviceState(
        load_1m=_load(root),
        memory_available_bytes=_memory(root),
        temperature_celsius=read_temperature(root),
        undervoltage=power.undervoltage,
        throttled=power.throttled,
    )


def read_power(root: Path = Path("/")) -> Power:
    """Return what the board's firmware says of its power now."""
    told = _throttled(root)
    if told is None:
        return Power(undervoltage=_voltage_alarm(root), throttled=None)
    since_boot = told >> _SINCE_BOOT_SHIFT
    return Power(
        undervoltage=bool(told & _UNDERVOLTAGE),
        throttled=bool(told & _THROTTLED),
        undervoltage_since_boot=bool(since_boot & _UNDERVOLTAGE),
        throttled_since_boot=bool(since_boot & _THROTTLED),
    )


def read_model(root: Path = Path("/")) -> str | None:
    """Return the board's name from the device tree or from DMI."""
    for place in ("proc/device-tree/model", "sys/class/dmi/id/product_name"):
        name = text(root / place)
        if name:
            return name[:500]
    return None


def cores() -> int | None:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) or None


def read_temperature(root: Path = Path("/")) -> float | None:
    """Return the hottest thermal zone in °C, or None where there is none."""
    zones = (root / "sys/class/thermal").glob("thermal_zone*/temp")
    readings = [reading for reading in map(number, zones) if reading is not None]
    return max(readings) / 1000 if readings else None


def _load(root: Path) -> float | None:
    words = (text(root / "proc/loadavg") or "").split()
    try:
        return float(words[0])
    except (IndexError, ValueError):
        return None


def _memory(root: Path) -> int | None:
    for line in (text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _throttled(root: Path) -> int | None:
    content = text(root / _THROTTLED_FILE)
    try:
        return None if content is None else int(content, 16)
    except ValueError:
        return None


def _voltage_alarm(root: Path) -> bool | None:
    for folder in (root / "sys/class/hwmon").glob("hwmon*"):
        if text(folder / "name") == "rpi_volt":
            alarm = number(folder / "in0_lcrit_alarm")
            return None if alarm is None else bool(alarm)
    return None
