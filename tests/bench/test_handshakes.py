"""Handshakes as a measure of the idle line."""

import socket
import subprocess
import sys

import pytest

from bench.handshakes import median_seconds
from bench.line_tools import ROOT


def test_a_handshake_over_loopback_is_short() -> None:
    """Two ends in one kernel are microseconds apart, and never none."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert 0 < median_seconds("127.0.0.1", listening.getsockname()[1]) < 0.005


def test_the_program_prints_seconds() -> None:
    """As a program it prints the same; where nobody listens it fails."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        command = [sys.executable, "-m", "bench.handshakes", "127.0.0.1"]
        said = subprocess.check_output([*command, str(port)], cwd=ROOT, text=True)
        assert 0 < float(said) < 0.005
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.check_output([*command, str(port)], cwd=ROOT, stderr=subprocess.DEVNULL)
