"""WebSocket's framing: the specification's examples, any cut of the bytes, every breach."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.websocket import (
    MAX_MESSAGE_BYTES,
    CloseCode,
    FrameError,
    Frames,
    Message,
    Opcode,
    accept_of,
    close_frame,
    close_reason,
    frame,
    frame_head,
    is_key,
)

KEPT = 300
"""The longest text message that the tests' readers keep."""


def reader(*, masked: bool = False, binary: bool = True) -> Frames:
    """Return a reader."""
    return Frames(masked=masked, binary=binary, kept_text_bytes=KEPT)


def test_a_key_is_answered_as_the_specification_says() -> None:
    """The example of RFC 6455, 1.3, and the upgrade of ndt7's own specification."""
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert accept_of("DOdm+5/Cm3WwvhfcAlhJoQ==") == "Nhz+x95YebD6Uvd4nqPC2fomoUQ="


@pytest.mark.parametrize("text", ["", "short", "dGhlIHNhbXBsZSBub25jZQ", "é" * 24, "A" * 44])
def test_what_is_no_key_is_told(text: str) -> None:
    """A key is 16 bytes in Base64, whole."""
    assert is_key("dGhlIHNhbXBsZSBub25jZQ==")
    assert not is_key(text)


def test_the_specifications_frames_are_read() -> None:
    """The examples of RFC 6455, 5.7: texts and pongs, masked and not, long binary messages."""
    hello = Message(Opcode.TEXT, b"Hello")
    assert reader().feed(bytes.fromhex("810548656c6c6f")) == [hello]
    masked = bytes.fromhex("818537fa213d7f9f4d5158")
    assert reader(masked=True).feed(masked) == [hello]
    assert reader().feed(bytes.fromhex("890548656c6c6f")) == [Message(Opcode.PING, b"Hello")]
    pong = bytes.fromhex("8a8537fa213d7f9f4d5158")
    assert reader(masked=True).feed(pong) == [Message(Opcode.PONG, b"Hello")]
    frames = reader()
    frames.feed(bytes.fromhex("827e0100"))
    assert frames.skippable() == 256
    frames.skip(256)
    frames.feed(bytes.fromhex("827f0000000000010000"))
    assert frames.skippable() == 65536


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536, MAX_MESSAGE_BYTES])
@pytest.mark.parametrize("masked", [False, True])
def test_a_written_head_is_read_as_written(length: int, masked: bool) -> None:
    """A head says its payload's length at every border between the forms of writing it."""
    frames = reader(masked=masked)
    assert frames.feed(frame_head(Opcode.BINARY, length, masked=masked)) == []
    assert frames.skippable() == length


PIECES = st.one_of(
    st.tuples(st.just(Opcode.BINARY), st.binary(max_size=70_000), st.integers(1, 3)),
    st.tuples(st.just(Opcode.TEXT), st.binary(max_size=2 * KEPT), st.integers(1, 2)),
    st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125), st.just(1)),
)
"""A message: what it is, its payload, and in how many frames it comes."""


def written(opcode: Opcode, payload: bytes, parts: int) -> bytes:
    """Return a server's message in so many frames."""
    cut = len(payload) // parts
    pieces = [payload[at * cut : (at + 1) * cut] for at in range(parts - 1)]
    pieces.append(payload[(parts - 1) * cut :])
    data = bytearray()
    for number, piece in enumerate(pieces):
        head = bytearray(frame(opcode if not number else Opcode.CONTINUATION, piece, masked=False))
        if number < parts - 1:
            head[0] &= 0x7F
        data += head
    return bytes(data)


@given(st.lists(PIECES, max_size=6), st.lists(st.integers(1, 80_000), max_size=30), st.booleans())
def test_any_cut_of_the_bytes_gives_the_same(
    messages: list[tuple[Opcode, bytes, int]], cuts: list[int], skips: bool
) -> None:
    """However the bytes arrive, and whether payload is fed or skipped, the same messages come out
    and the same number of payload bytes is counted.
    """
    data = b"".join(written(*message) for message in messages)
    frames, found, lengths = reader(), [], iter(cuts)
    while data:
        count = min(next(lengths, len(data)), len(data))
        if skips and frames.skippable():
            count = min(count, frames.skippable())
            frames.skip(count)
        else:
            found += frames.feed(data[:count])
        data = data[count:]
    kept = [
        Message(opcode, payload)
        for opcode, payload, parts in messages
        if opcode >= Opcode.CLOSE or (opcode is Opcode.TEXT and parts == 1 and len(payload) <= KEPT)
    ]
    assert found == kept
    load = [payload for opcode, payload, _ in messages if opcode < Opcode.CLOSE]
    assert frames.data_bytes == sum(map(len, load))


@given(st.binary(max_size=125), st.binary(min_size=4, max_size=4))
def test_a_clients_mask_is_taken_off_control_frames(payload: bytes, key: bytes) -> None:
    """Whatever key a client chose, a ping's payload is what it was."""
    masked = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    data = bytes([0x80 | Opcode.PING, 0x80 | len(payload)]) + key + masked
    assert reader(masked=True).feed(data) == [Message(Opcode.PING, payload)]


def test_a_reader_asks_for_no_more_than_it_needs() -> None:
    """While a text is kept, only its own rest is asked for; else no more than a head."""
    frames = reader()
    assert frames.wanted() == 10
    frames.feed(frame_head(Opcode.TEXT, 200, masked=False) + b"x" * 50)
    assert (frames.wanted(), frames.skippable()) == (150, 0)
    assert reader(masked=True).wanted() == 14


BREACHES = {
    "a reserved bit": (b"\xc2\x00", CloseCode.PROTOCOL_ERROR),
    "an unknown kind": (b"\x83\x00", CloseCode.PROTOCOL_ERROR),
    "a mask from a server": (b"\x82\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
    "a ping in parts": (b"\x09\x00", CloseCode.PROTOCOL_ERROR),
    "a ping of 126 bytes": (b"\x89\x7e\x00\x7e", CloseCode.PROTOCOL_ERROR),
    "half a close code": (b"\x88\x01\x03", CloseCode.PROTOCOL_ERROR),
    "a length of 126 in two bytes too many": (b"\x82\x7e\x00\x7d", CloseCode.PROTOCOL_ERROR),
    "a length in eight bytes for two": (
        b"\x82\x7f" + struct.pack("!Q", 65535),
        CloseCode.PROTOCOL_ERROR,
    ),
    "a continuation of nothing": (b"\x80\x00", CloseCode.PROTOCOL_ERROR),
    "a message within a message": (b"\x02\x00\x82\x00", CloseCode.PROTOCOL_ERROR),
    "a message that is too long": (
        b"\x82\x7f" + struct.pack("!Q", MAX_MESSAGE_BYTES + 1),
        CloseCode.TOO_BIG,
    ),
    "one that grows too long": (
        b"\x02\x01x\x80\x7f" + struct.pack("!Q", MAX_MESSAGE_BYTES),
        CloseCode.TOO_BIG,
    ),
}


@pytest.mark.parametrize("data, code", BREACHES.values(), ids=list(BREACHES))
def test_a_breach_is_told_with_its_code(data: bytes, code: CloseCode) -> None:
    """Each breach of the protocol ends the reading with the code for the far end."""
    with pytest.raises(FrameError) as caught:
        reader().feed(data)
    assert caught.value.code is code


def test_a_client_has_to_mask() -> None:
    """A client's frame without a mask is a breach."""
    with pytest.raises(FrameError, match="no mask"):
        reader(masked=True).feed(b"\x82\x00")


def test_load_in_the_wrong_direction_is_refused() -> None:
    """Binary messages from an end that must not send them are not supported (1003)."""
    with pytest.raises(FrameError) as caught:
        reader(binary=False).feed(b"\x82\x00")
    assert caught.value.code is CloseCode.UNSUPPORTED


def test_a_close_says_why() -> None:
    """Code and reason are read for people; a long reason is cut to what a frame can hold."""
    [message] = reader().feed(close_frame(CloseCode.GOING_AWAY, "stopping", masked=False))
    assert message.opcode is Opcode.CLOSE
    assert close_reason(message.payload) == "1001 stopping"
    assert close_reason(b"") == "no reason given"
    assert len(close_frame(CloseCode.NORMAL, "x" * 500, masked=False)) == 2 + 125
