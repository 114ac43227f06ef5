"""Tools on a shaped line, and the watch on its bottlenecks."""

import sys
from pathlib import Path

import pytest

from bench.line import Line
from bench.line_tools import Iperf3, Linewatch, RunError, SpeedtestCli, WireWatch
from bench.namespaces import DIRECTIONS, allowed_bits_per_second
from bench.processes import running


def test_iperf3_and_the_wire_keep_to_what_the_shape_allows(tmp_path: Path) -> None:
    """iperf3 and the bottleneck's own counters keep to what the arithmetic allows.

    Held data that is let go at a short window's edge adds to it, a busy machine takes from it.
    """
    with Line(50_000_000, 30_000_000) as line:
        iperf3 = Iperf3(line, tmp_path, 2, warm_up_seconds=1, window_seconds=4)
        with iperf3.serving() as server, WireWatch(line) as watch:
            run = iperf3.run(6, server)
        for direction in DIRECTIONS:
            shape = line.rates[direction]
            allowed = allowed_bits_per_second(shape, 6)
            assert run.bits_per_second[direction] == pytest.approx(allowed, rel=0.08)
            wire = watch.bits_per_second(direction)
            assert wire is not None
            assert wire == pytest.approx(shape, rel=0.05)
            assert run.bytes[direction] == pytest.approx(allowed * 5 / 8, rel=0.1)
    assert run.client_cpu_seconds > 0
    assert watch.machine_cpu_ratio is not None
    assert 0 < watch.machine_cpu_ratio <= 1
    assert run.stream_count == 2


def test_wire_watch_says_nothing_of_a_short_time() -> None:
    """The bottleneck's rate is unknown, not zero, before it was watched for four seconds."""
    with Line(20_000_000, 20_000_000) as line:
        with WireWatch(line) as watch:
            pass
        assert watch.bits_per_second("download") is None


def test_speedtest_cli_measures_without_its_service(tmp_path: Path) -> None:
    """The real program runs to its end against our server alone, and says what the line carried.

    A second each way has no time to converge, and what its socket took counts as sent: only the
    order of magnitude is known.
    """
    with Line(20_000_000, 20_000_000) as line:
        tool = SpeedtestCli(line, tmp_path, test_seconds=1)
        with tool.serving() as server:
            run = tool.run(4, server)
        for direction in DIRECTIONS:
            allowed = allowed_bits_per_second(line.rates[direction], 4)
            assert 0.2 * allowed < run.bits_per_second[direction] < 2 * allowed
            assert 0 < run.bytes[direction] < 1.5 * line.carried(direction).bytes
    assert run.client_cpu_seconds > 0
    assert server.popen.returncode == 0
    # Its stand-in, too, was asked, and ended by itself when it was told to.
    assert (tmp_path / "speedtest-net.log").read_text().count("listening on") == 1


def test_a_failing_tool_is_quoted(tmp_path: Path) -> None:
    """A tool that cannot reach its server makes an error with the tool's own sentence."""
    with Line(20_000_000, 20_000_000) as line:
        idle = line.command("server", [sys.executable, "-c", "import time; time.sleep(60)"])
        with running("idle", idle, tmp_path) as server:
            with pytest.raises(RunError, match=r"iperf3 failed: .*refused"):
                Iperf3(line, tmp_path, 1).run(4, server)
            with pytest.raises(RunError, match=r"(?s)linewatch ended with [1-9]"):
                Linewatch(line, tmp_path).run(4, server)
