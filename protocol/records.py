"""The record: what one slot ended as, one line of JSON, written once and never changed.

Units are in the names. Times are UTC, RFC 3339. What was not measured is null, never zero.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, TypeAdapter, model_validator

from protocol.conditions import Conditions
from protocol.constants import SCHEMA
from protocol.flags import Flag
from protocol.model import Count, Hash, Identifier, Model, Seconds, Text
from protocol.results import FailureReport, Latency, Reach, Speed


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
