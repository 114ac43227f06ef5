"""The engine `ndt7`: M-Lab's method, one TCP stream each way, as its specification v0.11.0 says.

The method, version 1:

1. Download: one WebSocket on which the server sends for ten seconds. What arrives is counted at
   the probe, from the end of the handshake on: no warm-up is excluded.
2. Upload, on a connection of its own: the probe sends for ten seconds. What arrives is what the
   server's last measurement message says; what was acknowledged, where it says nothing.
3. Round trips are the kernels': the smallest ever seen stands for the idle line, the smoothed ones
   of the sending end for the loaded line.

https://github.com/m-lab/ndt-server/blob/main/spec/ndt7-protocol.md
"""

import ipaddress
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from probe.engine import (
    Addresses,
    Counts,
    MeasuredWindow,
    Measurement,
    MeasurementError,
    Order,
    Progress,
)
from probe.transfer.dial import Dialer, Target
from probe.transfer.direction import APART_SECONDS, STALL_SECONDS, Run
from probe.transfer.guard import Guard
from probe.transfer.latency import summarise
from probe.transfer.ndt7 import LINGER_SECONDS, Ndt7Download, Ndt7Stream, Ndt7Upload
from probe.transfer.ndt7_result import counts, server_count, tcp_of, transfer
from probe.transfer.own import OwnBytes
from probe.transfer.result import Direction, measured_window
from probe.transfer.stream import BLOCK_SECONDS
from probe.transfer.window import Window, bytes_within, rate
from protocol.constants import SAMPLE_INTERVAL_SECONDS
from protocol.failures import Failure
from protocol.ndt7 import DOWNLOAD_PATH, DURATION_SECONDS, UPLOAD_PATH
from protocol.results import LatencySummary, ServerIdentity, Speed, SpeedLatency, Transfer

HANDSHAKE_SECONDS: Final = 5.0
"""Time allowed for the WebSocket's handshake: a round trip, with repetitions."""

_OPEN_POLL_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True)
class Ndt7Engine:
    """The engine; its lengths are settable for tests.

    Attributes:
        seconds: of each direction.
        stall_seconds: how long no byte may move.
    """

    seconds: float = DURATION_SECONDS
    stall_seconds: float = STALL_SECONDS

    def measure(self, order: Order) -> Measurement:
        """Measure; see `probe.engine`. ndt7 has one length: its only profile is `full`."""
        test = _Test(order, self.seconds, self.stall_seconds)
        failure = None
        try:
            test.run()
        except MeasurementError as error:
            failure = error.report
        return Measurement(
            section=test.section(),
            failure=failure,
            first=test.addresses("download"),
            local_address=test.newest.local,
            public_address=test.newest.public,
            received_bytes=test.received_bytes,
            sent_bytes=test.sent_bytes,
            windows=test.windows(),
            demanded_seconds=self.seconds,
            counts=test.counts(),
        )


@dataclass(frozen=True, slots=True)
class Resources:
    """Where a server's two resources are.

    Attributes:
        target: the server; its URL is without the query, which may hold an access token.
        download, upload: what to ask for, the query included.
    """

    target: Target
    download: str
    upload: str

    @classmethod
    def of(cls, url: str) -> "Resources":
        """Return the resources below a URL; one that names either of them itself names both.

        Raises:
            MeasurementError: it is no URL of ndt7's.
        """
        try:
            parts = urlsplit(url if "//" in url else f"ws://{url}")
        except ValueError as error:
            raise MeasurementError(Failure.NAME_RESOLUTION, f"'{url}' is no URL: {error}") from None
        target = Target.of(parts._replace(query="", fragment="").geturl())
        folder = target.path.rstrip("/")
        for path in (DOWNLOAD_PATH, UPLOAD_PATH):
            folder = folder.removesuffix(path)
        query = f"?{quote(parts.query, safe='/?%:@!$&()*+,;=~-._')}" if parts.query else ""
        return cls(target, f"{folder}{DOWNLOAD_PATH}{query}", f"{folder}{UPLOAD_PATH}{query}")


@dataclass(slots=True)
class _Half:
    """One direction: its stream, what was sampled of it, and the round trips at the probe."""

    stream: Ndt7Stream
    run: Run = field(default_factory=Run)
    own: OwnBytes = field(default_factory=OwnBytes)
    round_trips: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Test:
    """One test under way: what it has so far is there also when it fails."""

    order: Order
    seconds: float
    stall_seconds: float
    received_bytes: int = 0
    sent_bytes: int = 0
    _dialer: Dialer | None = None
    _halves: dict[Direction, _Half] = field(default_factory=dict)
    _streams: dict[Direction, Ndt7Stream] = field(default_factory=dict)

    def run(self) -> None:
        """Run the whole test.

        Raises:
            MeasurementError: it could not be finished; `section` has what there is.
        """
        order = self.order
        order.progress(Progress("connect", 0.0))
        if order.server is None:
            raise MeasurementError(Failure.NO_SERVER, "no measurement server was given")
        resources = Resources.of(order.server.url)
        dialer = Dialer(resources.target, Guard.of(order), order.interface, order.family)
        self._dialer = dialer
        self._direction("download", Ndt7Download(dialer, resources.download, self.seconds))
        dialer.guard.sleep(APART_SECONDS)
        self._direction("upload", Ndt7Upload(dialer, resources.upload, self.seconds))
        order.progress(Progress("finish", 1.0))

    @property
    def newest(self) -> Addresses:
        """The addresses of the upload's connection, as far as they are known; else the first's."""
        first, last = self.addresses("download"), self.addresses("upload")
        return Addresses(last.local or first.local, last.public or first.public)

    def addresses(self, direction: Direction) -> Addresses:
        """Return where a direction's connection left from, and where the server says it came from.

        Of one that was not opened nothing is known.
        """
        stream = self._streams.get(direction)
        if stream is None:
            return Addresses()
        said = (message.connection_info for message in stream.measurements)
        public = next((_address(info.client) for info in said if info and info.client), None)
        return Addresses(stream.local_address, public)

    def counts(self) -> tuple[Counts, ...]:
        """Return what both ends counted of the same time."""
        said = ((way, half, half.stream.measurements) for way, half in self._halves.items())
        seen = ((way, half.run, server_count(messages, way)) for way, half, messages in said)
        return tuple(counts(run, way, server) for way, run, server in seen if server is not None)

    def windows(self) -> tuple[MeasuredWindow, ...]:
        """Return when each direction that was measured ran."""
        return tuple(measured_window(half.run, way, half.own) for way, half in self._halves.items())

    def section(self) -> Speed | None:
        """Return what there is; None where no server was found."""
        dialer = self._dialer
        opened = [each for each in self._streams.values() if each.opened_at is not None]
        if not opened or dialer is None or dialer.address is None:
            return None
        family, place = dialer.address
        return Speed(
            download=self._transfer("download"),
            upload=self._transfer("upload"),
            latency=SpeedLatency(
                idle=_idle(self._halves.values()),
                download=self._loaded("download"),
                upload=self._loaded("upload"),
            ),
            server=ServerIdentity(
                url=dialer.target.url,
                address=str(place[0]),
                name=None,
                software=opened[0].software,
                tests_running=None,
                cpu_ratio=None,
            ),
            ip_version=6 if family.name == "AF_INET6" else 4,
        )

    def _direction(self, direction: Direction, stream: Ndt7Stream) -> None:
        self.order.progress(Progress(direction, 0.0))
        self._streams[direction] = stream
        half = _Half(stream)
        try:
            stream.start()
            stream.go()
            self._open(stream)
            self._sample(direction, half)
            stream.wait(2 * LINGER_SECONDS + BLOCK_SECONDS)
        finally:
            half.run.total_bytes = stream.moved()
            stream.end()
            if direction == "download":
                self.received_bytes += half.run.total_bytes
            else:
                self.sent_bytes += half.run.total_bytes
        self._halves[direction] = half

    def _open(self, stream: Ndt7Stream) -> None:
        """Wait for the WebSocket; connecting has its own bounds."""
        stream.ready.wait()
        guard = Guard.of(self.order)
        until = time.monotonic() + HANDSHAKE_SECONDS
        while stream.opened_at is None:
            _raise_if_lost(stream)
            if time.monotonic() > until:
                raise MeasurementError(
                    Failure.STALLED,
                    f"the server took the request and gave no answer for {HANDSHAKE_SECONDS:.0f} s",
                )
            guard.check()
            guard.sleep(_OPEN_POLL_SECONDS)

    def _sample(self, direction: Direction, half: _Half) -> None:
        """Count every 100 ms until the test is over, by its length or by the server's goodbye."""
        stream, run, guard = half.stream, half.run, Guard.of(self.order)
        run.began_at = stream.opened_at or time.monotonic()
        run.samples.append((0.0, (0,)))
        half.own.watch(stream)
        half.own.note()
        closed: float | None = None
        moved_at = now = 0.0
        tick = 0
        while closed is None and now < self.seconds:
            tick += 1
            guard.sleep(run.began_at + tick * SAMPLE_INTERVAL_SECONDS - time.monotonic())
            guard.check()
            closed = stream.closed_at
            now, moved = time.monotonic() - run.began_at, stream.moved()
            if moved > run.samples[-1][1][0]:
                moved_at = now
            run.samples.append((now, (moved,)))
            half.own.note()
            tcp = stream.tcp() or stream.last_tcp
            run.tcp = [tcp]
            if direction == "upload" and tcp and tcp.smoothed_rtt_seconds is not None:
                half.round_trips.append(tcp.smoothed_rtt_seconds)
            share = min(1.0, now / self.seconds)
            self.order.progress(Progress(direction, share, rate(run.series(), now)))
            if closed is None:
                _raise_if_lost(stream)
            if now - moved_at > self.stall_seconds:
                raise MeasurementError(
                    Failure.STALLED, f"no byte moved for {self.stall_seconds:.0f} s"
                )
        ended = self.seconds if closed is None else closed - run.began_at
        run.window = Window(0.0, min(ended, self.seconds))
        _raise_if_nothing_moved(stream, run)

    def _transfer(self, direction: Direction) -> Transfer | None:
        half = self._halves.get(direction)
        if half is None:
            return None
        return transfer(half.run, direction, half.stream.measurements)

    def _loaded(self, direction: Direction) -> LatencySummary | None:
        half = self._halves.get(direction)
        if half is None:
            return None
        trips = half.round_trips
        if direction == "download":
            said = (tcp_of(message) for message in half.stream.measurements)
            trips = [tcp.smoothed_rtt_seconds for tcp in said if tcp and tcp.smoothed_rtt_seconds]
        return summarise(trips, len(trips)) if trips else None


def _idle(halves: Iterable[_Half]) -> LatencySummary | None:
    """Return the smallest round trip that either end's kernel saw on either connection."""
    seen = [half.run.tcp[0] for half in halves]
    seen += [tcp_of(message) for half in halves for message in half.stream.measurements]
    trips = [tcp.minimum_rtt_seconds for tcp in seen if tcp and tcp.minimum_rtt_seconds]
    return summarise([min(trips)], 1) if trips else None


def _address(endpoint: str) -> str | None:
    """Return the address of ADDRESS:PORT, None where it is none."""
    try:
        return str(ipaddress.ip_address(endpoint.rpartition(":")[0].strip("[]")))
    except ValueError:
        return None


def _raise_if_lost(stream: Ndt7Stream) -> None:
    if stream.failure is not None:
        raise MeasurementError(stream.failure.code, stream.failure.detail)


def _raise_if_nothing_moved(stream: Ndt7Stream, run: Run) -> None:
    if bytes_within(run.series(), run.window):
        return
    if stream.closed_at is not None:
        raise MeasurementError(
            Failure.BAD_ANSWER, f"the server ended the test before any byte: {stream.close_reason}"
        )
    raise MeasurementError(Failure.STALLED, "no byte moved in the whole test")
