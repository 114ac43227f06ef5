"""A client's connection as bytes: plain TCP with the payload left in the kernel, or TLS.

Sockets are blocking and have no timeout, so that one system call moves as much as it can. Every
blocking call ends nevertheless: the handler sets `Channel.deadline` before it, and the watchdog
(`server.connections`) aborts a channel whose deadline has passed, which wakes the call.
"""

import contextlib
import mmap
import os
import select
import socket
import ssl
import struct
import time

from protocol import tcp_info
from protocol.arrival import ANCILLARY_BYTES, SO_TIMESTAMPNS, SOL_SOCKET, arrived_at
from protocol.results import TcpInfo
from server.addresses import counted_as, plain_address

_RECEIVE_BYTES = 1024 * 1024
"""The most that one call takes from a socket. More saves nothing: buffers rarely hold as much."""

_SEND_BYTES = 256 * 1024
"""The most that one call gives to a socket: small enough that a slow line shows its progress."""

_TLS_BYTES = 64 * 1024
"""The most that one TLS call moves: four TLS records."""

_POOL_BYTES = 32 * 1024 * 1024
"""How much random data is kept. Longer than the window of any compressor on the way."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 s: what was not taken by the client is dropped."""

_NOWHERE = memoryview(bytearray(_RECEIVE_BYTES))
"""Names a length to the kernel, which with MSG_TRUNC writes nothing; so all threads share it."""


class GarbagePool:
    """Random, incompressible bytes in an anonymous file, for all downloads."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("linewatch-garbage", os.MFD_CLOEXEC)
        for _ in range(_POOL_BYTES // _RECEIVE_BYTES):
            os.write(self.descriptor, os.urandom(_RECEIVE_BYTES))
        self._map = mmap.mmap(self.descriptor, _POOL_BYTES, access=mmap.ACCESS_READ)
        self.view = memoryview(self._map)

    def piece(self, position: int, count: int) -> tuple[int, int]:
        """Return offset and length of at most ``count`` bytes at a position that may wrap."""
        offset = position % _POOL_BYTES
        return offset, min(count, _POOL_BYTES - offset)

    def close(self) -> None:
        """Give the memory back."""
        self.view.release()
        self._map.close()
        os.close(self.descriptor)


class Channel:
    """A client's plain TCP connection. One thread uses it; the watchdog may abort it.

    Attributes:
        address: the client's address, IPv4-mapped ones as IPv4.
        counted_as: what the connection counts under for the limit per address.
        deadline: moment of `time.monotonic()` after which the watchdog aborts it.
        idle_since: since when it waits for a request; None while it serves one.
        served: requests answered so far.
        arrived_at: when what was received last had arrived, in seconds of the wall clock.
    """

    def __init__(self, sock: socket.socket, address: str, deadline: float) -> None:
        self.socket = sock
        self.address = plain_address(address)
        self.counted_as = counted_as(self.address)
        self.deadline = deadline
        self.idle_since: float | None = time.monotonic()
        self.served = 0
        self.aborted = False
        self.arrived_at = time.time()
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def open(self) -> None:
        """Do what has to be done before the first request."""

    def receive(self, most: int) -> bytes:
        """Return at least one and at most ``most`` bytes; none where the client has ended."""
        data, details, _, _ = self.socket.recvmsg(most, ANCILLARY_BYTES)
        self.arrived_at = arrived_at(details) or time.time()
        return data

    def receive_waiting(self, most: int) -> bytes | None:
        """Return what has arrived already, as `receive` does; None where nothing has."""
        try:
            return self.socket.recv(most, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None

    def send(self, data: bytes, *, more: bool = False) -> None:
        """Send all of ``data``; ``more`` says that a body follows at once."""
        self.socket.sendall(data, socket.MSG_MORE if more else 0)

    def discard(self, most: int) -> int:
        """Receive at most ``most`` bytes into nothing; return how many, 0 at the client's end."""
        return self.socket.recv_into(_NOWHERE, min(most, _RECEIVE_BYTES), socket.MSG_TRUNC)

    def send_garbage(self, pool: GarbagePool, position: int, most: int) -> int:
        """Send at most ``most`` bytes of the pool; return how many the kernel took."""
        offset, count = pool.piece(position, min(most, _SEND_BYTES))
        return os.sendfile(self.socket.fileno(), pool.descriptor, offset, count)

    def tcp_info(self) -> TcpInfo | None:
        """Return what the kernel knows of the connection, None where it does not tell."""
        try:
            raw = self.socket.getsockopt(
                socket.IPPROTO_TCP, socket.TCP_INFO, tcp_info.TCP_INFO_BYTES
            )
            congestion = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
        except OSError:
            return None
        return tcp_info.parse(raw, congestion)

    def choose_congestion_control(self, name: str) -> None:
        """Send with a congestion control, where the system has it and lets this user choose it."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())

    def say_no_more(self) -> None:
        """Tell the client that nothing more comes, while still receiving."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def abort(self, *, reset: bool = True) -> None:
        """End the connection from another thread: a call that blocks on it returns at once.

        Args:
            reset: also drop what the kernel still has to send.
        """
        self.aborted = True
        with contextlib.suppress(OSError):
            if reset:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            # The plain socket's method: SSLSocket's own would drop TLS state that is in use.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the descriptor back."""
        with contextlib.suppress(OSError):
            self.socket.close()


class TlsChannel(Channel):
    """A client's TLS connection: the payload has to pass through this process."""

    def __init__(
        self, sock: socket.socket, address: str, deadline: float, context: ssl.SSLContext
    ) -> None:
        super().__init__(sock, address, deadline)
        self._tls = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.socket = self._tls
        self._scratch: bytearray | None = None

    def open(self) -> None:
        """Shake hands; the watchdog's deadline bounds it."""
        self._tls.do_handshake()

    def receive(self, most: int) -> bytes:
        """Return at least one and at most ``most`` bytes; none where the client has ended."""
        data = self._tls.recv(most)
        self.arrived_at = time.time()  # what the kernel knows is hidden behind the TLS
        return data

    def receive_waiting(self, most: int) -> bytes | None:
        """Return what has arrived already; None where nothing has.

        Waits for the rest of a TLS record that has begun to arrive.
        """
        if not self._tls.pending():
            poll = select.poll()
            poll.register(self._tls, select.POLLIN)
            if not poll.poll(0):
                return None
        return self._tls.recv(most)

    def send(self, data: bytes, *, more: bool = False) -> None:
        """Send all of ``data``."""
        del more  # TLS has no such flag
        self._tls.sendall(data)

    def discard(self, most: int) -> int:
        """Receive and decrypt at most ``most`` bytes; return how many, 0 at the client's end."""
        if self._scratch is None:
            self._scratch = bytearray(_TLS_BYTES)
        return self._tls.recv_into(self._scratch, min(most, _TLS_BYTES))

    def send_garbage(self, pool: GarbagePool, position: int, most: int) -> int:
        """Encrypt and send at most ``most`` bytes of the pool; return how many."""
        offset, count = pool.piece(position, min(most, _TLS_BYTES))
        return self._tls.send(pool.view[offset : offset + count])

    def say_no_more(self) -> None:
        """Tell the client that nothing more comes, while still receiving."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._tls, socket.SHUT_WR)
