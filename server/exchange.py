"""One request and its answer on a channel: moves the bytes within their deadlines."""

import time
from collections.abc import Callable
from http import HTTPStatus

from server.answer import CORS, Headers, render_head
from server.channel import Channel, GarbagePool
from server.errors import ClientGone, HttpError, TooSlow
from server.pace import Account
from server.request import Request
from server.settings import LimitSettings
from server.tests_seen import Counting

_SMALL_BODY_BYTES = 64 * 1024
"""The longest body that is read where none is wanted, to go on with the connection after it."""

_TRANSFER_BYTES = 1024 * 1024
"""Requests that move as much cost their sender nothing: what LibreSpeed's clients move at least."""

_SMALL_CHUNK_BYTES = 1024
"""Shorter chunks are no measurement: almost all that they cost is the parser's work."""

_WATCHDOG_GRACE_SECONDS = 1.0
"""How much later than the exchange itself the watchdog ends a transfer."""


class Exchange:
    """A request that is being answered.

    Args:
        channel: the client's connection.
        request: what it asks.
        limits: the server's.
        account: what is not a transfer's bytes is paid there.
        stopping: whether the connection shall end after this answer.
        clock: seconds that never go back.

    Attributes:
        channel, request, limits, account, stopping, clock: see above.
        status: of the answer; None until there is one.
        keep_alive: whether the connection can go on after the answer.
        open_to_pages: whether pages of any origin may read the answer.
    """

    def __init__(
        self,
        channel: Channel,
        request: Request,
        limits: LimitSettings,
        account: Account,
        stopping: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.channel = channel
        self.request = request
        self.status: int | None = None
        self.keep_alive = request.keep_alive
        self.open_to_pages = False
        self.limits = limits
        self.account = account
        self.stopping = stopping
        self.clock = clock
        self._ends_at = clock() + limits.transfer_maximum_seconds
        self._progress()

    def answer(
        self,
        status: int,
        body: bytes = b"",
        content_type: str | None = None,
        headers: Headers = (),
    ) -> None:
        """Send an answer. A request's body that has not been read is drained before, if small.

        Raises:
            HttpError: 413, the body that nobody wants is too long.
        """
        self._skip_body()
        self._send(status, body, content_type, headers)

    def refuse(self, error: HttpError) -> None:
        """Answer with a refusal, and end the connection if a body was left unread."""
        if self.status is not None:
            raise ClientGone  # in mid-answer there is no way to say it
        self._ends_at = self.clock() + self.limits.idle_timeout_seconds
        if not self.request.body.done:
            self.keep_alive = False
        self._send(
            error.status, f"{error.text}\n".encode(), "text/plain; charset=utf-8", error.headers
        )

    def receive_upload(self, counting: Counting) -> None:
        """Drain the request's body and count it.

        Ends within the transfer's maximum, and within the idle timeout where nothing comes.

        Raises:
            HttpError: 413, it is longer than an upload may be.
            TooSlow: it took longer than a transfer may.
        """
        body = self.request.body
        maximum = self.limits.upload_maximum_bytes
        if (body.length or 0) > maximum:
            raise _too_long(maximum)
        try:
            while not body.done:
                count = self.drain()
                if body.received > maximum:
                    raise _too_long(maximum)
                if count and counting.add(count, self.clock()):
                    counting.note(self.channel.tcp_info())
        finally:
            self.forgive(body.received)
            counting.note(self.channel.tcp_info())

    def send_garbage(
        self, pool: GarbagePool, size: int, position: int, counting: Counting, headers: Headers
    ) -> None:
        """Answer with ``size`` random bytes and count what the kernel takes.

        Ends within the transfer's maximum, and within the idle timeout where nothing is taken.
        """
        self._skip_body()
        self._send_head(HTTPStatus.OK, size, headers, more=True)
        sent = 0
        try:
            while sent < size:
                count = self.channel.send_garbage(pool, position + sent, size - sent)
                if not count:
                    raise ClientGone
                sent += count
                self._progress()
                if counting.add(count, self.clock()):
                    counting.note(self.channel.tcp_info())
        finally:
            self.forgive(sent)
            counting.note(self.channel.tcp_info())

    def announce(self, size: int, headers: Headers) -> None:
        """Answer HEAD: how long a download would be, and no byte of it."""
        self._skip_body()
        self._send_head(HTTPStatus.OK, size, headers, more=False)

    def switch_protocols(self, headers: Headers) -> None:
        """Answer 101: from now on the connection is another protocol's, and ends with it."""
        self._progress()
        self.status, self.keep_alive = HTTPStatus.SWITCHING_PROTOCOLS, False
        self.channel.send(render_head(self.status, headers, 0, keep_alive=True))

    def drain(self) -> int:
        """Receive a piece of the request's body into nothing; return its length."""
        self._progress()
        body = self.request.body
        count = body.drain(self.channel)
        if body.length is None and count < _SMALL_CHUNK_BYTES:
            self.account.pay()
        elif body.length is None:
            self.account.forgive()
        return count

    def forgive(self, moved: int) -> None:
        """Take the time of a transfer as paid, unless it moved next to nothing."""
        if moved >= _TRANSFER_BYTES:
            self.account.forgive()

    def _skip_body(self) -> None:
        """Drain a body that nobody wants, so that the connection can go on after it."""
        body = self.request.body
        while not body.done:
            if max(body.length or 0, body.received) > _SMALL_BODY_BYTES:
                raise HttpError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "this resource takes no such body"
                )
            self.drain()

    def _send(self, status: int, body: bytes, content_type: str | None, headers: Headers) -> None:
        if content_type:
            headers = (("Content-Type", content_type), *headers)
        head_only = self.request.method == "HEAD" or not body
        self._send_head(status, len(body), headers, more=False, body=b"" if head_only else body)

    def _send_head(
        self, status: int, length: int, headers: Headers, *, more: bool, body: bytes = b""
    ) -> None:
        self._progress()
        self.keep_alive = self.keep_alive and not self.stopping()
        if self.open_to_pages:
            headers = (*headers, *CORS)
        head = render_head(
            status,
            headers,
            length,
            keep_alive=self.keep_alive,
            says_http_1_0=self.request.says_http_1_0,
        )
        self.status = status
        self.channel.send(head + body, more=more)

    def _progress(self) -> None:
        """Set the channel's deadline from now.

        Raises:
            TooSlow: the exchange has lasted as long as it may.
        """
        now = self.clock()
        if now > self._ends_at:
            raise TooSlow
        idle = now + self.limits.idle_timeout_seconds
        self.channel.deadline = min(idle, self._ends_at) + _WATCHDOG_GRACE_SECONDS


def _too_long(maximum: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"an upload may have at most {maximum} bytes"
    )
