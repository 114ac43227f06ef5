"""Leaves out what was measured over something else than the line: failover pollutes no line.

A record that left by another carrier, or whose way out changed meanwhile, is kept and shown as what
it is. It is no value of the line, and no sign that the line is up.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_

from collector.ledger.schema import records
from protocol.flags import ELSEWHERE


def on_the_line() -> ColumnElement[bool]:
    """Return the condition that a record was measured over its line, as far as anyone knows."""
    marks = sorted(flag.value for flag in ELSEWHERE)
    return and_(*(records.c.flags.not_like(f"%{mark}%") for mark in marks))


def was_elsewhere(row: Mapping[Any, Any]) -> bool:
    """Return whether a record with these `flags` was not, at least for a part."""
    return went_elsewhere(row["flags"])


def went_elsewhere(flags: str) -> bool:
    """Return whether one of a record's flags, a space between them, says so."""
    return not ELSEWHERE.isdisjoint(flags.split())
