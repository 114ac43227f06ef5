"""The record: what one slot ended as, one line of JSON, written once and never changed.

Units are in the names. Times are UTC, RFC 3339. What was not measured is null, never zero.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from protocol.constants import SCHEMA
from protocol.failures import Failure
from protocol.flags import Flag

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, lower-case hexadecimal."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that is safe in a path, a label and a file name: probe, chain, path, server."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Text = Annotated[str, Field(max_length=500)]


class Model(BaseModel):
    """Frozen, and an unknown key is an error: what is stored is exactly what is written here."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Task(StrEnum):
    """What a slot is planned to measure."""

    SPEED = "speed"
    LATENCY = "latency"
    REACH = "reach"


class Outcome(StrEnum):
    """How a slot ended."""

    MEASURED = "measured"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"


class ClockState(Model):
    """What the probe's clock was worth when the record was written.

    Attributes:
        synchronised: the kernel's word (adjtimex), null where it cannot be asked.
        offset_seconds: true time minus the device's clock, as far as known (from the kernel or
            from the collector's Date); every time in the record already includes it. Null where
            unknown.
        source: who vouches for the times: the kernel's synchronised clock, the collector's Date,
            or nobody.
        boot_id: the kernel's boot id. Records of one boot share a monotonic clock, so one record
            with a trusted clock dates all the others of that boot.
        monotonic_seconds: CLOCK_BOOTTIME at ``started_at``.
    """

    synchronised: bool | None
    offset_seconds: float | None = Field(allow_inf_nan=False)
    source: Literal["kernel", "collector", "none"]
    boot_id: Text | None
    monotonic_seconds: Seconds


class Method(Model):
    """How it was measured: the engine's name, the method's version and the profile."""

    name: Identifier
    version: Identifier
    profile: Literal["full", "quick"] | None = None


class FailureReport(Model):
    """Why a slot did not end as measured: a code from the closed list, a detail for people."""

    code: Failure
    detail: Text


# --- Conditions ------------------------------------------------------------------------------


class InterfaceState(Model):
    """The interface of the path. Counters are totals since boot, payload and headers."""

    name: Text
    kind: Literal["wired", "wifi", "modem", "loopback", "virtual", "unknown"]
    up: bool
    speed_bits_per_second: Count | None
    duplex: Literal["full", "half"] | None
    mtu_bytes: Count | None
    received_bytes: Count | None
    sent_bytes: Count | None
    received_errors: Count | None
    sent_errors: Count | None
    received_dropped: Count | None
    sent_dropped: Count | None


class WifiState(Model):
    """The radio link, where the interface is Wi-Fi."""

    signal_dbm: float | None
    rate_bits_per_second: Count | None
    frequency_hertz: Count | None


class DeviceState(Model):
    """The device itself. Temperature in °C; power is what the board's firmware tells.

    After a test, ``undervoltage`` and ``throttled`` are true also where it was so during the test.
    """

    load_1m: Ratio | None
    memory_available_bytes: Count | None
    temperature_celsius: float | None
    undervoltage: bool | None
    throttled: bool | None


class Snapshot(Model):
    """Conditions at one moment, before or after a test."""

    monotonic_seconds: Seconds
    interface: InterfaceState | None
    wifi: WifiState | None
    device: DeviceState
    gateway: Text | None
    local_address: Text | None
    public_address: Text | None
    clock_synchronised: bool | None


class WindowTraffic(Model):
    """What moved in one direction's measuring window: frames with headers, beside the test's own.

    Attributes:
        duration_seconds: length of the window.
        interface_received_bytes, interface_sent_bytes: by the interface's counters.
        router_received_bytes, router_sent_bytes: by the counters of the router's side towards the
            carrier (UPnP IGD); null where it was not asked, or its counters are of no use.
        test_bytes: payload that the test's own connections received (download) or sent (upload), by
            the probe's kernel: what was sent again, and what TLS adds, included.
        segment_bytes: payload of a full segment, the smallest of the streams'; null where unknown.
    """

    duration_seconds: Seconds
    interface_received_bytes: Count | None
    interface_sent_bytes: Count | None
    router_received_bytes: Count | None
    router_sent_bytes: Count | None
    test_bytes: Count
    segment_bytes: Count | None


class During(Model):
    """Conditions while a test ran. CPU ratios: 1.0 is one core busy all the time.

    Attributes:
        busiest_core_ratio: the busiest core of any second of a direction (of the whole test where
            no direction lasted a second).
        busiest_thread_ratio: the busiest thread of the measuring program in such a second.
        cpu_frequency_minimum_ratio: of such seconds with a core that had work to do, the lowest
            clock of a core, as a share of its highest; null where there was none or none is told.
        heat_limit_reached: whether a thermal zone was at a limit of its own at any second; null
            where no zone has one.
        download, upload: what moved in the window of each direction, where there was one.
    """

    duration_seconds: Seconds
    process_cpu_ratio: Ratio | None
    machine_cpu_ratio: Ratio | None
    busiest_core_ratio: Ratio | None
    temperature_maximum_celsius: float | None
    interface_received_bytes: Count | None
    interface_sent_bytes: Count | None
    test_received_bytes: Count | None
    test_sent_bytes: Count | None
    busiest_thread_ratio: Ratio | None = None
    cpu_frequency_minimum_ratio: Ratio | None = None
    heat_limit_reached: bool | None = None
    download: WindowTraffic | None = None
    upload: WindowTraffic | None = None


class Ceiling(Model):
    """What a device was certified to measure, by the technician's acceptance test.

    Attributes:
        download_bits_per_second, upload_bits_per_second: payload rates that it carried itself.
        certified_at: when.
        interface: over which interface: it says nothing of the device's others.
    """

    download_bits_per_second: Count
    upload_bits_per_second: Count
    certified_at: AwareDatetime
    interface: Text


class Conditions(Model):
    """What could make the number unfair, measured before, during and after.

    Attributes:
        ceiling: what this device was certified for over the test's interface; null: it was not.
        by_carrier: whether the test left by the line's carrier, by the public address; null where
            that is not known.
    """

    model: Text | None
    cores: Count | None
    before: Snapshot
    during: During | None
    after: Snapshot | None
    ceiling: Ceiling | None = None
    by_carrier: bool | None = None


# --- speed -----------------------------------------------------------------------------------


class TcpInfo(Model):
    """The kernel's view of one TCP connection (Linux TCP_INFO), null where it does not tell."""

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
        taken_off_seconds: median of what a round trip is shorter than the time that the probe
            waited for it: the server's own time, where it tells it, and the time from the
            answer's arrival to the program's waking, where the kernel tells it.
        server_seconds: median of the server's own time in it; null where it tells none.
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


# --- The record ------------------------------------------------------------------------------


class RecordBase(Model):
    """What every record has. See the package's design page for the words.

    Attributes:
        slot: the planned moment.
        family: the address family that the slot was planned for; null: none or any.
        server: the server that it was planned for, by its entry's name; null: none was named.
        started_at: when the work began; null where it never did (skipped, missed).
    """

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    probe: Identifier
    chain: Identifier
    seq: Count
    prev: Hash
    path: Identifier
    slot: AwareDatetime
    family: Literal[4, 6] | None = None
    server: Text | None = None
    started_at: AwareDatetime | None
    clock: ClockState
    method: Method
    software: Text
    outcome: Outcome
    failure: FailureReport | None
    flags: tuple[Flag, ...] = Field(max_length=len(Flag))
    conditions: Conditions | None

    @model_validator(mode="after")
    def _failure_fits_outcome(self) -> Self:
        if (self.outcome is Outcome.MEASURED) != (self.failure is None):
            msg = "a record has a failure exactly when its outcome is not 'measured'"
            raise ValueError(msg)
        started = self.outcome in (Outcome.MEASURED, Outcome.FAILED)
        if started != (self.started_at is not None):
            msg = "started_at is set exactly when the outcome is 'measured' or 'failed'"
            raise ValueError(msg)
        return self


class SpeedRecord(RecordBase):
    """A `speed` slot's record."""

    task: Literal[Task.SPEED]
    speed: Speed | None

    @model_validator(mode="after")
    def _measured_is_whole(self) -> Self:
        whole = self.speed is not None and self.speed.download and self.speed.upload
        if self.outcome is Outcome.MEASURED and not whole:
            msg = "a measured speed record has both its download and its upload"
            raise ValueError(msg)
        return self


class LatencyRecord(RecordBase):
    """A `latency` slot's record."""

    task: Literal[Task.LATENCY]
    latency: Latency | None

    @model_validator(mode="after")
    def _measured_is_whole(self) -> Self:
        if self.outcome is Outcome.MEASURED and self.latency is None:
            msg = "a measured latency record has its section"
            raise ValueError(msg)
        return self


class ReachRecord(RecordBase):
    """A `reach` slot's record."""

    task: Literal[Task.REACH]
    reach: Reach | None

    @model_validator(mode="after")
    def _measured_is_whole(self) -> Self:
        if self.outcome is Outcome.MEASURED and self.reach is None:
            msg = "a measured reach record has its section"
            raise ValueError(msg)
        return self


Record = Annotated[SpeedRecord | LatencyRecord | ReachRecord, Field(discriminator="task")]
RECORD: TypeAdapter[SpeedRecord | LatencyRecord | ReachRecord] = TypeAdapter(Record)
"""Validates a line: ``RECORD.validate_json(line)``."""


class Tombstone(Model):
    """What is left of a record that the probe could not keep: its place in the chain.

    The next record's ``prev`` is this one's ``hash``, so the chain still verifies and nobody can
    turn a record into a tombstone without the gap being seen and counted.
    """

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    tombstone: Literal["spool_full", "spool_corrupt"]
    probe: Identifier
    chain: Identifier
    seq: Count
    prev: Hash
    hash: Hash
    task: Task | None
    path: Identifier | None
    slot: AwareDatetime | None


def encode(model: Model) -> bytes:
    """Return the model as one line of UTF-8 JSON without its newline: the bytes that are hashed."""
    return model.model_dump_json(by_alias=True).encode()
