"""The engine `stamp` against a reflector on loopback, whole and with faults."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.engine import Measurement, Order
from probe.engines.stamp import StampEngine, reflector_of
from probe.transfer.packets import Tally
from protocol import stamp
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.results import Latency, Neighbour

Reflect = Callable[[int, bytes], list[bytes]]
"""From a packet's turn and its reflection to what is sent back."""


@contextmanager
def reflector(answers: Reflect) -> Iterator[str]:
    """Reflect STAMP packets on loopback as ``answers`` says; yield HOST:PORT."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.05)
        ended = threading.Event()

        def run() -> None:
            turn = 0
            while not ended.is_set():
                try:
                    packet, sender = listening.recvfrom(2048)
                except TimeoutError:
                    continue
                now = time.time()
                answer = stamp.pack_reflection(packet, now, time.time(), 64, synchronised=False)
                assert answer is not None
                for each in answers(turn, answer):
                    listening.sendto(each, sender)
                turn += 1

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def order(address: str) -> Order:
    """Return an order to measure against a reflector."""
    entry = ServerEntry(name="near", url="http://127.0.0.1:9", stamp=address)
    return Order(server=entry, deadline=time.monotonic() + 10)


ENGINE = StampEngine(packets=20, interval_seconds=0.01, straggler_seconds=0.3)


def test_a_clean_path_loses_nothing() -> None:
    """Every packet comes back once, in order, within a loopback's time."""
    with reflector(lambda _, packet: [packet]) as address:
        measured = ENGINE.measure(order(address))
    assert measured.failure is None
    section = measured.section
    assert isinstance(section, Latency)
    assert (section.round_trip.sent, section.round_trip.received) == (20, 20)
    assert (section.lost_ratio, section.duplicates, section.reordered) == (0, 0, 0)
    assert section.round_trip.median_seconds is not None
    assert section.round_trip.median_seconds < 0.05
    assert measured.sent_bytes == measured.received_bytes == 20 * 44


def test_lost_and_doubled_packets_are_counted_apart() -> None:
    """A quarter lost is a loss ratio of a quarter, and doubles do not hide it."""

    def answers(turn: int, packet: bytes) -> list[bytes]:
        return [] if turn % 4 == 0 else [packet, packet] if turn % 4 == 1 else [packet]

    with reflector(answers) as address:
        section = ENGINE.measure(order(address)).section
    assert isinstance(section, Latency)
    assert section.lost_ratio == 0.25
    assert section.duplicates == 5


def test_overtaken_packets_are_counted_as_reordered() -> None:
    """A packet that comes after a younger one is reordered, not lost."""
    held: list[bytes] = []

    def answers(turn: int, packet: bytes) -> list[bytes]:
        if turn == 3:
            held.append(packet)
            return []
        return [packet, *held] if turn == 4 else [packet]

    with reflector(answers) as address:
        section = ENGINE.measure(order(address)).section
    assert isinstance(section, Latency)
    assert (section.reordered, section.lost_ratio) == (1, 0)


def beside(measured: Measurement) -> Neighbour | None:
    """Return what became of the neighbour's packets."""
    assert isinstance(measured.section, Latency)
    return measured.section.neighbour


def test_a_neighbour_is_sent_as_many_packets() -> None:
    """A server that loses a quarter stands beside one that loses none; its own numbers are not
    mixed with the neighbour's, but all bytes are counted.
    """
    with (
        reflector(lambda turn, packet: [] if turn % 4 == 0 else [packet]) as address,
        reflector(lambda _, packet: [packet]) as clean,
    ):
        near = ServerEntry(name="beside", url="http://127.0.0.1:9", stamp=clean)
        measured = ENGINE.measure(replace(order(address), neighbour=near))
    assert isinstance(measured.section, Latency)
    assert measured.section.lost_ratio == 0.25
    assert beside(measured) == Neighbour(name="beside", address="127.0.0.1", sent=20, received=20)
    assert (measured.sent_bytes, measured.received_bytes) == (40 * 44, 35 * 44)


@pytest.mark.parametrize("stamp_address", ["no-such-name.invalid:8080", "[fe80::1]:8080", ":x"])
def test_a_neighbour_that_cannot_be_asked_is_none(stamp_address: str) -> None:
    """Without a neighbour the measurement is what it was."""
    near = ServerEntry(name="beside", url="http://127.0.0.1:9", stamp=stamp_address)
    with reflector(lambda _, packet: [packet]) as address:
        measured = ENGINE.measure(replace(order(address), neighbour=near))
    assert measured.failure is None
    assert beside(measured) is None


def test_a_silent_neighbour_has_lost_all_of_its_own() -> None:
    """It fails nothing, and tells that the neighbour is worse, not the server."""
    with (
        reflector(lambda _, packet: [packet]) as address,
        reflector(lambda _turn, _packet: []) as silent,
    ):
        near = ServerEntry(name="beside", url="http://127.0.0.1:9", stamp=silent)
        measured = ENGINE.measure(replace(order(address), neighbour=near))
    assert measured.failure is None
    assert beside(measured) == Neighbour(name="beside", address="127.0.0.1", sent=20, received=0)


def test_silence_is_a_failure_with_its_count() -> None:
    """Where nothing comes back the record says no_replies, and a loss of everything."""
    with reflector(lambda _turn, _packet: []) as address:
        measured = ENGINE.measure(order(address))
    assert measured.failure is not None
    assert measured.failure.code is Failure.NO_REPLIES
    assert isinstance(measured.section, Latency)
    assert measured.section.lost_ratio == 1
    assert measured.section.round_trip.median_seconds is None


def test_nobody_on_the_port_is_silence_too() -> None:
    """An ICMP refusal ends nothing: a reflector may come back within the minute."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    measured = ENGINE.measure(order(f"127.0.0.1:{port}"))
    assert measured.failure is not None
    assert measured.failure.code is Failure.NO_REPLIES


def test_an_address_without_a_way_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with two addresses is measured over the one that the device can send to."""
    with reflector(lambda _, packet: [packet]) as address:
        port = int(address.rpartition(":")[2])
        # A link-local address that names no link has no way out, on any machine.
        found = [
            (socket.AF_INET6, ("fe80::1", port, 0, 0)),
            (socket.AF_INET, ("127.0.0.1", port)),
        ]
        monkeypatch.setattr("probe.engines.stamp.resolve", lambda *_, **__: found)
        measured = ENGINE.measure(order(address))
        assert isinstance(measured.section, Latency)
        assert (measured.section.ip_version, measured.section.lost_ratio) == (4, 0.0)
        monkeypatch.setattr("probe.engines.stamp.resolve", lambda *_, **__: found[:1])
        measured = ENGINE.measure(order(address))
    assert measured.section is None
    assert measured.failure is not None


def without_network(at: float, seconds: float, way: str) -> tuple[int, int, str | None]:
    """Measure in a network namespace whose loopback goes down; return lost, received, failure."""
    script = [sys.executable, "-m", "tests.probe.engines.without_network"]
    script += [str(at), str(seconds), way]
    ran = subprocess.run(["unshare", "--net", *script], capture_output=True, timeout=60, check=True)
    lost, received, failure = json.loads(ran.stdout)
    return lost, received, failure


def test_a_line_that_is_down_for_a_while_has_lost_its_packets() -> None:
    """The minute goes on, and what could not be sent counts as lost; the rest is measured."""
    lost, received, failure = without_network(0.5, 0.5, "loopback")
    assert (failure, 5 <= lost < 30, received + lost) == (None, True, 30)


def test_a_line_that_stays_down_is_the_failure() -> None:
    """Where no packet ever comes back, what kept them from leaving is told, and all are lost."""
    assert without_network(0.1, 60, "cable") == (30, 0, Failure.NO_ROUTE)


def test_garbage_is_not_an_answer() -> None:
    """Short packets and numbers never sent do not count as received."""
    forged = stamp.pack_reflection(
        stamp.pack_probe(10**6, 0.0, synchronised=True), 0.0, 0.0, 64, synchronised=True
    )
    assert forged is not None
    with reflector(lambda _turn, _packet: [b"x", forged]) as address:
        measured = ENGINE.measure(order(address))
    assert measured.failure is not None
    assert measured.failure.code is Failure.NO_REPLIES


def test_the_agents_wish_to_stop_ends_it_at_once() -> None:
    """A cancelled order returns long before its packets are sent."""
    slow = StampEngine(packets=1000, interval_seconds=1)
    with reflector(lambda _, packet: [packet]) as address:
        asked = order(address)
        asked.cancelled.set()
        measured = slow.measure(asked)
    assert measured.failure is not None
    assert measured.failure.code is Failure.PROBE_STOPPING


@pytest.mark.parametrize(
    "told,expected",
    [
        (None, ("127.0.0.1", 9)),
        ("speed.example:862", ("speed.example", 862)),
        ("[2001:db8::1]:862", ("2001:db8::1", 862)),
    ],
)
def test_the_reflector_is_found(told: str | None, expected: tuple[str, int]) -> None:
    """It is where the server says, else at the number of its HTTP port."""
    assert reflector_of(told, "http://127.0.0.1:9/") == expected


@given(
    away=st.floats(0, 10),
    reflector_clock=st.floats(1, 2e9),
    inside=st.floats(0, 10),
)
def test_clocks_that_differ_do_not_change_a_round_trip(
    away: float, reflector_clock: float, inside: float
) -> None:
    """The round trip is the time away less the reflector's own, whatever its clock says."""
    tally = Tally(sent_at=[100.0])
    reflection = stamp.Reflection(0, 0.0, reflector_clock, reflector_clock + inside)
    tally.take(reflection, 100.0 + away)
    assert 0 <= tally.round_trips[0] <= away + 1e-6
    assert tally.round_trips[0] == pytest.approx(max(0.0, away - inside), abs=1e-5)
