"""The transfer bench: its arithmetic, its clients, its table."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bench.transfer import TOOLS, Bench, BenchError, print_table, servers
from bench.transfer_clients import WAYS, Cost


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench with both servers running, for the shortest runs that iperf3 can do."""
    with servers(tmp_path) as (url, port):
        yield Bench(url, port, seconds=0.5, stream_count=2)


def test_a_cost_is_per_gigabyte() -> None:
    """1 GB in 2 s with 0.3 s of CPU time is 4 Gbit/s at 0.3 CPU seconds per GB."""
    cost = Cost(10**9, 2.0, 0.3)
    assert cost.gigabits_per_second == pytest.approx(4.0)
    assert cost.cpu_seconds_per_gigabyte == pytest.approx(0.3)


@pytest.mark.parametrize("tool", TOOLS)
def test_each_client_moves_bytes(bench: Bench, tool: str) -> None:
    """Every client measures both ways, and pays for it with its own CPU time."""
    for way in WAYS:
        cost = bench.run(tool, way)
        assert cost.gigabits_per_second > 0.1
        assert cost.cpu_seconds > 0


def test_a_client_that_fails_is_told() -> None:
    """A client that cannot measure says what it printed."""
    broken = Bench("http://127.0.0.1:1", 1, 0.5, 1)
    for tool in TOOLS:
        with pytest.raises(BenchError):
            broken.run(tool, "send")


def test_the_table_has_ratios() -> None:
    """Each client is shown beside iperf3's median of the same run, and held against the bars."""
    costs = {
        (way, tool): [Cost(10**9, 1.0, 0.1 * (number + 1)) for _ in range(3)]
        for way in WAYS
        for number, tool in enumerate(TOOLS)
    }
    console = Console(file=io.StringIO(), width=120)
    print_table(costs, 4, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "8.0" in text
    assert "0.50" in text
    assert "4 stream(s)" in text
    assert "✓ receive: CPU at most 0.9 of iperf3's: 0.50" in text
    assert "✓ send: Gbit/s at least iperf3's: 1.00" in text
    assert "✗ send: CPU at most 0.15 of speedtest-cli's: 0.20" in text
