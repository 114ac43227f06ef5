"""How full the server's link is: the counters of the interface that its traffic leaves by."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protocol.interface import speed_bits_per_second

_DEFAULT_IPV4 = "00000000"
_DEFAULT_IPV6 = "0" * 32
_BITS_PER_MEGABIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Fill:
    """How full a link was, each way, as a share of its capacity; frames of everybody."""

    sent_ratio: float
    received_ratio: float


class LinkMeter:
    """The link's fill between two readings.

    Args:
        megabits: its capacity each way; None takes the interface's own speed, which is unknown for
            virtual machines.
        root: the file system's root.
        clock: seconds that never go back.

    Attributes:
        bits_per_second: the capacity; None where it is not known.
    """

    def __init__(
        self,
        megabits: int | None,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        name = _leaves_by(root)
        self._folder = root / "sys/class/net" / name if name else None
        self.bits_per_second = megabits * _BITS_PER_MEGABIT if megabits else self._told()
        self._clock = clock
        self._last = self._read()

    def measure(self) -> Fill | None:
        """Read again and return the fill since the reading before; None where it is not known."""
        now, last = self._read(), self._last
        self._last = now
        if now is None or last is None or self.bits_per_second is None or now[0] <= last[0]:
            return None
        room = (now[0] - last[0]) * self.bits_per_second / 8
        # A counter that was set back shows nothing.
        sent, received = max(0, now[1] - last[1]), max(0, now[2] - last[2])
        return Fill(sent / room, received / room)

    def _told(self) -> int | None:
        if self._folder is None:
            return None
        return speed_bits_per_second(_number(self._folder / "speed"))

    def _read(self) -> tuple[float, int, int] | None:
        if self._folder is None:
            return None
        sent = _number(self._folder / "statistics/tx_bytes")
        received = _number(self._folder / "statistics/rx_bytes")
        if sent is None or received is None:
            return None
        return self._clock(), sent, received


def _leaves_by(root: Path) -> str | None:
    """Return the interface of the default route, IPv4's first; None where there is none."""
    for line in _lines(root / "proc/net/route")[1:]:
        words = line.split()
        if words[1] == words[7] == _DEFAULT_IPV4:
            return words[0]
    for line in _lines(root / "proc/net/ipv6_route"):
        words = line.split()
        if words[0] == _DEFAULT_IPV6 and words[1] == "00" and words[9] != "lo":
            return words[9]
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
