"""What the kernel does and knows: counters of a connection, bytes that never leave the kernel.

Constants that Python's socket module lacks are Linux's (include/uapi/asm-generic/socket.h,
include/uapi/asm-generic/ioctls.h); they are the same on x86-64, ARMv7 and AArch64.
"""

import contextlib
import fcntl
import mmap
import os
import socket
import ssl
import struct
import time
from functools import cache

from protocol import arrival, tcp_info
from protocol.results import TcpInfo

_SO_RCVTIMEO_NEW = 66
_SO_SNDTIMEO_NEW = 67
"""The variants with a 64-bit time on every architecture (Linux 5.1)."""

_SIOCOUTQ = 0x5411
"""Bytes in the send queue that the far end has not acknowledged."""

BLIND_BYTES = 16 * 1024 * 1024
"""The most that one blind receive takes: more than a socket's buffer ever holds."""

SOURCE_BYTES = 16 * 1024 * 1024
"""Random bytes that uploads repeat: far above any compressor's window on the way."""


@cache
def blind_buffer() -> mmap.mmap:
    """Return a buffer for `receive_blind`. It is never written, so it costs no memory."""
    return mmap.mmap(-1, BLIND_BYTES)


def receive_blind(connection: socket.socket, limit: int) -> int:
    """Take up to ``limit`` bytes off a TCP connection into nothing; return how many, 0 at its end.

    With MSG_TRUNC the kernel drops the bytes of a TCP socket instead of copying them (tcp(7)).
    """
    return connection.recv_into(blind_buffer(), min(limit, BLIND_BYTES), socket.MSG_TRUNC)


def stamp_arrivals(connection: socket.socket) -> None:
    """Let the kernel note when each packet arrives, for `receive_stamped`.

    The first who asks in the whole system is heard some milliseconds later.
    """
    connection.setsockopt(arrival.SOL_SOCKET, arrival.SO_TIMESTAMPNS, 1)


def receive_stamped(connection: socket.socket, most: int) -> tuple[bytes, float]:
    """Receive; return the bytes, and for how many seconds the last of them had been there.

    0.0 where the kernel does not tell: TLS hides it.
    """
    if isinstance(connection, ssl.SSLSocket):
        return connection.recv(most), 0.0
    data, details, _, _ = connection.recvmsg(most, arrival.ANCILLARY_BYTES)
    now = time.time()
    return data, max(0.0, now - (arrival.arrived_at(details) or now))


@cache
def source() -> int:
    """Return the descriptor of a memory file of `SOURCE_BYTES` random bytes, made once."""
    descriptor = os.memfd_create("linewatch-source", os.MFD_CLOEXEC)
    left = SOURCE_BYTES
    while left:
        left -= os.write(descriptor, os.urandom(min(left, 1024 * 1024)))
    return descriptor


@cache
def source_bytes() -> memoryview:
    """Return the same bytes as memory, for TLS."""
    return memoryview(mmap.mmap(source(), SOURCE_BYTES, prot=mmap.PROT_READ))


def set_block_limit(connection: socket.socket, seconds: float) -> None:
    """Let the kernel end a blocking send or receive after ``seconds``.

    Unlike `socket.settimeout` this costs no extra poll(2) for each call.
    """
    whole = int(seconds)
    value = struct.pack("=qq", whole, int((seconds - whole) * 1e6))
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, _SO_RCVTIMEO_NEW, value)
    connection.setsockopt(socket.SOL_SOCKET, _SO_SNDTIMEO_NEW, value)


def choose_congestion_control(connection: socket.socket, name: str) -> None:
    """Send with a congestion control, where the system has it and lets this user choose it.

    Where it does not, the system's stays: TCP_INFO says which one it was.
    """
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())


def end(connection: socket.socket) -> None:
    """End a connection that another thread may be blocked on; that thread then closes it.

    Lingering is off, so closing drops what is queued: it does not load the line any longer.
    """
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
        # Not the method of ssl.SSLSocket, which would take the TLS state from the other thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass  # the far end, or the thread itself, was faster


def tcp_state(connection: socket.socket) -> TcpInfo | None:
    """Return the kernel's view of a connection; None where it is closed."""
    try:
        raw = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, tcp_info.TCP_INFO_BYTES)
        name = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    except OSError:
        return None
    return tcp_info.parse(raw, name)


_BYTES_ACKED_OFFSET = 120
_BYTES_ACKED_END = 128
_BYTES_ACKED = struct.Struct("=Q")
"""``tcpi_bytes_acked``. Read by itself because the sampler asks for it ten times a second."""


def acknowledged_bytes(connection: socket.socket, handed_over: int) -> int | None:
    """Return how many bytes the far end's kernel has acknowledged; None where it is closed.

    Args:
        connection: the TCP connection.
        handed_over: bytes given to the kernel so far, used where TCP_INFO does not tell
            (before Linux 4.1): what was handed over less what is still queued.
    """
    try:
        raw = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED_END)
        if len(raw) >= _BYTES_ACKED_END:
            acknowledged: int = _BYTES_ACKED.unpack_from(raw, _BYTES_ACKED_OFFSET)[0]
            return acknowledged
        return handed_over - unacknowledged_bytes(connection)
    except OSError:
        return None


def unacknowledged_bytes(connection: socket.socket) -> int:
    """Return the bytes of the send queue that are not acknowledged (SIOCOUTQ)."""
    queued: int = struct.unpack("=i", fcntl.ioctl(connection, _SIOCOUTQ, b"\0\0\0\0"))[0]
    return queued
