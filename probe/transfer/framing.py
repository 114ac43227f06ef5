"""HTTP/1.1 by hand, the pure part: heads read with limits, bodies told apart from their framing.

Only what a measurement needs. A body can be skipped in the kernel because its reader knows how
many of the next bytes are payload (`Body.skippable`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_HEAD_BYTES = 16 * 1024
"""A status line and its headers; twice what common servers send at most."""

SWITCHING = 101
"""The status of an answer after which the connection speaks another protocol (RFC 9110)."""

ANY_BYTES = 16 * 1024 * 1024
"""What a body without an end in sight says can be skipped at once."""

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: .*)?")
_CHUNK_LINE_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Head:
    """An answer's status and headers; header names are in lower case."""

    status: int
    headers: dict[str, str]
    minor_version: int = 1

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection stays usable after this answer."""
        told = self.headers.get("connection", "").lower()
        if self.minor_version == 0:
            return "keep-alive" in told
        return "close" not in told and not isinstance(self.body(), UntilClose)

    def body(self) -> "Body":
        """Return a reader for the body that follows.

        Raises:
            ValueError: the framing headers make no sense.
        """
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return Chunked()
        length = self.headers.get("content-length")
        if length is None:
            no_body = self.status in {204, 304}
            return Counted(0) if no_body else UntilClose()
        if not length.isdecimal():
            raise ValueError(f"Content-Length '{length[:40]}' is no number")
        return Counted(int(length))


def parse_head(raw: bytes) -> Head:
    """Return the head that ``raw`` is, without the empty line at its end.

    Raises:
        ValueError: it is not HTTP/1.
    """
    first, *lines = raw.split(b"\r\n")
    status = _STATUS_LINE.fullmatch(first)
    if status is None:
        raise ValueError(f"{first[:40]!r} is no HTTP/1.1 status line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(f"{line[:40]!r} is no header")
        text = value.decode("latin-1").strip()
        if not text.isprintable():
            raise ValueError(f"the header {name[:40]!r} has control characters")
        headers[name.decode("latin-1").strip().lower()] = text
    return Head(int(status[2]), headers, int(status[1]))


class Body(Protocol):
    """Tells payload from framing.

    Attributes:
        done: the body is complete.
    """

    done: bool

    def skippable(self) -> int:
        """Return how many of the next bytes are payload for sure; 0 asks for `feed`."""

    def skip(self, count: int) -> None:
        """Account for ``count`` payload bytes that were received and dropped."""

    def feed(self, data: bytes) -> int:
        """Account for received bytes; return how many were payload.

        Raises:
            ValueError: the bytes break the framing, or go on after the body's end.
        """

    def close(self) -> None:
        """The far end has closed.

        Raises:
            ValueError: it closed in the middle of the body.
        """


class Counted:
    """A body with a Content-Length."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def skippable(self) -> int:
        """All that is left."""
        return self._left

    def skip(self, count: int) -> None:
        """See `Body.skip`."""
        self._left -= count
        self.done = self._left == 0

    def feed(self, data: bytes) -> int:
        """See `Body.feed`."""
        if len(data) > self._left:
            raise ValueError("more bytes came than Content-Length said")
        self.skip(len(data))
        return len(data)

    def close(self) -> None:
        """See `Body.close`."""
        if not self.done:
            raise ValueError(f"the connection closed {self._left} bytes before the body's end")


class UntilClose:
    """A body that ends with its connection."""

    def __init__(self) -> None:
        self.done = False

    def skippable(self) -> int:
        """Everything."""
        return 0 if self.done else ANY_BYTES

    def skip(self, count: int) -> None:
        """See `Body.skip`."""

    def feed(self, data: bytes) -> int:
        """See `Body.feed`."""
        return len(data)

    def close(self) -> None:
        """See `Body.close`."""
        self.done = True


class Chunked:
    """A body in chunks (RFC 9112 section 7.1); its trailer is read and dropped."""

    def __init__(self) -> None:
        self._left = 0
        self._line = b""
        self._after_data = False
        self._in_trailer = False
        self.done = False

    def skippable(self) -> int:
        """What is left of the current chunk."""
        return self._left

    def skip(self, count: int) -> None:
        """See `Body.skip`."""
        self._left -= count
        self._after_data = self._left == 0

    def feed(self, data: bytes) -> int:
        """See `Body.feed`."""
        payload = at = 0
        while at < len(data):
            if self.done:
                raise ValueError("bytes came after the last chunk")
            if self._left:
                taken = min(self._left, len(data) - at)
                self.skip(taken)
                payload += taken
                at += taken
                continue
            newline = data.find(b"\n", at)
            stop = len(data) if newline < 0 else newline + 1
            self._line += data[at:stop]
            at = stop
            if len(self._line) > _CHUNK_LINE_LIMIT:
                raise ValueError("a chunk's size line is too long")
            if newline >= 0:
                line, self._line = self._line.strip(), b""
                self._take_line(line)
        return payload

    def _take_line(self, line: bytes) -> None:
        if self._in_trailer:
            self.done = not line
            return
        if self._after_data:
            if line:
                raise ValueError("a chunk is longer than it said")
            self._after_data = False
            return
        size = line.split(b";", 1)[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
            raise ValueError(f"{line[:40]!r} is no chunk size")
        self._left = int(size, 16)
        self._in_trailer = self._left == 0

    def close(self) -> None:
        """See `Body.close`."""
        if not self.done:
            raise ValueError("the connection closed before the last chunk")


def request_head(
    method: str, authority: str, path: str, length: int | None = None, headers: Sequence[str] = ()
) -> bytes:
    """Return the bytes of a request's head.

    Args:
        method: the request's.
        authority: the server, as the Host header names it.
        path: what is asked for, the query included.
        length: of the body that will follow; None where there is none.
        headers: further lines.
    """
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {authority}",
        "User-Agent: linewatch",
        "Accept: */*",
        "Accept-Encoding: identity",
        *headers,
    ]
    if length is not None:
        lines += ["Content-Type: application/octet-stream", f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def take_head(buffer: bytes) -> tuple[Head, bytes] | None:
    """Return the first head in ``buffer`` and what follows it; None where it is not whole yet.

    Interim answers (1xx) are dropped. 101 is none: another protocol follows it.

    Raises:
        ValueError: it is not HTTP, or too long.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        # A status line can be told from garbage by its first bytes, without waiting for more.
        if not b"HTTP/1.".startswith(buffer[:7]):
            raise ValueError(f"{buffer[:40]!r} is no HTTP answer")
        if len(buffer) > MAX_HEAD_BYTES:
            raise ValueError(f"the answer's head is longer than {MAX_HEAD_BYTES} bytes")
        return None
    head = parse_head(buffer[:end])
    rest = buffer[end + 4 :]
    interim = head.status < 200 and head.status != SWITCHING  # noqa: PLR2004 - RFC 9110
    return take_head(rest) if interim else (head, rest)


def payload_of(body: Body, data: bytes) -> bytes:
    """Feed ``data`` to ``body`` piece by piece; return the payload in it."""
    payload = bytearray()
    while data:
        direct = body.skippable()
        if direct:
            payload += data[:direct]
            body.skip(min(direct, len(data)))
            data = data[direct:]
            continue
        # Framing is fed up to its next line end, so that none of it is taken for payload.
        stop = data.find(b"\n") + 1 or len(data)
        body.feed(data[:stop])
        data = data[stop:]
    return bytes(payload)
