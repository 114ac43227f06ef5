"""One direction of an emulated line, with the time that the test says."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.emulator import FRAME_BYTES, PIECE_SECONDS, Log, Piece, Shape, Way
from bench.superpacket import Superpacket
from tests.bench.packets import tcp, udp

PACKET = Superpacket.of(tcp(b"x" * 1460))
FRAME = 1460 + 40 + FRAME_BYTES
"""Bytes of `PACKET` on the line."""

SUPER = Superpacket.of(tcp(b"y" * 14_500, segment_bytes=1460))
"""Nine full segments and one of 1360 bytes."""

SUPER_BYTES = 14_500 + 10 * (40 + FRAME_BYTES)

RATE = FRAME * 8 * 1000.0
"""Of a line that carries one full frame in a millisecond."""


def out(way: Way) -> list[Piece]:
    """Let everything that is under way come out."""
    pieces = list(way.underway)
    way.underway.clear()
    for piece in pieces:
        way.left(piece)
    return pieces


def test_frames_leave_at_the_lines_rate() -> None:
    """Frames that come at once come out one after the other, each after its time on the line."""
    way = Way(Shape(RATE), seed=1)
    for _ in range(5):
        way.enter(PACKET, now=10.0)
    assert [piece.due for piece in way.underway] == pytest.approx(
        [10.001 + n / 1e3 for n in range(5)]
    )


def test_an_idle_line_saves_nothing_up() -> None:
    """After a pause the line is as fast as before, not faster."""
    way = Way(Shape(RATE), seed=1)
    way.enter(PACKET, now=10.0)
    way.enter(PACKET, now=20.0)
    way.enter(PACKET, now=20.0)
    assert [piece.due for piece in way.underway] == pytest.approx([10.001, 20.001, 20.002])


def test_a_super_packet_takes_the_time_of_its_frames() -> None:
    """Headers count for each segment, and it comes out in pieces of a millisecond at most."""
    rate = 3.5 * RATE
    way = Way(Shape(rate), seed=1)
    way.enter(SUPER, now=0.0)
    pieces = out(way)
    assert [piece.frames for piece in pieces] == [3, 3, 3, 1]
    assert pieces[-1].due == pytest.approx(SUPER_BYTES * 8 / rate)
    assert all(piece.frame_bytes * 8 / rate <= PIECE_SECONDS for piece in pieces)
    assert way.counts.delivered_bytes == SUPER_BYTES
    assert way.counts.delivered_frames == 10
    assert way.counts.payload_bytes == 14_500


def test_a_slow_line_takes_a_super_packet_apart() -> None:
    """Where one frame takes longer than a millisecond, each comes out by itself."""
    way = Way(Shape(RATE / 10), seed=1)
    way.enter(SUPER, now=0.0)
    assert [piece.frames for piece in way.underway] == [1] * 10


def test_delay_comes_on_top_of_the_bottleneck() -> None:
    """A frame alone takes its own time at the rate and the delay."""
    way = Way(Shape(RATE, delay_seconds=0.04), seed=1)
    way.enter(PACKET, now=3.0)
    assert way.underway[0].due == pytest.approx(3.041)


def test_what_does_not_fit_into_the_buffer_is_dropped() -> None:
    """The buffer takes as many frames as it has bytes for; as they leave there is room again."""
    way = Way(Shape(RATE, buffer_bytes=4 * FRAME), seed=1)
    for _ in range(10):
        way.enter(PACKET, now=0.0)
    assert len(way.underway) == 4
    assert way.counts.dropped_frames == 6
    way.enter(PACKET, now=0.00101)  # one has left
    way.enter(PACKET, now=0.00101)
    assert len(way.underway) == 5
    assert way.counts.dropped_frames == 7


def test_a_super_packets_end_is_dropped_where_its_beginning_still_fits() -> None:
    """A buffer drops frames, not super-packets: what fits goes on, the rest is gone."""
    way = Way(Shape(RATE * 10, buffer_bytes=4 * FRAME), seed=1)
    way.enter(SUPER, now=0.0)
    assert way.counts.dropped_frames == 6
    (piece,) = out(way)
    assert Superpacket.of(piece.data).payload_bytes == 4 * 1460


def test_the_share_of_lost_frames_is_the_shapes() -> None:
    """Of 20,000 frames 2 % are lost, within four standard deviations; the seed repeats them."""

    def lost() -> int:
        way = Way(Shape(1e12, loss_ratio=0.02, buffer_bytes=10**9), seed=7)
        for _ in range(2000):
            way.enter(SUPER, now=0.0)
        return way.counts.lost_frames

    assert lost() == pytest.approx(400, abs=80)
    assert lost() == lost()


def test_lost_segments_are_cut_out() -> None:
    """What is left of a super-packet after a loss is the segments before and behind it."""
    way = Way(Shape(1e12, loss_ratio=0.2), seed=3)
    way.enter(SUPER, now=0.0)
    lost = way.counts.lost_frames
    assert 0 < lost < 10
    pieces = out(way)
    assert len(pieces) > 1
    assert way.counts.delivered_frames == 10 - lost
    packets = [Superpacket.of(piece.data) for piece in pieces]
    assert sum(packet.segments for packet in packets) == 10 - lost
    starts = [packet.data[packet.transport + 4 : packet.transport + 8] for packet in packets]
    offsets = [int.from_bytes(start, "big") for start in starts]
    assert offsets == sorted(set(offsets))
    assert all(offset % 1460 == 0 for offset in offsets)


@given(st.lists(st.floats(0.0, 0.003), min_size=2, max_size=50), st.integers(0, 1000))
def test_jitter_never_reorders_and_keeps_its_bound(pauses: list[float], seed: int) -> None:
    """Frames come out in the order they went in, none before its delay or behind all jitter."""
    shape = Shape(RATE * 100, delay_seconds=0.01, jitter_seconds=0.005)
    way = Way(shape, seed=seed)
    now, longest = 0.0, 0.0
    for pause in pauses:
        now += pause
        way.enter(PACKET, now)
        sojourn = way.underway[-1].due - now
        assert sojourn >= shape.delay_seconds
        longest = max(longest, sojourn)
    dues = [piece.due for piece in way.underway]
    assert dues == sorted(dues)
    queue = len(pauses) * FRAME * 8 / shape.bits_per_second
    assert longest <= shape.delay_seconds + shape.jitter_seconds + queue + 1e-9


def test_jitter_spreads_over_all_its_range() -> None:
    """Far apart, frames' delays lie all over the range of jitter, as many above as below half."""
    way = Way(Shape(RATE * 100, jitter_seconds=0.01), seed=5)
    extra = []
    for second in range(1000):
        way.enter(PACKET, now=float(second))
        extra.append(way.underway[-1].due - second)
    assert min(extra) < 0.001
    assert max(extra) > 0.009
    assert sum(each > 0.005 for each in extra) == pytest.approx(500, abs=80)


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 0.002), st.sampled_from([PACKET, SUPER, Superpacket.of(udp(b"z"))])
        ),
        max_size=60,
    ),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.integers(1, 20),
    st.integers(0, 60),
)
def test_no_frame_vanishes_from_the_counts(
    sent: list[tuple[float, Superpacket]], loss: float, buffer_frames: int, outside: int
) -> None:
    """Entered = delivered + lost + dropped + under way, whatever comes and whenever one looks."""
    way = Way(Shape(RATE * 2, loss_ratio=loss, buffer_bytes=buffer_frames * FRAME), seed=11)
    now = 0.0
    for pause, packet in sent:
        now += pause
        way.enter(packet, now)
    for _ in range(min(outside, len(way.underway))):
        way.left(way.underway.popleft())
    counts = way.counts
    underway = sum(piece.frames for piece in way.underway)
    gone = counts.lost_frames + counts.dropped_frames
    entered = sum(packet.segments for _, packet in sent)
    assert entered == counts.delivered_frames + gone + underway
    out(way)
    assert entered == counts.delivered_frames + gone


def test_udp_packets_are_counted_by_themselves() -> None:
    """What came in and what came out of UDP tells its loss; it is no TCP payload."""
    way = Way(Shape(1e9, loss_ratio=0.5, buffer_bytes=10**7), seed=2)
    for _ in range(200):
        way.enter(Superpacket.of(udp(b"z" * 44)), now=0.0)
    out(way)
    counts = way.counts
    assert counts.udp_in == 200
    assert counts.udp_delivered == 200 - counts.lost_frames
    assert 60 < counts.udp_delivered < 140
    assert counts.payload_bytes == 0


def test_log_writes_counts_every_tenth_of_a_second() -> None:
    """Counts of both ways stand in the log at once, and again when a tenth of a second passed."""
    file = io.StringIO()
    log = Log(file)
    ways = (Way(Shape(RATE), seed=1), Way(Shape(RATE), seed=2))
    for now in (5.0, 5.05, 5.1, 5.15, 5.25):
        log.counts(now, ways)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [line["at"] for line in lines] == [5.0, 5.1, 5.25]
    assert [way["delivered_frames"] for way in lines[0]["ways"]] == [0, 0]


def test_log_writes_small_packets_times() -> None:
    """A small packet's line says when, which way, between which ports, and how long."""
    file = io.StringIO()
    Log(file).small(5.0, 1, Superpacket.of(udp(b"z")), 0.012)
    assert json.loads(file.getvalue()) == {
        "at": 5.0,
        "way": 1,
        "ports": [862, 40001],
        "seconds": 0.012,
    }
