"""How far measured rates, round trips and losses are from the truth, on lines that are known.

`make bench-accuracy` emulates the lines of `bench.accuracy_lines`, lets Linewatch's two profiles,
iperf3 and speedtest-cli measure each in turns, and prints them beside the payload rate that the
line allows and the round trips that its emulator gave. It prints and does not judge: what is within
the project's own bars is marked, the exit code is 0 where everything ran.
"""

import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.accuracy_lines import KINDS, RATES_MBIT, Kind, allowed, true_latency, wire_rates
from bench.accuracy_tables import bars, cost_table, latency_table, loss_table, rate_table
from bench.emulated_line import EmulatedLine
from bench.line_tools import (
    SERVER_PORT,
    Iperf3,
    Linewatch,
    Load,
    RunError,
    SpeedtestCli,
    Tool,
    ToolRun,
    WireWatch,
    idle_seconds,
    linewatch_server,
    measure,
)
from bench.namespaces import Direction, Family
from protocol.errors import LinewatchError

TOOLS: Final = ("full", "quick", "iperf3", "speedtest-cli")

IPERF3_STREAMS: Final = 4
"""As many as Linewatch begins with."""

_WIDTH: Final = 150
"""Of the tables where they go to a file: no column is cut."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    rates_mbit: tuple[int, ...]
    kinds: tuple[str, ...]
    families: tuple[Family, ...]
    tools: tuple[str, ...]
    runs: int
    loss: bool


@dataclass(slots=True)
class Case:
    """All runs on one line over one address family.

    Attributes:
        mbit, kind, family: which line.
        runs: by tool.
        true_latency: what the line itself gave in each of a tool's runs, in their order: under
            load by the emulator's log, idle by the kernels' handshakes.
        wire: what the bottleneck delivered in each run while it was loaded, frames and headers,
            by direction.
        machine_cpu_ratios: how busy the whole machine was in each run, by tool. Where other
            programs kept it busy, no tool can be held to its error.
        loss: a minute of `stamp`: the ratio that it measured, and the true one.
        failures: by tool, a sentence each.
    """

    mbit: int
    kind: Kind
    family: Family
    runs: dict[str, list[ToolRun]] = field(default_factory=dict)
    true_latency: dict[str, list[dict[Load, float]]] = field(default_factory=dict)
    wire: dict[Direction, list[float]] = field(default_factory=dict)
    machine_cpu_ratios: dict[str, list[float]] = field(default_factory=dict)
    loss: tuple[float, float] | None = None
    failures: dict[str, list[str]] = field(default_factory=dict)

    @property
    def allowed_bits_per_second(self) -> float:
        """The truth."""
        return allowed(self.kind.shape(self.mbit), self.family)

    def measure(self, tool: Tool, line: EmulatedLine, server: Any, idle: float) -> None:  # noqa: ANN401
        """Run a tool once, on a line whose round trip is ``idle`` seconds."""
        line.forget()
        with WireWatch(line) as watch:
            try:
                run = tool.run(self.family, server)
            except RunError as error:
                self.failures.setdefault(tool.name, []).append(str(error))
                return
        self.runs.setdefault(tool.name, []).append(run)
        self.true_latency.setdefault(tool.name, []).append(true_latency(line, idle))
        if watch.machine_cpu_ratio is not None:
            self.machine_cpu_ratios.setdefault(tool.name, []).append(watch.machine_cpu_ratio)
        for direction, rate in wire_rates(line).items():
            self.wire.setdefault(direction, []).append(rate)

    def measure_loss(self, line: EmulatedLine, folder: Path) -> None:
        """Measure a minute of loss on the idle line, beside what the emulator let vanish."""
        before = line.counts()
        try:
            found, _ = measure(line, folder, self.family, "--engine", "stamp")
        except RunError as error:
            self.failures.setdefault("stamp", []).append(str(error))
            return
        after = line.counts()
        there, back = (
            {key: after[way][key] - before[way][key] for key in ("udp_in", "udp_delivered")}
            for way in ("upload", "download")
        )
        lost = there["udp_in"] - there["udp_delivered"] + back["udp_in"] - back["udp_delivered"]
        self.loss = (found["latency"]["lost_ratio"], lost / there["udp_in"])


def measure_all(plan: Plan, progress: Progress) -> Iterator[Case]:
    """Yield each case when all its runs are done."""
    lines = [(mbit, KINDS[name]) for mbit in plan.rates_mbit for name in plan.kinds]
    task = progress.add_task("", total=len(lines) * plan.runs * _runs_of_a_round(plan))
    for mbit, kind in lines:
        shape = kind.shape(mbit)
        with ExitStack() as stack:
            line = stack.enter_context(EmulatedLine(shape, shape, seed=mbit))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="linewatch-")))
            ours = stack.enter_context(linewatch_server(line, folder, SERVER_PORT))
            tools, servers = _tools(plan, line, folder, stack, ours)
            for family in plan.families:
                case = Case(mbit, kind, family)
                idle = idle_seconds(line, folder, family)
                # In turns, so that what changes on the machine meanwhile meets all alike.
                for _ in range(plan.runs):
                    for tool in tools:
                        if family not in tool.families:
                            continue
                        what = f"{mbit} Mbit/s {kind.name} IPv{family} {tool.name}"
                        progress.update(task, description=what)
                        case.measure(tool, line, servers[tool.name], idle)
                        progress.advance(task)
                if plan.loss and kind.loss_ratio:
                    case.measure_loss(line, folder)
                yield case


def _runs_of_a_round(plan: Plan) -> int:
    """Return how many runs a line takes before each tool is up again."""
    return sum(
        family in SpeedtestCli.families or name != SpeedtestCli.name
        for family in plan.families
        for name in plan.tools
    )


def _tools(
    plan: Plan,
    line: EmulatedLine,
    folder: Path,
    stack: ExitStack,
    ours: Any,  # noqa: ANN401
) -> tuple[list[Tool], dict[str, Any]]:
    """Return the tools, and the server of each."""
    made: dict[str, Tool] = {
        "full": Linewatch(line, folder, "full"),
        "quick": Linewatch(line, folder, "quick"),
        "iperf3": Iperf3(line, folder, IPERF3_STREAMS),
        "speedtest-cli": SpeedtestCli(line, folder),
    }
    tools = [made[name] for name in plan.tools]
    servers = {
        tool.name: ours if isinstance(tool, Linewatch) else stack.enter_context(tool.serving())
        for tool in tools
    }
    return tools, servers


def as_json(cases: list[Case], plan: Plan) -> dict[str, Any]:
    """Return everything that was measured, each run by itself, rates in bits per second."""
    return {
        "machine": machine(),
        "plan": asdict(plan),
        "cases": [
            asdict(case) | {"allowed_bits_per_second": case.allowed_bits_per_second}
            for case in cases
        ],
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    controls = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text("ascii")
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "load_1m": os.getloadavg()[0],
        "congestion_controls": controls.split(),
    }


def _say(cases: list[Case], plan: Plan, console: Console) -> None:
    console.print(rate_table(cases, plan.tools))
    console.print(latency_table(cases))
    if any(case.loss for case in cases):
        console.print(loss_table(cases))
    console.print(cost_table(cases, plan.tools))
    for bar in bars(cases):
        console.print(bar)
    of = machine()
    console.print(
        f"{of['cores']} cores {of['architecture']}, Linux {of['kernel']}, "
        f"load {of['load_1m']:.1f}; {plan.runs} runs each. Wire: what the bottleneck "
        "delivered while it was loaded, of the line's rate. Machine busy: all cores, the "
        "emulator's share and what else ran here meanwhile included."
    )
    for case in cases:
        for tool, sentences in case.failures.items():
            for sentence in sentences:
                where = f"{case.mbit} Mbit/s {case.kind.name} IPv{case.family} {tool}"
                console.print(f"{where}: {sentence}", style="red", markup=False)


@click.command()
@click.option(
    "--rate",
    "rates_mbit",
    type=click.IntRange(1, 10_000),
    multiple=True,
    default=RATES_MBIT,
    show_default=True,
    help="Rate of the line in Mbit/s, frames and headers. May be given again.",
)
@click.option(
    "--line", "kinds", type=click.Choice(list(KINDS)), multiple=True, default=tuple(KINDS)
)
@click.option("--family", "families", type=click.Choice(["4", "6"]), multiple=True, default=("4",))
@click.option("--tool", "tools", type=click.Choice(TOOLS), multiple=True, default=TOOLS)
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option(
    "--loss/--no-loss", default=True, help="A minute of STAMP on each line that loses packets."
)
@click.option("--json", "wants_json", is_flag=True, help="Print every run as JSON instead.")
def main(wants_json: bool, families: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401 - click's options, passed on to Plan by name
    """Measure known lines with Linewatch, iperf3 and speedtest-cli, and print the errors."""
    # `kill` and CI end this with SIGTERM: the line must be taken down then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(families=tuple(cast("Family", int(family)) for family in families), **chosen)
    console = Console(stderr=True)
    cases: list[Case] = []
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(TextColumn("{task.description}"), *columns, console=console) as progress:
            cases.extend(measure_all(plan, progress))
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
