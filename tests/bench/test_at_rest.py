"""What an agent at rest costs: its sentences, and one run."""

import io
import os
import time
from pathlib import Path

from rich.console import Console

from bench.at_rest import Footprint, agent_at_rest, lines, watched


def test_each_bar_is_held() -> None:
    """A footprint and a start within the bars are good, beyond them they are not."""
    light = Footprint(59 * 1024**2, 0.001, 300)
    heavy = Footprint(61 * 1024**2, 0.004, 300)
    assert [line.plain[0] for line in lines(light, 0.2, 0.02)] == ["✓"] * 3
    assert [line.plain[0] for line in lines(heavy, 0.4, 0.02)] == ["✗"] * 3
    assert "0.40% (over 300 s)" in [line.plain for line in lines(heavy, 0.4, 0.02)][1]


def test_a_busy_process_is_seen_busy() -> None:
    """The share of a core is that of the process while it is watched."""
    pid = os.fork()
    if not pid:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pass
        os._exit(0)
    try:
        found = watched(pid, 1.0)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert 0.05 < found.core_share < 1.1
    assert found.resident_bytes > 1024**2


def test_an_agent_is_watched_after_its_speed_test(tmp_path: Path) -> None:
    """A real agent measures, and is watched when it has: a test on loopback keeps a core busy."""
    found = agent_at_rest(tmp_path, 1.0, Console(file=io.StringIO()), "quick")
    assert 20e6 < found.resident_bytes < 200e6
    assert found.core_share < 0.5
    assert (tmp_path / "agent.log").read_text().count("Measured: speed") == 1
