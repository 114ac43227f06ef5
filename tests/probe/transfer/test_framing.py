"""HTTP by hand: heads, bodies, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.transfer.framing import (
    Chunked,
    Counted,
    Head,
    UntilClose,
    parse_head,
    payload_of,
    take_head,
)


def chunks(pieces: list[bytes]) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces if p) + b"0\r\n\r\n"


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=10),
    st.lists(st.integers(1, 20), min_size=1, max_size=20),
)
def test_a_chunked_body_is_counted_however_it_arrives(pieces: list[bytes], cuts: list[int]) -> None:
    """The payload counted is the payload sent, wherever the network cuts the stream, and the body
    is complete exactly at its end.
    """
    wire, at, payload, turn = chunks(pieces), 0, 0, 0
    body = Chunked()
    while at < len(wire):
        assert not body.done
        step = cuts[turn % len(cuts)]
        turn += 1
        certain = body.skippable()
        if certain and turn % 2:
            step = min(step, certain)
            body.skip(step)
            payload += step
        else:
            payload += body.feed(wire[at : at + step])
        at += step
    assert body.done
    assert payload == sum(map(len, pieces))


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=10),
    st.lists(st.integers(1, 20), min_size=1, max_size=20),
)
def test_the_payload_of_a_chunked_body_is_put_together(
    pieces: list[bytes], cuts: list[int]
) -> None:
    """Wherever the network cuts the stream, the payload is what was sent, without the framing."""
    wire, payload, body = chunks(pieces), b"", Chunked()
    while wire:
        step = cuts[len(wire) % len(cuts)]
        payload += payload_of(body, wire[:step])
        wire = wire[step:]
    assert body.done
    assert payload == b"".join(pieces)


@pytest.mark.parametrize(
    "wire", [b"xyz\r\n", b"-5\r\n", b"3\r\nabcd\r\n", b"0\r\n\r\nmore", b"1" * 300, b"\r\n"]
)
def test_broken_chunks_are_refused(wire: bytes) -> None:
    """Framing that is not chunked encoding is an error, not payload."""
    with pytest.raises(ValueError, match="chunk"):
        Chunked().feed(wire)


def test_a_body_that_ends_early_is_an_error() -> None:
    """A connection that closes inside a body of known length, or before the last chunk, is told
    from one that ends where it should.
    """
    for body in (Counted(10), Chunked()):
        body.feed(b"5\r\n")
        with pytest.raises(ValueError, match="closed"):
            body.close()
    until = UntilClose()
    until.feed(b"anything")
    until.close()
    assert until.done


def test_more_than_the_length_said_is_an_error() -> None:
    """Bytes after the end of a body are not payload."""
    with pytest.raises(ValueError, match="more bytes"):
        Counted(3).feed(b"four")


@pytest.mark.parametrize(
    "raw",
    [b"SSH-2.0-OpenSSH_9.2", b"HTTP/2 200 OK", b"HTTP/1.1 abc", b"HTTP/1.1 200 OK\r\nno colon"],
)
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    """A head that is not HTTP/1 is an error."""
    with pytest.raises(ValueError, match="is no"):
        parse_head(raw)


def test_control_characters_do_not_get_through() -> None:
    """A header cannot carry what steers the terminal of the person who reads of it."""
    with pytest.raises(ValueError, match="control characters"):
        parse_head(b"HTTP/1.1 301 Moved\r\nLocation: http://x/\x1b[2J")


def test_a_head_has_a_limit() -> None:
    """A head that never ends is refused at its limit, garbage at its first bytes."""
    assert take_head(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000) is None
    with pytest.raises(ValueError, match="longer than"):
        take_head(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20000)
    with pytest.raises(ValueError, match="no HTTP"):
        take_head(b"220 mail ready")


def test_interim_answers_are_passed_over() -> None:
    """An answer that follows '100 Continue' is the answer."""
    taken = take_head(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nrest")
    assert taken == (Head(204, {}), b"rest")


@pytest.mark.parametrize(
    "head, kept",
    [
        (Head(200, {"content-length": "0"}), True),
        (Head(200, {"content-length": "0", "connection": "close"}), False),
        (Head(200, {}), False),
        (Head(200, {"content-length": "0"}, 0), False),
        (Head(200, {"content-length": "0", "connection": "Keep-Alive"}, 0), True),
    ],
)
def test_a_connection_is_kept_as_its_answer_says(head: Head, kept: bool) -> None:
    """Keep-alive is HTTP/1.1's default and HTTP/1.0's exception."""
    assert head.keeps_alive is kept
