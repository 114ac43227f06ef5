"""Opens connections: resolves the name once, tries each address, leaves by the interface asked for.

After the first connection every further one goes to the same address, so that all streams of a
test measure one way to one server.
"""

import contextlib
import errno
import os
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

from probe.engine import MeasurementError, Order
from probe.failure import ERRORS, Doing, classify
from probe.transfer.bind import bind_to_interface
from probe.transfer.guard import Guard
from probe.transfer.names import Address, NameServers, resolve
from protocol.failures import Failure

__all__ = ("Address", "Dialer", "Target", "bind_to_interface", "resolve")

CONNECT_SECONDS = 5.0
"""Time allowed for one address: the first packet and two repetitions, at 1 s and 3 s (RFC 6298)."""

HANDSHAKE_SECONDS = 5.0
"""Time allowed for TLS: two round trips and the server's arithmetic, with one repetition."""

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "iperf3": 5201}
"""Schemes of servers' URLs, and the port of each where none is said."""

_PATH_SAFE = "/%:@!$&'()*+,;="
"""What stands in a URL's path as it is (RFC 3986, 3.3), and what was quoted already."""


@dataclass(frozen=True, slots=True)
class Target:
    """The far end of a URL.

    Attributes:
        url: as it was given.
        host, port: where to connect.
        tls: whether the URL says https or wss.
        path: the URL's own path, ASCII, with a slash at its end.
    """

    url: str
    host: str
    port: int
    tls: bool
    path: str

    @classmethod
    def of(cls, url: str) -> "Target":
        """Return the target of ``url``.

        Raises:
            MeasurementError: it is no URL of HTTP's, of a WebSocket's, or iperf3://HOST:PORT.
        """
        try:
            parts = urlsplit(url if "//" in url else f"http://{url}")
            port = parts.port
        except ValueError as error:
            raise MeasurementError(Failure.NAME_RESOLUTION, f"'{url}' is no URL: {error}") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise MeasurementError(
                Failure.NAME_RESOLUTION,
                f"'{url}' is no server's URL: it reads like http://speed.example:8080/",
            )
        tls = parts.scheme in {"https", "wss"}
        path = quote(parts.path, safe=_PATH_SAFE)
        if not path.endswith("/"):
            path += "/"
        return cls(url, parts.hostname, port or _PORTS[parts.scheme], tls, path)

    @property
    def authority(self) -> str:
        """Host and port as a Host header and people read them: ASCII, as IDNA writes the name."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if not host.isascii():
            # A name that IDNA cannot write is told when it is resolved.
            with contextlib.suppress(UnicodeError):
                host = host.encode("idna").decode("ascii")
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass(slots=True)
class Dialer:
    """Opens connections to one target.

    Attributes:
        target: the far end.
        guard: the end of all waiting.
        interface: the interface to leave by, or None.
        family: the address family, or None for the system's choice.
        tls: how to verify the server; the system's authorities unless given.
        address: the address in use, once a connection was made.
    """

    target: Target
    guard: Guard
    interface: str | None = None
    family: Literal[4, 6] | None = None
    tls: ssl.SSLContext | None = None
    address: Address | None = field(default=None, init=False)

    @classmethod
    def of(cls, order: Order, guard: Guard) -> "Dialer":
        """Return the dialer for an order's server.

        Raises:
            MeasurementError: the order has no server, or its URL is none.
        """
        if order.server is None:
            raise MeasurementError(Failure.NO_SERVER, "no measurement server was given")
        return cls(Target.of(order.server.url), guard, order.interface, order.family)

    def dial(self, guard: Guard | None = None) -> socket.socket:
        """Return a new connection, TLS done, Nagle off.

        Args:
            guard: the end of waiting for this connection; the dialer's own unless given.

        Raises:
            MeasurementError: none of the addresses could be reached.
        """
        guard = guard or self.guard
        if self.address is not None:
            return self._open(self.address, guard)
        target = self.target
        failures: list[MeasurementError] = []
        names = NameServers.of_path(self.interface)
        for address in resolve(target.host, target.port, self.family, guard, names=names):
            try:
                connection = self._open(address, guard)
            except MeasurementError as error:
                failures.append(error)
                guard.check()
                continue
            self.address = address
            return connection
        raise _most_telling(failures)

    def _open(self, address: Address, guard: Guard) -> socket.socket:
        doing: Doing = "connect"
        connection: socket.socket | None = None
        try:
            connection = socket.socket(address[0], socket.SOCK_STREAM)
            bind_to_interface(connection, self.interface, address[1][0])
            _connect(connection, address, guard)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.target.tls:
                doing = "tls"
                connection = secured = self._under_tls(connection)
                _shake_hands(secured, guard)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, ERRORS):
                raise classify(error, doing, self._where(address)) from None
            raise
        return connection

    def _where(self, address: Address) -> str:
        literal = str(address[1][0])
        if literal == self.target.host:
            return f"{self.target.host} port {self.target.port}"
        return f"{self.target.host} ({literal}) port {self.target.port}"

    def _under_tls(self, connection: socket.socket) -> ssl.SSLSocket:
        if self.tls is None:
            self.tls = _system_tls()
        return self.tls.wrap_socket(
            connection, server_hostname=self.target.host, do_handshake_on_connect=False
        )


def _connect(connection: socket.socket, address: Address, guard: Guard) -> None:
    until = time.monotonic() + CONNECT_SECONDS
    connection.setblocking(False)
    code = connection.connect_ex(address[1])
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    while code == errno.EINPROGRESS:
        if time.monotonic() >= until:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {CONNECT_SECONDS:.0f} s")
        guard.check()
        if poll.poll(guard.slice_until(until) * 1000):
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _shake_hands(connection: ssl.SSLSocket, guard: Guard) -> None:
    until = time.monotonic() + HANDSHAKE_SECONDS
    while True:
        guard.check()
        if time.monotonic() >= until:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {HANDSHAKE_SECONDS:.0f} s")
        connection.settimeout(guard.slice_until(until))
        # A handshake that was cut by the time goes on where it was.
        with contextlib.suppress(TimeoutError):
            return connection.do_handshake()


def _system_tls() -> ssl.SSLContext:
    """Return the default verification: the system's authorities, or those of SSL_CERT_FILE."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _most_telling(failures: list[MeasurementError]) -> MeasurementError:
    """Return the failure that says most: a device without IPv6 is not why a server refused."""
    return next((f for f in failures if f.report.code is not Failure.NO_ROUTE), failures[0])
