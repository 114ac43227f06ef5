"""Admission, eviction and the watchdog, with a clock that the test sets."""

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.channel import Channel
from server.connections import Connections


class _Clock:
    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def channels() -> Iterator[list[Channel]]:
    """Ten connections, from ten addresses in pairs: 10.0.0.0, 10.0.0.0, 10.0.0.1, and so on."""
    made: list[Channel] = []
    clients = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for number in range(10):
            clients.append(socket.create_connection(listener.getsockname(), timeout=5))
            accepted, _ = listener.accept()
            made.append(Channel(accepted, f"10.0.0.{number // 2}", time.monotonic() + 60))
    yield made
    for client in clients:
        client.close()
    for channel in made:
        channel.close()


def test_admits_up_to_its_limits(channels: list[Channel]) -> None:
    """A connection over the limit of all or of its address is not admitted; a place is reusable."""
    connections = Connections(3, 1)
    assert connections.admit(channels[0]) is None
    assert connections.admit(channels[1]) == "address"
    assert connections.admit(channels[2]) is None
    assert connections.admit(channels[4]) is None
    assert connections.admit(channels[6]) == "connections"
    connections.leave(channels[0])
    assert connections.admit(channels[1]) is None
    assert len(connections) == 3


def test_full_server_gives_up_who_is_idle(channels: list[Channel]) -> None:
    """When full, who has never asked anything goes first, the longest waiting before others."""
    clock = _Clock()
    connections = Connections(4, 2, clock)
    for number, channel in enumerate(channels[:4]):
        channel.idle_since = clock.now + number
        assert connections.admit(channel) is None
    channels[0].served = 5
    channels[1].idle_since = None
    clock.now += 10
    gone = []
    for channel in channels[4:7]:
        channel.idle_since = clock.now
        assert connections.admit(channel) is None
        gone.append([one for one in channels if one.aborted])
    assert [len(one) for one in gone] == [1, 2, 3]
    assert gone[0] == [channels[2]]
    assert gone[1] == [channels[2], channels[3]]
    assert gone[2] == [channels[0], channels[2], channels[3]]
    for channel in channels[4:7]:
        channel.idle_since = None
    assert connections.admit(channels[8]) == "connections"


def test_a_newcomer_is_not_given_up_at_once(channels: list[Channel]) -> None:
    """A connection that has just come has a second to ask before it may be closed for another."""
    clock = _Clock()
    connections = Connections(1, 2, clock)
    channels[0].idle_since = clock.now
    assert connections.admit(channels[0]) is None
    clock.now += 0.9
    assert connections.admit(channels[2]) == "connections"
    clock.now += 0.2
    assert connections.admit(channels[2]) is None


def test_watchdog_ends_what_is_late(channels: list[Channel]) -> None:
    """A sweep aborts the connections whose deadline has passed, each once."""
    clock = _Clock()
    connections = Connections(10, 10, clock)
    for number, channel in enumerate(channels):
        channel.deadline = clock.now + number
        connections.admit(channel)
    clock.now += 4.5
    assert connections.sweep() == 5
    assert connections.sweep() == 0
    assert [channel.aborted for channel in channels] == [True] * 5 + [False] * 5
    with pytest.raises(OSError, match=r"reset|Broken"):
        channels[0].send(b"x")


def test_waits_for_the_last(channels: list[Channel]) -> None:
    """Waiting tells whether every connection has left in time."""
    connections = Connections(10, 10)
    connections.admit(channels[0])
    assert not connections.wait_until_none(0.01)
    connections.leave(channels[0])
    assert connections.wait_until_none(0)


class _Quiet(Channel):
    """A channel without a connection, for laws about numbers."""

    def __init__(self, address: str) -> None:  # a base class with a socket has no use here
        self.counted_as = address
        self.idle_since = None
        self.aborted = False

    def close(self) -> None:
        """There is nothing to close."""


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=60))
def test_limits_hold_whatever_comes(steps: list[tuple[bool, int]]) -> None:
    """In any order of comings and goings, neither limit is ever passed and none is lost."""
    connections = Connections(4, 2)
    everyone = [_Quiet(f"10.0.0.{number // 3}") for number in range(10)]
    inside: set[int] = set()
    for comes, number in steps:
        if comes and number not in inside:
            if connections.admit(everyone[number]) is None:
                inside.add(number)
        elif not comes and number in inside:
            connections.leave(everyone[number])
            inside.remove(number)
        assert len(connections) == len(inside) <= 4
        for address in range(4):
            assert sum(one // 3 == address for one in inside) <= 2
