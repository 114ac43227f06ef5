"""Accepts connections: admits each to a thread of its own, or has it refused. Never blocks on one.

The accept loop survives whatever a burst brings: no descriptors left, no threads left, clients that
are gone before they were accepted.
"""

import contextlib
import errno
import logging
import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable

from server.channel import Channel, TlsChannel
from server.connections import Connections, Refusal
from server.metrics import Metrics
from server.refusal import Refuser

_STACK_BYTES = 512 * 1024
"""A connection's thread needs far less than the 8 MiB that is usual."""

_ACCEPTS_AT_ONCE = 64
"""How many of a burst are accepted before other listeners and the stop are looked at."""

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""The machine has no more descriptors or memory: an idle connection has to go."""

_EVICTED_AT_ONCE = 16
"""How many idle connections go then."""

_EXHAUSTED_PAUSE_SECONDS = 0.05
"""How long to wait then, so that the loop does not turn idle."""

_SAY_AGAIN_SECONDS = 10.0
"""How often a refusal is written to the log, at most."""

_log = logging.getLogger(__name__)

_stack_size_lock = threading.Lock()


class Acceptor:
    """The accept loop, in a thread of its own.

    Args:
        listeners: listening sockets, non-blocking; closed at the end.
        tls: for HTTPS; None for plain HTTP.
        connections: decides who is admitted.
        refuser: tells the others.
        serve: serves an admitted connection, in the connection's thread; raises nothing.
        handshake_seconds: how long a connection may take until its first request is awaited.
        metrics: connections are counted there.
    """

    def __init__(
        self,
        listeners: list[socket.socket],
        tls: ssl.SSLContext | None,
        connections: Connections,
        refuser: Refuser,
        serve: Callable[[Channel], None],
        handshake_seconds: float,
        metrics: Metrics,
    ) -> None:
        self._listeners = listeners
        self._tls = tls
        self._connections = connections
        self._refuser = refuser
        self._serve = serve
        self._handshake_seconds = handshake_seconds
        self._metrics = metrics
        self._stopping = False
        self._said_at = -_SAY_AGAIN_SECONDS
        self._spare = _spare_descriptor()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        for listener in listeners:
            self._selector.register(listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="acceptor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept no more and close the listeners."""
        self._stopping = True
        self._wake.send(b"\0")
        self._thread.join()
        self._selector.close()
        for sock in (*self._listeners, self._wake, self._woken):
            sock.close()
        if self._spare is not None:
            os.close(self._spare)

    def _run(self) -> None:
        """Accept until stopped."""
        while not self._stopping:
            for key, _ in self._selector.select():
                sock = key.fileobj
                if isinstance(sock, socket.socket) and sock is not self._woken:
                    self._accept_some(sock)

    def _accept_some(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._make_room(listener)
                    return
                continue  # this client is gone already (accept(2) passes its error on)
            self._metrics.accepted.inc()
            self._take(sock, address[0])

    def _take(self, sock: socket.socket, address: str) -> None:
        deadline = time.monotonic() + self._handshake_seconds
        try:
            if self._tls:
                channel: Channel = TlsChannel(sock, address, deadline, self._tls)
            else:
                channel = Channel(sock, address, deadline)
        except OSError:
            sock.close()  # gone already
            self._metrics.closed.inc()
            return
        refusal = self._connections.admit(channel)
        if refusal:
            self._refuse(channel, refusal)
            return
        try:
            self._start_thread(channel)
        except RuntimeError:
            self._connections.leave(channel, close=False)
            self._refuse(channel, "threads")

    def _start_thread(self, channel: Channel) -> None:
        thread = threading.Thread(target=self._live, args=(channel,), name="client", daemon=True)
        with _stack_size_lock:
            usual = threading.stack_size(_STACK_BYTES)
            try:
                thread.start()
            finally:
                threading.stack_size(usual)

    def _live(self, channel: Channel) -> None:
        try:
            self._serve(channel)
        finally:
            self._connections.leave(channel)
            self._metrics.closed.inc()

    def _refuse(self, channel: Channel, reason: Refusal) -> None:
        self._metrics.refused.labels(reason).inc()
        self._say(f"refusing connections: {reason} (last: {channel.address})")
        self._refuser.refuse(channel.socket)

    def _make_room(self, listener: socket.socket) -> None:
        """Get descriptors back from idle connections, or else turn away who waits for one."""
        evicted = self._connections.evict_idle(_EVICTED_AT_ONCE)
        if not evicted:
            self._turn_away(listener)
        self._say(f"out of file descriptors; {evicted} idle connections were closed")
        time.sleep(_EXHAUSTED_PAUSE_SECONDS)  # their threads close them meanwhile

    def _turn_away(self, listener: socket.socket) -> None:
        """Accept and close those who wait, by the one descriptor that is kept for this."""
        if self._spare is not None:
            os.close(self._spare)
            with contextlib.suppress(OSError):
                for _ in range(_ACCEPTS_AT_ONCE):
                    sock, _ = listener.accept()
                    sock.close()
                    self._metrics.accepted.inc()
                    self._metrics.refused.labels("descriptors").inc()
        self._spare = _spare_descriptor()

    def _say(self, text: str) -> None:
        now = time.monotonic()
        if now - self._said_at >= _SAY_AGAIN_SECONDS:
            self._said_at = now
            _log.warning(text)


def _spare_descriptor() -> int | None:
    """Return a descriptor that can be given up when there are no more, None if there are none."""
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
