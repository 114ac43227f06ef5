"""A line with delay, jitter and loss: two network namespaces and an emulator between them.

Each end has a TUN device, its ``eth0``; `bench.emulator` carries the packets from one to the other.
"""

import json
import secrets
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bench.emulator import Shape
from bench.namespaces import (
    ADDRESSES,
    ENDS,
    FAMILIES,
    MTU_BYTES,
    PREFIX_BITS,
    Carried,
    Direction,
    Namespaces,
    call,
)
from bench.processes import running

ROOT: Final = Path(__file__).parents[1]

_WAYS: Final[tuple[Direction, ...]] = ("download", "upload")
"""The emulator's first way leads from the server to the probe."""

_TAIL_BYTES: Final = 1 << 18
"""The end of the log in which the newest counts are: written every 0.1 s."""


@dataclass(frozen=True, slots=True)
class Small:
    """A small packet with data.

    Attributes:
        at: when it came in, `time.monotonic()`.
        direction: which way it went.
        ports: of its connection, the lower first.
        seconds: how long it was on its way.
    """

    at: float
    direction: Direction
    ports: tuple[int, int]
    seconds: float


class EmulatedLine(Namespaces):
    """A line between a server and a probe; a context manager that takes everything down again.

    Args:
        down: the shape of the way towards the probe.
        up: the same towards the server.
        congestion_control: see `Namespaces`.
        seed: of losses and jitter.

    Raises:
        LineError: see `Namespaces`.
        ProcessError: the emulator did not start.
    """

    def __init__(
        self, down: Shape, up: Shape, *, congestion_control: str | None = None, seed: int = 1
    ) -> None:
        super().__init__(congestion_control)
        self.shapes: dict[Direction, Shape] = {"download": down, "upload": up}
        self.rates: dict[Direction, int] = {
            way: round(shape.bits_per_second) for way, shape in self.shapes.items()
        }
        self._seed = seed
        self._log = Path()
        self._seen = 0

    def connect(self, undo: ExitStack) -> None:
        """Start the emulator and give each end its device."""
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="linewatch-line-")))
        self._log = folder / "truth.ndjson"
        name = f"lw{secrets.token_hex(4)}"
        devices = dict(zip(ENDS, (f"{name}s", f"{name}p"), strict=True))
        plan = {
            "devices": list(devices.values()),
            "shapes": [asdict(self.shapes[way]) for way in _WAYS],
            "log": str(self._log),
            "seed": self._seed,
        }
        command = [sys.executable, "-m", "bench.emulator", json.dumps(plan)]
        environ = {"PYTHONPATH": str(ROOT)}
        emulator = undo.enter_context(running("emulator", command, folder, environ))
        emulator.wait_for("ready")
        for end, device in devices.items():
            call("ip", "link", "set", device, "netns", self.namespaces[end], "name", "eth0")
            self.ip(end, "link", "set", "eth0", "mtu", str(MTU_BYTES), "up")
            for family in FAMILIES:
                near = f"{ADDRESSES[end][family]}/{PREFIX_BITS[family]}"
                self.ip(end, "address", "add", near, "dev", "eth0")
                self.route(end, family, "dev", "eth0")

    def counts(self) -> dict[Direction, dict[str, int]]:
        """Return the newest counts of `bench.emulator.Counts`, by direction."""
        # Asked often while a test runs: one line is parsed, however long the log has become.
        tail = self._whole_lines(max(0, self._log.stat().st_size - _TAIL_BYTES))
        newest = next(line for line in reversed(tail) if b'"ways"' in line)
        return dict(zip(_WAYS, json.loads(newest)["ways"], strict=True))

    def carried(self, direction: Direction) -> Carried:
        """Return what came out at the far end of a direction."""
        counts = self.counts()[direction]
        return Carried(
            counts["delivered_bytes"], counts["delivered_frames"], counts["dropped_frames"]
        )

    def forget(self) -> None:
        """Look at no rate and no small packet that was logged until now."""
        self._seen = self._log.stat().st_size

    def rates_seen(self, direction: Direction) -> list[tuple[float, float]]:
        """Return moments of `time.monotonic()` and the rate delivered since the one before."""
        counts = [line for line in self._lines() if "ways" in line]
        way = _WAYS.index(direction)
        return [
            (
                after["at"],
                8
                * (after["ways"][way]["delivered_bytes"] - before["ways"][way]["delivered_bytes"])
                / (after["at"] - before["at"]),
            )
            for before, after in pairwise(counts)
        ]

    def small_packets(self) -> list[Small]:
        """Return all small packets with data, in the order they came in."""
        return [
            Small(line["at"], _WAYS[line["way"]], (min(ports), max(ports)), line["seconds"])
            for line in self._lines()
            if "ports" in line and (ports := line["ports"])
        ]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._whole_lines(self._seen)]

    def _whole_lines(self, start: int) -> list[bytes]:
        with self._log.open("rb") as file:
            file.seek(start)
            # The last line may be half-written.
            return file.read().rpartition(b"\n")[0].splitlines()
