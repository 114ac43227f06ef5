"""What it costs to move bytes: Linewatch's transfer core beside other programs and plain loops.

`make bench-transfer` starts a Linewatch server and an iperf3 server on loopback and lets each
client receive and send in turns. It prints Gbit/s and the client's own CPU seconds per GB, medians
of all rounds, and their ratio to iperf3's of the same run, then the project's own bars. Loopback
has no line: it shows the cost of the code, not the speed of a network. What an agent costs at rest
(`bench/at_rest.py`) is printed first.
"""

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.at_rest import print_lines
from bench.marks import marked
from bench.processes import LINEWATCH, Process, running
from bench.transfer_clients import CLIENTS, WARM_UP_SECONDS, WAYS, Cost, Way
from protocol.errors import LinewatchError

TOOLS: Final = ("linewatch", "iperf3", *(name for name in CLIENTS if name != "linewatch"))

IPERF3_CPU_BARS: Final[dict[Way, float]] = {"receive": 0.9, "send": 0.8}
"""What a byte may cost of iperf3's price; at no less than its throughput."""

SPEEDTEST_CPU_BAR: Final = 0.15
"""And of the price of speedtest-cli's own transfer."""

Costs = dict[tuple[Way, str], list[Cost]]
"""All runs that are kept, by way and client."""


class BenchError(LinewatchError):
    """A client did not measure."""


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
        text, _ = _output([sys.executable, "-m", "bench.transfer_clients", *arguments])
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


def measure(bench: Bench, rounds: int, console: Console) -> Costs:
    """Let each client receive and send in turns, ``rounds`` times, after one that is not kept."""
    costs: Costs = {}
    with console.status("") as status:
        for number in range(rounds + 1):
            for way in WAYS:
                for tool in TOOLS:
                    status.update(f"round {number} of {rounds}: {tool}, {way}")
                    cost = bench.run(tool, way)
                    if number:
                        costs.setdefault((way, tool), []).append(cost)
    return costs


@dataclass(frozen=True, slots=True)
class Median:
    """Medians of a client's runs one way."""

    gigabits_per_second: float
    cpu_seconds_per_gigabyte: float

    @classmethod
    def of(cls, costs: list[Cost]) -> Self:
        """Return the medians."""
        return cls(
            statistics.median(cost.gigabits_per_second for cost in costs),
            statistics.median(cost.cpu_seconds_per_gigabyte for cost in costs),
        )


def print_table(costs: Costs, stream_count: int, console: Console) -> None:
    """Print medians, spreads, ratios to iperf3 and the bars."""
    table = Table(title=f"Loopback, {stream_count} stream(s) · {platform.machine()}")
    for name in ("", "client", "Gbit/s", "÷ iperf3", "CPU s/GB", "÷ iperf3", "CPU s/GB, all"):
        table.add_column(name, justify="left" if name in {"", "client"} else "right")
    medians = {which: Median.of(each) for which, each in costs.items()}
    for (way, tool), found in medians.items():
        iperf3 = medians[way, "iperf3"]
        each = sorted(cost.cpu_seconds_per_gigabyte for cost in costs[way, tool])
        table.add_row(
            way,
            tool,
            f"{found.gigabits_per_second:.1f}",
            f"{found.gigabits_per_second / iperf3.gigabits_per_second:.2f}",
            f"{found.cpu_seconds_per_gigabyte:.3f}",
            f"{found.cpu_seconds_per_gigabyte / iperf3.cpu_seconds_per_gigabyte:.2f}",
            f"{each[0]:.3f} … {each[-1]:.3f}",
            end_section=tool == TOOLS[-1],
        )
    console.print(table)
    for bar in bars(medians):
        console.print(bar)


def bars(medians: Mapping[tuple[Way, str], Median]) -> Iterator[Text]:
    """Yield a sentence for each of the project's own bars."""
    for way in WAYS:
        ours, iperf3 = medians[way, "linewatch"], medians[way, "iperf3"]
        theirs = medians[way, "speedtest-cli"]
        rate = ours.gigabits_per_second / iperf3.gigabits_per_second
        yield marked(f"{way}: Gbit/s at least iperf3's: {rate:.2f}", good=rate >= 1)
        for other, most, name in (
            (iperf3, IPERF3_CPU_BARS[way], "iperf3's"),
            (theirs, SPEEDTEST_CPU_BAR, "speedtest-cli's"),
        ):
            price = ours.cpu_seconds_per_gigabyte / other.cpu_seconds_per_gigabyte
            yield marked(f"{way}: CPU at most {most} of {name}: {price:.2f}", good=price <= most)


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


@click.command()
@click.option("--streams", default=(1, 4), multiple=True, show_default=True, type=int)
@click.option("--rounds", default=5, show_default=True, help="Runs of each client that are kept.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each run, after the warm-up.")
@click.option(
    "--rest-seconds", default=300.0, show_default=True, help="How long an agent at rest is watched."
)
def main(streams: tuple[int, ...], rounds: int, seconds: float, rest_seconds: float) -> None:
    """Compare what moving bytes costs, and tell what an agent costs that moves none."""
    console = Console()
    print_lines(rest_seconds, console)
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (url, port):
        for stream_count in streams:
            bench = Bench(url, port, seconds, stream_count)
            print_table(measure(bench, rounds, console), stream_count, console)


if __name__ == "__main__":
    main()
