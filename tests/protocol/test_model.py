"""What every stored model is: closed, frozen, and the same bytes again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.model import encode
from protocol.records import RECORD
from tests.protocol.golden import VECTORS, refuse, vector


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
