"""The tables of measured rates, round trips and losses beside the truth, and the bars."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from bench.accuracy import Case
from bench.accuracy_tables import (
    bars,
    cost_table,
    latency_is_good,
    latency_table,
    loss_is_good,
    loss_table,
    rate_table,
    summarise,
)
from bench.line_tools import ToolRun
from tests.bench.runs import ALLOWED, LATENCY, case_of, run_at

TOOLS = ("full", "quick", "iperf3")


def drawn(table: Table) -> str:
    """Return a table as text."""
    console = Console(file=io.StringIO(), width=200, record=True)
    console.print(table)
    return console.export_text()


def sentences(*cases: Case) -> list[str]:
    """Return the bars' sentences."""
    return [sentence.plain for sentence in bars(cases)]


def test_summary_is_the_median_and_the_worst() -> None:
    """The error is the median's, relative to the truth; the worst run is the farthest."""
    summary = summarise([run_at(0.97), run_at(0.995), run_at(1.001)], "download", ALLOWED)
    assert summary is not None
    assert summary.error_ratio == pytest.approx(-0.005)
    assert summary.worst_error_ratio == pytest.approx(-0.03)
    assert summarise([], "download", ALLOWED) is None


@pytest.mark.parametrize(
    "ratios, good",
    [
        ((0.991,), True),
        ((0.989,), False),
        ((1.009,), True),
        ((1.011,), False),
        ((1.0, 1.0, 0.971), True),
        ((1.0, 1.0, 0.969), False),
        ((1.0, 1.0, 1.031), False),
    ],
)
def test_good_is_a_median_within_one_and_a_worst_within_three_percent(
    ratios: tuple[float, ...], good: bool
) -> None:
    """Either way, a median beyond 1 % or a single run beyond 3 % is not good."""
    summary = summarise([run_at(ratio) for ratio in ratios], "upload", ALLOWED)
    assert summary is not None
    assert summary.good is good


def test_rates_stand_beside_the_truth() -> None:
    """Each row has the wire, what is allowed, and every tool's error with its mark."""
    text = drawn(rate_table([case_of(full=[run_at(0.999)], iperf3=[run_at(0.9)])], TOOLS))
    assert text.count("100.00%") == 2
    assert text.count("95.64") == 2
    assert text.count("✓ -0.10%") == 2
    assert text.count("✗ -10.00%") == 2


def test_a_tool_that_failed_has_no_figures() -> None:
    """Where every run failed the table says so in each direction, and costs have no row."""
    case = case_of(iperf3=[run_at(1)])
    assert drawn(rate_table([case], ("full", "iperf3"))).count("failed") == 2
    costs = drawn(cost_table([case], ("full", "iperf3")))
    assert "iperf3" in costs
    assert "full" not in costs


def test_costs_are_of_both_directions() -> None:
    """Bytes of both ways are added, and the client's CPU seconds are told per gigabyte."""
    text = drawn(cost_table([case_of(full=[run_at(1)], iperf3=[run_at(1)])], TOOLS))
    assert text.count(" 300 ") == 2
    assert text.count("2.00") == 2
    assert text.count("38%") == 1


@pytest.mark.parametrize(
    "measured, truth, good",
    [
        (0.0024, 0.002, True),  # within half a millisecond
        (0.0026, 0.002, False),
        (0.0521, 0.05, True),  # within 5 %
        (0.0479, 0.05, True),
        (0.0526, 0.05, False),
    ],
)
def test_latency_is_right_within_either_bar(measured: float, truth: float, good: bool) -> None:
    """A short round trip is held to half a millisecond, a long one to 5 %."""
    assert latency_is_good(measured, truth) is good


def test_latency_stands_beside_the_lines_own() -> None:
    """Of each load the median run is shown with its truth; a load without answers has none."""
    runs = [
        run_at(1, latency={"idle": idle, "download": 0.06}) for idle in (0.0021, 0.0035, 0.0022)
    ]
    text = drawn(latency_table([case_of(full=runs)]))
    assert "✓ +0.20 (+10.0%)" in text
    assert "✗ +10.00 (+20.0%)" in text
    assert text.count("–") == 3


def test_loss_stands_beside_the_lines_own() -> None:
    """Losses differ in points; a line that was not asked has no row."""
    near, far = case_of(mbit=20), case_of(mbit=900)
    near.loss = (0.0031, 0.002)
    text = drawn(loss_table([near, far]))
    assert "0.310%" in text
    assert "0.200%" in text
    assert "✗ +0.110 points" in text
    assert "900" not in text
    assert loss_is_good(0.0029, 0.002)
    assert loss_is_good(0.0011, 0.002)
    assert not loss_is_good(0.0009, 0.002)


def test_bars_count_what_is_within() -> None:
    """Each bar is a sentence with how many of how many are within it."""
    bad: ToolRun = run_at(0.96, latency=LATENCY | {"idle": 0.003})
    cases = [
        case_of(full=[run_at(1)], quick=[run_at(0.98, megabytes=30)]),
        case_of(full=[bad], quick=[run_at(0.92, megabytes=60)]),
    ]
    cases[0].loss = (0.001, 0.001)
    assert sentences(*cases) == [
        "✗ full: median within 1% up to 900 Mbit/s: 2 of 4",
        "✗ full: every run within 3%: 2 of 4",
        "✗ full: median round trips within 5% or 0.5 ms: 5 of 6",
        "✓ stamp: loss within 0.1 point: 1 of 1",
        "✗ quick, median of all lines: 30% of full's bytes, 3.08% from its rate",
        "✗ quick: at most 25% of full's bytes on each line: 2 of 4",
        "✗ quick: median within 3% of full's on each line: 2 of 4",
    ]


def test_a_failed_run_is_none_within_the_bars() -> None:
    """A line on which every run failed, or one of them, does not make the bar look held."""
    failed, partly = case_of(), case_of(full=[run_at(1)])
    failed.failures = {"full": ["refused"], "stamp": ["refused"], "quick": ["refused"]}
    partly.failures = {"full": ["refused"]}
    median, worst, _, loss, *quick = sentences(failed, partly)
    assert [each.rpartition(": ")[2] for each in quick] == ["0 of 2", "0 of 2"]
    assert median.endswith("900 Mbit/s: 2 of 4")
    assert worst.endswith("3%: 0 of 4")
    assert loss == "✗ stamp: loss within 0.1 point: 0 of 1"


def test_what_was_not_measured_holds_no_bar() -> None:
    """Without a run a bar has no tick, and a line above 900 Mbit/s is held to none."""
    assert all(each.startswith("–") for each in sentences(case_of(iperf3=[run_at(1)])))
    assert all(each.startswith("–") for each in sentences(case_of(mbit=2500, full=[run_at(1)])))
