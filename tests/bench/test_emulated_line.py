"""A line with delay and loss, made of namespaces and an emulator between them."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.accuracy_lines import loaded_times, trips
from bench.emulated_line import EmulatedLine
from bench.emulator import Shape
from bench.line_tools import Iperf3
from bench.namespaces import DIRECTIONS, LineError, allowed_bits_per_second
from bench.processes import running

ECHO = """
import socket
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as echo:
    echo.bind(("::", 7))
    print("ready", flush=True)
    while True:
        echo.sendto(*echo.recvfrom(2048))
"""
"""Answers every UDP packet with itself, over both families."""

ASK = """
import json, socket, sys, time
family, kind, proto, _, address = socket.getaddrinfo(sys.argv[1], 7, type=socket.SOCK_DGRAM)[0]
times = []
with socket.socket(family, kind, proto) as asking:
    asking.connect(address)
    asking.settimeout(5)
    for number in range(12):
        asked = time.monotonic()
        asking.send(b"question")
        asking.recv(100)
        times.append(time.monotonic() - asked)
print(json.dumps(times))
"""
"""Asks twelve times, one after the other; prints how long each answer took."""

ASK_MANY = """
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.connect((sys.argv[1], 7))
    asking.settimeout(1)
    for number in range(150):
        asking.send(b"question")
        time.sleep(0.001)
    answers = 0
    try:
        while asking.recv(100):
            answers += 1
    except TimeoutError:
        print(answers)
"""
"""Asks 150 times and prints how many answers came."""


@contextmanager
def echo(line: EmulatedLine, folder: Path) -> Iterator[None]:
    """Answer UDP at the line's server end."""
    with running("echo", line.command("server", [sys.executable, "-c", ECHO]), folder) as program:
        program.wait_for("ready")
        yield


def ask(line: EmulatedLine, code: str, address: str) -> Any:
    """Return what a small program at the line's probe end prints."""
    command = line.command("probe", [sys.executable, "-c", code, address])
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def plans() -> list[dict[str, Any]]:
    """Return the plan of each emulator that runs on this machine."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if b"bench.emulator" in words:
            found.append(json.loads(words[words.index(b"bench.emulator") + 1]))
    return found


def is_left(line: EmulatedLine, devices: list[str]) -> bool:
    """Tell whether anything of a line is still there."""
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True)
    return (
        any(name in listed.stdout for name in line.namespaces.values())
        or any(Path("/sys/class/net", device).exists() for device in devices)
        or any(plan["log"] == str(line._log) for plan in plans())
        or line._log.parent.exists()
    )


def test_small_packets_take_the_lines_own_time(tmp_path: Path) -> None:
    """No answer comes before both ways' delays, and the log tells each round trip's own time."""
    down, up = Shape(20e6, delay_seconds=0.01), Shape(5e6, 0.02, jitter_seconds=0.005)
    with EmulatedLine(down, up) as line, echo(line, tmp_path):
        for family in (4, 6):
            line.forget()
            measured = ask(line, ASK, line.address("server", 4 if family == 4 else 6))
            truth = [trip.seconds for trip in trips(line.small_packets())]
            assert len(truth) == len(measured) == 12
            assert all(0.03 <= own <= each for own, each in zip(truth, measured, strict=True))
            assert max(truth) < 0.036
            # What the machine itself adds is well under a millisecond where it is not busy.
            assert statistics.median(measured) - statistics.median(truth) < 0.02


def test_counts_tell_each_packet_that_was_lost(tmp_path: Path) -> None:
    """What came in, was lost and came out in each direction is what the two ends see."""
    with (
        EmulatedLine(Shape(20e6, loss_ratio=0.1), Shape(20e6, loss_ratio=0.2)) as line,
        echo(line, tmp_path),
    ):
        answers = ask(line, ASK_MANY, line.address("server", 4))
        counts = line.counts()
    up, down = counts["upload"], counts["download"]
    assert up["udp_in"] == 150
    assert down["udp_in"] == up["udp_delivered"]
    assert answers == down["udp_delivered"]
    assert 0 < answers < up["udp_delivered"] < 150
    assert up["dropped_frames"] == down["dropped_frames"] == 0


def test_tcp_fills_the_line(tmp_path: Path) -> None:
    """iperf3 reaches what an uneven line allows, and the log tells rate and times of the load."""
    shapes = [Shape(rate, 0.005, buffer_bytes=100_000) for rate in (40e6, 10e6)]
    with EmulatedLine(*shapes) as line:
        iperf3 = Iperf3(line, tmp_path, 2, warm_up_seconds=1, window_seconds=2)
        with iperf3.serving() as server:
            line.forget()
            run = iperf3.run(4, server)
        for direction in DIRECTIONS:
            allowed = allowed_bits_per_second(line.rates[direction], 4)
            # Held data that is let go at so short a window's edge; a busy machine.
            assert run.bits_per_second[direction] == pytest.approx(allowed, rel=0.08)
            start, end = loaded_times(line)[direction]
            assert 1 < end - start < 10
            loaded = [rate for at, rate in line.rates_seen(direction) if start < at < end]
            assert statistics.median(loaded) == pytest.approx(line.rates[direction], rel=0.03)
            assert line.carried(direction).bytes > run.bytes[direction] / 2
        assert loaded_times(line)["download"][1] < loaded_times(line)["upload"][0] + 1


def test_nothing_is_left_after_an_error() -> None:
    """An error inside the block takes down namespaces, devices, emulator and log."""
    line = EmulatedLine(Shape(20e6), Shape(20e6))
    with pytest.raises(RuntimeError, match="inside"), line:  # noqa: PT012 - the looks belong inside
        (plan,) = [plan for plan in plans() if plan["log"] == str(line._log)]
        assert is_left(line, plan["devices"])
        raise RuntimeError("inside")
    assert not is_left(line, plan["devices"])


def test_nothing_is_left_when_the_line_cannot_be_made() -> None:
    """A line that fails halfway says what the kernel refused, and takes down what was made."""
    line = EmulatedLine(Shape(20e6), Shape(20e6), congestion_control="no-such-control")
    with pytest.raises(LineError, match="no-such-control"), line:
        pass
    assert not is_left(line, [])
