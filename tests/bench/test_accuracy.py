"""The table of measured rates beside the truth."""

import io

import pytest
from rich.console import Console

from bench.accuracy import Case, Plan, as_json, cost_table, rate_table, summarise
from bench.line_tools import ToolRun

PLAN = Plan((100,), (4,), ("linewatch", "iperf3"), 3, 4, None)
ALLOWED = 100e6 * 1448 / 1514


def run_at(ratio: float) -> ToolRun:
    """Return a run whose rates are the truth times ``ratio``."""
    rate = ALLOWED * ratio
    return ToolRun(
        bits_per_second={"download": rate, "upload": rate},
        bytes={"download": 150_000_000, "upload": 100_000_000},
        client_cpu_seconds=0.5,
        server_cpu_seconds=0.7,
        stream_count=4,
    )


def case_of(**runs: list[ToolRun]) -> Case:
    """Return a case of 100 Mbit/s over IPv4."""
    wire: list[float] = [99.9e6, 100e6, 100.1e6]
    return Case(
        100_000_000,
        4,
        runs=runs,
        wire={"download": wire, "upload": wire},
        machine_cpu_ratios={"iperf3": [0.375]},
    )


def drawn(case: Case) -> str:
    """Return both tables as text."""
    console = Console(file=io.StringIO(), width=200, record=True)
    console.print(rate_table([case], PLAN.tools))
    console.print(cost_table([case], PLAN.tools))
    return console.export_text()


def test_summary_is_the_median_and_the_worst() -> None:
    """The error is the median's, relative to the truth; the worst run is the farthest."""
    summary = summarise([run_at(0.97), run_at(0.995), run_at(1.001)], "download", ALLOWED)
    assert summary is not None
    assert summary.error_ratio == pytest.approx(-0.005)
    assert summary.worst_error_ratio == pytest.approx(-0.03)
    assert summary.good
    assert summarise([], "download", ALLOWED) is None


@pytest.mark.parametrize(
    "ratio, good", [(0.981, True), (0.979, False), (1.019, True), (1.021, False)]
)
def test_good_is_within_two_percent_either_way(ratio: float, good: bool) -> None:
    """A rate 1.9 % above or below the truth is good, one of 2.1 % is not."""
    summary = summarise([run_at(ratio)], "upload", ALLOWED)
    assert summary is not None
    assert summary.good is good


def test_table_shows_truth_errors_and_costs() -> None:
    """Each row has the wire, what is allowed and both tools' errors; costs are of both ways."""
    text = drawn(case_of(linewatch=[run_at(0.999)], iperf3=[run_at(0.9)]))
    assert "100.00%" in text
    assert "95.64" in text
    assert "✓ -0.10%" in text
    assert "✗ -10.00%" in text
    assert "250" in text
    assert "2.00" in text
    assert "38%" in text


def test_a_tool_that_failed_has_no_figures() -> None:
    """Where every run failed the table says so and shows no number."""
    assert drawn(case_of(iperf3=[run_at(1)])).count("failed") == 2


def test_json_holds_every_run() -> None:
    """Nothing is summarised away: each run stands in the JSON by itself, with the machine."""
    tree = as_json([case_of(linewatch=[run_at(1), run_at(0.99)])], PLAN)
    (case,) = tree["cases"]
    assert case["allowed_bits_per_second"] == pytest.approx(ALLOWED)
    assert len(case["runs"]["linewatch"]) == 2
    assert tree["machine"]["cores"] >= 1
