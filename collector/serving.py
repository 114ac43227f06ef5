"""The door: connections in, within limits; and how the server starts and stops.

aiohttp closes a connection that brings no whole request header in its keep-alive time. What it has
no limit for is how many connections there are. Here each address has its share, and when all
places are taken the connection that has been idle for longest gives way to the new one, so that
idle connections, however many, cannot keep anybody out. With TLS a connection has its place, and
can lose it, before its handshake.
"""

import asyncio
import contextlib
import logging
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from collector.api.remote import limited_address
from collector.errors import CollectorError
from collector.settings import CollectorSettings, LimitSettings, TlsSettings, split_address

DOORS: web.AppKey[list["Door"]] = web.AppKey("doors")
"""The doors that are open, for the metrics."""

_LOG = logging.getLogger(__name__)

_BACKLOG = 1024
_RESERVED_FILES = 128
"""File descriptors for the ledger and the log, besides connections."""

_LONGEST_LINE_BYTES = 16 * 1024
"""Of a request's first line: a series' key of 1,000 letters outside of ASCII takes 12,000."""

_LINGERING_SECONDS = 2.0
"""How long a refused body is read on, so that its sender gets to read the refusal."""

_SHUTDOWN_SECONDS = 10.0
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


class _DoorSite(web.BaseSite):
    """A listening socket whose connections come through the door."""

    def __init__(self, runner: web.AppRunner, sock: socket.socket, door: Door) -> None:
        super().__init__(runner, backlog=_BACKLOG)
        self._sock = sock
        self._door = door

    @property
    def name(self) -> str:
        """Where it listens, as a URL."""
        host, port = self._sock.getsockname()[:2]
        scheme = "https" if self._door.tls else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def start(self) -> None:
        """Listen."""
        await super().start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._door, sock=self._sock, backlog=self._backlog)


class Serving:
    """The collector's HTTP server, listening.

    Attributes:
        url: where, with the real port.
        door: its connections.
    """

    def __init__(self, runner: web.AppRunner, site: web.BaseSite, door: Door) -> None:
        self.url = site.name
        self.door = door
        self._runner = runner
        self._site = site

    async def stop(self) -> None:
        """Take no more connections, finish what is being answered, end the application.

        Ends within twice the time that requests have to end; a second call does nothing.
        """
        if self._site in self._runner.sites:
            await self._site.stop()
        await self.door.end_handshakes()
        # aiohttp reads no more of a body once it is told to stop, so bodies come first.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.door.quiet.wait(), _SHUTDOWN_SECONDS)
        await self._runner.cleanup()


async def serve(app: web.Application, settings: CollectorSettings) -> Serving:
    """Start the application's parts, then listen.

    Raises:
        CollectorError: the address, the certificate or the key cannot be used.
    """
    limits = _fit_files(settings.limits)
    tls = _tls(settings.tls)
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=limits.idle_seconds,
        lingering_time=_LINGERING_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        # Bodies are unpacked with limits of our own.
        auto_decompress=False,
        max_line_size=_LONGEST_LINE_BYTES,
    )
    await runner.setup()
    try:
        if runner.server is None:
            raise CollectorError("the HTTP server did not start")
        door = Door(runner.server, limits, tls)
        app[DOORS].append(door)
        site = _DoorSite(runner, _listen(settings.listen), door)
        await site.start()
    except BaseException:
        await runner.cleanup()
        raise
    return Serving(runner, site, door)


def _listen(address: str) -> socket.socket:
    host, port = split_address(address)
    if host == "::" and not _has_ipv6():
        host = "0.0.0.0"
    with contextlib.ExitStack() as undo:
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            sock = undo.enter_context(socket.socket(family, kind, protocol))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # [::] takes IPv4 too.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(place)
        except OSError as error:
            raise CollectorError(
                f"cannot listen on {address}: {error.strerror or error}; "
                "see collector.listen in the configuration, or --listen"
            ) from None
        undo.pop_all()
    return sock


def _has_ipv6() -> bool:
    """Tell whether the kernel has IPv6: a machine may be without it."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _tls(settings: TlsSettings) -> ssl.SSLContext | None:
    if settings.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise CollectorError(
            f"{settings.certificate} and {settings.key}: not a usable certificate and key: {error}"
        ) from None
    return context


def _fit_files(limits: LimitSettings) -> LimitSettings:
    """Take all the file descriptors that the system gives, and no more connections than that."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = hard - _RESERVED_FILES
    if hard == resource.RLIM_INFINITY or room >= limits.connections:
        return limits
    _LOG.warning("only %d files may be open: at most %d connections", hard, room)
    return limits.model_copy(update={"connections": max(room, 1)})
