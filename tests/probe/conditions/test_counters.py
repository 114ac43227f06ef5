"""Counters over time: growth between two moments, ends of their range, and counters of no use."""

import pytest

from probe.conditions.counters import Series
from probe.transfer.own import OwnBytes
from protocol.results import TcpInfo

GIGABYTE = 10**9


def series(*readings: tuple[float, int, int]) -> Series:
    """Return a series of readings."""
    made = Series()
    for reading in readings:
        made.add(*reading)
    return made


def test_growth_is_read_on_straight_lines_between_readings() -> None:
    """Half a second of 100 bytes in one is 50; both ways apart."""
    found = series((0.0, 0, 1000), (1.0, 100, 1010), (2.0, 400, 1020))
    assert found.growth(0.5, 1.5) == (200, 10)
    assert found.growth(0.0, 2.0) == (400, 20)


@pytest.mark.parametrize("start,end", [(-0.1, 1.0), (0.5, 2.1)])
def test_a_time_that_was_not_read_has_no_growth(start: float, end: float) -> None:
    """Nothing is guessed before the first reading or after the last."""
    assert series((0.0, 0, 0), (2.0, 9, 9)).growth(start, end) is None
    assert Series().growth(start, end) is None


def test_a_reading_that_says_nothing_is_left_out() -> None:
    """An interface that was away for a moment does not count from zero."""
    found = series((0.0, 5, 5), (2.0, 25, 15))
    found.add(1.0, None, None)
    assert found.growth(0.0, 2.0) == (20, 10)


def test_a_counter_that_was_set_back_has_no_growth() -> None:
    """Between two moments of which the second counts less, nobody knows what was carried."""
    assert series((0.0, 500, 500), (1.0, 0, 600)).growth(0.0, 1.0) is None


def test_a_counter_of_32_bits_goes_on_behind_its_end() -> None:
    """A gigabit line crosses 2^32 every half minute: as often as it likes."""
    second = 125_000_000
    readings = [(float(n), (2**32 - 3 * second + n * second) % 2**32, 7) for n in range(40)]
    straight = series(*readings).unwrapped()
    assert straight is not None
    assert straight.growth(0.0, 39.0) == (39 * second, 0)


@pytest.mark.parametrize("stuck", [2**32 - 1, 2**31 - 1])
def test_a_counter_that_stands_at_its_end_is_of_no_use(stuck: int) -> None:
    """Some routers stay there for ever."""
    assert series((0.0, stuck, 1), (1.0, stuck, 2)).unwrapped() is None


def test_a_router_that_began_anew_is_of_no_use() -> None:
    """What would be more than 10 Gbit/s behind the end of the range is a restart."""
    assert series((0.0, GIGABYTE, 1), (1.0, 1000, 2)).unwrapped() is None


def test_a_counter_that_is_refreshed_too_rarely_is_stale() -> None:
    """One that changes every 5 s cannot tell a window of 10 s; one of every 2 s can."""

    def every(seconds: int) -> Series:
        return series(*((float(n), n // seconds * 100, 0) for n in range(20)))

    assert every(5).is_stale(4.0, 14.0)
    assert not every(2).is_stale(4.0, 14.0)


class Stream:
    """A stream with counters of its connection."""

    def __init__(self) -> None:
        self.counters: TcpInfo | None = None

    def tcp(self) -> TcpInfo | None:
        """Return them."""
        return self.counters


def test_a_stream_that_connects_anew_goes_on_counting() -> None:
    """Its new connection begins at zero; what the first carried stays counted, and a moment
    without a connection takes nothing away.
    """
    stream, own = Stream(), OwnBytes()
    own.watch(stream)
    for received in (100, 300, None, 50, 90):
        stream.counters = None if received is None else TcpInfo(received_bytes=received)
        own.note()
    assert [received for _, received, _ in own.payload.readings] == [100, 300, 300, 350, 390]
    assert not own.acknowledgements.readings, "this kernel does not tell them"


def test_segments_without_payload_are_counted_apart() -> None:
    """What a stream received and sent of them goes on over its connections, too."""
    stream, own = Stream(), OwnBytes()
    own.watch(stream)
    for received, sent in ((3, 10), (4, 50), (1, 5)):
        stream.counters = TcpInfo(bare_segments_received=received, bare_segments_sent=sent)
        own.note()
    counted = [(received, sent) for _, received, sent in own.acknowledgements.readings]
    assert counted == [(3, 10), (4, 50), (5, 55)]
