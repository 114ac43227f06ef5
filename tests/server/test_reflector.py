"""The STAMP reflector, on real sockets of both families."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.stamp import pack_probe, pack_reflection, unpack_reflection
from server.addresses import open_sockets
from server.clock import is_synchronised
from server.reflector import Budget, Reflector, is_reflection

Start = Callable[..., tuple[int, Counter[str]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start reflectors on a free port of every address; give the port and what was counted."""
    running = []

    def one(packets_per_second: int = 1000) -> tuple[int, Counter[str]]:
        tcp, udp = open_sockets("", 0, stamp=True)
        for listener in tcp:
            listener.close()
        outcomes: Counter[str] = Counter()

        def count(outcome: str) -> None:
            outcomes[outcome] += 1

        running.append(Reflector(udp, packets_per_second, count))
        return udp[0].getsockname()[1], outcomes

    yield one
    for reflector in running:
        reflector.stop()


def _sender(host: str, port: int, source: str | None = None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if source:
        sock.bind((source, 0))
    sock.settimeout(2)
    sock.connect((host, port))
    return sock


def _wait_for(outcomes: Counter[str], outcome: str, count: int) -> None:
    until = time.monotonic() + 2
    while outcomes[outcome] < count and time.monotonic() < until:
        time.sleep(0.01)
    assert outcomes[outcome] == count


def _wait_for_all(outcomes: Counter[str], count: int) -> None:
    until = time.monotonic() + 5
    while outcomes.total() < count and time.monotonic() < until:
        time.sleep(0.01)
    assert outcomes.total() == count


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.77", "::1"])
def test_reflects_from_where_it_was_asked(start: Start, host: str) -> None:
    """A packet comes back with its times and number, from the very address it was sent to."""
    port, _ = start()
    with _sender(host, port) as sender:  # connected: takes packets of that address only
        before = time.time()
        sender.send(pack_probe(7, before, synchronised=True))
        answer = sender.recv(2000)
        after = time.time()
    reflection = unpack_reflection(answer)
    assert reflection
    assert reflection.seq == 7
    assert reflection.sent_at == pytest.approx(before, abs=1e-6)
    assert before - 1e-3 <= reflection.received_at <= reflection.reflected_at <= after + 1e-3
    assert answer[40] == 64  # the TTL or hop limit that the packet arrived with


@pytest.mark.parametrize("length", [44, 45, 200, 1400, 2048])
def test_answer_is_as_long_as_the_packet(start: Start, length: int) -> None:
    """A padded packet comes back with the same length."""
    port, _ = start()
    with _sender("127.0.0.1", port) as sender:
        sender.send(pack_probe(1, 0, synchronised=False).ljust(length, b"\xaa"))
        assert len(sender.recv(4000)) == length


def test_longer_packet_comes_back_cut(start: Start) -> None:
    """A packet beyond what is read is answered with less, never with more."""
    port, _ = start()
    with _sender("127.0.0.1", port) as sender:
        sender.send(bytes(9000))
        assert len(sender.recv(10000)) == 2048


def test_short_packets_get_nothing(start: Start) -> None:
    """What is shorter than a STAMP packet, or empty, is not answered."""
    port, outcomes = start()
    with _sender("127.0.0.1", port) as sender:
        for length in (0, 1, 43):
            sender.send(bytes(length))
        _wait_for(outcomes, "not_stamp", 3)
        sender.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sender.recv(100)


def test_two_reflectors_do_not_talk_for_ever(start: Start) -> None:
    """A reflector's answer is not answered, whichever port it comes from."""
    first, first_outcomes = start()
    second, second_outcomes = start()
    with _sender("127.0.0.1", first) as sender:
        sender.send(pack_probe(3, time.time(), synchronised=True))
        answer = sender.recv(100)
    with _sender("127.0.0.1", second) as sender:
        sender.send(answer)
        _wait_for(second_outcomes, "loop", 1)
    assert first_outcomes == {"reflected": 1}


def test_services_are_not_answered(start: Start) -> None:
    """A packet from a port of services is not answered: it may be forged to reach an echo."""
    port, outcomes = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", 1023))
        echo.sendto(bytes(44), ("127.0.0.1", port))
        _wait_for(outcomes, "loop", 1)


def test_answers_no_more_than_its_limit(start: Start) -> None:
    """Of many senders' packets only so many a second are answered; every one is counted."""
    port, outcomes = start(packets_per_second=20)
    for number in range(50):
        with _sender("127.0.0.1", port, source=f"127.0.0.{number + 2}") as sender:
            for _ in range(2):
                sender.send(pack_probe(number, 0, synchronised=True))
    _wait_for_all(outcomes, 100)
    assert 20 <= outcomes["reflected"] <= 40  # a second may turn meanwhile


def test_a_flood_of_one_address_leaves_others_their_answers(start: Start) -> None:
    """Who sends more than a second's packets gets a tenth; another address loses nothing."""
    port, outcomes = start(packets_per_second=100)
    with _sender("127.0.0.1", port) as flood:
        for number in range(150):
            flood.send(pack_probe(number, 0, synchronised=True))
        _wait_for_all(outcomes, 150)
    assert 10 <= outcomes["reflected"] <= 20  # a second may turn meanwhile
    with _sender("127.0.0.1", port, source="127.0.0.2") as other:
        for number in range(5):
            other.send(pack_probe(number, 0, synchronised=True))
            assert other.recv(100)


def test_a_budget_is_of_a_network_and_a_second() -> None:
    """Addresses of one IPv6 /64 share a budget; all have theirs again in the next second."""
    now = [5.0]
    budget = Budget(30, lambda: now[0])
    assert [budget.take(f"2001:db8::{number}") for number in range(1, 5)] == [True] * 3 + [False]
    assert budget.take("2001:db8:0:1::1")
    assert [budget.take("203.0.113.1") for _ in range(4)] == [True] * 3 + [False]
    now[0] = 6.0
    assert budget.take("2001:db8::9")
    assert budget.take("203.0.113.1")


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 0.2)), max_size=200))
def test_no_second_answers_more_than_its_budget(packets: list[tuple[int, float]]) -> None:
    """Whoever sends and whenever: a second answers 20 packets at most, and 2 of one address."""
    now = [0.0]
    budget = Budget(20, lambda: now[0])
    answered: Counter[int] = Counter()
    of_address: Counter[tuple[int, int]] = Counter()
    for number, pause in packets:
        now[0] += pause
        if budget.take(f"203.0.113.{number}"):
            answered[int(now[0])] += 1
            of_address[int(now[0]), number] += 1
    assert all(count <= 20 for count in answered.values())
    assert all(count <= 2 for count in of_address.values())


@pytest.mark.parametrize("packets_per_second", [1, 9, 10])
def test_a_small_limit_still_answers(packets_per_second: int) -> None:
    """An address may have one packet a second, however small the limit is."""
    assert Budget(packets_per_second).take("203.0.113.1")


@given(st.binary(min_size=44, max_size=100), st.floats(1, 4e9), st.floats(1, 4e9))
def test_every_answer_is_known_as_one(packet: bytes, received: float, reflected: float) -> None:
    """Whatever a packet holds, its reflection is recognised as one, and is as long."""
    answer = pack_reflection(packet, received, reflected, 64, synchronised=True)
    assert answer
    assert is_reflection(answer)
    assert len(answer) == len(packet)


@given(st.integers(0, 2**32 - 1), st.floats(0, 4e9), st.booleans())
def test_no_probe_is_taken_for_an_answer(seq: int, sent_at: float, synchronised: bool) -> None:
    """A sender's packet is never taken for a reflection."""
    assert not is_reflection(pack_probe(seq, sent_at, synchronised=synchronised))


def test_kernel_says_whether_its_clock_is_synchronised() -> None:
    """The clock's state can be asked here, and is yes or no."""
    assert is_synchronised() in {True, False}
