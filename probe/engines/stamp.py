"""Engine `stamp`: round trip, delay variation and loss of small UDP packets (RFC 8762).

A packet every quarter of a second for a minute, in unauthenticated mode, to the server's stateless
reflector. Between them as many go to another server, where one is known: whose loss is it? Ends by
itself `packets * interval + STRAGGLER_SECONDS` after its first packet, but for half an interval.
"""

import errno
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal

from probe.engine import Measurement, MeasurementError, Order, Progress
from probe.failure import ERRORS, classify
from probe.transfer import kernel
from probe.transfer.dial import Address, Target, bind_to_interface, resolve
from probe.transfer.guard import Guard
from probe.transfer.names import NameServers
from probe.transfer.packets import Lane, Tally, exchange
from protocol.constants import DEFAULT_SERVER_PORT, STAMP_PACKET_BYTES
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.results import FailureReport, Neighbour, ServerIdentity

PACKETS: Final = 240
INTERVAL_SECONDS: Final = 0.25
"""A minute. Four packets a second are 3 kbit/s each way with all headers: nobody's test notices
them, and 240 of them resolve a loss of 0.4 %."""

STRAGGLER_SECONDS: Final = 2.0
"""How long the last packet may take; a later one is lost. The default of ping(8)'s peers is 1 to
10 s; above 2 s no application is waiting any more."""

LOOK_SECONDS: Final = 2.0
"""How long finding the neighbour may delay the first packet: a name that does not resolve at once
is not worth a slot."""


@dataclass(frozen=True, slots=True)
class StampEngine:
    """The engine; its numbers are arguments so that a test need not take a minute."""

    packets: int = PACKETS
    interval_seconds: float = INTERVAL_SECONDS
    straggler_seconds: float = STRAGGLER_SECONDS

    def measure(self, order: Order) -> Measurement:
        """Measure. Never raises `MeasurementError`: a failure is in what is returned."""
        lanes: list[Lane] = []
        try:
            with ExitStack() as closing:
                return self._run(order, lanes, closing)
        except MeasurementError as error:
            received, sent = _received(lanes), _sent(lanes)
            return Measurement(None, error.report, received_bytes=received, sent_bytes=sent)

    def _run(self, order: Order, lanes: list[Lane], closing: ExitStack) -> Measurement:
        guard = Guard.of(order)
        if order.server is None:
            raise MeasurementError(Failure.NO_SERVER, "no measurement server was given")
        order.progress(Progress("connect", 0.0))
        host, port = reflector_of(order.server.stamp, order.server.url)
        names = NameServers.of_path(order.interface)
        addresses = resolve(host, port, order.family, guard, socket.SOCK_DGRAM, names=names)
        where = f"{host} UDP port {port}"
        try:
            main = self._lane(closing.enter_context(_connect(addresses, order.interface)))
            lanes.append(main)
            version, address = _peer(main.connection)
            local = str(main.connection.getsockname()[0])
            beside = self._beside(order, version, closing)
            if beside is not None:
                lanes.append(beside)
            exchange(
                lanes,
                self.straggler_seconds,
                guard,
                lambda share: order.progress(Progress("latency", share)),
            )
            if main.broken is not None:
                raise main.broken
        except ERRORS as error:
            raise classify(error, "talk", where) from None
        identity = ServerIdentity(
            url=order.server.url,
            address=address,
            name=order.server.name,
            software=None,
            tests_running=None,
            cpu_ratio=None,
        )
        section = main.tally.section(identity, version, self.interval_seconds)
        return Measurement(
            section.model_copy(update={"neighbour": _neighbour(order.neighbour, beside)}),
            _why_nothing(main.tally, where),
            local_address=local,
            received_bytes=_received(lanes),
            sent_bytes=_sent(lanes),
        )

    def _lane(self, connection: socket.socket, offset_seconds: float = 0.0) -> Lane:
        return Lane(connection, self.packets, self.interval_seconds, offset_seconds)

    def _beside(self, order: Order, version: Literal[4, 6], closing: ExitStack) -> Lane | None:
        """Return the neighbour's packets, between the server's; None where it cannot be asked.

        Whatever is wrong with the neighbour undoes nothing of the measurement.
        """
        if order.neighbour is None:
            return None
        guard = Guard(min(order.deadline, time.monotonic() + LOOK_SECONDS), order.cancelled)
        try:
            host, port = reflector_of(order.neighbour.stamp, order.neighbour.url)
            names = NameServers.of_path(order.interface)
            addresses = resolve(host, port, version, guard, socket.SOCK_DGRAM, names=names)
            connection = closing.enter_context(_connect(addresses, order.interface))
        except (MeasurementError, *ERRORS):
            return None
        return self._lane(connection, self.interval_seconds / 2)


def _peer(connection: socket.socket) -> tuple[Literal[4, 6], str]:
    version: Literal[4, 6] = 6 if connection.family == socket.AF_INET6 else 4
    return version, str(connection.getpeername()[0])


def _neighbour(entry: ServerEntry | None, lane: Lane | None) -> Neighbour | None:
    if entry is None or lane is None or lane.broken is not None:
        return None
    return Neighbour(
        name=entry.name,
        address=_peer(lane.connection)[1],
        sent=len(lane.tally.sent_at),
        received=len(lane.tally.round_trips),
    )


def _why_nothing(tally: Tally, where: str) -> FailureReport | None:
    """Return why no packet came back; None where any did."""
    if tally.round_trips:
        return None
    if tally.no_way is not None:
        return classify(tally.no_way, "talk", where).report
    sentence = f"{len(tally.sent_at)} packets to {where}, none came back"
    return MeasurementError(Failure.NO_REPLIES, sentence).report


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
            kernel.stamp_arrivals(connection)
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


def _sent(lanes: Sequence[Lane]) -> int:
    return sum(len(lane.tally.sent_at) for lane in lanes) * STAMP_PACKET_BYTES


def _received(lanes: Sequence[Lane]) -> int:
    arrived = (len(each.tally.round_trips) + each.tally.duplicates for each in lanes)
    return sum(arrived) * STAMP_PACKET_BYTES
