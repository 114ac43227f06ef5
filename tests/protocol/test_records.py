"""The record: what it must and must not be."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from protocol.failures import Failure
from protocol.flags import Flag
from protocol.records import RECORD, Outcome, Tombstone
from tests.data import make_vectors
from tests.protocol.golden import refuse, vector


@pytest.mark.parametrize("task", ["speed", "latency", "reach"])
def test_a_measured_record_without_its_section_is_refused(task: str) -> None:
    """Measured means that there is a measurement."""
    refuse(vector(task, "measured") | {task: None}, "measured")


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_a_measured_speed_has_both_directions(direction: str) -> None:
    """Half a speed test is a failed one, with the half that it has."""
    record = vector("speed", "measured")
    record["speed"][direction] = None
    refuse(record, "both its download and its upload")
    failure = {"code": "stalled", "detail": "no byte for 10 s"}
    RECORD.validate_json(json.dumps(record | {"outcome": "failed", "failure": failure}))


def test_a_record_has_a_failure_exactly_when_it_was_not_measured() -> None:
    """No failure without a reason, no reason on a measurement."""
    refuse(vector("speed", "failed") | {"failure": None}, "exactly when")
    failure = {"code": "stalled", "detail": ""}
    refuse(vector("speed", "measured") | {"failure": failure}, "exactly when")


@pytest.mark.parametrize("task, outcome", [("speed", "skipped"), ("reach", "missed")])
def test_what_never_began_has_no_start(task: str, outcome: str) -> None:
    """A skipped or missed slot has no started_at, a measured or failed one has."""
    record = vector(task, outcome)
    refuse(record | {"started_at": record["slot"]}, "started_at is set exactly")
    refuse(vector("speed", "failed") | {"started_at": None}, "started_at is set exactly")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"seq": -1},
        {"seq": 2**63},
        {"prev": "A" * 64},
        {"prev": "a" * 63},
        {"probe": "white space"},
        {"probe": ""},
        {"path": "../../etc/passwd"},
        {"slot": "2026-12-01T01:00:00"},
        {"flags": ["not_a_flag"]},
        {"flags": ["wifi"] * (len(Flag) + 1)},
        {"task": "weather"},
        {"software": "x" * 501},
    ],
)
def test_a_value_out_of_its_bounds_is_refused(change: dict[str, Any]) -> None:
    """Every field has its limits, and a time needs its zone."""
    with pytest.raises(ValidationError):
        RECORD.validate_json(json.dumps(vector("speed", "measured") | change))


def test_the_failure_of_a_record_is_from_the_closed_list() -> None:
    """An unknown failure code is refused; every known one is taken."""
    record = vector("speed", "failed")
    refuse(record | {"failure": {"code": "gremlins", "detail": ""}}, "failure.code")
    for code in Failure:
        changed = record | {"failure": {"code": code, "detail": ""}}
        assert RECORD.validate_json(json.dumps(changed)).failure is not None


def test_a_tombstone_is_not_a_record() -> None:
    """A tombstone has a model of its own and never passes for a measurement."""
    line = (make_vectors.FOLDER / "chain.ndjson").read_bytes().splitlines()[3]
    with pytest.raises(ValidationError):
        RECORD.validate_json(line)
    assert Tombstone.model_validate_json(line).hash != Tombstone.model_validate_json(line).prev


def test_outcomes_are_the_four_of_the_conservation_law() -> None:
    """Slots = measured + failed + skipped + missed."""
    assert [outcome.value for outcome in Outcome] == ["measured", "failed", "skipped", "missed"]
