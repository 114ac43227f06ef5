"""When the kernel took a packet in (SO_TIMESTAMPNS, socket(7)): before it woke a program for it.

On a device that sleeps between packets the waking takes up to milliseconds, more than a near
server is away. Constants are Linux's (include/uapi/asm-generic/socket.h), the same on x86-64,
ARMv7 and AArch64.
"""

import struct
from collections.abc import Iterable
from typing import Final

SOL_SOCKET: Final = 1
SO_TIMESTAMPNS: Final = 35

ANCILLARY_BYTES: Final = 64
"""Room for the message: its head and a struct timespec."""

_TIMESPEC: Final = struct.Struct("@ll")


def arrived_at(details: Iterable[tuple[int, int, bytes]]) -> float | None:
    """Return when what was received had arrived, in seconds of the wall clock; None if untold.

    Args:
        details: the ancillary data of recvmsg(2) on a socket with `SO_TIMESTAMPNS`. Of a TCP
            connection the time is that of the last packet of what was received.
    """
    for level, kind, data in details:
        if (level, kind) == (SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return float(seconds + nanoseconds * 1e-9)
    return None
