"""The tables of `bench.accuracy`, and the project's own bars."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from bench.line_tools import LOADS, Load, ToolRun
from bench.marks import marked
from bench.namespaces import DIRECTIONS, Direction

if TYPE_CHECKING:
    from bench.accuracy import Case

MEDIAN_BAR: Final = 0.01
WORST_BAR: Final = 0.03
"""What the median and any single run of `full` may differ from the truth, up to 900 Mbit/s."""

BAR_MBIT: Final = 900

QUICK_BYTES_BAR: Final = 0.25
QUICK_BAR: Final = 0.03
"""What `quick` may move of `full`'s bytes, and its median differ from `full`'s."""

LATENCY_RATIO_BAR: Final = 0.05
LATENCY_SECONDS_BAR: Final = 0.0005
"""A median round trip is right within either."""

LOSS_BAR: Final = 0.001


@dataclass(frozen=True, slots=True)
class Summary:
    """One tool, one direction, all runs: median rate and errors relative to the truth."""

    bits_per_second: float
    error_ratio: float
    worst_error_ratio: float
    bytes: float

    @property
    def good(self) -> bool:
        """Tell whether the median and the worst run are within the bars."""
        return abs(self.error_ratio) <= MEDIAN_BAR and abs(self.worst_error_ratio) <= WORST_BAR


def summarise(runs: Sequence[ToolRun], direction: Direction, allowed: float) -> Summary | None:
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


def _head(case: "Case") -> list[str]:
    return [f"{case.mbit}", case.kind.name, str(case.family)]


def rate_table(cases: "Sequence[Case]", tools: Sequence[str]) -> Table:
    """Return the table of rates beside the truth."""
    table = Table(title="Measured payload rate beside what the line allows")
    for name in ("Mbit/s", "line", "IP", "direction", "wire", "allowed"):
        table.add_column(name, justify="left" if name in {"line", "direction"} else "right")
    for tool in tools:
        table.add_column(f"{tool}\nmedian", justify="right", no_wrap=True)
        table.add_column("worst", justify="right", no_wrap=True)
        table.add_column("MB", justify="right")
    for case in cases:
        for direction in DIRECTIONS:
            wire = case.wire.get(direction)
            cells: list[str | Text] = [
                *_head(case),
                direction,
                f"{statistics.median(wire) / case.mbit / 1e6:.2%}" if wire else "–",
                f"{case.allowed_bits_per_second / 1e6:.2f}",
            ]
            for tool in tools:
                found = summarise(case.runs.get(tool, ()), direction, case.allowed_bits_per_second)
                cells += _rate_cells(found)
            table.add_row(*cells, end_section=direction == DIRECTIONS[-1])
    return table


def _rate_cells(summary: Summary | None) -> list[str | Text]:
    if summary is None:
        return [Text("failed", style="red"), "–", "–"]
    return [
        marked(f"{summary.error_ratio:+.2%}", good=summary.good),
        f"{summary.worst_error_ratio:+.2%}",
        f"{summary.bytes / 1e6:.0f}",
    ]


def latency_errors(case: "Case", load: Load) -> list[tuple[float, float]]:
    """Return, for each run of `full`, the round trip that it measured and the line's own."""
    pairs = zip(case.runs.get("full", ()), case.true_latency.get("full", ()), strict=False)
    return [
        (run.latency_seconds[load], truth[load])
        for run, truth in pairs
        if load in run.latency_seconds and load in truth
    ]


def latency_is_good(measured: float, truth: float) -> bool:
    """Tell whether a round trip is within the bars."""
    return abs(measured - truth) <= max(LATENCY_SECONDS_BAR, LATENCY_RATIO_BAR * truth)


def latency_table(cases: "Sequence[Case]") -> Table:
    """Return the table of `full`'s median round trips beside the line's own: of the median run."""
    table = Table(title="Median round trips in ms: measured by full, and the line's own")
    for name in ("Mbit/s", "line", "IP"):
        table.add_column(name, justify="left" if name == "line" else "right")
    for load in LOADS:
        table.add_column(f"{load}\nmeasured", justify="right")
        table.add_column("line", justify="right")
        table.add_column("difference", justify="right", no_wrap=True)
    for case in cases:
        cells: list[str | Text] = [*_head(case)]
        for load in LOADS:
            found = latency_errors(case, load)
            if not found:
                cells += ["–", "–", "–"]
                continue
            measured, truth = sorted(found, key=lambda pair: pair[0] - pair[1])[len(found) // 2]
            difference = f"{(measured - truth) * 1e3:+.2f} ({measured / truth - 1:+.1%})"
            good = latency_is_good(measured, truth)
            difference_marked = marked(difference, good=good)
            cells += [f"{measured * 1e3:.2f}", f"{truth * 1e3:.2f}", difference_marked]
        table.add_row(*cells)
    return table


def loss_is_good(measured: float, truth: float) -> bool:
    """Tell whether a loss is within the bar."""
    return abs(measured - truth) <= LOSS_BAR


def loss_table(cases: "Sequence[Case]") -> Table:
    """Return the table of losses that a minute of STAMP saw, beside the line's own."""
    table = Table(title="Loss both ways in a minute of STAMP, beside what the line lost")
    for name in ("Mbit/s", "line", "IP", "measured", "line's own", "difference"):
        table.add_column(name, justify="left" if name == "line" else "right")
    for case in cases:
        if case.loss is not None:
            measured, truth = case.loss
            good = loss_is_good(measured, truth)
            difference = marked(f"{(measured - truth) * 100:+.3f} points", good=good)
            table.add_row(*_head(case), f"{measured:.3%}", f"{truth:.3%}", difference)
    return table


def cost_table(cases: "Sequence[Case]", tools: Sequence[str]) -> Table:
    """Return the table of bytes and CPU seconds, of a whole run: both directions, warm-up too."""
    table = Table(title="What a run costs: both directions, warm-up included (medians)")
    for name in ("Mbit/s", "line", "IP", "tool", "streams", "MB"):
        table.add_column(name, justify="left" if name in {"line", "tool"} else "right")
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
                *_head(case),
                tool,
                f"{statistics.median(run.stream_count for run in runs):.0f}",
                f"{moved / 1e6:.0f}",
                f"{client:.2f}",
                f"{server:.2f}",
                f"{client / moved * 1e9:.2f}",
                f"{statistics.median(busy):.0%}" if busy else "–",
                end_section=tool == tools[-1],
            )
    return table


def bars(cases: "Sequence[Case]") -> Iterator[Text]:
    """Yield a sentence for each of the project's own bars: how many lines are within it."""
    held = [case for case in cases if case.mbit <= BAR_MBIT]
    # A failed run is none within the bars: left out, it would let the rest look complete.
    full = [
        (summarise(case.runs.get("full", ()), direction, case.allowed_bits_per_second), case)
        for case in held
        if "full" in case.runs.keys() | case.failures.keys()
        for direction in DIRECTIONS
    ]
    yield _bar(
        f"full: median within {MEDIAN_BAR:.0%} up to {BAR_MBIT} Mbit/s",
        [found is not None and abs(found.error_ratio) <= MEDIAN_BAR for found, _ in full],
    )
    yield _bar(
        f"full: every run within {WORST_BAR:.0%}",
        [
            found is not None
            and "full" not in case.failures
            and abs(found.worst_error_ratio) <= WORST_BAR
            for found, case in full
        ],
    )
    yield _bar(
        f"full: median round trips within {LATENCY_RATIO_BAR:.0%} or "
        f"{LATENCY_SECONDS_BAR * 1e3} ms",
        [
            latency_is_good(*pair)
            for case in held
            for load in LOADS
            for pair in latency_errors(case, load)
        ],
    )
    yield _bar(
        f"stamp: loss within {LOSS_BAR * 100:.1f} point",
        [
            case.loss is not None and loss_is_good(*case.loss)
            for case in cases
            if case.loss is not None or "stamp" in case.failures
        ],
    )
    quick = list(_quick(held))
    if all(quick) and quick:
        share = statistics.median(found[0] for found in quick if found)
        off = statistics.median(abs(found[1]) for found in quick if found)
        yield marked(
            f"quick, median of all lines: {share:.0%} of full's bytes, {off:.2%} from its rate",
            good=share <= QUICK_BYTES_BAR and off <= QUICK_BAR,
        )
    yield _bar(
        f"quick: at most {QUICK_BYTES_BAR:.0%} of full's bytes on each line",
        [found is not None and found[0] <= QUICK_BYTES_BAR for found in quick],
    )
    yield _bar(
        f"quick: median within {QUICK_BAR:.0%} of full's on each line",
        [found is not None and abs(found[1]) <= QUICK_BAR for found in quick],
    )


def _bar(what: str, within: Sequence[bool]) -> Text:
    if not within:
        return Text(f"– {what}: not measured")
    return marked(f"{what}: {sum(within)} of {len(within)}", good=all(within))


def _quick(cases: "Sequence[Case]") -> Iterator[tuple[float, float] | None]:
    """Yield `quick`'s share of `full`'s bytes and how its median rate differs; None for a failure.

    Nothing of a line that only one of them, or neither, was to measure.
    """
    for case in cases:
        tried = case.runs.keys() | case.failures.keys()
        if not {"full", "quick"} <= tried:
            continue
        for direction in DIRECTIONS:
            truth = case.allowed_bits_per_second
            full = summarise(case.runs.get("full", ()), direction, truth)
            quick = summarise(case.runs.get("quick", ()), direction, truth)
            if full is None or quick is None or "quick" in case.failures:
                yield None
            else:
                difference = quick.bits_per_second / full.bits_per_second - 1
                yield quick.bytes / full.bytes, difference
