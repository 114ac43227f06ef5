"""Which routers stand first on the way out, without any privilege: packets that die on the way.

A router that drops a packet because its time to live is over says so (ICMP time exceeded), and with
IP_RECVERR the kernel hands that to the socket that sent it (ip(7)).
"""

import contextlib
import select
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from probe.engine import MeasurementError
from probe.transfer.bind import bind_to_interface
from probe.transfer.guard import Guard

NOWHERE: Final = "192.0.2.1"
"""An address that no network has (TEST-NET-1, RFC 5737): the packets end at the hop they ask."""

HOPS: Final = 2
HOP_SECONDS: Final = 1.0
HOP_TRIES: Final = 2
"""Routers answer in milliseconds, but only so many times a second."""

_IP_RECVERR: Final = 11
_ERROR: Final = struct.Struct("=IBBBBII")
"""`struct sock_extended_err` (include/uapi/linux/errqueue.h); the offender's address follows."""

_TIME_EXCEEDED: Final = (2, 11)
"""Origin ICMP, type 11: any other error is of a router that knows no way on, not of a hop."""

_PORT: Final = 33434
"""traceroute's first."""


def first_hops(interface: str | None, guard: Guard) -> tuple[str | None, ...]:
    """Return the addresses of the first `HOPS` routers; None for one that does not answer.

    Takes at most `HOP_TRIES` * `HOP_SECONDS`: all are asked at once.
    """
    with ThreadPoolExecutor(HOPS, thread_name_prefix="hops") as asking:
        found = asking.map(lambda distance: _hop(distance, interface, guard), range(1, HOPS + 1))
        return tuple(found)


def _hop(distance: int, interface: str | None, guard: Guard) -> str | None:
    with (
        contextlib.suppress(OSError, MeasurementError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
    ):
        asking.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, distance)
        bind_to_interface(asking, interface, NOWHERE)
        asking.setblocking(False)
        for attempt in range(HOP_TRIES):
            guard.check()
            asking.sendto(b"linewatch", (NOWHERE, _PORT + attempt))
            found = _answer(asking, time.monotonic() + HOP_SECONDS, guard)
            if found is not None:
                return found
    return None


def _answer(asking: socket.socket, until: float, guard: Guard) -> str | None:
    poll = select.poll()
    poll.register(asking, select.POLLERR)
    while (left := until - time.monotonic()) > 0:
        guard.check()
        if not poll.poll(min(left, guard.slice_until(until)) * 1000):
            continue
        _, ancillary, _, _ = asking.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        for level, kind, data in ancillary:
            if (level, kind) != (socket.IPPROTO_IP, _IP_RECVERR):
                continue
            if _ERROR.unpack_from(data)[1:3] == _TIME_EXCEEDED:
                # struct sockaddr_in: family, port, address.
                return socket.inet_ntoa(data[_ERROR.size + 4 : _ERROR.size + 8])
    return None
