"""What travels between probe, server and collector besides records: JSON bodies."""

from collections.abc import Sequence
from datetime import time
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from protocol.constants import DEFAULT_ENGINE, EMPTY, GARBAGE, GET_IP, SCHEMA
from protocol.model import Count, Identifier, Model, Ratio, Seconds, Text
from protocol.results import TcpInfo

PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""An Ed25519 public key: 32 raw bytes, base64."""

TestId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A test's id: 128 random bits in hexadecimal, chosen by the probe."""


# --- Collector -------------------------------------------------------------------------------


class Quarantined(Model):
    """A record that was kept apart, and why."""

    seq: Count
    reason: Text


class IngestAnswer(Model):
    """The collector's yes: everything in the batch is on its disk.

    Attributes:
        stored: records now in the ledger for the first time.
        duplicate: records that the ledger already had, with the same hash.
        quarantined: records kept apart: not valid, or at odds with what is stored.
        next_seq: the first seq of this chain that the collector does not have.
        start_new_chain: the probe must begin a new chain, as this one is at odds with the ledger
            (its storage was restored from an older copy).
    """

    stored: Count
    duplicate: Count
    quarantined: tuple[Quarantined, ...]
    next_seq: Count
    start_new_chain: bool


class EnrolRequest(Model):
    """A probe asks to become known, with a one-time code that an operator gave out."""

    code: Annotated[str, Field(min_length=8, max_length=64)]
    public_key: PublicKey
    software: Text
    model: Text | None = None


class EnrolAnswer(Model):
    """The probe's id from now on."""

    probe: Identifier
    site: Text


class Problem(Model):
    """A refusal, RFC 9457. ``line`` and ``fault`` say where and what in a batch.

    ``expected_seq`` comes with 409: the seq that the collector needs first.
    """

    type: Text = "about:blank"
    title: Text
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Text | None = None
    line: Count | None = None
    fault: Text | None = None
    expected_seq: Count | None = None


EVENING_START: Final = time(19)

EVENING_END: Final = time(23)
"""When homes use their lines most: the peak hours (19 to 23 h) of regulators' measurements."""

_DAY_SECONDS: Final = 86_400


class Window(Model):
    """A part of the day, local time, with its number of tests. ``end`` may be past midnight."""

    name: Identifier
    start: time
    end: time
    tests: Annotated[int, Field(ge=0, le=288)]

    @property
    def length_seconds(self) -> int:
        """How long it is by its times; a window that ends when it starts is a whole day."""
        return (seconds_of(self.end) - seconds_of(self.start)) % _DAY_SECONDS or _DAY_SECONDS

    @property
    def holds_evening(self) -> bool:
        """Whether any of the evening's hours are in it."""
        start = seconds_of(self.start)
        end = start + self.length_seconds
        evening = (seconds_of(EVENING_START), seconds_of(EVENING_END))
        return any(
            start < evening[1] + shift and evening[0] + shift < end for shift in (0, _DAY_SECONDS)
        )

    def parts(self) -> list[tuple[int, int]]:
        """Return the equal parts that have one test each, in seconds since the window's start."""
        length = self.length_seconds
        return [
            (length * number // self.tests, length * (number + 1) // self.tests)
            for number in range(self.tests)
        ]


def seconds_of(at: time) -> int:
    """Return a time of day in whole seconds since midnight."""
    return at.hour * 3600 + at.minute * 60 + at.second


class SpeedSchedule(Model):
    """When speed tests run: a number of tests in each window, at random moments of its parts."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=24)]
    profile: Literal["full", "quick"] = "full"

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [window.name for window in self.windows]
        if len(set(names)) != len(names):
            msg = "two windows have the same name"
            raise ValueError(msg)
        return self


class PeriodicSchedule(Model):
    """When a light task runs: once in every period, at a random moment of it.

    A period holds at least the time for which one of its slots keeps the line, and a random rest.
    """

    every_seconds: Annotated[int, Field(le=86400)]


class LatencySchedule(PeriodicSchedule):
    """When latency is measured; a slot keeps its line for 65 s."""

    every_seconds: Annotated[int, Field(ge=90, le=86400)]


class ReachSchedule(PeriodicSchedule):
    """When it is asked what still answers; a slot keeps its line for 15 s."""

    every_seconds: Annotated[int, Field(ge=20, le=86400)]


class Schedule(Model):
    """A path's plan. A task that is null does not run."""

    speed: SpeedSchedule | None
    latency: LatencySchedule | None
    reach: ReachSchedule | None


MAX_CARRIER_PREFIXES: Final = 2048
"""Of one carrier, aggregated. A large carrier's are some hundreds; sixteen paths with as many stay
below the longest answer that a probe reads."""

CarrierPrefixes = Annotated[
    tuple[IPv4Network | IPv6Network, ...], Field(max_length=MAX_CARRIER_PREFIXES)
]


class FleetPlace(Model):
    """Where a path's speed tests stand among those of all paths that share its servers.

    Without it a path draws its moments by itself, and the moments of many fall together by chance.
    With it they are spread: see `collector.domain.allotment`.

    Attributes:
        place: where in each part of a window the test stands, before all are moved together by as
            much as ``seed`` and the part say: a share of the part.
        turn: which server begins, of the turns that `probe.slots.parts` gives them.
        seed: the same for all.
    """

    place: Annotated[float, Field(ge=0, lt=1)]
    turn: Count
    seed: Text


class MeasuredPath(Model):
    """One way out of the probe, the line it measures, and its plan.

    Attributes:
        servers: the registry's names of the servers that its speed tests go to, the main one first;
            they take turns (`probe.slots`). Empty: the first server of the list.
        carrier_prefixes: the networks of the line's carrier, both families; none: not known.
        beside: another path on the same line, the wired one where this is Wi-Fi: each of its speed
            slots has one of this path in the same quarter of an hour, so that the difference is
            what this way adds. Null: it has slots of its own.
        fleet_place: among the paths that share its servers; null: it draws its moments alone.
    """

    name: Identifier
    interface: Text | None = None
    families: Annotated[tuple[Literal[4, 6], ...], Field(min_length=1, max_length=2)] = (4,)
    line: Identifier | None = None
    servers: Annotated[tuple[Identifier, ...], Field(max_length=8)] = ()
    beside: Identifier | None = None
    monthly_data_budget_bytes: Count | None = None
    carrier_prefixes: CarrierPrefixes = ()
    schedule: Schedule
    fleet_place: FleetPlace | None = None

    @model_validator(mode="after")
    def _servers_differ(self) -> Self:
        if len(set(self.servers)) != len(self.servers):
            msg = "a server is named twice"
            raise ValueError(msg)
        return self


def server_turns(servers: Sequence[str]) -> list[str]:
    """Return the servers of a path in the order of their turns, which then begin again.

    The main one, the first, has every other turn: its series is the line's. The others share the
    rest evenly. None: the path names none.
    """
    if not servers:
        return []
    main, *others = servers
    return [name for other in others for name in (main, other)] or [main]


BackendPath = Annotated[str, Field(pattern=r"^[!-~]{0,300}$")]
"""A path below a server's URL as it stands in a request: visible ASCII, a query included."""


class BackendPaths(Model):
    """Where a LibreSpeed backend has its resources, relative to the server's URL.

    Written with the names of LibreSpeed's server lists: ``dlURL``, ``ulURL``, ``pingURL``,
    ``getIpURL``.
    """

    download: BackendPath = Field(GARBAGE, alias="dlURL")
    upload: BackendPath = Field(EMPTY, alias="ulURL")
    ping: BackendPath = Field(EMPTY, alias="pingURL")
    address: BackendPath = Field(GET_IP, alias="getIpURL")


class ServerEntry(Model):
    """A measurement server that probes may use.

    Attributes:
        name: what plans and records call it.
        url: its address, as its engine takes it.
        stamp: HOST:PORT of its reflector.
        engine: what speaks with it; one that a probe does not have ends a slot as `no_server`.
        network: whose network it stands in, for people: several servers of different networks tell
            a line's fault from a server's.
        paths: where its resources are, where that is not to be found out.
    """

    name: Identifier
    url: Text
    stamp: Text | None = None
    engine: Identifier = DEFAULT_ENGINE
    network: Text | None = None
    paths: BackendPaths | None = None


MAX_SERVERS: Final = 64
"""Servers that a probe is told: some for each network near it."""


class Instruction(Model):
    """What the collector asks of a probe. The probe keeps the last one on its disk."""

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    probe: Identifier
    timezone: Text = "Asia/Ho_Chi_Minh"
    servers: Annotated[tuple[ServerEntry, ...], Field(max_length=MAX_SERVERS)]
    paths: Annotated[tuple[MeasuredPath, ...], Field(max_length=16)]


# --- Measurement server ----------------------------------------------------------------------


class ServerLoad(Model):
    """How loaded a server is. CPU ratio: 1.0 is all of its cores busy; null before two readings.

    ``link_bits_per_second`` is the capacity of its link, null where it does not know it.
    """

    tests_running: Count
    connections: Count
    connections_limit: Count
    cpu_ratio: Ratio | None
    link_bits_per_second: Count | None = None


class ServerInfo(Model):
    """What a Linewatch server says of itself."""

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    name: Text
    software: Text
    your_address: Text
    upload_maximum_bytes: Count
    stamp_port: Annotated[int, Field(ge=1, le=65535)] | None
    load: ServerLoad


class ServerStream(Model):
    """What the server saw of one stream.

    Attributes:
        bytes: payload bytes so far: received (upload) or accepted by the kernel (download).
        duration_seconds: from the first byte to the last.
        samples: pairs (seconds since the first byte of the test's direction, bytes so far of this
            stream).
    """

    stream: Count
    direction: Literal["download", "upload"]
    bytes: Count
    duration_seconds: Seconds
    samples: tuple[tuple[Seconds, Count], ...]
    tcp: TcpInfo | None


class ServerTest(Model):
    """What the server saw of one test. ``*_maximum`` are over the test's time.

    The link's ratios are of its capacity, frames of everybody, the fullest second.
    """

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    test: TestId
    streams: tuple[ServerStream, ...]
    tests_running_maximum: Count
    cpu_ratio_maximum: Ratio | None
    link_sent_ratio_maximum: Ratio | None = None
    link_received_ratio_maximum: Ratio | None = None
