"""What it costs to move bytes: Linewatch's transfer core beside iperf3 and plain loops.

`make bench-transfer` starts a Linewatch server and an iperf3 server on loopback and lets each
client receive and send in turns. It prints Gbit/s and the client's own CPU seconds per GB, medians
of all rounds, and their ratio to iperf3's of the same run. Loopback has no line: it shows the cost
of the code, not the speed of a network.
"""

import contextlib
import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import click
from rich.console import Console
from rich.table import Table

from bench.processes import LINEWATCH, Process, running
from probe.transfer import backend, direction
from probe.transfer.dial import Dialer, Target
from probe.transfer.framing import request_head, take_head
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from probe.transfer.kernel import end, source_bytes
from probe.transfer.ndt7 import Ndt7Download, Ndt7Upload
from probe.transfer.ramp import Fixed
from probe.transfer.stream import Stream
from probe.transfer.streams import DownloadStream, UploadStream
from protocol.constants import GARBAGE_CHUNK_BYTES, GARBAGE_MAX_CHUNKS
from protocol.errors import LinewatchError
from protocol.messages import ServerEntry
from protocol.ndt7 import DOWNLOAD_PATH, DURATION_SECONDS, UPLOAD_PATH

Way = Literal["receive", "send"]
WAYS: Final[tuple[Way, ...]] = ("receive", "send")
TOOLS: Final = ("linewatch", "iperf3", "plain loop", "ndt7")

PLAIN_BYTES: Final = 1024 * 1024
"""What one call of the plain loops moves: large enough that the copy is what costs."""

UPLOAD_BYTES: Final = 4 * 1024**3
"""The length of a plain upload: the most that the server takes in one request."""

WARM_UP_SECONDS: Final = 1.0
"""Excluded from every tool's count: buffers grow, processors speed up."""


class BenchError(LinewatchError):
    """A client did not measure."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One client's run: payload bytes, seconds, and the CPU seconds of its process meanwhile."""

    moved_bytes: int
    seconds: float
    cpu_seconds: float

    @property
    def gigabits_per_second(self) -> float:
        """The rate."""
        return 8e-9 * self.moved_bytes / self.seconds

    @property
    def cpu_seconds_per_gigabyte(self) -> float:
        """The price."""
        return self.cpu_seconds / (self.moved_bytes / 1e9)


# --- The clients, each in a process of its own ---------------------------------------------------


@contextmanager
def _metered(report: Callable[[], int]) -> Iterator[list[Cost]]:
    """Meter this process from the end of the warm-up to the end of the block."""
    costs: list[Cost] = []
    before = (report(), time.monotonic(), _own_cpu_seconds())
    yield costs
    costs.append(
        Cost(report() - before[0], time.monotonic() - before[1], _own_cpu_seconds() - before[2])
    )


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def linewatch_client(way: Way, url: str, seconds: float, stream_count: int) -> Cost:
    """Move bytes as a measurement does, samples and all."""
    guard = Guard(time.monotonic() + seconds + 30)
    dialer = Dialer(Target.of(url), guard)
    client = Client(dialer)
    found = backend.find(client, ServerEntry(name="bench", url=url))
    client.close()
    kind = DownloadStream if way == "receive" else UploadStream
    streams: list[Stream] = []
    marks: list[tuple[float, int, float]] = []

    def mark(share: float, rate: float) -> None:
        del rate
        if (not marks and share * (WARM_UP_SECONDS + seconds) >= WARM_UP_SECONDS) or share >= 1:
            moved = sum(stream.moved() for stream in streams)
            marks.append((time.monotonic(), moved, _own_cpu_seconds()))

    def new_stream(number: int) -> Stream:
        streams.append(kind(number, dialer, found))
        return streams[-1]

    plan = direction.Plan(Fixed(stream_count, WARM_UP_SECONDS), seconds)
    direction.run(new_stream, plan, guard, mark, direction.Run())
    (t0, b0, c0), (t1, b1, c1) = marks[0], marks[-1]
    return Cost(b1 - b0, t1 - t0, c1 - c0)


def ndt7_client(way: Way, url: str, seconds: float, stream_count: int) -> Cost:
    """Move bytes in ndt7's messages, on one WebSocket a stream."""
    dialer = Dialer(Target.of(url), Guard(time.monotonic() + seconds + 30))
    kind, path = (Ndt7Download, DOWNLOAD_PATH) if way == "receive" else (Ndt7Upload, UPLOAD_PATH)
    streams = [kind(dialer, path, DURATION_SECONDS) for _ in range(stream_count)]
    for stream in streams:
        stream.start()
        stream.go()
    time.sleep(WARM_UP_SECONDS)
    with _metered(lambda: sum(stream.moved() for stream in streams)) as costs:
        time.sleep(seconds)
    for stream in streams:
        stream.end()
        if stream.failure is not None:
            raise BenchError(stream.failure.detail)
    return costs[0]


def plain_client(way: Way, url: str, seconds: float, stream_count: int) -> Cost:
    """Move the same bytes with the plain calls: `recv_into` a buffer, `send` from memory."""
    dialer = Dialer(Target.of(url), Guard(time.monotonic() + seconds + 30))
    counts = [0] * stream_count
    loop = _plain_receive if way == "receive" else _plain_send

    def until_end(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # its end, below
            loop(connection, counts, number)

    connections = [dialer.dial() for _ in counts]
    for connection in connections:
        connection.settimeout(None)
    threads = [
        threading.Thread(target=until_end, args=(connection, number), daemon=True)
        for number, connection in enumerate(connections)
    ]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_SECONDS)
    with _metered(lambda: sum(counts)) as costs:
        time.sleep(seconds)
    for connection, thread in zip(connections, threads, strict=True):
        end(connection)
        thread.join()
        connection.close()
    return costs[0]


def _plain_receive(connection: socket.socket, counts: list[int], number: int) -> None:
    buffer = bytearray(PLAIN_BYTES)
    while True:
        connection.sendall(request_head("GET", "bench", "/garbage.php?ckSize=1024"))
        head = b""
        while (taken := take_head(head)) is None:
            head += connection.recv(4096)
        left = GARBAGE_MAX_CHUNKS * GARBAGE_CHUNK_BYTES - len(taken[1])
        while left:
            count = connection.recv_into(buffer, min(left, PLAIN_BYTES))
            if not count:
                return
            left -= count
            counts[number] += count


def _plain_send(connection: socket.socket, counts: list[int], number: int) -> None:
    data = source_bytes()[:PLAIN_BYTES]
    while True:
        connection.sendall(request_head("POST", "bench", "/empty.php", UPLOAD_BYTES))
        left = UPLOAD_BYTES
        while left:
            count = connection.send(data[: min(left, PLAIN_BYTES)])
            left -= count
            counts[number] += count
        connection.recv(4096)


# --- The bench -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the servers are, and how long each run is."""

    url: str
    iperf3_port: int
    seconds: float
    stream_count: int

    def run(self, tool: str, way: Way) -> Cost:
        """Run one client once.

        Raises:
            BenchError: it failed; says what it printed.
        """
        return self._iperf3(way) if tool == "iperf3" else self._own(tool, way)

    def _own(self, tool: str, way: Way) -> Cost:
        arguments = [tool, way, self.url, str(self.seconds), str(self.stream_count)]
        text, _ = _output([sys.executable, __file__, "client", *arguments])
        return Cost(**json.loads(text))

    def _iperf3(self, way: Way) -> Cost:
        text, usage = _output(
            [
                *("iperf3", "--client", "127.0.0.1", "--port", str(self.iperf3_port), "--json"),
                *("--time", f"{self.seconds + WARM_UP_SECONDS:.0f}"),
                *("--parallel", str(self.stream_count)),
                *(["--reverse"] if way == "receive" else []),
            ]
        )
        answer = json.loads(text)
        if "error" in answer:
            raise BenchError(f"iperf3 failed: {answer['error']}")
        # Its process is metered whole, warm-up included, and so are its bytes: same ratio.
        total = answer["end"]["sum_received" if way == "receive" else "sum_sent"]
        return Cost(total["bytes"], total["seconds"], usage)


def _output(command: list[str]) -> tuple[str, float]:
    """Run a program to its end; return what it printed and the CPU seconds that it used."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise BenchError(f"{' '.join(command)} ended with {process.returncode}:\n{text[-2000:]}")
    return text, usage.ru_utime + usage.ru_stime


def measure(bench: Bench, rounds: int, console: Console) -> dict[tuple[Way, str], list[Cost]]:
    """Let each client receive and send in turns, ``rounds`` times, after one that is not kept."""
    costs: dict[tuple[Way, str], list[Cost]] = {}
    with console.status("") as status:
        for number in range(rounds + 1):
            for way in WAYS:
                for tool in TOOLS:
                    status.update(f"round {number} of {rounds}: {tool}, {way}")
                    cost = bench.run(tool, way)
                    if number:
                        costs.setdefault((way, tool), []).append(cost)
    return costs


def print_table(
    costs: dict[tuple[Way, str], list[Cost]], stream_count: int, console: Console
) -> None:
    """Print medians, spreads and ratios to iperf3."""
    table = Table(title=f"Loopback, {stream_count} stream(s) · {platform.machine()}")
    for name in ("", "client", "Gbit/s", "÷ iperf3", "CPU s/GB", "÷ iperf3", "CPU s/GB, all"):
        table.add_column(name, justify="left" if name in {"", "client"} else "right")
    for way in WAYS:
        rates = {t: statistics.median(c.gigabits_per_second for c in costs[way, t]) for t in TOOLS}
        prices = {
            t: statistics.median(c.cpu_seconds_per_gigabyte for c in costs[way, t]) for t in TOOLS
        }
        for tool in TOOLS:
            each = sorted(cost.cpu_seconds_per_gigabyte for cost in costs[way, tool])
            table.add_row(
                way,
                tool,
                f"{rates[tool]:.1f}",
                f"{rates[tool] / rates['iperf3']:.2f}",
                f"{prices[tool]:.3f}",
                f"{prices[tool] / prices['iperf3']:.2f}",
                f"{each[0]:.3f} … {each[-1]:.3f}",
            )
    console.print(table)


@contextmanager
def servers(folder: Path) -> Iterator[tuple[str, int]]:
    """Run both servers until the block ends; yield our URL and iperf3's port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ExitStack() as stack:
        own: Process = stack.enter_context(
            running("server", [LINEWATCH, "server", "run", "--listen", "127.0.0.1:0"], folder)
        )
        url = own.wait_for(r"listening on (http://\S+)").group(1)
        command = ["iperf3", "--server", "--port", str(port), "--bind", "127.0.0.1", "--forceflush"]
        iperf3 = stack.enter_context(running("iperf3", command, folder))
        iperf3.wait_for("listening on")
        yield url, port


@click.group(invoke_without_command=True)
@click.option("--streams", default=(1, 4), multiple=True, show_default=True, type=int)
@click.option("--rounds", default=5, show_default=True, help="Runs of each client that are kept.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each run, after the warm-up.")
@click.pass_context
def main(ctx: click.Context, streams: tuple[int, ...], rounds: int, seconds: float) -> None:
    """Compare what moving bytes costs."""
    if ctx.invoked_subcommand is not None:
        return
    console = Console()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (url, port):
        for stream_count in streams:
            bench = Bench(url, port, seconds, stream_count)
            print_table(measure(bench, rounds, console), stream_count, console)


@main.command(hidden=True)
@click.argument("tool")
@click.argument("way", type=click.Choice(WAYS))
@click.argument("url")
@click.argument("seconds", type=float)
@click.argument("stream_count", type=int)
def client(tool: str, way: Way, url: str, seconds: float, stream_count: int) -> None:
    """Be one client and print its cost as JSON."""
    own = {"linewatch": linewatch_client, "ndt7": ndt7_client}
    cost = own.get(tool, plain_client)(way, url, seconds, stream_count)
    click.echo(
        json.dumps(
            {
                "moved_bytes": cost.moved_bytes,
                "seconds": cost.seconds,
                "cpu_seconds": cost.cpu_seconds,
            }
        )
    )


if __name__ == "__main__":
    main()
