"""The contract between the agent and what measures: one signature for every engine.

An engine measures and nothing else. Its caller (`probe.measurement`) owns the deadline, the
conditions, the flags about the device and the success; the engine's registry is
`probe.engines.ENGINES`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from protocol.errors import LinewatchError
from protocol.failures import Failure
from protocol.messages import CarrierPrefixes, ServerEntry
from protocol.records import Task
from protocol.results import FailureReport, Latency, Reach, Speed

Section = Speed | Latency | Reach
Profile = Literal["full", "quick"]


class MeasurementError(LinewatchError):
    """A measurement could not be made. Carries its code from the closed list.

    Only the failure classifier (`probe.failure`) and engines raise it; it never leaves
    `probe.measurement`.
    """

    exit_code = 3

    def __init__(
        self, failure: Failure, detail: str, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(detail)
        self.report = FailureReport(
            code=failure, detail=detail[:500], retry_after_seconds=retry_after_seconds
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a measurement is.

    Attributes:
        phase: what runs now.
        done_ratio: of this phase, 0 to 1.
        bits_per_second: the rate of the last samples; None where the phase has none.
    """

    phase: Literal["connect", "latency", "download", "upload", "finish"]
    done_ratio: float
    bits_per_second: float | None = None


def _ignore(progress: Progress) -> None:
    del progress


@dataclass(frozen=True, slots=True)
class Order:
    """What an engine is asked to do.

    Attributes:
        server: the far end; None for an engine that needs none.
        candidates: where no server is named, those to choose one from by their latency.
        others: URLs of further servers that a living line reaches.
        collector: the URL of the collector: a living line reaches it too, but it measures nothing,
            and tells nobody's address.
        neighbour: another server, to tell a loss of the line from one of the server.
        carrier_prefixes: the networks of the line's carrier; none: they are not known.
        interface: the interface to leave by; None for the system's choice.
        family: the address family; None for the system's choice.
        profile: `full` is evidence, `quick` ends early.
        deadline: moment of `time.monotonic()` by which the engine must have returned.
        progress: called from the measuring thread, often; must return at once.
        cancelled: set when the agent stops; the engine returns soon after.
        ookla_terms_accepted: the user has accepted the terms of Ookla's service.
        patience_seconds: how long to wait in all for a server that is full and asks to come back.
    """

    server: ServerEntry | None
    candidates: tuple[ServerEntry, ...] = ()
    others: tuple[str, ...] = ()
    collector: str | None = None
    neighbour: ServerEntry | None = None
    carrier_prefixes: CarrierPrefixes = ()
    interface: str | None = None
    family: Literal[4, 6] | None = None
    profile: Profile = "full"
    deadline: float = field(default_factory=lambda: time.monotonic() + 90)
    progress: Callable[[Progress], None] = _ignore
    cancelled: threading.Event = field(default_factory=threading.Event)
    ookla_terms_accepted: bool = False
    patience_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """When a direction's number was measured, and what its own connections carried then.

    Attributes:
        direction: which one.
        start, end: moments of `time.monotonic()`.
        carried_bytes: payload that the kernel received or sent between them, what was sent again
            and what TLS adds included.
        segment_bytes: payload of a full segment, the smallest of the streams'; None where unknown.
        acknowledgements: segments without payload that went the other way; None where unknown.
    """

    direction: Literal["download", "upload"]
    start: float
    end: float
    carried_bytes: int
    segment_bytes: int | None
    acknowledgements: int | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """The probe's addresses as a connection of its own showed them; None where it did not.

    Attributes:
        local: where it left from.
        public: where the far end saw it come from.
    """

    local: str | None = None
    public: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What each end counted of a direction in the same time.

    Attributes:
        direction: which one.
        seconds: how long that time was.
        probe_bytes, server_bytes: payload.
    """

    direction: Literal["download", "upload"]
    seconds: float
    probe_bytes: int
    server_bytes: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What an engine returns: always, also where it failed.

    An engine says what it saw; what of that is unfair is `probe.flags`' to say.

    Attributes:
        section: the record's section; partial or None where the measurement failed.
        failure: why it failed; None where it is whole.
        first: the probe's addresses when the test began, as far as they were asked for then.
        local_address: the address that the test left from, the newest that is known.
        public_address: the probe's address as a far end saw it, the newest that is known.
        asked_address: the server was asked for it, whether it told it or not.
        received_bytes, sent_bytes: payload that the test moved, for the cross-traffic rule.
        windows: of a speed test, so that the rules look at what happened within them.
        demanded_seconds: how long the method's windows have to be; None where they may end early.
        counts: of the directions of which both ends counted the same time.
    """

    section: Section | None
    failure: FailureReport | None = None
    first: Addresses = Addresses()
    local_address: str | None = None
    public_address: str | None = None
    asked_address: bool = False
    received_bytes: int = 0
    sent_bytes: int = 0
    windows: tuple[MeasuredWindow, ...] = ()
    demanded_seconds: float | None = None
    counts: tuple[Counts, ...] = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """An entry of the registry.

    Attributes:
        name: as records and users name it.
        version: of the method; raised whenever the method changes.
        task: what it measures.
        deadline_seconds: the longest that one measurement may take.
        measure: the engine.
        profiles: those that it has, `full` always among them.
    """

    name: str
    version: str
    task: Task
    deadline_seconds: float
    measure: Callable[[Order], Measurement]
    profiles: tuple[Profile, ...] = ("full", "quick")

    def profile_of(self, asked: Profile) -> Profile | None:
        """Return what is measured where a profile is asked for; None of a task without profiles."""
        if self.task is not Task.SPEED:
            return None
        return asked if asked in self.profiles else "full"
