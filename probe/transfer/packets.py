"""Small UDP packets to a reflector and back: what was sent when, and what came of it."""

import errno
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from probe.transfer import kernel
from probe.transfer.guard import Guard
from probe.transfer.latency import percentile, summarise
from protocol import stamp
from protocol.constants import STAMP_PACKET_BYTES
from protocol.results import Latency, ServerIdentity

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

_PACKET_BYTES: Final = 2048
"""More than any reflection has."""


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
        away = max(0.0, received_at - self.sent_at[seq])
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


@dataclass(slots=True)
class Lane:
    """Packets to one reflector, one every interval.

    Attributes:
        connection: to the reflector, not blocking.
        packets: how many are to be sent.
        interval_seconds: from one to the next.
        offset_seconds: when the first is sent, after the others' beginning.
        tally: what came of them.
        broken: what ended it before its time; None where nothing did.
    """

    connection: socket.socket
    packets: int
    interval_seconds: float
    offset_seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)
    broken: OSError | None = None

    @property
    def sent_all(self) -> bool:
        """Whether nothing is left to be sent."""
        return self.broken is not None or len(self.tally.sent_at) == self.packets

    @property
    def complete(self) -> bool:
        """Whether nothing is waited for."""
        return self.broken is not None or len(self.tally.round_trips) == self.packets

    @property
    def due_seconds(self) -> float:
        """When the next packet is to be sent, after the beginning."""
        return self.offset_seconds + len(self.tally.sent_at) * self.interval_seconds

    def send(self) -> None:
        """Send the next packet."""
        packet = stamp.pack_probe(len(self.tally.sent_at), time.time(), synchronised=False)
        self.tally.sent_at.append(time.monotonic())
        try:
            self.connection.send(packet)
        except OSError as error:
            self._note(error)

    def take(self) -> None:
        """Take everything that is waiting."""
        while self.broken is None:
            try:
                packet, waited = kernel.receive_stamped(self.connection, _PACKET_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._note(error)
                continue
            reflection = stamp.unpack_reflection(packet)
            if reflection is not None:
                self.tally.take(reflection, time.monotonic() - waited)

    def _note(self, error: OSError) -> None:
        try:
            self.tally.note_loss(error)
        except OSError:
            self.broken = error


def exchange(
    lanes: Sequence[Lane],
    straggler_seconds: float,
    guard: Guard,
    progress: Callable[[float], None],
) -> None:
    """Send on time on all lanes, take what comes back, wait for stragglers.

    Ends `straggler_seconds` after the last packet, or when all have come back, or when the first
    lane is broken: the others are beside it.

    Args:
        lanes: the measurement's own, and any beside it.
        straggler_seconds: how long the last packet may take.
        guard: the end of all waiting.
        progress: told the share of the first lane's packets that were sent.

    Raises:
        MeasurementError: by the guard.
    """
    poll = select.poll()
    by_number = {lane.connection.fileno(): lane for lane in lanes}
    for number in by_number:
        poll.register(number, select.POLLIN)
    begun = time.monotonic()
    last = max(each.offset_seconds + (each.packets - 1) * each.interval_seconds for each in lanes)
    ends = begun + last + straggler_seconds
    main = lanes[0]
    while time.monotonic() < ends and main.broken is None:
        if all(lane.complete for lane in lanes):
            return
        guard.check()
        left = [lane for lane in lanes if not lane.sent_all]
        turn = min(left, key=lambda lane: lane.due_seconds, default=None)
        wake = begun + turn.due_seconds if turn else ends
        if turn and time.monotonic() >= wake:
            turn.send()
            progress(len(main.tally.sent_at) / main.packets)
            continue
        for number, _ in poll.poll(guard.slice_until(wake) * 1000):
            lane = by_number[number]
            lane.take()
            if lane.broken is not None:
                poll.unregister(number)
