"""What iperf3 says of a test (`--json`), as a direction's section of the record. Pure.

The fields are those of iperf 3.12's own report. What a version does not tell stays null.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from probe.engine import MeasurementError
from probe.transfer.latency import percentile
from protocol.failures import Failure
from protocol.results import LatencySummary, StreamReport, TcpInfo, Transfer

Direction = Literal["download", "upload"]

_MAX_SAMPLES: Final = 2000
"""The record's limit."""

_MICROSECOND: Final = 1e-6

_BY_WORDS: Final = (
    ("server is busy", Failure.SERVER_BUSY),
    ("connection refused", Failure.REFUSED),
    ("network is unreachable", Failure.NO_ROUTE),
    ("no route to host", Failure.NO_ROUTE),
    ("not known", Failure.NAME_RESOLUTION),
    ("name resolution", Failure.NAME_RESOLUTION),
    ("timed out", Failure.CONNECT_TIMEOUT),
    ("operation now in progress", Failure.CONNECT_TIMEOUT),
    ("no such device", Failure.INTERFACE_MISSING),
    ("cannot assign requested address", Failure.INTERFACE_MISSING),
    ("not permitted", Failure.LOCAL_RESOURCE),
    ("permission denied", Failure.LOCAL_RESOURCE),
    ("cannot allocate", Failure.LOCAL_RESOURCE),
    ("too many open files", Failure.LOCAL_RESOURCE),
    ("unknown control message", Failure.NOT_A_SERVER),
    ("closed unexpectedly", Failure.CONNECTION_LOST),
    ("connection reset", Failure.CONNECTION_LOST),
    ("broken pipe", Failure.CONNECTION_LOST),
    ("has terminated", Failure.CONNECTION_LOST),
)
"""Words of iperf3's errors, from its own list and from the system's, and what they mean here."""


def _known(value: Any) -> Any:  # noqa: ANN401 - whatever the report has
    """Return a count; None for iperf3's "not known", which is 2^64 - 1 or below 0."""
    return value if isinstance(value, int) and 0 <= value < 2**63 else None


Known = Annotated[int | None, BeforeValidator(_known)]


class _Part(BaseModel):
    """A part of the report; what is not needed here is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Sum(_Part):
    bytes: int = Field(ge=0)
    seconds: float = Field(gt=0, allow_inf_nan=False)
    bits_per_second: float = Field(ge=0, allow_inf_nan=False)


class _Moved(_Part):
    start: float = Field(ge=0, allow_inf_nan=False)
    end: float = Field(ge=0, allow_inf_nan=False)
    bytes: int = Field(ge=0)
    omitted: bool = False
    rtt: Known = None


class _Interval(_Part):
    streams: tuple[_Moved, ...] = Field(max_length=128)
    sum: _Moved


class _Side(_Part):
    bytes: int = Field(ge=0)
    retransmits: Known = None
    min_rtt: Known = None
    mean_rtt: Known = None


class _Stream(_Part):
    sender: _Side
    receiver: _Side


class _Cpu(_Part):
    remote_total: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class _End(_Part):
    streams: tuple[_Stream, ...] = Field(min_length=1, max_length=64)
    sum_received: _Sum
    cpu_utilization_percent: _Cpu = _Cpu()
    sender_tcp_congestion: str | None = None


class _Connection(_Part):
    local_host: str
    remote_host: str


class _Start(_Part):
    connected: tuple[_Connection, ...] = Field(min_length=1)
    version: str = ""


class _Report(_Part):
    start: _Start
    intervals: tuple[_Interval, ...] = Field(max_length=_MAX_SAMPLES)
    end: _End


@dataclass(frozen=True, slots=True)
class Told:
    """What iperf3 told of one direction.

    Attributes:
        transfer: the record's section.
        latency: round trips under load as the probe's own sending streams saw them; None where the
            probe received.
        local_address, remote_address: of the first stream.
        version: of the program.
        server_cpu_ratio: of the server's program; 1.0 is one core.
    """

    transfer: Transfer
    latency: LatencySummary | None
    local_address: str
    remote_address: str
    version: str
    server_cpu_ratio: float


def read(text: bytes, direction: Direction, omit_seconds: float) -> Told:
    """Return what a report tells.

    Args:
        text: the report.
        direction: of the test.
        omit_seconds: the warm-up that it was told to leave out.

    Raises:
        MeasurementError: it tells an error, nothing moved, or it is no report.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise MeasurementError(Failure.BAD_ANSWER, "iperf3's report is no JSON") from None
    if isinstance(found, dict) and found.get("error"):
        raise failure_of(str(found["error"]))
    try:
        report = _Report.model_validate(found)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise MeasurementError(
            Failure.BAD_ANSWER, f"iperf3's report lacks {place}: is its version older than 3.7?"
        ) from None
    if not report.end.sum_received.bytes:
        raise MeasurementError(Failure.STALLED, "no byte arrived in the measuring window")
    first = report.start.connected[0]
    return Told(
        transfer=_transfer(report, direction, omit_seconds),
        latency=_latency(report) if direction == "upload" else None,
        local_address=_plain(first.local_host),
        remote_address=_plain(first.remote_host),
        version=report.start.version[:100],
        server_cpu_ratio=report.end.cpu_utilization_percent.remote_total / 100,
    )


def failure_of(said: str) -> MeasurementError:
    """Return what iperf3 says went wrong as a failure of the closed list."""
    low = said.lower()
    code = next((code for words, code in _BY_WORDS if words in low), Failure.BAD_ANSWER)
    return MeasurementError(code, f"iperf3: {' '.join(said.split())}")


def _transfer(report: _Report, direction: Direction, omit_seconds: float) -> Transfer:
    received = report.end.sum_received
    samples: list[tuple[float, int]] = [(0.0, 0)]
    for interval in report.intervals:
        # The report's time begins anew when the warm-up is over.
        moment = interval.sum.end + (0.0 if interval.sum.omitted else omit_seconds)
        if moment > samples[-1][0]:
            samples.append((round(moment, 4), samples[-1][1] + interval.sum.bytes))
    return Transfer(
        bits_per_second=8 * received.bytes / received.seconds,
        bytes=received.bytes,
        duration_seconds=received.seconds,
        warm_up_seconds=omit_seconds,
        total_bytes=max(received.bytes, sum(each.sum.bytes for each in report.intervals)),
        counted_by="receiver",
        stream_count=len(report.end.streams),
        streams=tuple(_stream(each, report.end, direction) for each in report.end.streams),
        samples=tuple(samples[:_MAX_SAMPLES]),
        server=None,
    )


def _stream(stream: _Stream, end: _End, direction: Direction) -> StreamReport:
    """Return a stream with its sender's kernel's view: the probe's of an upload, else the server's.

    An RTT of 0 is iperf3's "not known".
    """
    sender = stream.sender
    tcp = TcpInfo(
        congestion_control=end.sender_tcp_congestion,
        minimum_rtt_seconds=sender.min_rtt * _MICROSECOND if sender.min_rtt else None,
        smoothed_rtt_seconds=sender.mean_rtt * _MICROSECOND if sender.mean_rtt else None,
        retransmitted_segments=sender.retransmits,
    )
    ours = direction == "upload"
    return StreamReport(
        bytes=stream.receiver.bytes,
        probe_tcp=tcp if ours else None,
        server_tcp=None if ours else tcp,
    )


def _latency(report: _Report) -> LatencySummary | None:
    """Return the smoothed round trips of the sending streams, one each interval of the window.

    They are averages that TCP makes: neighbours are no two measurements, so there is no jitter.
    """
    trips = [
        stream.rtt * _MICROSECOND
        for interval in report.intervals
        for stream in interval.streams
        if stream.rtt and not stream.omitted
    ][:_MAX_SAMPLES]
    if not trips:
        return None
    ordered = sorted(trips)
    return LatencySummary(
        minimum_seconds=ordered[0],
        median_seconds=percentile(ordered, 0.5),
        p95_seconds=percentile(ordered, 0.95),
        jitter_seconds=None,
        sent=len(trips),
        received=len(trips),
        round_trips_seconds=tuple(round(trip, 6) for trip in trips),
    )


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:")
