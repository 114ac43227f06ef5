"""What this device can move by itself: the project's own transfer over loopback, and its cost.

Both ends run on this device, so the rate itself tells little: the far end takes its part of the
processor. What counts is the CPU time that the measuring side spends for each bit:

    own = CPU time of this program + interrupt time of all cores (irq and softirq of /proc/stat)

The far end is a process of its own, and its CPU time is left out. What the kernel does for a packet
that arrives happens in interrupts, which on loopback run in the sender's name: they are all charged
to the measuring side, whichever end they served. So the cost is never told too low.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from probe.acceptance.far_end import FarEnd
from probe.conditions.files import text
from probe.transfer.backend import Backend, Paths
from probe.transfer.dial import Dialer, Target
from probe.transfer.direction import Plan, Run, run
from probe.transfer.guard import Guard
from probe.transfer.ramp import FIRST_STREAMS, Fixed
from probe.transfer.stream import Stream
from probe.transfer.streams import DownloadStream, UploadStream

Direction = Literal["download", "upload"]

WARM_UP_SECONDS: Final = 0.5
WINDOW_SECONDS: Final = 5.0
"""Five hundred ticks of /proc/stat for each core: its interrupt time is right to some percent."""

_TICKS_PER_SECOND: Final = 100
"""USER_HZ, in which /proc/stat counts on every Linux of the last twenty years."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a direction moved over loopback, and what that cost the measuring side.

    Attributes:
        bits_per_second: the rate, both ends on this device.
        core_seconds_per_bit: CPU time of the measuring side for each bit.
        far_end_share: of the CPU time of both, the far end's.
    """

    bits_per_second: float
    core_seconds_per_bit: float
    far_end_share: float


def measure(
    far: FarEnd,
    direction: Direction,
    guard: Guard,
    progress: Callable[[float, float], None],
    *,
    root: Path = Path("/"),
    window_seconds: float = WINDOW_SECONDS,
) -> Cost:
    """Move bytes as fast as the device can, and return what it cost.

    Takes at most connecting + `WARM_UP_SECONDS` + ``window_seconds``, within the guard.

    Raises:
        MeasurementError: the transfer did not end well, or the guard.
        OSError: the far end is gone.
    """
    target = Target.of(far.url)
    dialer = Dialer(target, guard)
    backend = Backend(far.url, Paths.libre_speed("/"), None, "loopback")
    kind = DownloadStream if direction == "download" else UploadStream

    def new_stream(number: int) -> Stream:
        return kind(number, dialer, backend)

    result = Run()
    plan = Plan(Fixed(FIRST_STREAMS, WARM_UP_SECONDS), window_seconds)
    own, far_before, interrupts = (
        time.process_time(),
        far.cpu_seconds(),
        interrupt_seconds(root),
    )
    run(new_stream, plan, guard, progress, result)
    spent = time.process_time() - own + interrupt_seconds(root) - interrupts
    far_spent = far.cpu_seconds() - far_before
    seconds = result.samples[-1][0]
    return Cost(
        bits_per_second=8 * result.total_bytes / seconds,
        core_seconds_per_bit=spent / (8 * result.total_bytes),
        far_end_share=far_spent / (spent + far_spent),
    )


def interrupt_seconds(root: Path = Path("/")) -> float:
    """Return the time that all cores have spent in interrupts since boot; 0 where it is not told.

    The first line of /proc/stat: irq and softirq are its sixth and seventh number (proc(5)).
    """
    words = (text(root / "proc/stat") or "").partition("\n")[0].split()
    irq, softirq = 6, 7
    return sum(map(int, words[irq : softirq + 1])) / _TICKS_PER_SECOND
