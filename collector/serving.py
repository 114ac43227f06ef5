"""How the server starts, where it listens, and how it stops."""

import asyncio
import contextlib
import logging
import resource
import socket
import ssl

from aiohttp import web

from collector.door import DOORS, Door
from collector.errors import CollectorError
from collector.settings import CollectorSettings, LimitSettings, TlsSettings, split_address

_LOG = logging.getLogger(__name__)

_BACKLOG = 1024
_RESERVED_FILES = 128
"""File descriptors for the ledger and the log, besides connections."""

_LONGEST_LINE_BYTES = 16 * 1024
"""Of a request's first line: a series' key of 1,000 letters outside of ASCII takes 12,000."""

_LINGERING_SECONDS = 2.0
"""How long a refused body is read on, so that its sender gets to read the refusal."""

_SHUTDOWN_SECONDS = 10.0


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
