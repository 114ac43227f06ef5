"""The acceptance test, whole: on a wired line in namespaces, to a real measurement server."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from bench.line import Line
from bench.processes import LINEWATCH, running
from probe.ceiling import read_ceiling
from probe.quantities import megabits

pytestmark = pytest.mark.timeout(90)

PORT: Final = 8080
TOP: Final = Path(__file__).parents[2]

RESOLVER: Final = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
    asked.bind(("198.18.1.1", 53))
    print("ready", flush=True)
    while True:
        query, asker = asked.recvfrom(512)
        # "No such name", with the question as it came (RFC 1035, 4.1.1).
        asked.sendto(query[:2] + bytes.fromhex("8183") + query[4:], asker)
"""
"""A name server on the line's router."""


@contextmanager
def site(folder: Path) -> Iterator[tuple[Line, list[str]]]:
    """Yield a line of 80 and 40 Mbit/s with server and name server, and the command at its end."""
    state = folder / "state"
    state.mkdir()
    configuration = folder / "config.yaml"
    configuration.write_text(f"probe:\n  state_directory: {state}\n")
    with Line(80_000_000, 40_000_000) as line:
        serve = [LINEWATCH, "server", "run", "--listen", f"[::]:{PORT}"]
        names = [sys.executable, "-c", RESOLVER]
        with (
            running("server", line.command("server", serve), folder) as server,
            running("names", line.command("router", names), folder) as resolver,
        ):
            server.wait_for(f"{PORT}")
            resolver.wait_for("ready")
            accept = [sys.executable, "-m", "tests.integration.staged_acceptance"]
            asked = ["probe", "accept", "--config", str(configuration)]
            asked += ["--server", line.url(4, PORT)]
            yield line, line.command("probe", [*accept, *asked])


def test_a_probe_on_a_good_line_is_certified_and_says_so_in_every_record(tmp_path: Path) -> None:
    """The page ends with N and M, which are kept where every later measurement reads them."""
    with site(tmp_path) as (_, command):
        page = tmp_path / "page.html"
        done = subprocess.run(
            [*command, "--json", "--page", str(page)],
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    results = {each["check"]: each["result"] for each in found["checks"]}
    assert found["certified"], results
    assert found["interface"] == "eth0"
    assert results["cable"] == results["ipv4"] == "ok", results
    down, up = (found["ceiling"][each]["bits_per_second"] for each in ("download", "upload"))
    rates = [megabits(rate).vi for rate in (down, up)]
    sentence = f"đo được đến {rates[0]} Mbit/s chiều xuống, {rates[1]} Mbit/s chiều lên"
    assert sentence in page.read_text().replace("\N{NO-BREAK SPACE}", " ")
    kept = read_ceiling(tmp_path / "state", "eth0")
    assert kept is not None
    assert (kept.download_bits_per_second, kept.upload_bits_per_second) == (down, up)
    # A line of 80 Mbit/s limits no device: what limits it is never certified as the device's.
    assert down > 70_000_000


def test_ctrl_c_ends_the_test_and_all_that_it_started(tmp_path: Path) -> None:
    """Interrupted in the middle of the load, it is gone within seconds and has kept nothing."""
    with site(tmp_path) as (_, command):
        with subprocess.Popen(command, cwd=TOP, stdout=-1, stderr=-1, text=True) as running_test:
            children = Path(f"/proc/{running_test.pid}/task/{running_test.pid}/children")
            until = time.monotonic() + 40
            while not (far_ends := children.read_text().split()) and time.monotonic() < until:
                time.sleep(0.05)
            running_test.send_signal(signal.SIGINT)
            _, said = running_test.communicate(timeout=20)
        assert running_test.returncode == 1, said
        assert re.search("Aborted", said)
        assert "Traceback" not in said
        assert far_ends
        assert not Path(f"/proc/{far_ends[0]}").exists()
        assert not (tmp_path / "state/ceiling.json").exists()
