"""Says 503 to connections over the limit, all of them in one thread that never blocks on one."""

import contextlib
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

_HELD = 512
"""How many refused connections are held at once; one beyond is closed without a word."""

_HELD_SECONDS = 2.0
"""How long a refused client has to take its answer and end."""

_LOOK_SECONDS = 0.25
"""How often it is looked at whose time is over."""

_READ_BYTES = 64 * 1024


@dataclass(slots=True)
class _Refused:
    """A connection that is being told. ``told`` once the answer has been given to the kernel."""

    socket: socket.socket
    until: float = field(default_factory=lambda: time.monotonic() + _HELD_SECONDS)
    told: bool = False


class Refuser:
    """Refuses connections.

    A refused client may send its request after the answer was sent; if the connection were closed
    by then, the kernel would answer with a reset, and the client might never see the 503. So it is
    held until the client ends, for two seconds at most.

    Args:
        answer: the bytes of the 503.
    """

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._selector = selectors.DefaultSelector()
        self._incoming: list[socket.socket] = []
        self._lock = threading.Lock()
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._stopping = False
        self._look_again_at = 0.0
        self._thread = threading.Thread(target=self._run, name="refuser", daemon=True)
        self._thread.start()

    def refuse(self, sock: socket.socket) -> None:
        """Take a connection over, tell it, and close it. Returns at once.

        Args:
            sock: connected; a TLS socket's handshake is done here.
        """
        with self._lock:
            held = 0 if self._stopping else len(self._selector.get_map()) + len(self._incoming)
            if held <= _HELD and not self._stopping:
                self._incoming.append(sock)
                with contextlib.suppress(BlockingIOError):
                    self._wake.send(b"\0")
                return
        sock.close()

    def stop(self) -> None:
        """Close what is held and end the thread."""
        with self._lock:
            # Both under the lock: the thread that sees the one closes what the other goes to.
            self._stopping = True
            with contextlib.suppress(BlockingIOError):
                self._wake.send(b"\0")
        self._thread.join(_HELD_SECONDS)

    def _run(self) -> None:
        """Serve until stopped; each connection ends within `_HELD_SECONDS`."""
        while not self._stopping:
            for key, _ in self._selector.select(timeout=_LOOK_SECONDS):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(_READ_BYTES)
                else:
                    self._go_on(key.data)
            self._take_over()
            if time.monotonic() >= self._look_again_at:
                self._close_late()
        for held in self._held():
            self._close(held)
        self._selector.close()
        with self._lock:
            self._wake.close()
            self._woken.close()

    def _close_late(self) -> None:
        now = time.monotonic()
        self._look_again_at = now + _LOOK_SECONDS
        for held in self._held():
            if held.until < now:
                self._close(held)

    def _held(self) -> list[_Refused]:
        return [key.data for key in list(self._selector.get_map().values()) if key.data]

    def _take_over(self) -> None:
        with self._lock:
            incoming, self._incoming = self._incoming, []
        for sock in incoming:
            held = _Refused(sock)
            try:
                sock.setblocking(False)
                self._selector.register(sock, selectors.EVENT_READ, held)
            except OSError:
                sock.close()
            else:
                self._go_on(held)

    def _go_on(self, held: _Refused) -> None:
        """Do what can be done for a connection without waiting."""
        try:
            if not held.told:
                self._tell(held)
            elif not held.socket.recv(_READ_BYTES):
                self._close(held)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return  # it is looked at again when it has something, or when its time is over
        except OSError:
            self._close(held)

    def _tell(self, held: _Refused) -> None:
        if isinstance(held.socket, ssl.SSLSocket):
            held.socket.do_handshake()
        held.socket.send(self._answer)  # far shorter than an empty send buffer
        held.told = True
        # The plain socket's method: SSLSocket's own would drop its TLS state.
        socket.socket.shutdown(held.socket, socket.SHUT_WR)

    def _close(self, held: _Refused) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(held.socket)
        held.socket.close()
