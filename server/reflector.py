"""The STAMP reflector: RFC 8762, stateless, unauthenticated mode, on UDP.

Answers are never longer than what was sent. Nothing is answered that could itself be a reflector's
answer, so that two reflectors cannot be made to talk to each other for ever.
"""

import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable

from protocol.arrival import SO_TIMESTAMPNS, arrived_at
from protocol.constants import STAMP_PACKET_BYTES
from protocol.stamp import pack_reflection
from server.addresses import counted_as
from server.clock import is_synchronised

_PACKET_BYTES = 2048
"""The longest packet that is read; a longer one arrives cut and is reflected so."""

_ANCILLARY_BYTES = 512
"""Room for what the kernel tells beside a packet: time, TTL, destination."""

_Details = list[tuple[int, int, bytes]]
"""What the kernel tells beside a packet: level, kind and data of each."""

_IP_PKTINFO, _IP_RECVTTL = 8, 12
"""Linux's numbers for a packet's destination and TTL; Python has no names for them."""

_LOWEST_SOURCE_PORT = 1024
"""Below it are services, such as echo, that would answer an answer."""

_SHARE_OF_ADDRESS = 10
"""One address may have the packets of a second divided by this. A probe sends 4 packets a second
for each line that it measures, and a carrier's NAT may put hundreds of probes on one address: of
the usual 10,000, a tenth is 250 lines measured at the same moment."""

_PACKETS_AT_ONCE = 64
"""How many packets of a socket are taken before the other sockets and the stop are looked at."""

_CLOCK_SECONDS = 10.0
"""How often the kernel is asked whether its clock is synchronised."""


def is_reflection(packet: bytes) -> bool:
    """Tell whether a packet looks like a stateless reflector's answer.

    Such a packet has a receive time (bytes 16 to 23) and, at 24, the sequence number of its start
    once more. A sender's packet has zeros there, or padding that is as it pleases.
    """
    has_receive_time = packet[16:24] != bytes(8)
    return len(packet) >= STAMP_PACKET_BYTES and has_receive_time and packet[24:28] == packet[0:4]


class Budget:
    """How many packets may still be answered in this second, in all and for each address.

    Without the second, one sender's flood would be loss in everybody else's records. A flood from
    forged addresses takes all all the same; only a network that filters can help against that.

    Args:
        packets_per_second: in all.
        clock: seconds that never go back.
    """

    def __init__(
        self, packets_per_second: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._in_all = packets_per_second
        self._of_address = max(1, packets_per_second // _SHARE_OF_ADDRESS)
        self._clock = clock
        self._second = 0
        self._left = packets_per_second
        self._answered: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Tell whether a packet of this (plain) address may be answered, and count it if so.

        Only what is answered is remembered, for its second: never more addresses than packets.
        """
        second = int(self._clock())
        if second != self._second:
            self._second, self._left = second, self._in_all
            self._answered.clear()
        whose = counted_as(address)
        if not self._left or self._answered[whose] >= self._of_address:
            return False
        self._left -= 1
        self._answered[whose] += 1
        return True


class Reflector:
    """Reflects on UDP sockets, in one thread.

    Args:
        sockets: bound, of either family; closed at the end.
        packets_per_second: the most that are answered; of one address a tenth of them.
        counted: called with what became of each packet: reflected, not_stamp, loop, limited or
            failed.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        packets_per_second: int,
        counted: Callable[[str], object],
    ) -> None:
        self._sockets = sockets
        self._budget = Budget(packets_per_second)
        self._counted = counted
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        for sock in sockets:
            _ask_for_details(sock)
            self._selector.register(sock, selectors.EVENT_READ)
        self._synchronised, self._asked_at = is_synchronised(), time.monotonic()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="reflector", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the sockets."""
        self._stopping = True
        self._wake.send(b"\0")
        self._thread.join()
        self._selector.close()
        for sock in (*self._sockets, self._wake, self._woken):
            sock.close()

    def _run(self) -> None:
        """Reflect until stopped."""
        while not self._stopping:
            for key, _ in self._selector.select():
                sock = key.fileobj
                if isinstance(sock, socket.socket) and sock is not self._woken:
                    self._reflect_some(sock)
            if time.monotonic() - self._asked_at > _CLOCK_SECONDS:
                self._synchronised, self._asked_at = is_synchronised(), time.monotonic()

    def _reflect_some(self, sock: socket.socket) -> None:
        for _ in range(_PACKETS_AT_ONCE):
            try:
                packet, details, _, sender = sock.recvmsg(_PACKET_BYTES, _ANCILLARY_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._counted("failed")
            else:
                self._counted(self._reflect(sock, packet, details, sender))

    def _reflect(
        self, sock: socket.socket, packet: bytes, details: _Details, sender: tuple[str, int]
    ) -> str:
        """Answer a packet; return what became of it. What is not answered costs little."""
        if sender[1] < _LOWEST_SOURCE_PORT or is_reflection(packet):
            return "loop"
        if not self._budget.take(sender[0].partition("%")[0]):
            return "limited"
        received_at, ttl, reply_from = _read_details(details)
        answer = pack_reflection(
            packet, received_at, time.time(), ttl, synchronised=self._synchronised
        )
        if answer is None:
            return "not_stamp"
        try:
            sock.sendmsg([answer], reply_from, 0, sender)
        except OSError:
            return "failed"
        return "reflected"


def _ask_for_details(sock: socket.socket) -> None:
    """Ask the kernel for each packet's arrival time, TTL and destination."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _read_details(details: _Details) -> tuple[float, int, _Details]:
    """Return arrival time, TTL, and what makes the answer leave from the packet's destination."""
    received_at = arrived_at(details) or time.time()
    ttl = 0
    reply_from: _Details = []
    for level, kind, data in details:
        if (level, kind) in {
            (socket.IPPROTO_IP, socket.IP_TTL),
            (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT),
        }:
            ttl = struct.unpack("@i", data)[0]
        elif (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            # struct in_pktinfo: interface (0: as routed), our address, the packet's destination.
            reply_from = [(level, kind, bytes(4) + data[4:8] + bytes(4))]
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            # struct in6_pktinfo: the packet's destination, interface (0: as routed).
            reply_from = [(level, kind, data[:16] + bytes(4))]
    return received_at, ttl, reply_from
