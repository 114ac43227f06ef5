"""How hard the device works, second by second: processor, threads of this program, clock, heat."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probe.conditions.device import (
    Power,
    read_clock_ratios,
    read_cpu_times,
    read_heat_limit,
    read_power,
    read_temperature,
    read_thread_seconds,
)

WORKING_RATIO: Final = 0.80
"""A core busier than this in a second has work to do: governors (ondemand, schedutil) run it at its
highest clock then."""


@dataclass(frozen=True, slots=True)
class Second:
    """What one reading saw of the time since the one before.

    Attributes:
        start, end: moments of `time.monotonic()`.
        busiest_core: share of the time, 0 to 1; None where the kernel does not tell.
        busiest_thread: the same of this program's threads.
        clock: the lowest clock of a core with work to do, as a share of its highest; None where
            there is none.
    """

    start: float
    end: float
    busiest_core: float | None
    busiest_thread: float | None
    clock: float | None


class Load:
    """Reads the device's load once a second; `read` is called by whoever keeps the time.

    Args:
        root: the file system's root.
        now: this moment.

    Attributes:
        seconds: what was seen.
        hottest: the highest temperature in °C; None where none is told.
        heat_limit_reached: whether a thermal zone was at a limit; None where none has one.
        undervoltage, throttled: whether the board told so at any reading, or of a dip in between.
    """

    def __init__(self, root: Path, now: float) -> None:
        self.seconds: list[Second] = []
        self.hottest: float | None = None
        self.heat_limit_reached: bool | None = None
        self.undervoltage = False
        self.throttled = False
        self._root = root
        self._moment = now
        self._cpu = read_cpu_times(root)
        self._threads = read_thread_seconds(root)
        self._power_before = read_power(root)

    def read(self, now: float) -> None:
        """Take a reading."""
        cpu, threads = read_cpu_times(self._root), read_thread_seconds(self._root)
        busy = cpu.busy_since(self._cpu)
        passed = now - self._moment
        used = [(seconds - self._threads.get(name, 0.0)) for name, seconds in threads.items()]
        self.seconds.append(
            Second(
                self._moment,
                now,
                max(busy.values(), default=None),
                max(used) / passed if used and passed > 0 else None,
                self._clock(busy),
            )
        )
        self._moment, self._cpu, self._threads = now, cpu, threads
        self.hottest = _largest((self.hottest, read_temperature(self._root)))
        limit = read_heat_limit(self._root)
        if limit is not None:
            self.heat_limit_reached = bool(self.heat_limit_reached) or limit
        self.note_power()

    def note_power(self) -> None:
        """Note what is, and what was since the last reading: the firmware remembers a dip."""
        power, before = read_power(self._root), self._power_before
        self.undervoltage |= _was(power, before, "undervoltage")
        self.throttled |= _was(power, before, "throttled")

    def within(self, spans: Sequence[tuple[float, float]]) -> list[Second]:
        """Return the seconds of which at least half lies in a span; all, where there is none."""
        if not spans:
            return self.seconds
        return [each for each in self.seconds if any(_inside(each, span) for span in spans)]

    def _clock(self, busy: dict[str, float]) -> float | None:
        working = [core for core, share in busy.items() if share > WORKING_RATIO]
        if not working:
            return None
        ratios = read_clock_ratios(working, self._root)
        return min(ratios, default=None)


def _inside(second: Second, span: tuple[float, float]) -> bool:
    shared = min(second.end, span[1]) - max(second.start, span[0])
    return shared > (second.end - second.start) / 2


def _was(power: Power, before: Power, what: str) -> bool:
    since_boot = f"{what}_since_boot"
    return bool(getattr(power, what)) or (
        bool(getattr(power, since_boot)) and getattr(before, since_boot) is False
    )


def _largest(values: tuple[float | None, ...]) -> float | None:
    return max((value for value in values if value is not None), default=None)
