"""Puts the agent's status together from its parts."""

import shutil
from typing import Final

from probe import quantities, words
from probe.errors import SpoolError
from probe.parts import Parts
from probe.slots import Slot
from probe.status_models import (
    AgentStatus,
    BacklogStatus,
    ClockStatus,
    CollectorStatus,
    PathStatus,
    TaskStatus,
)
from protocol.messages import MeasuredPath
from protocol.records import LatencyRecord, ReachRecord, SpeedRecord, Task
from protocol.results import LatencySummary, ReachTarget, Transfer

_TASKS: Final = (Task.SPEED, Task.LATENCY, Task.REACH)


def report(parts: Parts, running_seconds: float) -> AgentStatus:
    """Return the status of this moment. Reads the spool's figures; nothing waits for a network."""
    kept = parts.planner.kept
    following = parts.planner.next_slots()
    try:
        free = shutil.disk_usage(parts.settings.state_directory).free
    except OSError:
        free = None
    return AgentStatus(
        probe=parts.identity.probe,
        site=parts.identity.site,
        software=parts.software,
        running_seconds=running_seconds,
        instructed=kept is not None,
        timezone=kept.instruction.timezone if kept else parts.settings.timezone,
        speed_slots_without_room=parts.planner.without_room.get(Task.SPEED, 0),
        clock=_clock(parts),
        collector=_collector(parts),
        backlog=_backlog(parts),
        disk_free_bytes=free,
        paths=tuple(
            _path(parts, path, following) for path in (kept.instruction.paths if kept else ())
        ),
    )


def _path(parts: Parts, path: MeasuredPath, following: dict[tuple[str, Task], Slot]) -> PathStatus:
    failed = parts.journal.latest_failure.get(path.name)
    return PathStatus(
        name=path.name,
        line=path.line,
        interface=path.interface,
        tasks=tuple(
            _task(parts, path.name, task, following.get((path.name, task))) for task in _TASKS
        ),
        failed_at=failed.slot if failed else None,
        failure=failed.failure.code if failed and failed.failure else None,
        failure_detail=failed.failure.detail if failed and failed.failure else None,
    )


def _task(parts: Parts, path: str, task: Task, following: Slot | None) -> TaskStatus:
    record = parts.journal.latest.get((path, task))
    failure = record.failure if record else None
    figures = _figures(record) if record else {}
    return TaskStatus(
        task=task,
        slot=record.slot if record else None,
        outcome=record.outcome if record else None,
        figures=figures,
        # Where nothing was measured, there is nothing that a flag could make unfair.
        flags=record.flags if record and figures else (),
        failure=failure.code if failure else None,
        detail=failure.detail if failure else None,
        next_slot=following.moment if following else None,
    )


def _figures(record: SpeedRecord | LatencyRecord | ReachRecord) -> dict[str, str]:
    """Return a record's result for people; what was not measured is left out."""
    found: dict[str, str | None] = {}
    if isinstance(record, SpeedRecord) and record.speed:
        found = {
            "Tải xuống · Download": _rate(record.speed.download),
            "Tải lên · Upload": _rate(record.speed.upload),
            "Độ trễ · Latency": _median(record.speed.latency.idle),
        }
    elif isinstance(record, LatencyRecord) and record.latency:
        lost = record.latency.lost_ratio
        found = {
            "Độ trễ · Round trip": _median(record.latency.round_trip),
            "Mất gói · Lost": None if lost is None else quantities.percent(lost, 1).both,
        }
    elif isinstance(record, ReachRecord) and record.reach:
        found = dict(_reached(target) for target in record.reach.targets)
        if record.reach.ipv6:
            found["IPv6"] = words.ipv6(record.reach.ipv6)
    return {name: value for name, value in found.items() if value is not None}


def _rate(transfer: Transfer | None) -> str | None:
    return None if transfer is None else quantities.rate(transfer.bits_per_second).both


def _reached(target: ReachTarget) -> tuple[str, str]:
    """Return which target was asked, and whether it answered."""
    name = words.target_name(target)
    where = f"{name} ({target.target})" if target.target else name
    if not words.applies(target):
        return where, words.NOT_APPLICABLE
    return where, "✓" if target.reached else "✗"


def _median(summary: LatencySummary | None) -> str | None:
    if summary is None or summary.median_seconds is None:
        return None
    return quantities.milliseconds(summary.median_seconds).both


def _clock(parts: Parts) -> ClockStatus:
    state = parts.clock.state()
    return ClockStatus(
        now=parts.clock.now(),
        source=state.source,
        synchronised=state.synchronised,
        offset_seconds=state.offset_seconds,
        collector_difference_seconds=parts.clock.collector_difference_seconds(),
    )


def _collector(parts: Parts) -> CollectorStatus:
    state = parts.uplink.state
    return CollectorStatus(
        url=parts.identity.collector_url,
        reachable=state.reachable,
        since=state.since,
        delivered_at=state.delivered_at,
        problem=state.problem,
        revoked=state.revoked,
        held_chains=len(state.held_chains),
        held_problem=state.held_problem if state.held_chains else None,
        instruction_problem=state.instruction_problem,
    )


def _backlog(parts: Parts) -> BacklogStatus:
    counts = parts.spool.counts
    fill, problem = None, None
    try:
        fill = parts.spool.fill()
    except SpoolError as error:
        problem = str(error)[:500]
    return BacklogStatus(
        records=fill.records if fill else None,
        waiting_in_memory=parts.journal.waiting(),
        used_bytes=fill.used_bytes if fill else None,
        maximum_bytes=parts.settings.spool.maximum_bytes,
        oldest_slot=fill.oldest_slot if fill else None,
        given_way=counts.given_way,
        damaged=counts.damaged_lines + counts.damaged_files,
        lost=parts.journal.lost,
        problem=problem,
    )
