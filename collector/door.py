"""The door: connections in, within limits.

aiohttp closes a connection that brings no whole request header in its keep-alive time. What it has
no limit for is how many connections there are. Here each address has its share, and when all
places are taken the connection that has been idle for longest gives way to the new one, so that
idle connections, however many, cannot keep anybody out. With TLS a connection has its place, and
can lose it, before its handshake.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from collector.api.remote import limited_address
from collector.settings import LimitSettings

DOORS: web.AppKey[list["Door"]] = web.AppKey("doors")
"""The doors that are open, for the metrics."""

_TLS_HANDSHAKE_SECONDS = 10.0

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass
class DoorCounts:
    """What the door has seen since it opened."""

    open: int = 0
    refused: int = 0
    evicted: int = 0


class Door:
    """Lets connections in: a factory of protocols, one for each connection.

    Attributes:
        counts: what it has seen.
        limit: connections in all.
        tls: what connections are secured with; None for plain HTTP.
        quiet: set while no request is being answered.

    Args:
        inner: makes aiohttp's own protocol for a connection.
        limits: how many connections.
        tls: certificate and key; None for plain HTTP.
    """

    def __init__(
        self,
        inner: Callable[[], asyncio.Protocol],
        limits: LimitSettings,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.counts = DoorCounts()
        self.limit = limits.connections
        self.tls = tls
        self._handshakes: set[asyncio.Task[None]] = set()
        self._inner = inner
        self._limit_each = limits.connections_per_address
        self._trusted = {limited_address(str(proxy)) for proxy in limits.trusted_proxies}
        self._retry_after_seconds = limits.retry_after_seconds
        self._of: Counter[str] = Counter()
        self.quiet = asyncio.Event()
        self.quiet.set()
        # The key's order is the order in which they became idle.
        self._idle: dict[Guest, None] = {}

    def __call__(self) -> "Guest":
        """Return the protocol of a new connection."""
        return Guest(self, self._inner())

    def admit(self, guest: "Guest", address: str) -> bool:
        """Return whether a connection may stay; make room for it where that is needed."""
        if self._of[address] >= self._limit_each and address not in self._trusted:
            self.counts.refused += 1
            return False
        if self.counts.open >= self.limit and not self._evict():
            self.counts.refused += 1
            return False
        self.counts.open += 1
        self._of[address] += 1
        self._idle[guest] = None
        return True

    def refuse(self, transport: asyncio.Transport) -> None:
        """Tell a connection that there is no place. With TLS it is only closed: telling is dear."""
        if self.tls is None:
            transport.write(_FULL % self._retry_after_seconds)
        transport.close()

    def keep_handshake(self, handshake: "asyncio.Task[None]") -> None:
        """Hold on to a handshake until it is done."""
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def end_handshakes(self) -> None:
        """Give up the handshakes that are not done."""
        for handshake in self._handshakes:
            handshake.cancel()
        await asyncio.gather(*self._handshakes, return_exceptions=True)

    def leave(self, guest: "Guest", address: str) -> None:
        """Forget a connection that was admitted."""
        self.counts.open -= 1
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]
        self._idle.pop(guest, None)
        self._note_quiet()

    def set_busy(self, guest: "Guest", busy: bool) -> None:
        """Note that a connection's request began to be answered, or that it was."""
        self._idle.pop(guest, None)
        if not busy:
            self._idle[guest] = None
        self._note_quiet()

    def _note_quiet(self) -> None:
        if len(self._idle) == self.counts.open:
            self.quiet.set()
        else:
            self.quiet.clear()

    def _evict(self) -> bool:
        longest = next(iter(self._idle), None)
        if longest is None:
            return False
        self.counts.evicted += 1
        longest.end()
        return True


class Guest(asyncio.Protocol):
    """One connection: hands everything on to aiohttp's protocol, once it was let in."""

    def __init__(self, door: Door, inner: asyncio.Protocol) -> None:
        self._door = door
        self._inner = inner
        self._address = ""
        self._transport: asyncio.Transport | None = None
        # Set when aiohttp has the connection: at once, or after the TLS handshake.
        self._seated = False
        self._early = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection in, or tell it that there is no place."""
        self._transport = plain = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        address = limited_address(peer[0] if peer else None)
        if not self._door.admit(self, address):
            self._door.refuse(plain)
            return
        self._address = address
        if self._door.tls is None:
            self._seat(plain)
            return
        plain.pause_reading()
        securing = self._secure(plain, self._door.tls)
        self._door.keep_handshake(asyncio.get_running_loop().create_task(securing))

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._leave()
        if self._seated:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on; of a connection that was refused, drop."""
        if self._seated:
            self._inner.data_received(data)
        elif self._address:
            # What came in one packet with the handshake's end.
            self._early += data

    def eof_received(self) -> bool | None:
        """Hand on."""
        return self._inner.eof_received() if self._seated else None

    def pause_writing(self) -> None:
        """Hand on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self._inner.resume_writing()

    def set_busy(self, busy: bool) -> None:
        """A request of this connection began to be answered, or was."""
        if self._address:
            self._door.set_busy(self, busy)

    def end(self) -> None:
        """Close at once: the place is needed."""
        if self._transport is not None:
            self._leave()
            self._transport.abort()

    def _seat(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._seated = True
        self._inner.connection_made(transport)
        if self._early:
            self._inner.data_received(bytes(self._early))
            self._early.clear()

    async def _secure(self, plain: asyncio.Transport, tls: ssl.SSLContext) -> None:
        # Not TLS, too slow, gone, or the collector stops: nobody can be told.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                secured = await asyncio.get_running_loop().start_tls(
                    plain, self, tls, server_side=True, ssl_handshake_timeout=_TLS_HANDSHAKE_SECONDS
                )
                if secured is not None and self._address:
                    self._seat(secured)
            finally:
                if not self._seated:
                    self._leave()
                    plain.abort()

    def _leave(self) -> None:
        if self._address:
            self._door.leave(self, self._address)
            self._address = ""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def keep_place(request: web.Request, handler: Handler) -> web.StreamResponse:
    """While a request is answered its connection is not idle, and keeps its place."""
    transport = request.transport
    guest = transport.get_protocol() if transport else None
    if not isinstance(guest, Guest):
        return await handler(request)
    guest.set_busy(True)
    try:
        return await handler(request)
    finally:
        guest.set_busy(False)
