"""How busy the machine is, from /proc/stat."""

from pathlib import Path

_IDLE, _IOWAIT = 3, 4
_GUEST = 8
"""From here on the fields of the cpu line are contained in earlier ones (proc(5))."""


class CpuMeter:
    """The share of all cores' time that was busy between two readings.

    Args:
        stat: the kernel's file.
    """

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self._stat = stat
        self._last = self._read()
        self.ratio: float | None = None
        """The last measured share, 0 to 1; None before there are two readings."""

    def measure(self) -> float | None:
        """Read again and return the share since the reading before; None where it is not told."""
        now, last = self._read(), self._last
        self._last = now
        if now is None or last is None:
            self.ratio = None
        elif (total := now[1] - last[1]) > 0:
            # Counters of idle time may go back a little between cores.
            self.ratio = min(1.0, max(0.0, (now[0] - last[0]) / total))
        return self.ratio

    def _read(self) -> tuple[int, int] | None:
        """Return busy and all time since boot, in ticks. Stolen time is busy: it is not ours."""
        try:
            first = self._stat.read_text(encoding="ascii").split("\n", 1)[0].split()
            ticks = [int(text) for text in first[1 : 1 + _GUEST]]
            total = sum(ticks)
            return total - ticks[_IDLE] - ticks[_IOWAIT], total
        except (OSError, ValueError, IndexError):
            return None
