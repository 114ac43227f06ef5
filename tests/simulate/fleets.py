"""The fleets that the tests of `simulate` share: small, and full of trouble."""

import json
from datetime import date
from functools import cache
from typing import Any

from probe.flags import Evidence, flags_of
from protocol.constants import FULL_WINDOW_SECONDS
from protocol.flags import Flag
from protocol.model import encode
from protocol.records import RECORD, LatencyRecord, ReachRecord, SpeedRecord, Task, Tombstone
from simulate import Batch, Fleet, FleetPlan, rhythm

AnyRecord = SpeedRecord | LatencyRecord | ReachRecord

TROUBLED = FleetPlan(
    probes=10, days=3, seed=7, schedule=rhythm(48, 1800, 1800), trouble=12.0, batch_records=60
)
"""Every kind of record in a few thousand."""

SMALL = FleetPlan(probes=3, days=2, seed=4, start=date(2026, 9, 30), schedule=rhythm(6, 7200, None))


@cache
def troubled() -> tuple[Fleet, tuple[Batch, ...]]:
    """Return the troubled fleet and all its batches, made once."""
    fleet = Fleet(TROUBLED)
    return fleet, tuple(fleet.batches())


def is_tombstone(line: bytes) -> bool:
    """Return whether a line stands for a record that its probe could not keep."""
    return "tombstone" in json.loads(line)


def as_written_by_models(line: bytes) -> bytes:
    """Return what a line's own model writes of it."""
    models: dict[bool, Any] = {True: Tombstone.model_validate_json, False: RECORD.validate_json}
    return encode(models[is_tombstone(line)](line))


def flags_by_rules(record: AnyRecord) -> frozenset[Flag]:
    """Return the flags that the probe's own rules raise; a record without conditions has its."""
    if record.conditions is None:
        return frozenset(record.flags)
    section = getattr(record, record.task.value)
    demanded = FULL_WINDOW_SECONDS if record.task is Task.SPEED else None
    return flags_of(
        Evidence(record.clock, record.conditions, section, demanded, record.method.profile)
    )
