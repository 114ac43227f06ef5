"""Linewatch, iperf3 and speedtest-cli on the same line: one run of each, with what it cost."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self

from bench.namespaces import DIRECTIONS, FAMILIES, Direction, Family, Namespaces
from bench.processes import LINEWATCH, Process, running
from bench.speedtest_net import USUAL_SECONDS
from protocol.constants import FULL_WINDOW_SECONDS
from protocol.errors import LinewatchError

SERVER_PORT: Final = 8080
"""In the line's own namespace every port is free."""

SPEEDTEST_PORT: Final = 8081
"""Another server than Linewatch's own tests', so that CPU seconds are told apart."""

SPEEDTEST_THREADS: Final = 8
"""What it uses for downloads with speedtest.net's usual configuration."""

ROOT: Final = Path(__file__).parents[1]

RUN_SECONDS: Final = 120.0
"""The longest that one run of a tool may take: `measure` ends within 90 s by itself."""

WARM_UP_SECONDS: Final = 3.0
"""What iperf3 omits, as it has no rule: longer than a slow start over 80 ms to 2.5 Gbit/s."""

WIRE_WINDOW_SECONDS: Final = 4.0
"""The bottleneck's own rate is the highest mean over a time as long as this."""

_WIRE_INTERVAL_SECONDS: Final = 0.25


Load = Literal["idle", "download", "upload"]
LOADS: Final[tuple[Load, ...]] = ("idle", "download", "upload")


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
        stream_count: connections in parallel, of the direction with most.
        latency_seconds: median round trips, idle and under each direction's load.
    """

    bits_per_second: dict[Direction, float]
    bytes: dict[Direction, int]
    client_cpu_seconds: float
    server_cpu_seconds: float
    stream_count: int
    latency_seconds: dict[Load, float] = field(default_factory=dict)


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

    @property
    def families(self) -> tuple[Family, ...]:
        """Return the address families that it knows."""

    def serving(self) -> AbstractContextManager[Process]:
        """Run the server at the line's server end until the block ends."""

    def run(self, family: Family, server: Process) -> ToolRun:
        """Measure both directions once.

        Raises:
            RunError: the tool failed; says what it printed.
        """


class Linewatch:
    """`linewatch server run` and `linewatch measure`.

    Args:
        line: the line.
        folder: where it may write.
        profile: see `linewatch measure --profile`.
    """

    def __init__(
        self, line: Namespaces, folder: Path, profile: Literal["full", "quick"] = "full"
    ) -> None:
        self.name = profile
        self.families = FAMILIES
        self._line = line
        self._folder = folder

    @contextmanager
    def serving(self) -> Iterator[Process]:
        """Run the server at the line's server end."""
        with linewatch_server(self._line, self._folder, SERVER_PORT) as server:
            yield server

    def run(self, family: Family, server: Process) -> ToolRun:
        """Measure once."""
        server_before = server.cpu_seconds()
        found, cpu = measure(self._line, self._folder, family, "--profile", self.name)
        speed = found["speed"]
        latency = {load: speed["latency"][load] for load in LOADS}
        return ToolRun(
            bits_per_second={way: speed[way]["bits_per_second"] for way in DIRECTIONS},
            bytes={way: speed[way]["total_bytes"] for way in DIRECTIONS},
            client_cpu_seconds=cpu,
            server_cpu_seconds=server.cpu_seconds() - server_before,
            stream_count=max(speed[way]["stream_count"] for way in DIRECTIONS),
            latency_seconds={
                load: each["median_seconds"]
                for load, each in latency.items()
                if each and each["median_seconds"] is not None
            },
        )


@contextmanager
def linewatch_server(line: Namespaces, folder: Path, port: int) -> Iterator[Process]:
    """Run our server at the line's server end; the name of its log follows the port."""
    command = line.command("server", [LINEWATCH, "server", "run", "--listen", f"[::]:{port}"])
    with running(f"linewatch-server-{port}", command, folder) as server:
        server.wait_for(r"listening on http://")
        yield server


def measure(
    line: Namespaces, folder: Path, family: Family, *arguments: str
) -> tuple[dict[str, Any], float]:
    """Run `linewatch measure --json` at the line's probe end; return its object and CPU seconds.

    Raises:
        RunError: it failed; says what it printed.
    """
    url = line.url(family, SERVER_PORT)
    words = ["measure", "--server", url, "--family", str(family), "--json", *arguments]
    text, cpu = run_tool(line.command("probe", [LINEWATCH, *words]), folder)
    found: dict[str, Any] = json.loads(text)
    return found, cpu


def idle_seconds(line: Namespaces, folder: Path, family: Family) -> float:
    """Return the round trip of the idle line to `linewatch_server`, as two kernels see it.

    Raises:
        RunError: nothing answers there.
    """
    where = [line.address("server", family), str(SERVER_PORT)]
    program = [sys.executable, "-m", "bench.handshakes", *where]
    text, _ = run_tool(line.command("probe", program), folder, {"PYTHONPATH": str(ROOT)})
    return float(text)


class SpeedtestCli:
    """speedtest-cli's own program and transfer, against the same server of ours.

    What it asks speedtest.net first is answered by `bench.speedtest_net` at the probe's end. It
    knows IPv4 alone.

    Args:
        line: the line.
        folder: where it may write.
        test_seconds: of each direction.
    """

    name = "speedtest-cli"
    families: tuple[Family, ...] = (4,)

    def __init__(
        self, line: Namespaces, folder: Path, *, test_seconds: int = USUAL_SECONDS
    ) -> None:
        self._line = line
        self._folder = folder
        self._test_seconds = test_seconds
        self._service = ""

    @contextmanager
    def serving(self) -> Iterator[Process]:
        """Run a server of ours at the line's server end, and the stand-in at the probe's."""
        program = [sys.executable, "-m", "bench.speedtest_net", str(self._test_seconds)]
        stand_in = self._line.command("probe", program)
        environ = {"PYTHONPATH": str(ROOT)}
        with (
            running("speedtest-net", stand_in, self._folder, environ) as service,
            linewatch_server(self._line, self._folder, SPEEDTEST_PORT) as server,
        ):
            self._service = service.wait_for(r"listening on (\S+)").group(1)
            yield server

    def run(self, family: Family, server: Process) -> ToolRun:
        """Measure both directions once, as the program does by itself."""
        server_before = server.cpu_seconds()
        url = self._line.url(family, SPEEDTEST_PORT)
        program = str(Path(sys.executable).with_name("speedtest-cli"))
        address = self._line.address("server", family)
        environ = {"http_proxy": self._service, "no_proxy": address}
        command = self._line.command("probe", [program, "--json", "--mini", url])
        text, cpu = run_tool(command, self._folder, environ)
        found: dict[str, Any] = json.loads(text)
        return ToolRun(
            bits_per_second={way: found[way] for way in DIRECTIONS},
            bytes={"download": found["bytes_received"], "upload": found["bytes_sent"]},
            client_cpu_seconds=cpu,
            server_cpu_seconds=server.cpu_seconds() - server_before,
            stream_count=SPEEDTEST_THREADS,
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
    families = FAMILIES

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
            text, used = run_tool(command, self._folder)
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


def run_tool(
    command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None
) -> tuple[str, float]:
    """Run a tool to its end; return what it printed and the CPU seconds that it used.

    Raises:
        RunError: it failed or took longer than `RUN_SECONDS`; says what it printed.
    """
    with tempfile.TemporaryFile(dir=folder) as output, tempfile.TemporaryFile(dir=folder) as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
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
