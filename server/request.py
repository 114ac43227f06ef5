"""Requests: heads parsed by h11, bodies of known length drained past it, in the kernel.

A fresh h11 parser reads each head. What it was given beyond the head is the body's beginning, or
the next request's where a client pipelines; the rest of a body never passes through the parser,
unless it is chunked.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import h11

from server.channel import Channel
from server.errors import ClientGone, HttpError, TooSlow

_MAXIMUM_FIELDS = 32
"""Of a query; our own clients send five."""

_WATCHDOG_GRACE_SECONDS = 1.0
"""How much later than the reader itself the watchdog ends a connection, so that a client that is
too slow is told so where it can be."""

_unchunking = threading.Lock()
"""Held while a chunked body is parsed. Python runs one thread at a time anyway; but of dozens that
parse chunks of a byte each only one stands in the way of those who do something else."""

_DRAIN_BYTES = 64 * 1024
"""How much of a chunked body is read at once."""


class Body:
    """A request's body, to be drained. Also says what was read beyond it.

    Attributes:
        length: as announced; None where it is chunked.
        received: how much has been drained so far.
        done: nothing of it is left.
        beyond: the bytes after it, once it is done.
    """

    def __init__(self, length: int | None, parser: h11.Connection) -> None:
        self.length = length
        self.received = 0
        self.done = length == 0
        self.beyond, _ = parser.trailing_data
        self._parser = parser
        self._expects_continue = parser.they_are_waiting_for_100_continue

    def drain(self, channel: Channel) -> int:
        """Receive a piece of it into nothing and return the piece's length.

        Blocks until there is some; the channel's deadline must be set.

        Raises:
            ClientGone: the client ended before its body was whole.
            HttpError: 400, it is not encoded as it should be.
        """
        if self._expects_continue:
            self._expects_continue = False
            channel.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        count = self._drain_chunked(channel) if self.length is None else self._drain_plain(channel)
        self.received += count
        if self.length is not None:
            self.done = self.received == self.length
        return count

    def _drain_plain(self, channel: Channel) -> int:
        assert self.length is not None  # noqa: S101 - told to mypy; drain() chose by it
        left = self.length - self.received
        if self.beyond:
            count = min(left, len(self.beyond))
            self.beyond = self.beyond[count:]
            return count
        count = channel.discard(left)
        if not count:
            raise ClientGone
        return count

    def _drain_chunked(self, channel: Channel) -> int:
        try:
            while (event := self._next_event()) is h11.NEED_DATA:
                data = channel.receive(_DRAIN_BYTES)
                if not data:
                    raise ClientGone
                self._parser.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise HttpError(400, f"the chunked body is malformed: {error}") from None
        if isinstance(event, h11.Data):
            return len(event.data)
        self.done = True
        self.beyond, _ = self._parser.trailing_data
        return 0

    def _next_event(self) -> object:
        with _unchunking:
            return self._parser.next_event()


@dataclass(frozen=True, slots=True)
class Request:
    """A request, its body not yet read.

    Attributes:
        method: in capitals, as sent.
        path: percent-decoded, always beginning with a slash.
        query: the last value of each parameter.
        headers: as sent, their names in lower case; of one that came more than once all values,
            with commas between.
        keep_alive: whether the client wants another request on this connection.
        says_http_1_0: whether the client is of the older version, which must be told of keep-alive.
        body: empty where there is none.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    keep_alive: bool
    says_http_1_0: bool
    body: Body


class RequestReader:
    """Reads requests off a channel, one after the other.

    Args:
        channel: where they come from.
        header_bytes: the most bytes of a head.
        head_timeout_seconds: from a head's first byte to its last.
        idle_timeout_seconds: until its first byte.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        channel: Channel,
        header_bytes: int,
        head_timeout_seconds: float,
        idle_timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._header_bytes = header_bytes
        self._head_timeout = head_timeout_seconds
        self._idle_timeout = idle_timeout_seconds
        self._clock = clock

    def read(self, already: bytes = b"") -> Request | None:
        """Return the next request, or None where the client has ended between two.

        Ends within the idle timeout and the head's timeout.

        Args:
            already: what was received of it while the request before it was read.

        Raises:
            HttpError: the head is malformed (400), too long (431) or not understood (501).
            TooSlow: the head was not whole in time.
            ClientGone: the client ended within the head.
        """
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._header_bytes)
        ends_at = None
        if already:
            parser.receive_data(already)
            ends_at = self._begin_head()
        else:
            self._channel.idle_since = self._clock()
            self._channel.deadline = self._clock() + self._idle_timeout
        try:
            while (event := parser.next_event()) is h11.NEED_DATA:
                data = self._channel.receive(self._header_bytes)
                if not data:
                    if ends_at is None:
                        return None
                    raise ClientGone
                if ends_at is None:
                    ends_at = self._begin_head()
                elif self._clock() > ends_at:
                    raise TooSlow
                parser.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise HttpError(error.error_status_hint, f"not understood: {error}") from None
        finally:
            self._channel.idle_since = None
        assert isinstance(event, h11.Request)  # noqa: S101 - a server's first event is nothing else
        return _understand(event, parser)

    def _begin_head(self) -> float:
        ends_at = self._clock() + self._head_timeout
        self._channel.deadline = ends_at + _WATCHDOG_GRACE_SECONDS
        return ends_at


def _understand(head: h11.Request, parser: h11.Connection) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path, query = _split(head.target)
    tokens = tokens_of(headers.get("connection", ""))
    old = head.http_version < b"1.1"
    return Request(
        method=head.method.decode("ascii"),
        path=path,
        query=query,
        headers=headers,
        keep_alive="keep-alive" in tokens if old else "close" not in tokens,
        says_http_1_0=old,
        body=Body(_body_length(headers), parser),
    )


def tokens_of(value: str) -> set[str]:
    """Return the tokens of a header's value that is a list, in lower case."""
    return {token.strip().lower() for token in value.split(",")}


def _body_length(headers: dict[str, str]) -> int | None:
    """Return the announced length of the body, None for a chunked one. h11 checked the values."""
    length = headers.get("content-length")
    if "transfer-encoding" not in headers:
        return int(length or 0)
    if length is not None:
        raise HttpError(400, "a body has either a Content-Length or a Transfer-Encoding")
    return None


def _split(target: bytes) -> tuple[str, dict[str, str]]:
    """Return the percent-decoded path and the query of a request's target."""
    try:
        parts = urlsplit(target.decode("ascii"))
        path = unquote(parts.path, errors="strict") or "/"
        fields = parse_qs(
            parts.query, keep_blank_values=True, max_num_fields=_MAXIMUM_FIELDS, errors="strict"
        )
    except ValueError:
        raise HttpError(400, "the address asked for is malformed") from None
    return path, {name: values[-1] for name, values in fields.items()}
