"""HTTP/1.1 by hand: requests, heads read with limits, bodies told apart from their framing.

Only what a measurement needs. A body can be skipped in the kernel because its reader knows how
many of the next bytes are payload (`Body.skippable`).
"""

import contextlib
import re
import socket
import time
from dataclasses import dataclass, field
from typing import Protocol

from probe.engine import MeasurementError
from probe.failure import ERRORS, classify
from probe.transfer import kernel
from probe.transfer.dial import Dialer
from probe.transfer.guard import Guard
from protocol.failures import Failure

MAX_HEAD_BYTES = 16 * 1024
"""A status line and its headers; twice what common servers send at most."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The body of a small request. The largest is a server's view of a test: 32 streams with samples
of 20 s are below 400 KiB."""

ANSWER_SECONDS = 5.0
"""Time allowed for the whole answer to a small request; also how long no byte may move in a
transfer. Longer than any buffer on the way should hold a packet."""

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: .*)?")
_CHUNK_LINE_LIMIT = 256
_READ_BYTES = 16 * 1024


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
        return 0 if self.done else kernel.BLIND_BYTES

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


def request_head(method: str, authority: str, path: str, length: int | None = None) -> bytes:
    """Return the bytes of a request's head; ``length`` is that of the body that will follow."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {authority}",
        "User-Agent: linewatch",
        "Accept: */*",
        "Accept-Encoding: identity",
    ]
    if length is not None:
        lines += ["Content-Type: application/octet-stream", f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def take_head(buffer: bytes) -> tuple[Head, bytes] | None:
    """Return the first head in ``buffer`` and what follows it; None where it is not whole yet.

    Interim answers (1xx) are dropped.

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
    return take_head(rest) if head.status < 200 else (head, rest)  # noqa: PLR2004 - RFC 9110


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to a small request.

    Attributes:
        head: status and headers.
        body: the payload.
        seconds: from sending the request to the last byte of the head.
    """

    head: Head
    body: bytes
    seconds: float


@dataclass(slots=True)
class Client:
    """Small requests on one connection that stays open; opens a new one where the server closed.

    Attributes:
        dialer: opens its connections.
        bad_answer: the failure where an answer is not HTTP; `NOT_A_SERVER` until a server has
            shown that it is one.
    """

    dialer: Dialer
    bad_answer: Failure = Failure.BAD_ANSWER
    sent_bytes: int = field(default=0, init=False)
    received_bytes: int = field(default=0, init=False)
    _connection: socket.socket | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)

    @property
    def guard(self) -> Guard:
        """The end of all waiting."""
        return self.dialer.guard

    @property
    def connection(self) -> socket.socket | None:
        """The connection in use, or None."""
        return self._connection

    def get(self, path: str) -> Answer:
        """Return the answer to a GET, within `ANSWER_SECONDS` plus connecting.

        A kept connection that the server has meanwhile closed is replaced once.

        Raises:
            MeasurementError: no connection, no answer in time, or no HTTP.
        """
        reused = self._connection is not None
        try:
            return self._exchange(path)
        except MeasurementError as error:
            self.close()
            if self._ended or not (reused and error.report.code is Failure.CONNECTION_LOST):
                raise
        return self._exchange(path)

    def _exchange(self, path: str) -> Answer:
        # Connecting is outside of what `seconds` measures.
        if self._connection is None:
            self._connection = self.dialer.dial()
        target = self.dialer.target
        request = request_head("GET", target.authority, path)
        try:
            return self._talk(self._connection, request)
        except MeasurementError:
            self.close()
            raise
        except ValueError as error:
            self.close()
            where = f"http{'s' if target.tls else ''}://{target.authority}{path}"
            raise MeasurementError(self.bad_answer, f"{where}: {error}") from None
        except ERRORS as error:
            self.close()
            raise classify(error, "talk", target.authority) from None

    def _talk(self, connection: socket.socket, request: bytes) -> Answer:
        started = time.monotonic()
        until = started + ANSWER_SECONDS
        connection.settimeout(ANSWER_SECONDS)
        connection.sendall(request)
        self.sent_bytes += len(request)
        buffer = b""
        while (taken := take_head(buffer)) is None:
            data = self._receive(connection, until, begun=bool(buffer))
            if not data:
                raise ConnectionResetError(104, "the server closed without an answer")
            buffer += data
        seconds = time.monotonic() - started
        head, rest = taken
        body = self._read_body(connection, head, rest, until)
        if not head.keeps_alive:
            self.close()
        return Answer(head, body, seconds)

    def _read_body(self, connection: socket.socket, head: Head, data: bytes, until: float) -> bytes:
        body = head.body()
        # The framing is read from the bytes themselves, so that a chunked answer is put together.
        payload = bytearray()
        while True:
            payload += _payload(body, data)
            if len(payload) > MAX_BODY_BYTES:
                raise ValueError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
            if body.done:
                return bytes(payload)
            data = self._receive(connection, until, begun=True)
            if not data:
                body.close()
                return bytes(payload)

    def _receive(self, connection: socket.socket, until: float, *, begun: bool) -> bytes:
        """Return the next bytes, b"" at the connection's end; looks at the guard meanwhile."""
        while True:
            self.guard.check()
            if time.monotonic() >= until:
                limit = f"within {ANSWER_SECONDS:.0f} s"
                where = self.dialer.target.authority
                if begun:
                    raise MeasurementError(
                        Failure.DEADLINE, f"{where} began to answer but did not end {limit}"
                    )
                raise MeasurementError(
                    Failure.STALLED, f"{where} took the request and gave no answer {limit}"
                )
            connection.settimeout(self.guard.slice_until(until))
            with contextlib.suppress(TimeoutError):
                data = connection.recv(_READ_BYTES)
                self.received_bytes += len(data)
                return data

    def end(self) -> None:
        """Wake a thread that is blocked in `get`; it fails at once, and so do all later ones."""
        self._ended = True
        if self._connection is not None:
            kernel.end(self._connection)

    def close(self) -> None:
        """Close the connection; the next `get` opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _payload(body: Body, data: bytes) -> bytes:
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
