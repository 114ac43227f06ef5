"""Speed with a server of iperf3, measured by the program iperf3 itself, as a child.

For one's own servers and the laboratory: who doubts our transfer sees another program's number of
the same line. The program reports at its end, so that a test that is cut short has nothing.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from probe.engine import Addresses, Measurement, MeasurementError, Order, Progress
from probe.transfer import child, iperf3_report
from probe.transfer.addresses import BothEnds, Witness
from probe.transfer.bind import interface_address
from probe.transfer.dial import Target
from probe.transfer.guard import Guard
from probe.transfer.iperf3_report import Direction, Told
from probe.transfer.names import Address, NameServers, resolve
from protocol.failures import Failure
from protocol.results import ServerIdentity, Speed, SpeedLatency

STREAMS: Final = 4
"""Parallel streams of each direction, as the first version of `http` has."""

CONNECT_SECONDS: Final = 5
"""Time allowed for the control connection: as for a connection of `http`."""

SLACK_SECONDS: Final = 8.0
"""How much longer than its test iperf3 may take: connecting, and exchanging results at its end."""

AGAIN_SECONDS: Final = 1.0
"""Pause before the second direction is asked for once more: a server that tests one client at a
time is busy for a moment after our own first direction."""

_BIND_FEATURE: Final = b"bind to device"
_IPV6: Final = 6


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of each direction: the warm-up and the window in whole seconds, as iperf3 takes them."""

    omit_seconds: int
    window_seconds: int


FULL: Final = Lengths(3, 10)
QUICK: Final = Lengths(2, 5)
"""iperf3 cannot end when its rate has converged: it is half as long, and flagged like that."""


@dataclass(frozen=True, slots=True)
class Iperf3Engine:
    """The engine; its lengths are settable for tests.

    Attributes:
        full, quick: the two profiles.
        streams: of each direction.
        program: the program's name or path.
        slack_seconds: see `SLACK_SECONDS`.
    """

    full: Lengths = FULL
    quick: Lengths = QUICK
    streams: int = STREAMS
    program: str = "iperf3"
    slack_seconds: float = SLACK_SECONDS

    def measure(self, order: Order) -> Measurement:
        """Measure; see `probe.engine`. Ends by the order's deadline; no child is left behind."""
        test = _Test(self, order, self.full if order.profile == "full" else self.quick)
        failure = None
        try:
            test.run()
        except MeasurementError as error:
            failure = error.report
        return replace(test.measurement(), failure=failure)


@dataclass(slots=True)
class _Test:
    """One test under way: a direction that is done is there also when the other fails."""

    engine: Iperf3Engine
    order: Order
    lengths: Lengths
    _told: dict[Direction, Told] = field(default_factory=dict)
    _witness: Witness = field(init=False)
    _ends: BothEnds = field(init=False)

    def __post_init__(self) -> None:
        self._witness = Witness(self.order)
        self._ends = BothEnds(lambda: Addresses(public=self._witness.ask()))

    def run(self) -> None:
        """Run both directions.

        Raises:
            MeasurementError: a direction could not be measured.
        """
        server = self.order.server
        if server is None:
            raise MeasurementError(Failure.NO_SERVER, "no iperf3 server was given")
        self.order.progress(Progress("connect", 0.0))
        guard = Guard.of(self.order)
        url = server.url if "://" in server.url else f"iperf3://{server.url}"
        target = Target.of(url)
        interface = self.order.interface
        names = NameServers.of_path(interface) if interface else None
        found = resolve(target.host, target.port, self.order.family, guard, names=names)
        arguments = self._arguments(found[0], guard)
        # The server of iperf3 tells nobody's address: another far end is asked for it.
        self._ends.begin()
        self._direction("download", [*arguments, "--reverse"], guard)
        try:
            self._direction("upload", arguments, guard)
        except MeasurementError as error:
            if error.report.code is not Failure.SERVER_BUSY:
                raise
            guard.sleep(AGAIN_SECONDS)
            self._direction("upload", arguments, guard)
        self._ends.end()

    def measurement(self) -> Measurement:
        """Return what there is; without a section where no direction ended."""
        download, upload = self._told.get("download"), self._told.get("upload")
        told = upload or download
        server = self.order.server
        if told is None or server is None:
            return Measurement(None)
        identity = ServerIdentity(
            url=server.url,
            address=told.remote_address,
            name=None,
            software=None,
            tests_running=None,
            cpu_ratio=None,
            program_core_ratio=max(each.server_cpu_ratio for each in self._told.values()),
        )
        section = Speed(
            download=download.transfer if download else None,
            upload=upload.transfer if upload else None,
            latency=SpeedLatency(idle=None, download=None, upload=upload and upload.latency),
            server=identity,
            ip_version=6 if ipaddress.ip_address(told.remote_address).version == _IPV6 else 4,
            program=told.version,
        )
        return Measurement(
            section,
            first=Addresses((download or told).local_address, self._ends.first.public),
            local_address=told.local_address,
            public_address=self._ends.last.public,
            received_bytes=(download.transfer.total_bytes if download else 0)
            + self._witness.received_bytes,
            sent_bytes=(upload.transfer.total_bytes if upload else 0) + self._witness.sent_bytes,
            demanded_seconds=float(self.lengths.window_seconds),
        )

    def _arguments(self, address: Address, guard: Guard) -> list[str]:
        place = address[1]
        return [
            self.engine.program,
            *("--client", str(place[0]), "--port", str(place[1])),
            "-6" if ":" in str(place[0]) else "-4",
            *("--time", str(self.lengths.window_seconds)),
            *("--omit", str(self.lengths.omit_seconds)),
            *("--parallel", str(self.engine.streams), "--interval", "0.1"),
            *("--connect-timeout", str(CONNECT_SECONDS * 1000), "--json"),
            *self._leaving_by(address, guard),
        ]

    def _leaving_by(self, address: Address, guard: Guard) -> list[str]:
        """Return what binds iperf3 to the order's interface; to loopback it always goes freely."""
        interface = self.order.interface
        if interface is None or ipaddress.ip_address(str(address[1][0]).split("%")[0]).is_loopback:
            return []
        said = child.run([self.engine.program, "--version"], guard, CONNECT_SECONDS, bool).out
        if _BIND_FEATURE in said:
            return ["--bind-dev", interface]
        try:
            source = interface_address(interface, address[0])
        except OSError as error:
            raise MeasurementError(
                Failure.INTERFACE_MISSING, f"{interface}: {error.strerror}"
            ) from None
        if source is None:
            raise MeasurementError(
                Failure.NO_ADDRESS, f"{interface} has no address of the family asked for"
            )
        return ["--bind", source]

    def _direction(self, direction: Direction, arguments: Sequence[str], guard: Guard) -> None:
        lengths, report = self.lengths, self.order.progress
        whole = lengths.omit_seconds + lengths.window_seconds
        report(Progress(direction, 0.0))
        ended = child.run(
            arguments,
            guard,
            whole + CONNECT_SECONDS + self.engine.slack_seconds,
            lambda elapsed: report(Progress(direction, min(1.0, elapsed / whole))),
        )
        if not ended.out.strip():
            said = ended.err.decode("utf-8", "replace").strip() or f"exit code {ended.code}"
            raise iperf3_report.failure_of(said)
        self._told[direction] = iperf3_report.read(ended.out, direction, lengths.omit_seconds)
