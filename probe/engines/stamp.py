"""Engine `stamp`: round trip, delay variation and loss of small UDP packets (RFC 8762).

A packet every quarter of a second for a minute, in unauthenticated mode, to the server's stateless
reflector. Ends by itself `packets * interval + STRAGGLER_SECONDS` after its first packet.
"""

import errno
import select
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Literal

from probe.engine import Measurement, MeasurementError, Order, Progress
from probe.failure import ERRORS, classify
from probe.transfer.dial import Address, Target, bind_to_interface, resolve
from probe.transfer.guard import Guard
from probe.transfer.latency import percentile, summarise
from protocol import stamp
from protocol.constants import DEFAULT_SERVER_PORT, STAMP_PACKET_BYTES
from protocol.failures import Failure
from protocol.records import Latency, ServerIdentity

PACKETS: Final = 240
INTERVAL_SECONDS: Final = 0.25
"""A minute. Four packets a second are 3 kbit/s each way with all headers: nobody's test notices
them, and 240 of them resolve a loss of 0.4 %."""

STRAGGLER_SECONDS: Final = 2.0
"""How long the last packet may take; a later one is lost. The default of ping(8)'s peers is 1 to
10 s; above 2 s no application is waiting any more."""


_LOST_ON_THE_WAY: Final = frozenset({errno.EAGAIN, errno.ECONNREFUSED})
"""A full queue loses the packet, as a router's would. A refusal (ICMP) belongs to an earlier
packet; a reflector that comes back later is measured all the same."""

_LOSSES: Final = _LOST_ON_THE_WAY | {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENOBUFS,
    errno.EADDRNOTAVAIL,
    errno.EINVAL,
    errno.ENODEV,
    errno.ENXIO,
}
"""Also lost: what was sent while the interface, its address (EINVAL) or the route was away. A line
that is down for ten seconds of the minute has lost forty packets."""


@dataclass(slots=True)
class Tally:
    """What came back, pure: packets by their number, in the order of arrival.

    Attributes:
        sent_at: when each was sent.
        round_trips: in seconds, of each that came back.
        duplicates, reordered: how many.
        no_way: why the device itself could not send one, the last such reason.
    """

    sent_at: list[float] = field(default_factory=list)
    round_trips: dict[int, float] = field(default_factory=dict)
    duplicates: int = 0
    reordered: int = 0
    no_way: OSError | None = None
    _newest: int = -1

    def note_loss(self, error: OSError) -> None:
        """Note why a packet is lost; others may come through.

        Raises:
            OSError: ``error``, where it is not the loss of a packet.
        """
        if error.errno not in _LOSSES:
            raise error
        if error.errno not in _LOST_ON_THE_WAY:
            self.no_way = error

    def take(self, reflection: stamp.Reflection, received_at: float) -> None:
        """Count one answer; ``received_at`` is on the clock of ``sent_at``.

        The round trip is (T4-T1)-(T3-T2): the reflector's own time is taken out, and each
        difference is of one clock, so the clocks need not agree.
        """
        seq = reflection.seq
        if not 0 <= seq < len(self.sent_at):
            return  # not an answer to anything that was sent
        if seq in self.round_trips:
            self.duplicates += 1
            return
        away = received_at - self.sent_at[seq]
        inside = min(max(reflection.reflected_at - reflection.received_at, 0.0), away)
        self.round_trips[seq] = away - inside
        self.reordered += seq < self._newest
        self._newest = max(self._newest, seq)

    def section(self, server: ServerIdentity, version: Literal[4, 6], interval: float) -> Latency:
        """Return the record's section."""
        trips = [self.round_trips[seq] for seq in sorted(self.round_trips)]
        slowest = percentile(sorted(trips), 0.95)
        sent = len(self.sent_at)
        return Latency(
            server=server,
            ip_version=version,
            interval_seconds=interval,
            packet_bytes=STAMP_PACKET_BYTES,
            round_trip=summarise(trips, sent),
            delay_variation_p95_seconds=None if slowest is None else slowest - min(trips),
            lost_ratio=(sent - len(trips)) / sent if sent else None,
            duplicates=self.duplicates,
            reordered=self.reordered,
        )


@dataclass(frozen=True, slots=True)
class StampEngine:
    """The engine; its numbers are arguments so that a test need not take a minute."""

    packets: int = PACKETS
    interval_seconds: float = INTERVAL_SECONDS
    straggler_seconds: float = STRAGGLER_SECONDS

    def measure(self, order: Order) -> Measurement:
        """Measure. Never raises `MeasurementError`: a failure is in what is returned."""
        tally = Tally()
        try:
            return self._run(order, tally)
        except MeasurementError as error:
            return Measurement(None, error.report, sent_bytes=_payload(len(tally.sent_at)))

    def _run(self, order: Order, tally: Tally) -> Measurement:
        guard = Guard.of(order)
        if order.server is None:
            raise MeasurementError(Failure.NO_SERVER, "no measurement server was given")
        host, port = reflector_of(order.server.stamp, order.server.url)
        order.progress(Progress("connect", 0.0))
        addresses = resolve(host, port, order.family, guard, socket.SOCK_DGRAM)
        where = f"{host} UDP port {port}"
        try:
            with _connect(addresses, order.interface) as connection:
                family, address = connection.family, connection.getpeername()
                local = str(connection.getsockname()[0])
                self._exchange(connection, tally, order, guard)
        except ERRORS as error:
            raise classify(error, "talk", where) from None
        version: Literal[4, 6] = 6 if family == socket.AF_INET6 else 4
        identity = ServerIdentity(
            url=order.server.url,
            address=str(address[0]),
            name=order.server.name,
            software=None,
            tests_running=None,
            cpu_ratio=None,
        )
        section = tally.section(identity, version, self.interval_seconds)
        failure = None
        if not tally.round_trips and tally.no_way is not None:
            failure = classify(tally.no_way, "talk", where).report
        elif not tally.round_trips:
            sentence = f"{len(tally.sent_at)} packets to {where}, none came back"
            failure = MeasurementError(Failure.NO_REPLIES, sentence).report
        return Measurement(
            section,
            failure,
            local_address=local,
            received_bytes=_payload(len(tally.round_trips) + tally.duplicates),
            sent_bytes=_payload(len(tally.sent_at)),
        )

    def _exchange(
        self, connection: socket.socket, tally: Tally, order: Order, guard: Guard
    ) -> None:
        """Send on time, take what comes back, wait for stragglers."""
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        begun = time.monotonic()
        ends = begun + (self.packets - 1) * self.interval_seconds + self.straggler_seconds
        while time.monotonic() < ends and not self._complete(tally):
            guard.check()
            due = begun + len(tally.sent_at) * self.interval_seconds
            if len(tally.sent_at) < self.packets and time.monotonic() >= due:
                self._send(connection, tally)
                order.progress(Progress("latency", len(tally.sent_at) / self.packets))
                continue
            wake = due if len(tally.sent_at) < self.packets else ends
            if poll.poll(guard.slice_until(wake) * 1000):
                _receive(connection, tally)

    def _complete(self, tally: Tally) -> bool:
        return len(tally.sent_at) == self.packets == len(tally.round_trips)

    def _send(self, connection: socket.socket, tally: Tally) -> None:
        packet = stamp.pack_probe(len(tally.sent_at), time.time(), synchronised=False)
        tally.sent_at.append(time.monotonic())
        try:
            connection.send(packet)
        except OSError as error:
            tally.note_loss(error)


def _connect(addresses: Sequence[Address], interface: str | None) -> socket.socket:
    """Return a socket towards the first address that the device has a way to.

    Raises:
        OSError: why there is none to the last.
        MeasurementError: the device does not permit the interface.
    """
    reason = OSError(errno.EADDRNOTAVAIL, "the name has no address")
    for family, address in addresses:
        with ExitStack() as undo:
            connection = undo.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            try:
                bind_to_interface(connection, interface, address[0])
                connection.connect(address)
            except OSError as error:
                reason = error
                continue
            connection.setblocking(False)
            undo.pop_all()
            return connection
    raise reason


def reflector_of(stamp_address: str | None, url: str) -> tuple[str, int]:
    """Return host and port of a server's reflector: as told, else the number of its HTTP port.

    Raises:
        MeasurementError: the address is not HOST:PORT, or the URL is none.
    """
    if stamp_address is None:
        target = Target.of(url)
        return target.host, target.port
    host, separator, port = stamp_address.rpartition(":")
    if not separator:
        return stamp_address, DEFAULT_SERVER_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):  # noqa: PLR2004 - ports
        raise MeasurementError(
            Failure.NAME_RESOLUTION, f"'{stamp_address}' is no reflector: it reads like host:8080"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _receive(connection: socket.socket, tally: Tally) -> None:
    """Take everything that is waiting."""
    while True:
        try:
            packet = connection.recv(2048)
        except BlockingIOError:
            return
        except OSError as error:
            tally.note_loss(error)
            continue
        reflection = stamp.unpack_reflection(packet)
        if reflection is not None:
            tally.take(reflection, time.monotonic())


def _payload(packets: int) -> int:
    return packets * STAMP_PACKET_BYTES
