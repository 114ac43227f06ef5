"""A line that is made in network namespaces."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.line import BURST_MINIMUM_BYTES, Line, burst_bytes
from bench.namespaces import LineError, allowed_bits_per_second, payload_share

ROOT = Path(__file__).parents[2]

REFUSED = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), timeout=2)
except ConnectionRefusedError:
    print("refused")
"""
"""Asks a closed port: an end that refuses was reached, and its refusal came back."""

AS_NOBODY = """
import os
from bench.line import Line
os.setuid(65534)
with Line(1_000_000, 1_000_000):
    pass
"""


def namespaces(line: Line) -> list[str]:
    """Return the line's namespaces that exist."""
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True)
    mine = line.command("probe", [])[-1].removesuffix("-probe")
    return [name for name in listed.stdout.split() if name.startswith(mine)]


def test_payload_share_is_segment_over_frame() -> None:
    """A full frame of 1514 bytes carries 1448 bytes over IPv4 and 1428 over IPv6."""
    assert payload_share(4) == 1448 / 1514
    assert payload_share(6) == 1428 / 1514


def test_allowed_rate_is_the_shape_times_the_share() -> None:
    """A line of 100 Mbit/s lets 95.64 Mbit/s of payload through over IPv4, 94.32 over IPv6."""
    assert allowed_bits_per_second(100e6, 4) == pytest.approx(95.641e6, rel=1e-5)
    assert allowed_bits_per_second(100e6, 6) == pytest.approx(94.320e6, rel=1e-5)


def test_burst_is_ten_milliseconds_and_at_least_ten_frames() -> None:
    """The bucket grows with the rate, but never falls below what timers need on a slow line."""
    assert burst_bytes(900_000_000) == 1_125_000
    assert burst_bytes(10_000_000) == BURST_MINIMUM_BYTES == 15_140


@pytest.mark.parametrize("family", [4, 6])
def test_ends_reach_each_other_at_once(family: int) -> None:
    """Both ends answer each other over both families as soon as the line is made."""
    with Line(20_000_000, 20_000_000) as line:
        address = line.address("server", 4 if family == 4 else 6)
        ask = line.command("probe", [sys.executable, "-c", REFUSED, address])
        assert subprocess.run(ask, check=True, capture_output=True).stdout == b"refused\n"
        assert line.carried("upload").bytes > 0
        assert line.carried("download").frames > 0


def test_nothing_is_left_after_an_error() -> None:
    """An error inside the block takes down the namespaces and the processes in them."""
    line = Line(20_000_000, 20_000_000)
    with pytest.raises(RuntimeError, match="inside"), line:  # noqa: PT012 - the process belongs inside
        assert len(namespaces(line)) == 3
        left = subprocess.Popen(line.command("server", ["sleep", "60"]))
        raise RuntimeError("inside")
    assert left.wait(timeout=5) == -9
    assert namespaces(line) == []


def test_nothing_is_left_when_the_line_cannot_be_made() -> None:
    """A line that fails halfway says what the kernel refused, and takes down what was made."""
    line = Line(20_000_000, 20_000_000, congestion_control="no-such-control")
    with pytest.raises(LineError, match="no-such-control"), line:
        pass
    assert namespaces(line) == []


def test_refuses_without_root() -> None:
    """Somebody else than root reads in a sentence what is needed."""
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1
    assert "needs root: use sudo" in done.stderr
