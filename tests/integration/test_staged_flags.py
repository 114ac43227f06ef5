"""Each flag raised for real on a line in network namespaces, and none on the same line left alone.

Server, probe, shaper, buffers, traffic and load are real; only the clock's state is stated.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from bench.emulated_line import EmulatedLine
from bench.emulator import Shape
from bench.line import Line
from bench.processes import LINEWATCH, running
from probe.ceiling import CEILING_NAME, keep_ceiling
from probe.flags.device import BUSY_CORE_RATIO
from probe.flags.ends import SERVER_ANSWER_SECONDS, SERVER_BUSY_RATIO
from probe.transfer.window import Window, bytes_within
from protocol.conditions import Ceiling
from protocol.flags import Flag

pytestmark = pytest.mark.timeout(90)

BUILD: Final = Path(__file__).parents[2] / "build"
"""Where `make test-packages` puts programs that are not installed."""

DOWN: Final = 40_000_000
UP: Final = 20_000_000

TRANSFERS: Final = ("download", "upload")

PORT: Final = 8080
NARROW_PORT: Final = 8081
"""Of a server that says its link carries 10 Mbit/s."""

BLIND_PORT: Final = 8082
"""Of a server that does not know what its link carries."""

SERVE: Final = (LINEWATCH, "server", "run", "--listen")

SECOND_PEER: Final = ("peer", "name", "to-second", "netns")

OTHERS_BYTES_PER_SECOND: Final = 1_000_000
"""A fifth of the line, of somebody else."""

UDP_FLOW: Final = """
import socket, sys, time
address, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
begun, sent = time.monotonic(), 0
while (passed := time.monotonic() - begun) < seconds:
    while sent < rate * passed:
        sent += out.sendto(bytes(1400), (address, 9))
    time.sleep(0.002)
"""

SPIN: Final = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
end = time.monotonic() + 8
while time.monotonic() < end:
    pass
"""


class Probe:
    """The measuring program at the line's probe end."""

    def __init__(self, line: Line | EmulatedLine, state: Path) -> None:
        self.line = line
        self.state = state
        command = [sys.executable, "-m", "tests.integration.staged_probe", str(state)]
        self.process = subprocess.Popen(
            line.command("probe", command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def measure(
        self, port: int = PORT, at: tuple[str, Callable[[], object]] | None = None, **asked: Any
    ) -> dict[str, Any]:
        """Return a measurement; ``at`` names a phase and what to do when it begins."""
        assert self.process.stdin
        assert self.process.stdout
        asked["server"] = self.line.url(4, port)
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        for text in self.process.stdout:
            if not text.startswith("phase "):
                found: dict[str, Any] = json.loads(text)
                assert found["outcome"] == "measured", found["failure"]
                return found
            if at and text == f"phase {at[0]}\n":
                at[1]()
        raise AssertionError("the probe ended")

    def stop(self) -> None:
        """End it."""
        self.process.communicate(timeout=10)


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """Return a probe on a line of 40 and 20 Mbit/s with two servers at its other end."""
    folder = tmp_path_factory.mktemp("staged")
    # The other server's tests fill the link that both are on: this one takes a test all the same.
    (folder / "narrow.yaml").write_text(
        "server:\n  link_megabits: 10\n  limits:\n    link_ratio: 100\n"
    )
    with Line(DOWN, UP) as line:
        wide = line.command("server", [*SERVE, f"[::]:{PORT}"])
        narrow = [*SERVE, f"[::]:{NARROW_PORT}", "--config", str(folder / "narrow.yaml")]
        with (
            running("wide", wide, folder) as one,
            running("narrow", line.command("server", narrow), folder) as two,
        ):
            one.wait_for("listening on")
            two.wait_for("listening on")
            made = Probe(line, folder)
            try:
                yield made
            finally:
                made.stop()


@contextmanager
def beside(*command: str) -> Iterator[None]:
    """Run a program for the time of a block."""
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def flags(found: dict[str, Any]) -> set[str]:
    """Return the flags, but for those that other programs of this machine raised rightly.

    The machine's cores are not the test's own: what is left out is checked against what the
    record itself says of them.
    """
    during = found["conditions"]["during"]
    told = [during["busiest_core_ratio"] or 0, during["busiest_thread_ratio"] or 0]
    busy = max(told) > BUSY_CORE_RATIO
    server = found["speed"]["server"]
    by_link = max(server["link_sent_ratio"] or 0, server["link_received_ratio"] or 0) > 0.9
    trips = [each for each in found["speed"]["latency"].values() if each]
    slow = any((each["server_seconds"] or 0) > SERVER_ANSWER_SECONDS for each in trips)
    by_others = ((server["cpu_ratio"] or 0) > SERVER_BUSY_RATIO or slow) and not by_link
    raised = set(found["flags"])
    assert (Flag.DEVICE_CPU in raised) is busy
    # In these short windows a sample, which is as much as two counts may differ by, is an eighth.
    if all(counts_are_near(found["speed"][direction], direction) for direction in TRANSFERS):
        raised -= {Flag.COUNTS_DISAGREE}
    return raised - {Flag.DEVICE_CPU} - ({Flag.SERVER_LIMITED} if by_others else set())


def counts_are_near(transfer: dict[str, Any], direction: str) -> bool:
    """Tell whether the record's own counts of both ends are within a sample at either end: the
    largest one, as a machine that is busy takes them late.

    Of a download the server counts what it sent until the end: only less than arrived is wrong.
    """
    samples = transfer["samples"]
    allowed = 2 * max(later[1] - earlier[1] for earlier, later in pairwise(samples))
    if direction == "download":
        return bool(transfer["total_bytes"] - transfer["server"]["bytes"] <= allowed)
    start = transfer["warm_up_seconds"]
    sent = bytes_within(samples, Window(start, start + transfer["duration_seconds"]))
    return bool(abs(sent - transfer["bytes"]) <= allowed)


def certified(probe: Probe, bits_per_second: int) -> None:
    """Certify the device for a rate."""
    keep_ceiling(
        probe.state,
        Ceiling(
            download_bits_per_second=bits_per_second,
            upload_bits_per_second=bits_per_second,
            certified_at=datetime(2026, 11, 1, tzinfo=UTC),
            interface="eth0",
        ),
    )


def test_a_line_left_alone_has_no_flag(probe: Probe) -> None:
    """A test whose device, path and server are in order is clean, and says what it looked at."""
    certified(probe, 900_000_000)
    found = probe.measure(carrier_prefixes=["198.18.1.0/24"])
    assert flags(found) == set()
    conditions = found["conditions"]
    assert conditions["by_carrier"] is True
    assert conditions["ceiling"]["download_bits_per_second"] == 900_000_000
    for direction in TRANSFERS:
        window = conditions["during"][direction]
        carried = window[
            "interface_received_bytes" if direction == "download" else "interface_sent_bytes"
        ]
        assert 0.9 < carried / window["test_bytes"] < 1.07
    server = found["speed"]["server"]
    assert server["tests_running"] == 1
    assert server["link_sent_ratio"] < 0.1


def test_others_traffic_in_a_window_is_seen(probe: Probe) -> None:
    """A second flow of a fifth of the line, besides the test's own bytes, is cross traffic."""
    flow = [sys.executable, "-S", "-c", UDP_FLOW, probe.line.address("probe", 4)]
    flow += [str(OTHERS_BYTES_PER_SECOND), "8"]
    with beside(*probe.line.command("server", flow)):
        found = probe.measure()
    assert flags(found) == {Flag.CROSS_TRAFFIC}
    window = found["conditions"]["during"]["download"]
    others = window["interface_received_bytes"] - window["test_bytes"] * 1.05
    assert others > 0.5 * OTHERS_BYTES_PER_SECOND * window["duration_seconds"]


def test_a_far_end_without_room_another_carrier_a_low_ceiling_and_a_lost_clock(
    probe: Probe,
) -> None:
    """Four causes in one test are four flags: a server whose link is full, an address outside the
    carrier's networks, a device certified for less, and a clock that nobody vouches for.
    """
    certified(probe, 30_000_000)
    try:
        found = probe.measure(
            NARROW_PORT, carrier_prefixes=["198.18.2.0/24", "203.0.113.0/24"], clock="none"
        )
    finally:
        (probe.state / CEILING_NAME).unlink()
    assert flags(found) == {
        Flag.SERVER_LIMITED,
        Flag.OTHER_CARRIER,
        Flag.CERTIFIED_CEILING,
        Flag.CLOCK_UNSYNCHRONISED,
    }


@contextmanager
def upnp(line: Line, folder: Path) -> Iterator[None]:
    """Run Debian's UPnP router program on the line's router."""
    (folder / "miniupnpd.conf").write_text(
        "ext_ifname=to-server\nlistening_ip=to-probe\next_ip=1.2.3.4\nenable_upnp=yes\n"
        "uuid=11111111-2222-3333-4444-555555555555\n"
    )
    program = [str(BUILD / "miniupnpd"), "-d", "-f", str(folder / "miniupnpd.conf")]
    environ = {"LD_LIBRARY_PATH": str(BUILD / "upnp")}
    with running("miniupnpd", line.command("router", program), folder, environ) as process:
        process.wait_for("HTTP listening on port")
        yield


def test_other_devices_behind_the_router_are_seen_at_the_router(
    probe: Probe, tmp_path: Path
) -> None:
    """What never comes to the probe's own interface is in the router's counters towards the
    carrier; a test that is alone there is clean.
    """
    assert isinstance(probe.line, Line)
    flow = [sys.executable, "-S", "-c", UDP_FLOW, "198.18.0.1", str(OTHERS_BYTES_PER_SECOND), "8"]
    with upnp(probe.line, tmp_path):
        alone = probe.measure(router=True)
        with beside(*probe.line.command("server", flow)):
            shared = probe.measure(router=True)
    window = alone["conditions"]["during"]["download"]
    assert window["router_received_bytes"] > 0.9 * window["test_bytes"]
    assert flags(alone) == set()
    assert flags(shared) == {Flag.ROUTER_TRAFFIC}


@contextmanager
def small_buffers(probe: Probe) -> Iterator[None]:
    """Give the probe's new connections 4 kB to receive and to send in."""
    names = ("tcp_rmem", "tcp_wmem")
    where = "/proc/sys/net/ipv4"
    before = {name: Path(where, name).read_text() for name in names}

    def put(values: dict[str, str]) -> None:
        script = "; ".join(f"echo '{value}' > {where}/{name}" for name, value in values.items())
        subprocess.run(probe.line.command("probe", ["sh", "-c", script]), check=True)

    put(dict.fromkeys(names, "4096 4096 4096"))
    try:
        yield
    finally:
        put(before)


def test_small_buffers_hold_the_senders_back(tmp_path: Path) -> None:
    """On a line with 60 ms of round trip, a receiver with 4 kB of window and a sender with 4 kB of
    buffer are told by their kernels.
    """
    ways = Shape(DOWN, delay_seconds=0.03), Shape(5 * UP, delay_seconds=0.03)
    with (
        EmulatedLine(*ways) as line,
        running("far", line.command("server", [*SERVE, f"[::]:{PORT}"]), tmp_path) as server,
    ):
        server.wait_for("listening on")
        probe = Probe(line, tmp_path)
        try:
            with small_buffers(probe):
                found = probe.measure()
        finally:
            probe.stop()
    assert {Flag.RECEIVER_LIMITED, Flag.SENDER_LIMITED} <= flags(found)


def test_a_busy_core_is_seen(probe: Probe) -> None:
    """A program that takes a core of the device for itself raises the flag."""
    with busy(min(os.sched_getaffinity(0))):
        found = probe.measure()
    assert Flag.DEVICE_CPU in found["flags"]
    assert found["conditions"]["during"]["busiest_core_ratio"] > BUSY_CORE_RATIO


def test_a_server_without_processor_time_is_seen(probe: Probe) -> None:
    """Programs that take all cores of the server for themselves raise the flag, by what the server
    says of itself; its link has room all the while.
    """
    with busy(*os.sched_getaffinity(0)):
        found = probe.measure()
    assert Flag.SERVER_LIMITED in found["flags"]
    server = found["speed"]["server"]
    assert server["cpu_ratio"] > SERVER_BUSY_RATIO
    assert max(server["link_sent_ratio"], server["link_received_ratio"]) < 0.1


def test_another_test_on_a_server_of_unknown_link_is_seen(probe: Probe, tmp_path: Path) -> None:
    """A server that does not know what its link carries cannot say that it had room for another
    probe's test at the same time.
    """
    serve = probe.line.command("server", [*SERVE, f"[::]:{BLIND_PORT}"])
    with without_default_route(probe.line), running("blind", serve, tmp_path) as process:
        process.wait_for("listening on")
        with measuring_again_and_again(probe.line, tmp_path, BLIND_PORT):
            found = probe.measure(BLIND_PORT)
    server = found["speed"]["server"]
    assert server["link_bits_per_second"] is None
    assert server["tests_running"] > 1
    # The other test's bytes come over the same line.
    assert {Flag.SERVER_LIMITED, Flag.CROSS_TRAFFIC} <= set(found["flags"])


@contextmanager
def without_default_route(line: Line | EmulatedLine) -> Iterator[None]:
    """Let the server reach the probe alone: what its link carries is told by a default route."""
    way = ("via", "198.18.0.1")
    line.ip("server", "route", "add", "198.18.1.0/24", *way)
    line.ip("server", "route", "delete", "default")
    line.ip("server", "-6", "route", "delete", "default")
    try:
        yield
    finally:
        line.ip("server", "route", "add", "default", *way)
        line.ip("server", "-6", "route", "add", "default", "via", "2001:2::1")
        line.ip("server", "route", "delete", "198.18.1.0/24")


@contextmanager
def busy(*cores: int) -> Iterator[None]:
    """Take these cores for the time of a block."""
    with ExitStack() as stack:
        for core in cores:
            stack.enter_context(beside(sys.executable, "-S", "-c", SPIN, str(core)))
        yield


@contextmanager
def measuring_again_and_again(line: Line | EmulatedLine, state: Path, port: int) -> Iterator[None]:
    """Let a second probe measure for the time of a block."""
    other = Probe(line, state)
    begun, done = threading.Event(), threading.Event()

    def measure() -> None:
        while not done.is_set():
            other.measure(port, at=("download", begun.set))

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        assert begun.wait(30)
        yield
    finally:
        done.set()
        thread.join(30)
        other.stop()


def test_a_device_that_stands_still_is_seen(probe: Probe) -> None:
    """A program that is stopped in mid-window has no window worth the name."""

    def freeze() -> None:
        time.sleep(0.6)
        os.kill(probe.process.pid, signal.SIGSTOP)
        time.sleep(1.8)
        os.kill(probe.process.pid, signal.SIGCONT)

    found = probe.measure(at=("download", freeze))
    assert Flag.TOO_SHORT in found["flags"]


def test_another_gateway_in_mid_test_is_seen(probe: Probe) -> None:
    """A default route that moves while the test runs is a changed path."""
    probe.line.ip("router", "address", "add", "198.18.1.254/24", "dev", "to-probe")

    def route(gateway: str) -> None:
        probe.line.ip("probe", "route", "replace", "default", "via", gateway)

    try:
        found = probe.measure(at=("upload", lambda: route("198.18.1.254")))
    finally:
        route("198.18.1.1")
    assert flags(found) == {Flag.PATH_CHANGED}


def test_another_interface_in_mid_test_is_seen(probe: Probe) -> None:
    """A line that fails over while the test runs, to a second interface with a way of its own, is a
    changed path: the record has the interface and the addresses of both moments.
    """
    line = probe.line
    line.ip("probe", "link", "add", "eth1", "type", "veth", *SECOND_PEER, line.namespaces["router"])
    try:
        line.ip("probe", "address", "add", "198.18.2.2/24", "dev", "eth1")
        line.ip("router", "address", "add", "198.18.2.1/24", "dev", "to-second")
        line.ip("probe", "link", "set", "eth1", "up")
        line.ip("router", "link", "set", "to-second", "up")

        def fail_over() -> None:
            line.ip("probe", "route", "replace", "default", "via", "198.18.2.1")

        found = probe.measure(at=("upload", fail_over))
    finally:
        line.ip("probe", "route", "replace", "default", "via", "198.18.1.1")
        line.ip("probe", "link", "delete", "eth1")
    assert flags(found) == {Flag.PATH_CHANGED}
    before, after = found["conditions"]["before"], found["conditions"]["after"]
    assert (before["interface"]["name"], after["interface"]["name"]) == ("eth0", "eth1")
    near = line.address("probe", 4)
    assert (before["local_address"], after["local_address"]) == (near, "198.18.2.2")
    assert (before["public_address"], after["public_address"]) == (near, "198.18.2.2")
