"""Rows of records as a collector would store them, for ledgers that tests fill by themselves."""

from datetime import datetime, timedelta
from typing import Any

from collector.ledger.schema import records

Row = dict[str, Any]


def record_row(task: str, at: datetime, **values: Any) -> Row:
    """Return a measured record's row; what is not given is null, its place in a chain too."""
    empty = {column.name: None for column in records.columns if column.name != "id"}
    common = {
        "task": task,
        "path": "eth0",
        "slot": at,
        "started_at": at,
        "measured_at": at,
        "received_at": at + timedelta(seconds=50),
        "time_quality": "kernel",
        "outcome": "measured",
        "flags": "",
        "method_name": "http" if task == "speed" else task,
        "method_version": "1",
        "profile": "full" if task == "speed" else None,
        "software": "linewatch 0.1.0",
        "server": "may-chu-do",
        "ip_version": 4,
    }
    return {**empty, **common, **values}
