"""STAMP packets: what goes out comes back readable, and never larger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import stamp
from protocol.constants import STAMP_PACKET_BYTES

moments = st.floats(min_value=0, max_value=2_085_978_495, allow_nan=False)
"""1970 to the end of NTP's era 0, February 2036."""


@given(moments)
def test_a_timestamp_survives_the_way(moment: float) -> None:
    """NTP's fraction is finer than a microsecond."""
    assert stamp.from_ntp(stamp.to_ntp(moment)) == pytest.approx(moment, abs=1e-6)


@given(st.integers(0, 2**32 - 1), moments, moments, moments, st.integers(0, 255))
def test_a_reflection_says_all_three_moments(
    seq: int, sent: float, received: float, reflected: float, ttl: int
) -> None:
    """A probe reads from the answer what it sent and what the reflector saw."""
    packet = stamp.pack_probe(seq, sent, synchronised=True)
    answer = stamp.pack_reflection(packet, received, reflected, ttl, synchronised=True)
    assert answer is not None
    read = stamp.unpack_reflection(answer)
    assert read is not None
    assert read.seq == seq
    assert (read.sent_at, read.received_at, read.reflected_at) == pytest.approx(
        (sent, received, reflected), abs=1e-6
    )


@given(st.binary(max_size=1600))
def test_a_reflector_never_answers_with_more_than_it_got(packet: bytes) -> None:
    """Any packet gets an answer of exactly its own length, or none."""
    answer = stamp.pack_reflection(packet, 1.0, 2.0, 64, synchronised=False)
    if len(packet) < STAMP_PACKET_BYTES:
        assert answer is None
        assert stamp.unpack_reflection(packet) is None
    else:
        assert answer is not None
        assert len(answer) == len(packet)


def test_the_error_estimate_says_whether_the_clock_is_synchronised() -> None:
    """Only the S bit differs (RFC 8762, section 4.2.1), in both directions."""
    good = stamp.pack_probe(1, 5.0, synchronised=True)
    poor = stamp.pack_probe(1, 5.0, synchronised=False)
    assert (good[12] & 0x80, poor[12] & 0x80) == (0x80, 0)
    assert good[13:] == poor[13:]
    answer = stamp.pack_reflection(good, 6.0, 7.0, 64, synchronised=False)
    assert answer is not None
    assert answer[12] & 0x80 == 0
    assert answer[36] & 0x80 == 0x80
