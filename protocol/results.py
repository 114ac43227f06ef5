"""What was measured: a record's section, for each task, and why there is none.

Units are in the names. What was not measured is null, never zero.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from protocol.failures import Failure
from protocol.model import Count, Model, Ratio, Seconds, Text


class FailureReport(Model):
    """Why a slot did not end as measured: a code from the closed list, a detail for people.

    Attributes:
        retry_after_seconds: when a server that was full asked to come back.
    """

    code: Failure
    detail: Text
    retry_after_seconds: Seconds | None = None


# --- speed -----------------------------------------------------------------------------------


class TcpInfo(Model):
    """The kernel's view of one TCP connection (Linux TCP_INFO), null where it does not tell.

    Attributes:
        bare_segments_sent, bare_segments_received: without payload: acknowledgements. Both begin
            again at 2^32.
    """

    congestion_control: Text | None = None
    segment_bytes: Count | None = None
    minimum_rtt_seconds: Seconds | None = None
    smoothed_rtt_seconds: Seconds | None = None
    rtt_variation_seconds: Seconds | None = None
    retransmitted_segments: Count | None = None
    retransmitted_bytes: Count | None = None
    sent_bytes: Count | None = None
    acknowledged_bytes: Count | None = None
    received_bytes: Count | None = None
    delivery_rate_bits_per_second: Count | None = None
    congestion_window_segments: Count | None = None
    busy_seconds: Seconds | None = None
    receiver_limited_seconds: Seconds | None = None
    sender_limited_seconds: Seconds | None = None
    lost_segments: Count | None = None
    reordering_seen: Count | None = None
    bare_segments_sent: Count | None = None
    bare_segments_received: Count | None = None


class StreamReport(Model):
    """One stream of a direction, as its ends saw it.

    Attributes:
        bytes: payload bytes of this stream within the measuring window.
        probe_tcp: TCP_INFO at the probe when the window ended.
        server_tcp: TCP_INFO at the server, where it is ours.
        lost: the failure that ended the stream early, or null.
    """

    bytes: Count
    probe_tcp: TcpInfo | None
    server_tcp: TcpInfo | None
    lost: FailureReport | None = None


class ServerCount(Model):
    """What our own server counted of the same direction, over its whole length."""

    bytes: Count
    duration_seconds: Seconds
    window_bits_per_second: Ratio | None


class Transfer(Model):
    """One direction of a speed test.

    Attributes:
        bits_per_second: TCP payload delivered to the receiver in the window, 8 * bytes /
            duration; warm-up excluded, no factor added.
        bytes: payload delivered in the window, all streams.
        duration_seconds: length of the window.
        warm_up_seconds: what was excluded before it.
        total_bytes: everything this direction moved, warm-up included (the data budget counts it).
        counted_by: receiver: counted where it was received (download: the probe; upload: our
            server). acknowledged: counted by what the far end's kernel acknowledged.
        samples: pairs (seconds since the direction began, bytes so far, all streams), every
            100 ms.
    """

    bits_per_second: Ratio
    bytes: Count
    duration_seconds: Seconds
    warm_up_seconds: Seconds
    total_bytes: Count
    counted_by: Literal["receiver", "acknowledged"]
    stream_count: Count
    streams: tuple[StreamReport, ...] = Field(max_length=64)
    samples: tuple[tuple[Seconds, Count], ...] = Field(max_length=2000)
    server: ServerCount | None


class LatencySummary(Model):
    """Round trips of small requests. Jitter is the mean absolute difference of neighbours.

    Attributes:
        taken_off_seconds: by how much the median is lower than that of the times that the probe
            waited: the server's own time, where it tells it, and the time from the answer's
            arrival to the program's waking, where the kernel tells it, are no part of a round trip.
        server_seconds: by how much the server's word alone lowers it; null where it tells none.
    """

    minimum_seconds: Seconds | None
    median_seconds: Seconds | None
    p95_seconds: Seconds | None
    jitter_seconds: Seconds | None
    sent: Count
    received: Count
    round_trips_seconds: tuple[Seconds, ...] = Field(max_length=2000)
    taken_off_seconds: Seconds | None = None
    server_seconds: Seconds | None = None


class SpeedLatency(Model):
    """Round trips with the line idle and while each direction loads it."""

    idle: LatencySummary | None
    download: LatencySummary | None
    upload: LatencySummary | None


class ServerCandidate(Model):
    """A server that was asked before one was chosen.

    Attributes:
        name, url: of its entry in the list.
        first_seconds: the round trip of the first request; null where none was answered.
        median_seconds: of the further requests; null where it was not among the nearest.
        failure: why it did not answer.
    """

    name: Text
    url: Text
    first_seconds: Seconds | None
    median_seconds: Seconds | None
    failure: FailureReport | None


class ServerChoice(Model):
    """How the server was chosen from a list.

    Attributes:
        rule: in words, exact enough to be repeated.
        listed: how many servers the list held.
        candidates: those that were asked, nearest first, then those that did not answer.
    """

    rule: Text
    listed: Count
    candidates: tuple[ServerCandidate, ...] = Field(max_length=32)


class ServerIdentity(Model):
    """The far end as the probe used it, and what it said of itself.

    Attributes:
        tests_running, cpu_ratio: the highest of the test's time, where it told.
        program_core_ratio: how busy its measuring program was, 1.0 is one core; null where that is
            not told (iperf3 tells it).
        link_bits_per_second: the capacity of its link; null where it does not know.
        link_sent_ratio, link_received_ratio: how full that was in the fullest second of the test's
            time, frames of everybody.
        entry: what the registry, the settings or the list call it: the server of a series.
        network: whose network it stands in, as its entry says.
        choice: how it was chosen; null where it was named.
    """

    url: Text
    address: Text | None
    name: Text | None
    software: Text | None
    tests_running: Count | None
    cpu_ratio: Ratio | None
    link_bits_per_second: Count | None = None
    link_sent_ratio: Ratio | None = None
    link_received_ratio: Ratio | None = None
    program_core_ratio: Ratio | None = None
    entry: Text | None = None
    network: Text | None = None
    choice: ServerChoice | None = None


class Speed(Model):
    """The section of a `speed` record. A direction that failed is null, never zero.

    ``program`` is what moved the bytes, with its version, where that is not Linewatch itself.
    """

    download: Transfer | None
    upload: Transfer | None
    latency: SpeedLatency
    server: ServerIdentity
    ip_version: Literal[4, 6] | None
    program: Text | None = None


# --- latency ---------------------------------------------------------------------------------


class Neighbour(Model):
    """Another server that was sent the same packets in turn: whose loss is it?"""

    name: Text
    address: Text
    sent: Count
    received: Count


class Latency(Model):
    """The section of a `latency` record: a minute of STAMP packets (RFC 8762).

    Attributes:
        round_trip: (T4-T1)-(T3-T2) of the packets that came back.
        delay_variation_p95_seconds: p95 of D_i - D_min (RFC 5481 PDV).
        lost_ratio: (sent - received) / sent, duplicates not counted.
        neighbour: what became of the packets to another server; null where none is known.
    """

    server: ServerIdentity
    ip_version: Literal[4, 6] | None
    interval_seconds: Seconds
    packet_bytes: Count
    round_trip: LatencySummary
    delay_variation_p95_seconds: Seconds | None
    lost_ratio: Ratio | None
    duplicates: Count
    reordered: Count
    neighbour: Neighbour | None = None


# --- reach -----------------------------------------------------------------------------------


class ReachTarget(Model):
    """One thing asked whether it answers: where, and how long it took, or why not.

    ``server`` is the measurement server; ``ipv4`` and ``ipv6`` are other far ends, asked over that
    family, which tell a dead line from a dead server.
    """

    name: Literal["gateway", "dns", "ipv4", "ipv6", "server"]
    target: Text
    ip_version: Literal[4, 6] | None
    reached: bool
    round_trip_seconds: Seconds | None
    failure: FailureReport | None


class FamilyTimes(Model):
    """How long one address family takes to a far end: medians of the tries that were answered.

    Attributes:
        connect_seconds: until a request could be sent: TCP, and TLS where the address is https.
        answer_seconds: from sending a small GET until the head of its answer.
        asked, answered: tries, and those that got their answer.
    """

    connect_seconds: Seconds | None
    answer_seconds: Seconds | None
    asked: Count
    answered: Count


class Ipv6Readiness(Model):
    """Whether a path is ready for IPv6, step by step. Null: not asked, as a step before failed.

    Attributes:
        has_address: the path has a global unicast address that is in use.
        has_route: it has a default route for IPv6.
        resolves: a name server, asked over the path, gives the IPv6 address of a far end; false:
            it gives the IPv4 address and no answer for the other; null: no far end has one.
        far_end: what was asked by HTTP, over both families side by side.
        answers: it answered a small GET over IPv6; false: only over IPv4, null: over neither.
        failure: why it did not over IPv6.
        ipv4, ipv6: how long each family took.
        slower: whether IPv6 is slower by the method's rule; null where either did not answer.
    """

    has_address: bool
    has_route: bool | None
    resolves: bool | None
    far_end: Text | None
    answers: bool | None
    failure: FailureReport | None
    ipv4: FamilyTimes | None
    ipv6: FamilyTimes | None
    slower: bool | None

    @property
    def state(self) -> "Ipv6State":
        """The first step that fails, in one word; `READY` where none does."""
        steps = (
            (self.has_address, Ipv6State.NO_ADDRESS),
            (self.has_route, Ipv6State.NO_ROUTE),
            (self.resolves, Ipv6State.NO_NAME),
            (self.answers, Ipv6State.NO_ANSWER),
        )
        for good, state in steps:
            if good is False:
                return state
        if not self.answers:
            return Ipv6State.UNKNOWN
        return Ipv6State.SLOWER if self.slower else Ipv6State.READY


class Ipv6State(StrEnum):
    """What an `Ipv6Readiness` comes down to. Ready are `READY` and `SLOWER`."""

    READY = "ready"
    SLOWER = "slower"
    NO_ADDRESS = "no_address"
    NO_ROUTE = "no_route"
    NO_NAME = "no_name"
    NO_ANSWER = "no_answer"
    UNKNOWN = "unknown"


class Reach(Model):
    """The section of a `reach` record: tells a dead line from a dead server or a dead Wi-Fi."""

    targets: tuple[ReachTarget, ...] = Field(max_length=32)
    ipv6: Ipv6Readiness | None = None
