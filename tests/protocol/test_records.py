"""The record models: what a record must and must not be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol import records
from protocol.constants import MAX_RECORD_BYTES
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.records import RECORD, Outcome, Tombstone, encode
from tests.data import make_vectors

VECTORS = [
    json.loads(line)
    for line in (make_vectors.FOLDER / "chain.ndjson").read_bytes().splitlines()
    if b'"tombstone"' not in line
]


def vector(task: str, outcome: str) -> dict[str, Any]:
    """Return the golden record of a task and an outcome, free to change."""
    return next(
        json.loads(json.dumps(record))
        for record in VECTORS
        if (record["task"], record["outcome"]) == (task, outcome)
    )


def refuse(record: dict[str, Any], reason: str) -> None:
    """Assert that the record is refused for that reason."""
    with pytest.raises(ValidationError, match=reason):
        RECORD.validate_json(json.dumps(record))


def test_an_unknown_key_is_refused_at_every_depth() -> None:
    """Nothing is stored that the schema does not know."""
    record = vector("speed", "measured")
    refuse(record | {"note": "x"}, "Extra inputs")
    record["speed"]["download"]["boost"] = 1
    refuse(record, "Extra inputs")


def test_a_record_cannot_be_changed() -> None:
    """A record is written once."""
    record = RECORD.validate_python(vector("reach", "measured"))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(record, "seq", 5)  # noqa: B010 - mypy knows that it is read-only


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


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1"])
def test_a_rate_is_a_number_from_zero_up(number: str) -> None:
    """No NaN, no infinity, nothing below zero reaches the ledger."""
    text = json.dumps(vector("speed", "measured"))
    rate = vector("speed", "measured")["speed"]["download"]["bits_per_second"]
    with pytest.raises(ValidationError):
        RECORD.validate_json(
            text.replace(f'"bits_per_second": {rate}', f'"bits_per_second":{number}')
        )


def test_the_failure_of_a_record_is_from_the_closed_list() -> None:
    """An unknown failure code is refused; every known one is taken."""
    record = vector("speed", "failed")
    refuse(record | {"failure": {"code": "gremlins", "detail": ""}}, "failure.code")
    for code in Failure:
        changed = record | {"failure": {"code": code, "detail": ""}}
        assert RECORD.validate_json(json.dumps(changed)).failure is not None


@given(st.sampled_from(VECTORS), st.text(max_size=500), st.integers(0, 2**63 - 1))
def test_writing_and_reading_are_inverse(record: dict[str, Any], detail: str, seq: int) -> None:
    """What is encoded is read back equal, and encodes to the same bytes on one line."""
    changed = record | {"seq": seq}
    if changed["failure"]:
        changed["failure"] = changed["failure"] | {"detail": detail}
    line = encode(RECORD.validate_python(changed))
    assert b"\n" not in line
    again = RECORD.validate_json(line)
    assert again == RECORD.validate_python(changed)
    assert encode(again) == line


def test_the_largest_speed_record_fits_into_a_line() -> None:
    """16 streams with full TCP_INFO at both ends and 26 s of samples stay below half."""
    record = vector("speed", "measured")
    full_tcp = {
        name: "cubic" if name == "congestion_control" else 1234567890
        for name in records.TcpInfo.model_fields
    }
    stream = {"bytes": 123456789, "probe_tcp": full_tcp, "server_tcp": full_tcp, "lost": None}
    for direction in ("download", "upload"):
        record["speed"][direction]["streams"] = [stream] * 16
        record["speed"][direction]["samples"] = [[12.345678, 1234567890]] * 130
    assert len(encode(RECORD.validate_python(record))) < MAX_RECORD_BYTES / 2


def test_a_tombstone_is_not_a_record() -> None:
    """A tombstone has a model of its own and never passes for a measurement."""
    line = (make_vectors.FOLDER / "chain.ndjson").read_bytes().splitlines()[3]
    with pytest.raises(ValidationError):
        RECORD.validate_json(line)
    assert Tombstone.model_validate_json(line).hash != Tombstone.model_validate_json(line).prev


def test_outcomes_are_the_four_of_the_conservation_law() -> None:
    """Slots = measured + failed + skipped + missed."""
    assert [outcome.value for outcome in Outcome] == ["measured", "failed", "skipped", "missed"]
