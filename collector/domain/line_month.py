"""What was measured on a line in a part of a month, as verdicts take it. Pure data, no judgement.

A part is a run of whole local days under one set of terms: a plan that changed in mid-month makes
two. Only what counts is among its measurements (`collector.domain.standing`, and the main series of
the line); all else stands in ``excluded``, with the reason.

Rates are bits per second, durations seconds. Moments are aware and of the collector's zone, so that
day and hour are the people's. What was not measured is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from collector.domain.succession import Kind
from collector.domain.terms import Terms


class RecordRef(NamedTuple):
    """Which record of the evidence it is."""

    probe: str
    chain: str
    seq: int


class SpeedTest(NamedTuple):
    """A speed test that counts.

    Attributes:
        at: when it was measured, local.
        at_least: device or server was the limit: the rates are lower bounds of the line's. Then no
            latency counts (None).
        …_latency_seconds: the medians of small requests, the line idle and each direction loaded.
    """

    at: datetime
    download_bits_per_second: float | None
    upload_bits_per_second: float | None
    at_least: bool
    idle_latency_seconds: float | None
    download_latency_seconds: float | None
    upload_latency_seconds: float | None
    record: RecordRef


class LatencyHour(NamedTuple):
    """What latency records that count tell of a local hour, folded or not; or one such record.

    Attributes:
        at: the hour's beginning, or the record's moment, local.
        round_trips_seconds: each record's median round trip.
        delay_variations_seconds: each record's 95th percentile of delay variation.
        lost_ratio: of the packets, all records together; None where none was sent.
        records: how many.
    """

    at: datetime
    round_trips_seconds: Sequence[float]
    delay_variations_seconds: Sequence[float]
    lost_ratio: float | None
    records: int = 1


class Where(StrEnum):
    """What was out, as reachability checks tell it."""

    POWER = "power"
    """The probe itself was away: the site's power, or the device."""

    GATEWAY = "gateway"
    """The site's router did not answer."""

    ACCESS = "access"
    """The router answered, and nothing behind it."""

    BEYOND = "beyond"
    """A name server of the carrier's answered, and no far end."""


CARRIERS_OWN = frozenset({Where.ACCESS, Where.BEYOND})
"""What a carrier answers for: power and router are the site's."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A span without service. Checks are minutes apart, so its ends lie between two of them.

    Attributes:
        begins_at, ends_at: the first check that failed, the first that did not, local.
        where: what was out.
        shortest_seconds: between the first and the last check that failed.
        longest_seconds: between the last good check before it and the first one after it.
    """

    begins_at: datetime
    ends_at: datetime
    where: Where
    shortest_seconds: float
    longest_seconds: float


class Exclusion(StrEnum):
    """Why a record is not among the measurements."""

    FLAGGED = "flagged"
    """It carries a flag that sets it aside; the detail names its flags."""

    ELSEWHERE = "elsewhere"
    """It was measured over another line or way; the detail names its flags."""

    OTHER_SERIES = "other_series"
    """It counts, and is of another series than the one that is judged."""

    NOT_FULL = "not_full"
    """Its profile is not evidence."""

    UNTIMED = "untimed"
    """Nobody vouches for its moment."""

    SERVER_FAILED = "server_failed"
    """It failed by the measurement server, or while other far ends answered and that did not."""

    IN_OUTAGE = "in_outage"
    """It failed while the line was out: that is counted as availability."""

    FAILED = "failed"
    """It failed otherwise; the detail is the failure's code."""

    SKIPPED = "skipped"
    """The slot was not tried; the detail is the reason's code."""

    MISSED = "missed"
    """The probe was away at the slot's moment."""

    LOST = "lost"
    """The probe could not keep the record: its place in the chain is a tombstone."""


class Excluded(NamedTuple):
    """A record that does not count.

    Attributes:
        record: which it is; None of latency, whose records are thousands and folded in the end.
        at: its moment, or its slot's, local.
        task: speed or latency.
        detail: flags or a failure's code, see `Exclusion`; '' where there is none.
        records: how many: more than one where they were folded into an hour.
    """

    record: RecordRef | None
    at: datetime
    task: str
    reason: Exclusion
    detail: str
    records: int = 1


@dataclass(frozen=True, slots=True)
class Witness:
    """The line's tests that count to another server of another network: a series of their own."""

    server: str
    network: str | None
    tests: Sequence[SpeedTest]


class ProbeTurn(NamedTuple):
    """That a probe's path is what a line is measured over, from a moment on.

    Attributes:
        since: its first test, local; None: before the part begins, or no other one was before it.
    """

    probe: str
    path: str
    since: datetime | None

    @property
    def name(self) -> str:
        """The probe and its path, in one word for people."""
        return f"{self.probe} ({self.path})"


@dataclass(frozen=True, slots=True)
class LinePart:
    """A line in a part of a month, under one set of terms.

    Attributes:
        line, technology: as the registry has them (fibre, cable, dsl, 4g, 5g, other).
        month: as 2026-10.
        first_day, last_day: local, both included.
        terms: what was promised in these days.
        server, network: of the main series; None: no test counts, or not known.
        tests: of the main series.
        witnesses: the same of other servers, of networks other than the main one's.
        latency: of the main series of latency.
        outages: those that touch these days, cut at their ends.
        watched_seconds: of these days, how long reachability is known, outages included.
        excluded: what else the ledger has of these days.
        kind: what the main series are but for their way; None: no test was planned.
        probes: of the main series, in the order of time: more than one where one was replaced.
    """

    line: str
    technology: str
    month: str
    first_day: date
    last_day: date
    terms: Terms
    server: str | None = None
    network: str | None = None
    tests: Sequence[SpeedTest] = ()
    witnesses: Sequence[Witness] = ()
    latency: Sequence[LatencyHour] = ()
    outages: Sequence[Outage] = ()
    watched_seconds: float = 0.0
    excluded: Sequence[Excluded] = ()
    kind: Kind | None = None
    probes: Sequence[ProbeTurn] = ()

    @property
    def days(self) -> int:
        """How many days the part has."""
        return (self.last_day - self.first_day).days + 1

    def probe_of(self, moment: datetime) -> ProbeTurn | None:
        """Return which probe the line was measured by at a moment; None: none counts."""
        begun = (one for one in reversed(self.probes) if one.since is None or one.since <= moment)
        return next(begun, None)
