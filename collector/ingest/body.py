"""Read a request's body: never more than its limits, never longer than its time."""

import asyncio
import time
import zlib
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from collector.errors import CollectorError
from collector.ingest.verify import TooLargeError
from collector.settings import LimitSettings
from protocol.constants import MAX_BATCH_BYTES, MAX_BODY_BYTES

_GRACE_SECONDS = 5.0
"""A body may start late by this much: a lost packet or two on a bad line."""

_GZIP = 16 + zlib.MAX_WBITS
"""zlib's way to ask for gzip's header and checksum."""


class TooSlowError(CollectorError):
    """A body comes more slowly than the limits allow."""


class GoneError(CollectorError):
    """The connection ended in the middle of a body: nobody is there to be answered."""


class EncodingError(CollectorError):
    """A body cannot be decompressed."""


class UnknownEncodingError(EncodingError):
    """A body is encoded in a way that the collector does not read."""


class Source(Protocol):
    """Where a body comes from: aiohttp's stream."""

    async def readany(self) -> bytes:
        """Return the bytes that are there; waits for some; none at the end."""


async def read_body(
    source: Source,
    encoding: str,
    length: int | None,
    limits: LimitSettings,
    take: Callable[[int], None],
    maximum_bytes: int = MAX_BODY_BYTES,
) -> bytes:
    """Return a body, decompressed. Holds at most what it took, and one piece, in memory.

    Ends within ``limits.request_seconds``.

    Args:
        source: the body as it travels.
        encoding: its Content-Encoding; '' or identity or gzip.
        length: its Content-Length where it has one.
        limits: how slow it may be.
        take: called with the bytes that will be held more, decompressed; may refuse by raising.
        maximum_bytes: how long the body may be as it travels, whether it says so or not.

    Raises:
        TooLargeError: the body, or what is in it, is above the limits.
        TooSlowError: it came too slowly.
        GoneError: its sender went away.
        EncodingError: it is no gzip, something follows it, or its chunks are none.
        UnknownEncodingError: another encoding.
    """
    unpacker = _unpacker(encoding.strip().lower())
    if length is not None and length > maximum_bytes:
        raise _body_too_large(maximum_bytes)
    began = time.monotonic()
    received = 0
    parts = bytearray()
    # Ends: each turn's deadline is at most request_seconds after the beginning.
    while chunk := await _read_chunk(source, began, received, limits):
        received += len(chunk)
        if received > maximum_bytes:
            raise _body_too_large(maximum_bytes)
        unpacked = unpacker.feed(chunk, MAX_BATCH_BYTES - len(parts))
        take(len(unpacked))
        parts += unpacked
    unpacker.finish()
    return bytes(parts)


async def _read_chunk(source: Source, began: float, received: int, limits: LimitSettings) -> bytes:
    allowed = _GRACE_SECONDS + received / limits.minimum_bytes_per_second
    left = began + min(allowed, limits.request_seconds) - time.monotonic()
    try:
        async with asyncio.timeout(max(left, 0.0)) as deadline:
            return await source.readany()
    except OSError as error:
        # Python has one TimeoutError for our deadline and for a network that gave up.
        if not deadline.expired():
            raise GoneError(f"gone after {received} bytes: {error}") from None
        raise TooSlowError(
            f"{received} bytes in {time.monotonic() - began:.0f} s: too slow; "
            f"at least {limits.minimum_bytes_per_second} bytes a second are needed"
        ) from None
    except web.RequestPayloadError:
        raise EncodingError("the body's chunks cannot be read") from None


def _body_too_large(maximum_bytes: int) -> TooLargeError:
    return TooLargeError(f"a body may have {maximum_bytes} bytes here; send less")


class _Plain:
    """No encoding."""

    def feed(self, chunk: bytes, room: int) -> bytes:
        """Return the chunk; the body's limit is below the batch's, so it always has room."""
        del room
        return chunk

    def finish(self) -> None:
        """Nothing is left over."""


class _Gzip:
    """One gzip member, unpacked never further than there is room."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes, room: int) -> bytes:
        """Return what a chunk unpacks to."""
        if self._stream.eof:
            raise EncodingError("something follows the end of the gzip stream")
        try:
            unpacked = self._stream.decompress(chunk, room + 1)
        except zlib.error as error:
            raise EncodingError(f"not a gzip stream: {error}") from None
        if len(unpacked) > room:
            raise TooLargeError(f"a batch may have {MAX_BATCH_BYTES} bytes; send fewer records")
        if self._stream.unused_data:
            raise EncodingError("something follows the end of the gzip stream")
        return unpacked

    def finish(self) -> None:
        """Check that the stream came to its end."""
        if not self._stream.eof:
            raise EncodingError("the gzip stream is cut off")


def _unpacker(encoding: str) -> _Plain | _Gzip:
    if encoding in ("", "identity"):
        return _Plain()
    if encoding == "gzip":
        return _Gzip()
    raise UnknownEncodingError(f"Content-Encoding {encoding[:32]!r} is not read here; use gzip")
