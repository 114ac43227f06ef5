"""The golden records, to be changed and refused."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from protocol.records import RECORD
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
