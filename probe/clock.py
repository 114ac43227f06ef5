"""What time it is, and what that is worth: the kernel's clock, corrected by the collector's Date.

A Raspberry Pi has no clock battery. Its agent may run for minutes or, with the line down, for days
on a clock that nobody has set. The rule, once:

- The kernel says *synchronised*: its clock is taken, unless the collector differs by more than
  `KERNEL_TRUST_SECONDS`; then the collector's time is taken, because its answers are signed (TLS)
  while NTP's usually are not, and virtual machines claim a synchronisation that they do not have.
  A Date that came over plain http, which anyone on the way can write, never moves such a clock.
- The kernel says *not synchronised*, or cannot be asked: the collector's Date is taken where it
  differs by more than `CLOCK_TOLERANCE_SECONDS`, and confirms the device's clock where it does not.
- Nobody vouches: the device's clock as it is, and the records say so.

A correction is an anchor on CLOCK_BOOTTIME, which no one can set: when NTP steps the device's clock
later, nothing adds up twice. It lives in memory only, and ends with the process.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from protocol.constants import CLOCK_TOLERANCE_SECONDS
from protocol.records import ClockState

KERNEL_TRUST_SECONDS: Final = 300
"""How far a synchronised kernel may differ from the collector and still be believed.

NTP keeps a clock within milliseconds; a collector's own clock may be minutes off on a bad day and
must not move a fleet. Beyond five minutes the device's claim is more likely the false one.
"""

MAX_ROUND_TRIP_SECONDS: Final = 10
"""A Date that took longer to arrive says too little about now to correct a clock with."""

DATE_RESOLUTION_SECONDS: Final = 1.0
"""HTTP's Date has whole seconds, cut off: the true moment is half of it later on average."""

_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Source = Literal["kernel", "collector", "none"]


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What adjtimex says: is the clock synchronised, and how much is left to correct."""

    synchronised: bool
    offset_seconds: float


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2). `c_long` has the kernel's width on 32 and on 64 bit."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_seconds", ctypes.c_long),
        ("time_fraction", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("counts", ctypes.c_long * 4),
        ("tai", ctypes.c_int),
        ("padding", ctypes.c_int * 11),
    )


def read_kernel_clock() -> KernelClock | None:
    """Return what adjtimex(2) says, or None where the system does not offer it."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    timex = _Timex()
    if adjtimex(ctypes.byref(timex)) < 0:
        return None
    unit = 1e-9 if timex.status & _STA_NANO else 1e-6
    return KernelClock(not timex.status & _STA_UNSYNC, timex.offset * unit)


def read_boottime() -> float:
    """Return CLOCK_BOOTTIME: seconds since boot, suspended time included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_boot_id() -> str | None:
    """Return the kernel's boot id, or None where it does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class _Anchor:
    """True time (seconds since the epoch) at a moment of CLOCK_BOOTTIME; signed if TLS told it."""

    true_seconds: float
    boot_seconds: float
    signed: bool = True

    def at(self, boot_seconds: float) -> float:
        return self.true_seconds + (boot_seconds - self.boot_seconds)


@dataclass(frozen=True, slots=True)
class _Reading:
    wall: float
    boot: float
    kernel: KernelClock | None
    true: float
    source: Source


class Clock:
    """The probe's only source of the time of day. Safe to use from several threads.

    Args:
        wall: the device's clock, seconds since the epoch.
        boottime: a clock that only goes forward and that nobody can set, seconds.
        kernel: what the kernel says of the device's clock.
        boot_id: names the boot that ``boottime`` counts from.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        boottime: Callable[[], float] = read_boottime,
        kernel: Callable[[], KernelClock | None] = read_kernel_clock,
        boot_id: Callable[[], str | None] = read_boot_id,
    ) -> None:
        self._wall = wall
        self._boottime = boottime
        self._kernel = kernel
        self._boot_id = boot_id()
        self._correction: _Anchor | None = None
        self._collector: _Anchor | None = None

    def now(self) -> datetime:
        """Return the time, UTC, with every correction that is known."""
        return datetime.fromtimestamp(self._read().true, UTC)

    def state(self) -> ClockState:
        """Return what the clock is worth at this moment, for a record."""
        reading = self._read()
        return ClockState(
            synchronised=reading.kernel.synchronised if reading.kernel else None,
            offset_seconds=(
                None if reading.source == "none" else round(reading.true - reading.wall, 6)
            ),
            source=reading.source,
            boot_id=self._boot_id,
            monotonic_seconds=reading.boot,
        )

    @property
    def trusted(self) -> bool:
        """Whether somebody vouches for `now`."""
        return self._read().source != "none"

    def offsets(self) -> tuple[float, float]:
        """Return (true time, device's time), each minus CLOCK_BOOTTIME, in seconds.

        Either changes only when a clock is stepped or corrected.
        """
        reading = self._read()
        return reading.true - reading.boot, reading.wall - reading.boot

    def boottime(self) -> float:
        """Return CLOCK_BOOTTIME in seconds."""
        return self._boottime()

    def seconds_until(self, moment: datetime) -> float:
        """Return how long to wait for ``moment``; negative where it has passed."""
        return (moment - self.now()).total_seconds()

    def collector_now(self) -> datetime:
        """Return the time as the collector last told it, or `now` before it ever did.

        Tokens are minted with it: the collector judges them by its own clock, whoever is right.
        """
        if self._collector is None:
            return self.now()
        return datetime.fromtimestamp(self._collector.at(self._boottime()), UTC)

    def collector_difference_seconds(self) -> float | None:
        """Return the collector's time minus `now`, or None before it ever told."""
        if self._collector is None:
            return None
        reading = self._read()
        return self._collector.at(reading.boot) - reading.true

    def learn(self, date: datetime, round_trip_seconds: float, *, signed: bool = True) -> bool:
        """Take in the collector's Date; return whether that corrected `now`.

        Args:
            date: the answer's Date header, aware.
            round_trip_seconds: from the request's first byte to the answer's head.
            signed: whether it came over TLS.
        """
        if round_trip_seconds > MAX_ROUND_TRIP_SECONDS:
            return False
        reading = self._read()
        estimate = date.timestamp() + DATE_RESOLUTION_SECONDS / 2 + round_trip_seconds / 2
        self._collector = _Anchor(estimate, reading.boot)
        difference = abs(estimate - reading.true)
        if reading.source == "kernel" and (difference <= KERNEL_TRUST_SECONDS or not signed):
            self._correction = None
            return False
        if difference <= CLOCK_TOLERANCE_SECONDS:
            if reading.source == "none":
                self._correction = _Anchor(reading.true, reading.boot, signed)
            return False
        self._correction = _Anchor(estimate, reading.boot, signed)
        return True

    def device_is_wrong(self) -> bool:
        """Whether the device's own clock, which libraries read, is known to be off."""
        reading = self._read()
        return abs(reading.true - reading.wall) > CLOCK_TOLERANCE_SECONDS

    def _read(self) -> _Reading:
        wall, boot, kernel = self._wall(), self._boottime(), self._kernel()
        correction = self._correction
        corrected = correction.at(boot) if correction else None
        if kernel and kernel.synchronised:
            own = wall + kernel.offset_seconds
            unsigned = correction is None or not correction.signed
            if corrected is None or unsigned or abs(corrected - own) <= KERNEL_TRUST_SECONDS:
                return _Reading(wall, boot, kernel, own, "kernel")
        if corrected is not None:
            return _Reading(wall, boot, kernel, corrected, "collector")
        return _Reading(wall, boot, kernel, wall, "none")
