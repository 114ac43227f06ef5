"""`linewatch demo` as its user runs it, in a network of its own so that it talks to nobody else."""

import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from bench.processes import LINEWATCH, Process, running
from tests.integration.support import command


def start(folder: Path) -> list[str]:
    """Return the command line of a demo in a network namespace that ends with it."""
    inside = f'ip link set lo up && exec "{LINEWATCH}" demo --data "{folder}/data"'
    # Where the tests themselves run under nohup, the demo would go on after SIGHUP.
    return ["unshare", "--net", "env", "--default-signal=HUP", "sh", "-c", inside]


def interrupt(process: Process, number: int = signal.SIGINT) -> int:
    """Press Ctrl-C, or another signal: the demo alone is told; return its exit code."""
    os.kill(process.popen.pid, number)
    return process.popen.wait(30)


def children_of(folder: Path) -> str:
    """Return the processes that still use the demo's configuration."""
    found = subprocess.run(
        ["pgrep", "-af", f"{folder}/data/config.yaml"], capture_output=True, text=True, check=False
    )
    return found.stdout


@pytest.mark.timeout(180)
def test_the_demo_measures_says_where_to_look_and_stops_cleanly(tmp_path: Path) -> None:
    """The first full measurement is shown and recorded, Ctrl-C ends all three parts, and a second
    demo goes on with the first one's data.
    """
    with running("first", start(tmp_path), tmp_path) as demo:
        demo.wait_for("The page of results", 120)
        shown = demo.text()
        before = (tmp_path / "data/config.yaml").read_text()
        with running("other", start(tmp_path), tmp_path) as other:
            other.wait_for("a demo is running on", 60)
        assert (tmp_path / "data/config.yaml").read_text() == before
        assert interrupt(demo) == 0
    assert "Measured: speed" in shown
    ledger = tmp_path / "data/collector/ledger.sqlite"
    with sqlite3.connect(ledger) as connection:
        (rate,) = connection.execute(
            "SELECT download_bits_per_second FROM records"
            " WHERE task = 'speed' AND outcome = 'measured'"
        ).fetchone()
    assert rate > 0
    assert children_of(tmp_path) == ""
    secret = tmp_path / "data" / "operator-password"
    assert secret.stat().st_mode & 0o077 == 0

    with running("hasty", start(tmp_path / "hasty"), tmp_path) as hasty:
        log = tmp_path / "hasty/data/logs/collector.log"
        end = time.monotonic() + 60
        while not log.exists() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(2)
        # As a terminal that is closed does.
        assert interrupt(hasty, signal.SIGHUP) == 0
        assert "failed" not in hasty.text()
    assert children_of(tmp_path / "hasty") == ""

    with running("second", start(tmp_path), tmp_path) as again:
        again.wait_for("A full measurement takes", 60)
        time.sleep(2)
        assert interrupt(again) == 0
    assert children_of(tmp_path) == ""
    sections = {"collector": {"ledger": {"path": str(ledger)}}}
    listed = command(tmp_path, ["line", "list", "--json"], **sections).stdout
    assert listed.count('"id": "nvh-to-1-vi-du"') == 1
