"""Linewatch and iperf3 on the same line: one run of each, with what it cost."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from bench.namespaces import DIRECTIONS, Direction, Family, Namespaces
from bench.processes import LINEWATCH, Process, running
from protocol.constants import FULL_WINDOW_SECONDS
from protocol.errors import LinewatchError

SERVER_PORT: Final = 8080
"""In the line's own namespace every port is free."""

RUN_SECONDS: Final = 120.0
"""The longest that one run of a tool may take: `measure` ends within 90 s by itself."""

WARM_UP_SECONDS: Final = 3.0
"""What iperf3 omits, as it has no rule: longer than a slow start over 80 ms to 2.5 Gbit/s."""

WIRE_WINDOW_SECONDS: Final = 4.0
"""The bottleneck's own rate is the highest mean over a time as long as this."""

_WIRE_INTERVAL_SECONDS: Final = 0.25


class RunError(LinewatchError):
    """A tool failed on the line."""


@dataclass(frozen=True, slots=True)
class ToolRun:
    """What one tool said of both directions, and what saying it cost.

    Attributes:
        bits_per_second: payload rate, by direction.
        bytes: all payload that the tool moved, warm-up included, by direction.
        client_cpu_seconds, server_cpu_seconds: user and system time of each end's process, over
            both directions.
        stream_count: connections in parallel.
    """

    bits_per_second: dict[Direction, float]
    bytes: dict[Direction, int]
    client_cpu_seconds: float
    server_cpu_seconds: float
    stream_count: int


@dataclass(slots=True)
class WireWatch:
    """Reads the bottlenecks' own counters on a thread while a block runs, and the machine's load.

    Attributes:
        line: the line.
        machine_cpu_ratio: after the block: how busy the machine was, all cores and all programs;
            1.0 is all of them all the time.
    """

    line: Namespaces
    machine_cpu_ratio: float | None = None
    _cpu_before: tuple[int, int] = (0, 0)
    _samples: dict[Direction, list[tuple[float, int]]] = field(
        default_factory=lambda: {direction: [] for direction in DIRECTIONS}
    )
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._cpu_before = _machine_cpu_ticks()
        self._thread = threading.Thread(target=self._watch, name="wire-watch")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        busy, total = (
            now - then for now, then in zip(_machine_cpu_ticks(), self._cpu_before, strict=True)
        )
        self.machine_cpu_ratio = busy / total if total else None

    def bits_per_second(self, direction: Direction) -> float | None:
        """Return the highest mean rate of frames over `WIRE_WINDOW_SECONDS`, None if too short."""
        samples = self._samples[direction]
        rates = []
        start = 0
        for end, (moment, count) in enumerate(samples):
            while start < end and moment - samples[start + 1][0] >= WIRE_WINDOW_SECONDS:
                start += 1
            duration = moment - samples[start][0]
            if duration >= WIRE_WINDOW_SECONDS:
                rates.append((count - samples[start][1]) * 8 / duration)
        return max(rates, default=None)

    def _watch(self) -> None:
        while not self._stop.wait(_WIRE_INTERVAL_SECONDS):
            for direction, samples in self._samples.items():
                before = time.monotonic()
                carried = self.line.carried(direction)
                samples.append(((before + time.monotonic()) / 2, carried.bytes))


def _machine_cpu_ticks() -> tuple[int, int]:
    """Return the ticks that all cores were busy, and all their ticks, since boot (proc(5))."""
    first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    # user nice system idle iowait irq softirq steal; guest times are in user and nice already.
    ticks = [int(field) for field in first.split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


class Tool(Protocol):
    """A program that measures a line between a client and a server of its own."""

    @property
    def name(self) -> str:
        """Return what tables call it."""

    def serving(self) -> AbstractContextManager[Process]:
        """Run the server at the line's server end until the block ends."""

    def run(self, family: Family, server: Process) -> ToolRun:
        """Measure both directions once.

        Raises:
            RunError: the tool failed; says what it printed.
        """


class Linewatch:
    """`linewatch server run` and `linewatch measure`."""

    name = "linewatch"

    def __init__(self, line: Namespaces, folder: Path) -> None:
        self._line = line
        self._folder = folder

    @contextmanager
    def serving(self) -> Iterator[Process]:
        """Run the server at the line's server end."""
        listen = ["server", "run", "--listen", f"[::]:{SERVER_PORT}"]
        command = self._line.command("server", [LINEWATCH, *listen])
        with running("linewatch-server", command, self._folder) as server:
            server.wait_for(r"listening on http://")
            yield server

    def run(self, family: Family, server: Process) -> ToolRun:
        """Measure once with the profile `full`."""
        url = self._line.url(family, SERVER_PORT)
        arguments = ["measure", "--server", url, "--family", str(family), "--json"]
        command = self._line.command("probe", [LINEWATCH, *arguments])
        server_before = server.cpu_seconds()
        text, cpu = _run(command, self._folder)
        speed: dict[str, Any] = json.loads(text)["speed"]
        return ToolRun(
            bits_per_second={way: speed[way]["bits_per_second"] for way in DIRECTIONS},
            bytes={way: speed[way]["total_bytes"] for way in DIRECTIONS},
            client_cpu_seconds=cpu,
            server_cpu_seconds=server.cpu_seconds() - server_before,
            stream_count=speed["download"]["stream_count"],
        )


class Iperf3:
    """iperf3, with the window of Linewatch's profile `full` unless told otherwise.

    Args:
        line: the line.
        folder: where it may write.
        stream_count: connections in parallel.
        warm_up_seconds: excluded at the start of each direction.
        window_seconds: what is measured after it.
    """

    name = "iperf3"

    def __init__(
        self,
        line: Namespaces,
        folder: Path,
        stream_count: int,
        *,
        warm_up_seconds: float = WARM_UP_SECONDS,
        window_seconds: float = FULL_WINDOW_SECONDS,
    ) -> None:
        self._line = line
        self._folder = folder
        self._stream_count = stream_count
        self._warm_up_seconds = warm_up_seconds
        self._window_seconds = window_seconds

    @contextmanager
    def serving(self) -> Iterator[Process]:
        """Run the server at the line's server end."""
        command = self._line.command("server", ["iperf3", "--server", "--forceflush"])
        with ExitStack() as stack:
            server = stack.enter_context(running("iperf3-server", command, self._folder))
            server.wait_for(r"listening on")
            yield server

    def run(self, family: Family, server: Process) -> ToolRun:
        """Measure download, then upload."""
        server_before = server.cpu_seconds()
        sums: dict[Direction, dict[str, Any]] = {}
        cpu = 0.0
        for direction in DIRECTIONS:
            command = self._line.command("probe", self._client(family, direction))
            text, used = _run(command, self._folder)
            answer: dict[str, Any] = json.loads(text)
            if "error" in answer:  # which it says with exit code 0
                raise RunError(f"iperf3 failed: {answer['error']}")
            sums[direction] = answer["end"]["sum_received"]
            cpu += used
        # iperf3 leaves the omitted seconds out of its count of bytes.
        whole = (self._warm_up_seconds + self._window_seconds) / self._window_seconds
        return ToolRun(
            bits_per_second={way: sums[way]["bits_per_second"] for way in DIRECTIONS},
            bytes={way: round(sums[way]["bytes"] * whole) for way in DIRECTIONS},
            client_cpu_seconds=cpu,
            server_cpu_seconds=server.cpu_seconds() - server_before,
            stream_count=self._stream_count,
        )

    def _client(self, family: Family, direction: Direction) -> list[str]:
        times = ["--time", f"{self._window_seconds:.0f}", "--omit", f"{self._warm_up_seconds:.0f}"]
        way = ["--reverse"] if direction == "download" else []
        address = self._line.address("server", family)
        streams = ["--parallel", str(self._stream_count)]
        return ["iperf3", "--client", address, "--json", *times, *streams, *way]


def _run(command: Sequence[str], folder: Path) -> tuple[str, float]:
    """Run a tool to its end; return what it printed and the CPU seconds that it used.

    Raises:
        RunError: it failed or took longer than `RUN_SECONDS`; says what it printed.
    """
    with tempfile.TemporaryFile(dir=folder) as output, tempfile.TemporaryFile(dir=folder) as errors:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        late = threading.Timer(RUN_SECONDS, process.kill)
        late.start()
        try:
            # Unlike Popen.wait, this tells the CPU time of this one process.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text = output.read().decode(errors="replace")
        if process.returncode != 0:
            said = (errors.read().decode(errors="replace").strip() or text)[-2000:]
            name = Path(command[4]).name
            raise RunError(f"{name} ended with {process.returncode}: {said}")
        return text, usage.ru_utime + usage.ru_stime
