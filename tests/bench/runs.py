"""Made-up runs on a known line, for tests of the tables and of the JSON."""

from typing import Final

from bench.accuracy import Case
from bench.accuracy_lines import KINDS
from bench.line_tools import Load, ToolRun

ALLOWED: Final = 100e6 * 1448 / 1514
"""What the near line of 100 Mbit/s lets through over IPv4."""

LATENCY: Final[dict[Load, float]] = {"idle": 0.002, "download": 0.05, "upload": 0.04}


def run_at(
    ratio: float, *, megabytes: float = 150, latency: dict[Load, float] | None = None
) -> ToolRun:
    """Return a run whose rates are the truth times ``ratio``."""
    rate = ALLOWED * ratio
    moved = round(megabytes * 1e6)
    return ToolRun(
        bits_per_second={"download": rate, "upload": rate},
        bytes={"download": moved, "upload": moved},
        client_cpu_seconds=0.6,
        server_cpu_seconds=0.7,
        stream_count=4,
        latency_seconds=LATENCY if latency is None else latency,
    )


def case_of(*, mbit: int = 100, **runs: list[ToolRun]) -> Case:
    """Return a case of the near line over IPv4; its own latency is `LATENCY` in each run."""
    wire = [99.9e6, 100e6, 100.1e6]
    return Case(
        mbit,
        KINDS["near"],
        4,
        runs=runs,
        true_latency={tool: [LATENCY] * len(each) for tool, each in runs.items()},
        wire={"download": wire, "upload": wire},
        machine_cpu_ratios={"iperf3": [0.375]},
    )
