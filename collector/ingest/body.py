"""Read a request's body: never more than its limits, never longer than its time."""

import asyncio
import time
import zlib
from typing import Protocol

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


class EncodingError(CollectorError):
    """A body cannot be decompressed."""


class UnknownEncodingError(EncodingError):
    """A body is encoded in a way that the collector does not read."""


class Source(Protocol):
    """Where a body comes from: aiohttp's stream."""

    async def readany(self) -> bytes:
        """Return the bytes that are there; waits for some; none at the end."""


async def read_body(
    source: Source, encoding: str, length: int | None, limits: LimitSettings
) -> bytes:
    """Return a body, decompressed. Holds at most a body and a batch in memory.

    Ends within ``limits.request_seconds``.

    Args:
        source: the body as it travels.
        encoding: its Content-Encoding; '' or identity or gzip.
        length: its Content-Length where it has one.
        limits: how slow it may be.

    Raises:
        TooLargeError: the body, or what is in it, is above the protocol's limits.
        TooSlowError: it came too slowly.
        EncodingError: it is no gzip, or something follows it.
        UnknownEncodingError: another encoding.
    """
    unpacker = _unpacker(encoding.strip().lower())
    if length is not None and length > MAX_BODY_BYTES:
        raise _body_too_large()
    began = time.monotonic()
    received = 0
    parts = bytearray()
    # Ends: each turn's deadline is at most request_seconds after the beginning.
    while chunk := await _read_chunk(source, began, received, limits):
        received += len(chunk)
        if received > MAX_BODY_BYTES:
            raise _body_too_large()
        parts += unpacker.feed(chunk, MAX_BATCH_BYTES - len(parts))
    unpacker.finish()
    return bytes(parts)


async def _read_chunk(source: Source, began: float, received: int, limits: LimitSettings) -> bytes:
    allowed = _GRACE_SECONDS + received / limits.minimum_bytes_per_second
    left = began + min(allowed, limits.request_seconds) - time.monotonic()
    try:
        return await asyncio.wait_for(source.readany(), max(left, 0.0))
    except TimeoutError:
        raise TooSlowError(
            f"{received} bytes in {time.monotonic() - began:.0f} s: too slow; "
            f"at least {limits.minimum_bytes_per_second} bytes a second are needed"
        ) from None


def _body_too_large() -> TooLargeError:
    return TooLargeError(f"a body may have {MAX_BODY_BYTES} bytes; send fewer records")


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
