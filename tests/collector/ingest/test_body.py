"""Reading a body: any way of cutting it gives the same, and no way of packing it goes further."""

import asyncio
import gzip
import ssl
import time
import zlib
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from aiohttp import web
from hypothesis import given, settings

from collector.ingest import body as module
from collector.ingest.body import (
    EncodingError,
    GoneError,
    Source,
    TooSlowError,
    UnknownEncodingError,
    read_body,
)
from collector.ingest.verify import TooLargeError
from collector.settings import LimitSettings
from protocol.constants import MAX_BATCH_BYTES, MAX_BODY_BYTES

LIMITS = LimitSettings()


async def read(source: Source, encoding: str, length: int | None, limits: LimitSettings) -> bytes:
    """Read a body, with all the memory it wants."""
    return await read_body(source, encoding, length, limits, lambda _: None)


class Chunks:
    """A body that comes in pieces, each after a pause; it ends, or breaks with an error."""

    def __init__(
        self, *chunks: bytes, pause_seconds: float = 0.0, error: Exception | None = None
    ) -> None:
        self._error = error
        self._left = list(chunks)
        self._pause_seconds = pause_seconds
        self.asked = 0

    async def readany(self) -> bytes:
        """Return the next piece."""
        self.asked += 1
        await asyncio.sleep(self._pause_seconds)
        if not self._left and self._error:
            raise self._error
        return self._left.pop(0) if self._left else b""


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return data in pieces, none empty."""
    at = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(at)]


@settings(deadline=None)
@given(data=st.binary(max_size=3000), places=st.lists(st.integers(0, 10_000)), packed=st.booleans())
def test_a_body_is_the_same_however_it_is_cut(data: bytes, places: list[int], packed: bool) -> None:
    """Packets do not matter, packed or not."""
    sent = gzip.compress(data) if packed else data
    source = Chunks(*cut(sent, places))
    got = asyncio.run(read(source, "GZIP" if packed else "", None, LIMITS))
    assert got == data


@settings(deadline=None)
@given(data=st.binary(min_size=1, max_size=200), end=st.integers(1, 30))
def test_a_stream_that_is_cut_off_or_followed_is_refused(data: bytes, end: int) -> None:
    """Only one whole gzip stream is a body."""
    packed = gzip.compress(data)
    for wrong in (packed[:-end], packed + b"x", packed + packed):
        for chunks in ([wrong], cut(wrong, [len(packed)])):
            with pytest.raises(EncodingError):
                asyncio.run(read(Chunks(*chunks), "gzip", None, LIMITS))


@settings(deadline=None)
@given(data=st.binary(min_size=1, max_size=300))
def test_what_is_no_gzip_is_refused(data: bytes) -> None:
    """Arbitrary bytes never pass as a packed body."""
    try:
        expected = zlib.decompress(data, 31)
    except zlib.error:
        with pytest.raises((EncodingError, TooLargeError)):
            asyncio.run(read(Chunks(data), "gzip", None, LIMITS))
    else:
        assert asyncio.run(read(Chunks(data), "gzip", None, LIMITS)) == expected


async def test_a_bomb_is_not_unpacked_further_than_a_batch() -> None:
    """It ends at the first byte above the limit, whatever is still packed."""
    bomb = gzip.compress(b"\0" * (30 * MAX_BATCH_BYTES))
    with pytest.raises(TooLargeError):
        await read(Chunks(*cut(bomb, list(range(0, len(bomb), 1000)))), "gzip", None, LIMITS)
    exact = gzip.compress(b"\0" * MAX_BATCH_BYTES)
    assert len(await read(Chunks(exact), "gzip", None, LIMITS)) == MAX_BATCH_BYTES


async def test_an_announced_length_is_refused_before_it_is_read() -> None:
    """A body that says that it is too large is not waited for."""
    source = Chunks(b"x")
    with pytest.raises(TooLargeError):
        await read(source, "", MAX_BODY_BYTES + 1, LIMITS)
    assert source.asked == 0


async def test_a_body_without_a_length_ends_at_the_limit() -> None:
    """The limit itself is allowed; one byte more is not."""
    assert len(await read(Chunks(b"x" * MAX_BODY_BYTES), "", None, LIMITS)) == MAX_BODY_BYTES
    with pytest.raises(TooLargeError):
        await read(Chunks(b"x" * MAX_BODY_BYTES, b"x"), "", None, LIMITS)


async def test_the_time_is_as_long_as_the_body_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the least rate it ends; above it, it ends at the time for all of it."""
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.2)
    slow = Chunks(*[b"x"] * 100, pause_seconds=0.05)
    began = time.monotonic()
    with pytest.raises(TooSlowError, match="too slow"):
        await read(slow, "", None, LIMITS)
    assert time.monotonic() - began < 2
    fast = Chunks(*[b"x" * 1000] * 100, pause_seconds=0.05)
    began = time.monotonic()
    with pytest.raises(TooSlowError):
        await read(fast, "", None, LimitSettings(request_seconds=0.5))
    assert 0.4 < time.monotonic() - began < 2


async def test_an_unknown_encoding_is_named() -> None:
    """The sentence says what is read."""
    with pytest.raises(UnknownEncodingError, match="'zstd' is not read here; use gzip"):
        await read(Chunks(b"x"), "zstd", None, LIMITS)


async def test_a_body_may_have_a_limit_of_its_own() -> None:
    """Said or not, one byte more than the resource takes is refused, and no more is asked for."""
    exact = Chunks(b"x" * 60, b"x" * 40)
    assert await read_body(exact, "", None, LIMITS, lambda _: None, maximum_bytes=100) == b"x" * 100
    for length in (101, None):
        longer = Chunks(b"x" * 60, b"x" * 41, b"x")
        with pytest.raises(TooLargeError, match="100 bytes"):
            await read_body(longer, "", length, LIMITS, lambda _: None, maximum_bytes=100)
        assert longer.asked == (0 if length else 2)


async def test_what_a_body_holds_is_taken_unpacked_as_it_comes() -> None:
    """Memory counts by what was unpacked, not by what travelled; refused, nothing more is read."""
    data = b"0" * 1_000_000
    packed = gzip.compress(data)
    taken: list[int] = []
    source = Chunks(*cut(packed, [len(packed) // 3, len(packed) // 2]))
    assert await read_body(source, "gzip", None, LIMITS, taken.append) == data
    assert len(taken) == 3
    assert sum(taken) == len(data)

    def refuse(count: int) -> None:
        raise MemoryError(count)

    refused = Chunks(b"x" * 10, b"x")
    with pytest.raises(MemoryError):
        await read_body(refused, "", None, LIMITS, refuse)
    assert refused.asked == 1


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("Connection lost"),
        BrokenPipeError(32, "Broken pipe"),
        TimeoutError(110, "Connection timed out"),
        OSError(113, "No route to host"),
        ssl.SSLError(1, "bad record"),
    ],
)
async def test_a_sender_that_goes_away_is_told_apart(error: Exception) -> None:
    """However the network says it, it is neither slow nor a defect."""
    with pytest.raises(GoneError, match="gone after 3 bytes"):
        await read(Chunks(b"abc", error=error), "", None, LIMITS)


async def test_chunks_that_are_none_are_a_wrong_encoding() -> None:
    """What aiohttp cannot read of a chunked body is the sender's fault."""
    broken = Chunks(b"abc", error=web.RequestPayloadError("400, message: bad chunk"))
    with pytest.raises(EncodingError, match="chunks"):
        await read(broken, "", None, LIMITS)
