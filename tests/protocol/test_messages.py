"""The JSON bodies between probe, server and collector."""

import json
from datetime import time
from typing import Any

import pytest
from pydantic import ValidationError

from protocol.messages import EnrolRequest, Instruction, Problem, SpeedSchedule, Window
from protocol.model import encode


def instruction() -> dict[str, Any]:
    """Return an instruction with every kind of schedule."""
    window = {"name": "evening", "start": "19:00", "end": "23:00", "tests": 3}
    schedule = {
        "speed": {"windows": [window], "profile": "full"},
        "latency": {"every_seconds": 300},
        "reach": {"every_seconds": 300},
    }
    return {
        "schema": 1,
        "probe": "p1",
        "servers": [{"name": "s1", "url": "http://192.0.2.1:8080/", "stamp": "192.0.2.1:8080"}],
        "paths": [{"name": "eth0", "families": [4, 6], "line": "l1", "schedule": schedule}],
    }


def test_an_instruction_survives_the_way() -> None:
    """What the collector writes is what the probe reads, from its disk too."""
    sent = Instruction.model_validate(instruction())
    received = Instruction.model_validate_json(encode(sent))
    assert received == sent
    assert received.timezone == "Asia/Ho_Chi_Minh"
    speed = received.paths[0].schedule.speed
    assert speed is not None
    assert speed.windows[0].start == time(19)


def test_two_windows_of_one_name_are_refused() -> None:
    """Windows are told apart by their names in records and pages."""
    window = Window(name="evening", start=time(19), end=time(23), tests=1)
    with pytest.raises(ValidationError, match="same name"):
        SpeedSchedule(windows=(window, window))


@pytest.mark.parametrize(
    "place, value",
    [
        (("paths", 0, "schedule", "latency", "every_seconds"), 89),
        (("paths", 0, "schedule", "reach", "every_seconds"), 19),
        (("paths", 0, "schedule", "speed", "windows"), []),
        (("paths", 0, "schedule", "speed", "windows", 0, "tests"), 289),
        (("paths", 0, "families"), []),
        (("paths", 0, "families"), [5]),
        (("servers", 0, "name"), "a b"),
        (("schema",), 2),
    ],
)
def test_an_instruction_out_of_bounds_is_refused(
    place: tuple[str | int, ...], value: object
) -> None:
    """A collector cannot make a probe measure without end."""
    content = instruction()
    inner: Any = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(ValidationError):
        Instruction.model_validate_json(json.dumps(content))


@pytest.mark.parametrize("key", ["", "A" * 43, "A" * 44, "A" * 42 + "=="])
def test_a_public_key_has_exactly_its_form(key: str) -> None:
    """32 bytes in base64: 43 characters and one `=`."""
    with pytest.raises(ValidationError):
        EnrolRequest(code="12345678", public_key=key, software="x")
    EnrolRequest(code="12345678", public_key="A" * 43 + "=", software="x")


def test_a_problem_is_a_refusal() -> None:
    """RFC 9457's status is of an error."""
    with pytest.raises(ValidationError):
        Problem(title="fine", status=200)
    assert json.loads(encode(Problem(title="Gone", status=410)))["type"] == "about:blank"
