"""The agent's status as data: what `status.json`, the page and `linewatch probe status` show."""

from typing import Literal

from pydantic import AwareDatetime, Field

from protocol.constants import SCHEMA
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.model import Count, Model, Seconds, Text
from protocol.records import Outcome, Task


class TaskStatus(Model):
    """One task of a path.

    Attributes:
        slot: of its last record since the agent started; null before the first.
        outcome: how that one ended.
        figures: its result for people: name → value with unit; empty where it was not measured.
        flags: what makes that result unfair as evidence.
        failure: why it was not measured.
        next_slot: when it runs next today; null where it does not.
    """

    task: Task
    slot: AwareDatetime | None
    outcome: Outcome | None
    figures: dict[str, str]
    flags: tuple[Flag, ...]
    failure: Failure | None
    detail: Text | None
    next_slot: AwareDatetime | None


class PathStatus(Model):
    """One path with its tasks, and the last slot on it that was not measured."""

    name: Text
    line: Text | None
    interface: Text | None
    tasks: tuple[TaskStatus, ...]
    failed_at: AwareDatetime | None
    failure: Failure | None
    failure_detail: Text | None


class CollectorStatus(Model):
    """How delivery stands. ``reachable`` is null before the first request was answered or not."""

    url: Text
    reachable: bool | None
    since: AwareDatetime | None
    delivered_at: AwareDatetime | None
    problem: Text | None
    revoked: bool
    held_chains: Count
    held_problem: Text | None
    instruction_problem: Text | None


class BacklogStatus(Model):
    """What waits for delivery. Null figures: the disk does not answer."""

    records: Count | None
    waiting_in_memory: Count
    used_bytes: Count | None
    maximum_bytes: Count
    oldest_slot: AwareDatetime | None
    given_way: Count
    damaged: Count
    lost: Count
    problem: Text | None


class ClockStatus(Model):
    """What the clock is worth now."""

    now: AwareDatetime
    source: Literal["kernel", "collector", "none"]
    synchronised: bool | None
    offset_seconds: float | None
    collector_difference_seconds: float | None


class AgentStatus(Model):
    """Everything that the agent says of itself."""

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    probe: Text
    site: Text
    software: Text
    running_seconds: Seconds
    instructed: bool
    timezone: Text
    speed_slots_without_room: Count
    clock: ClockStatus
    collector: CollectorStatus
    backlog: BacklogStatus
    disk_free_bytes: Count | None
    paths: tuple[PathStatus, ...]
