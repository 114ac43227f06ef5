"""How far measured rates are from the truth, on lines whose truth is known.

`make bench-accuracy` shapes a line between network namespaces to each rate, lets Linewatch and
iperf3 measure it in turns, and prints both beside the payload rate that the shape allows. It prints
and does not judge: a row within 2 % is marked, the exit code is 0 where everything ran.
"""

import json
import os
import platform
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bench.line import Line
from bench.line_tools import Iperf3, Linewatch, RunError, Tool, ToolRun, WireWatch
from bench.namespaces import DIRECTIONS, Direction, Family, allowed_bits_per_second
from protocol.errors import LinewatchError

SHAPES_MBIT: Final = (20, 100, 300, 900)
"""ADSL's end, the usual plans, and the most that Gigabit Ethernet carries."""

TOLERANCE: Final = 0.02
"""What a measured rate may differ from the truth."""

_WIDTH: Final = 130
"""Of the tables where they go to a file: no column is cut."""

TOOLS: Final = ("linewatch", "iperf3")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    shapes_mbit: tuple[int, ...]
    families: tuple[Family, ...]
    tools: tuple[str, ...]
    runs: int
    stream_count: int
    congestion_control: str | None


@dataclass(slots=True)
class Case:
    """All runs on one line over one address family.

    Attributes:
        runs: by tool.
        wire: the bottleneck's own rate in each run, frames and headers, by direction.
        machine_cpu_ratios: how busy the whole machine was in each run, by tool. Where other
            programs kept it busy, neither tool can be held to its error.
        failures: by tool, a sentence each.
    """

    shape_bits_per_second: int
    family: Family
    runs: dict[str, list[ToolRun]] = field(default_factory=dict)
    wire: dict[Direction, list[float]] = field(default_factory=dict)
    machine_cpu_ratios: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=dict)

    def add_watch(self, tool: str, watch: WireWatch) -> None:
        """Keep what the bottlenecks and the machine did during one run."""
        if watch.machine_cpu_ratio is not None:
            self.machine_cpu_ratios.setdefault(tool, []).append(watch.machine_cpu_ratio)
        for direction in DIRECTIONS:
            rate = watch.bits_per_second(direction)
            if rate is not None:
                self.wire.setdefault(direction, []).append(rate)


@dataclass(frozen=True, slots=True)
class Summary:
    """One tool, one direction, all runs: median rate and errors relative to the truth."""

    bits_per_second: float
    error_ratio: float
    worst_error_ratio: float
    bytes: float

    @property
    def good(self) -> bool:
        """Tell whether the median is within the tolerance."""
        return abs(self.error_ratio) <= TOLERANCE


def summarise(runs: list[ToolRun], direction: Direction, allowed: float) -> Summary | None:
    """Return the summary of a tool's runs, None where every run failed."""
    if not runs:
        return None
    rates = [run.bits_per_second[direction] for run in runs]
    median = statistics.median(rates)
    return Summary(
        bits_per_second=median,
        error_ratio=median / allowed - 1,
        worst_error_ratio=max((rate / allowed - 1 for rate in rates), key=abs),
        bytes=statistics.median(run.bytes[direction] for run in runs),
    )


def measure(plan: Plan, progress: Progress) -> Iterator[Case]:
    """Yield each case when all its runs are done."""
    total = len(plan.shapes_mbit) * len(plan.families) * plan.runs * len(plan.tools)
    task = progress.add_task("", total=total)
    for mbit in plan.shapes_mbit:
        shape = mbit * 1_000_000
        with ExitStack() as stack:
            line = stack.enter_context(
                Line(shape, shape, congestion_control=plan.congestion_control)
            )
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="linewatch-")))
            made: dict[str, Tool] = {
                "linewatch": Linewatch(line, folder),
                "iperf3": Iperf3(line, folder, plan.stream_count),
            }
            tools = [made[name] for name in plan.tools]
            servers = {tool.name: stack.enter_context(tool.serving()) for tool in tools}
            for family in plan.families:
                case = Case(shape, family)
                # In turns, so that what changes on the machine meanwhile meets both alike.
                for _ in range(plan.runs):
                    for tool in tools:
                        progress.update(task, description=f"{mbit} Mbit/s IPv{family} {tool.name}")
                        with WireWatch(line) as watch:
                            try:
                                run = tool.run(family, servers[tool.name])
                                case.runs.setdefault(tool.name, []).append(run)
                            except RunError as error:
                                case.failures.setdefault(tool.name, []).append(str(error))
                        case.add_watch(tool.name, watch)
                        progress.advance(task)
                yield case


def rate_table(cases: list[Case], tools: tuple[str, ...]) -> Table:
    """Return the table of rates beside the truth."""
    table = Table(title="Measured payload rate beside what the shape allows (medians)")
    for name in ("Shape", "IP", "Direction", "Wire", "Allowed"):
        table.add_column(name, justify="left" if name == "Direction" else "right")
    for tool in tools:
        table.add_column(f"{tool}\nMbit/s", justify="right", no_wrap=True)
        table.add_column("error", justify="right", no_wrap=True)
        table.add_column("worst", justify="right", no_wrap=True)
        table.add_column("MB", justify="right")
    for case in cases:
        for direction in DIRECTIONS:
            allowed = allowed_bits_per_second(case.shape_bits_per_second, case.family)
            wire = case.wire.get(direction)
            cells: list[str | Text] = [
                f"{case.shape_bits_per_second / 1e6:.0f}",
                str(case.family),
                direction,
                f"{statistics.median(wire) / case.shape_bits_per_second:.2%}" if wire else "–",
                f"{allowed / 1e6:.2f}",
            ]
            for tool in tools:
                summary = summarise(case.runs.get(tool, []), direction, allowed)
                cells += _rate_cells(summary)
            table.add_row(*cells, end_section=direction == DIRECTIONS[-1])
    return table


def cost_table(cases: list[Case], tools: tuple[str, ...]) -> Table:
    """Return the table of bytes and CPU seconds, of a whole run: both directions, warm-up too."""
    table = Table(title="What a run costs: both directions, warm-up included (medians)")
    for name in ("Shape", "IP", "Tool", "Streams", "MB"):
        table.add_column(name, justify="left" if name == "Tool" else "right")
    for name in ("client", "server", "client per GB"):
        table.add_column(f"CPU-s\n{name}", justify="right")
    table.add_column("machine\nbusy", justify="right")
    for case in cases:
        for tool in tools:
            runs = case.runs.get(tool)
            if not runs:
                continue
            moved = statistics.median(sum(run.bytes.values()) for run in runs)
            client = statistics.median(run.client_cpu_seconds for run in runs)
            server = statistics.median(run.server_cpu_seconds for run in runs)
            busy = case.machine_cpu_ratios.get(tool)
            table.add_row(
                f"{case.shape_bits_per_second / 1e6:.0f}",
                str(case.family),
                tool,
                str(runs[0].stream_count),
                f"{moved / 1e6:.0f}",
                f"{client:.2f}",
                f"{server:.2f}",
                f"{client / moved * 1e9:.2f}",
                f"{statistics.median(busy):.0%}" if busy else "–",
                end_section=tool == tools[-1],
            )
    return table


def as_json(cases: list[Case], plan: Plan) -> dict[str, Any]:
    """Return everything that was measured, each run by itself, rates in bits per second."""
    return {
        "machine": machine(),
        "congestion_control": plan.congestion_control or "system",
        "cases": [
            {
                "shape_bits_per_second": case.shape_bits_per_second,
                "family": case.family,
                "allowed_bits_per_second": allowed_bits_per_second(
                    case.shape_bits_per_second, case.family
                ),
                "wire_bits_per_second": case.wire,
                "machine_cpu_ratios": case.machine_cpu_ratios,
                "runs": {
                    tool: [
                        {
                            "bits_per_second": run.bits_per_second,
                            "bytes": run.bytes,
                            "client_cpu_seconds": run.client_cpu_seconds,
                            "server_cpu_seconds": run.server_cpu_seconds,
                            "stream_count": run.stream_count,
                        }
                        for run in runs
                    ]
                    for tool, runs in case.runs.items()
                },
                "failures": case.failures,
            }
            for case in cases
        ],
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    control = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text(encoding="ascii").strip()
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "load_1m": os.getloadavg()[0],
        "congestion_control": control,
    }


def _rate_cells(summary: Summary | None) -> list[str | Text]:
    if summary is None:
        return [Text("failed", style="red"), "–", "–", "–"]
    colour, mark = ("green", "✓") if summary.good else ("red", "✗")
    return [
        f"{summary.bits_per_second / 1e6:.2f}",
        Text(f"{mark} {summary.error_ratio:+.2%}", style=colour),
        f"{summary.worst_error_ratio:+.2%}",
        f"{summary.bytes / 1e6:.0f}",
    ]


def _say(cases: list[Case], plan: Plan, console: Console) -> None:
    console.print(rate_table(cases, plan.tools))
    console.print(cost_table(cases, plan.tools))
    of = machine()
    control = plan.congestion_control or of["congestion_control"]
    console.print(
        f"{of['cores']} cores {of['architecture']}, Linux {of['kernel']}, {control}, "
        f"load {of['load_1m']:.1f}; {plan.runs} runs each. Wire: the bottleneck's own rate, the "
        "highest mean over 4 s, of the shape. ✓: the median is within 2 % of what is allowed. "
        "Machine busy: all cores, with what else ran here meanwhile."
    )
    for case in cases:
        for tool, sentences in case.failures.items():
            for sentence in sentences:
                mbit = case.shape_bits_per_second / 1e6
                console.print(f"{mbit:.0f} Mbit/s IPv{case.family} {tool}: {sentence}", style="red")


@click.command()
@click.option(
    "--shape",
    "shapes_mbit",
    type=click.IntRange(1, 10_000),
    multiple=True,
    default=SHAPES_MBIT,
    show_default=True,
    help="Rate of the line in Mbit/s, frames and headers. May be given again.",
)
@click.option(
    "--family", "families", type=click.Choice(["4", "6"]), multiple=True, default=("4", "6")
)
@click.option("--tool", "tools", type=click.Choice(TOOLS), multiple=True, default=TOOLS)
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option(
    "--streams",
    "stream_count",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Connections of iperf3 in parallel.",
)
@click.option("--congestion-control", help="Of both ends, e.g. cubic. Default: the system's.")
@click.option("--json", "wants_json", is_flag=True, help="Print every run as JSON instead.")
def main(wants_json: bool, families: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401 - click's options, passed on to Plan by name
    """Measure lines of known speed with Linewatch and iperf3, and print the errors."""
    # `kill` and CI end this with SIGTERM: the line must be taken down then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(families=tuple(cast("Family", int(family)) for family in families), **chosen)
    console = Console(stderr=True)
    cases: list[Case] = []
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(TextColumn("{task.description}"), *columns, console=console) as progress:
            cases.extend(measure(plan, progress))
    except LinewatchError as error:
        console.print(f"bench-accuracy: {error}", style="red", markup=False)
        sys.exit(1)
    if wants_json:
        click.echo(json.dumps(as_json(cases, plan), indent=2))
    else:
        _say(cases, plan, Console(width=None if sys.stdout.isatty() else _WIDTH))
    if any(case.failures for case in cases):
        sys.exit(1)


if __name__ == "__main__":
    main()
