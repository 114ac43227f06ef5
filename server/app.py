"""The measurement server: puts its parts together, starts them, and stops them in order."""

import socket
import ssl
import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from server.acceptor import Acceptor
from server.addresses import open_sockets, parse_listen, url_of
from server.answer import too_busy
from server.channel import GarbagePool
from server.connections import Connections
from server.errors import ServerError
from server.link import LinkMeter
from server.load import CpuMeter
from server.metrics import Metrics
from server.pace import Pace
from server.reflector import Reflector
from server.refusal import Refuser
from server.resources import Reached, Resources
from server.service import Service
from server.settings import ServerSettings, TlsSettings
from server.tests_seen import TestsSeen

_SWEEP_SECONDS = 0.25
"""How often deadlines are looked at."""

_SWEEPS_PER_READING = 4
"""The machine's load is read once a second."""

_GOODBYE_SECONDS = 2.0
"""How long running transfers may go on after the stop was asked for."""

_ABORT_SECONDS = 1.0
"""How long their threads may take to end after they were aborted."""


class MeasurementServer:
    """A running measurement server: constructed, it serves.

    Args:
        settings: what to listen on, what to allow.

    Attributes:
        url: where it is, with the port that was really taken.
        port: of TCP, and of UDP where STAMP is on.

    Raises:
        ServerError: it cannot listen, or its certificate cannot be used.
    """

    def __init__(self, settings: ServerSettings) -> None:
        limits = settings.limits
        self._settings = settings
        self._tls = _tls_context(settings.tls) if settings.tls else None
        host, port = parse_listen(settings.listen)
        listeners, udp = open_sockets(host, port, stamp=settings.stamp)
        if settings.congestion_control:
            _choose_congestion_control(listeners, udp, settings.congestion_control)
        self.url = url_of(listeners, secure=self._tls is not None)
        self.port: int = listeners[0].getsockname()[1]
        self._metrics = Metrics(CollectorRegistry())
        self._connections = Connections(limits.connections, limits.connections_per_address)
        self._cpu = CpuMeter()
        self._link = LinkMeter(settings.link_megabits)
        self._tests = TestsSeen(
            limits.tests,
            lambda direction, count: self._metrics.moved.labels(direction).inc(count),
            self._metrics.tests.inc,
            maximum_link_ratio=limits.link_ratio,
        )
        self._watch()
        self._pool = GarbagePool()
        self._service = Service(
            Resources(
                settings,
                self._connections,
                self._tests,
                self._cpu,
                self._metrics,
                self._pool,
                Reached(self.port if udp else None, self._link.bits_per_second),
            ),
            limits,
            self._metrics,
            Pace(self._metrics.waited.inc),
            time.monotonic,
        )
        self._stop_asked = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="housekeeping", daemon=True)
        self._keeper.start()
        self._reflector = Reflector(
            udp,
            limits.stamp_packets_per_second,
            lambda outcome: self._metrics.stamp.labels(outcome).inc(),
        )
        self._refuser = Refuser(too_busy(limits.retry_after_seconds))
        self._acceptor = Acceptor(
            listeners,
            self._tls,
            self._connections,
            self._refuser,
            self._service.serve,
            limits.head_timeout_seconds,
            self._metrics,
        )

    def reload_certificate(self) -> None:
        """Read certificate and key again, for connections from now on.

        Raises:
            ServerError: they cannot be used; the old ones stay.
        """
        if self._settings.tls and self._tls:
            _tls_context(self._settings.tls)  # a pair that does not fit must not touch the old one
            _load(self._tls, self._settings.tls)

    def stop(self) -> None:
        """Accept no more, let transfers end for two seconds, abort the rest. Takes 4 s at most.

        Stopping again does nothing.
        """
        if self._stop_asked.is_set():
            return
        self._stop_asked.set()
        self._keeper.join()
        self._acceptor.stop()
        self._service.stopping = True
        self._reflector.stop()
        self._connections.abort_idle()
        if not self._connections.wait_until_none(_GOODBYE_SECONDS):
            self._connections.abort_all()
            self._connections.wait_until_none(_ABORT_SECONDS)
        self._refuser.stop()
        if not len(self._connections):
            self._pool.close()

    def _keep(self) -> None:
        """Look at deadlines and load until stopped."""
        sweeps = 0
        while not self._stop_asked.wait(_SWEEP_SECONDS):
            self._metrics.timed_out.inc(self._connections.sweep())
            sweeps += 1
            if sweeps % _SWEEPS_PER_READING == 0:
                self._tests.observe(self._cpu.measure(), self._link.measure())

    def _watch(self) -> None:
        metrics = self._metrics
        metrics.watch(
            "linewatch_server_connections_open",
            "Connections that are open now.",
            lambda: len(self._connections),
        )
        metrics.say(
            "linewatch_server_connections_maximum",
            "The most connections that are admitted.",
            self._connections.maximum,
        )
        metrics.watch("linewatch_server_tests_running", "Tests that run now.", self._tests.running)
        metrics.watch(
            "linewatch_server_cpu_ratio",
            "Share of the machine's processor time that was busy in the last second.",
            lambda: self._cpu.ratio,
        )


def _choose_congestion_control(
    listeners: list[socket.socket], udp: list[socket.socket], name: str
) -> None:
    """Set it on the listeners, whose connections inherit it; close all sockets if it is unknown."""
    try:
        for listener in listeners:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
    except OSError:
        for sock in (*listeners, *udp):
            sock.close()
        available = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
        raise ServerError(
            f"server.congestion_control: this system has no {name!r}; it has "
            f"{available.read_text(encoding='ascii').strip()} (more come with: modprobe tcp_{name})"
        ) from None


def _tls_context(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _load(context, settings)
    return context


def _load(context: ssl.SSLContext, settings: TlsSettings) -> None:
    try:
        context.load_cert_chain(settings.certificate, settings.key, password="")
    except FileNotFoundError:
        missing = next(
            (path for path in (settings.certificate, settings.key) if not path.exists()),
            settings.certificate,
        )
        raise ServerError(
            f"{missing}: no such file; server.tls needs the certificate and its key as PEM files"
        ) from None
    except (OSError, ValueError) as error:
        raise ServerError(
            f"certificate {settings.certificate} and key {settings.key} cannot be used: {error}"
        ) from None
