"""A record as InfluxDB's line protocol. Pure: no database, no clock.

The client library's own `Point` takes some 90 µs for what takes 10 here, and a sink that is a month
behind has millions of records to write. A test holds that both write the same.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, Final, NamedTuple

from collector.domain.standing import standing
from collector.sinks.series import (
    FLAGS_MEASUREMENT,
    LAST_MILLISECOND,
    LONGEST_TAG,
    MEASUREMENTS,
    RECORDS_FIELD,
)
from protocol.records import Outcome

_KEPT: Final = 16_384
"""Sets of tags that are remembered: a collector of 5,000 lines meets about as many in an hour."""

_MEASURED: Final = Outcome.MEASURED.value

_ESCAPES: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})


class Identity(NamedTuple):
    """What of a record, its line and its site becomes tags. None: not known.

    The names are those of the ledger's columns.
    """

    task: str
    twin: int
    carrier_id: str | None
    failure_code: str | None
    ip_version: int | None
    ipv6_state: str | None
    line_id: str | None
    method_name: str | None
    method_version: str | None
    outcome: str
    path: str
    probe_id: str
    profile: str | None
    server: str | None
    site_id: str | None
    technology: str | None
    ward: str | None
    flags: str


def lines_of(identity: Identity, microseconds: int, values: Sequence[Any]) -> list[str]:
    """Return a record's points: that of its task, and one for each of its flags.

    Args:
        identity: what becomes tags.
        microseconds: its moment, since 1970-01-01 UTC.
        values: of the fields of its measurement, in their order; None: absent.

    Raises:
        ValueError: no series database holds its moment.
    """
    moment = microseconds // 1000
    if not 0 <= moment <= LAST_MILLISECOND:
        raise ValueError("its moment is outside of what a series database holds")
    heads = _heads(identity)
    measured = identity.outcome == _MEASURED
    parts = [heads[0]]
    fields = MEASUREMENTS[identity.task].fields
    for field, value in zip(fields, values, strict=True):
        if value is None or not (measured or field.registry):
            continue
        if field.whole:
            parts.append(f"{field.name}={int(value)}i")
        elif isfinite(value):
            parts.append(f"{field.name}={float(value)!r}")
    return [f"{','.join(parts)} {moment}", *(f"{head} {moment}" for head in heads[1:])]


@lru_cache(_KEPT)
def _heads(identity: Identity) -> tuple[str, ...]:
    """Return what stands before the values of each of a record's points."""
    tags = {
        "carrier": identity.carrier_id,
        "counts_as": standing(identity.flags).value,
        "failure": identity.failure_code,
        "family": identity.ip_version,
        "ipv6_state": identity.ipv6_state,
        "line": identity.line_id,
        "method": identity.method_name,
        "method_version": identity.method_version,
        "outcome": identity.outcome,
        "path": identity.path,
        "probe": identity.probe_id,
        "profile": identity.profile,
        "server": identity.server,
        "site": identity.site_id,
        "technology": identity.technology,
        "twin": identity.twin or None,
        "ward": identity.ward,
    }
    heads = [_head(MEASUREMENTS[identity.task].name, tags)]
    del tags["ipv6_state"]
    heads += [
        _head(FLAGS_MEASUREMENT, tags | {"flag": flag, "task": identity.task})
        for flag in identity.flags.split()
    ]
    return tuple(heads)


def _head(measurement: str, tags: dict[str, str | int | None]) -> str:
    written = [measurement]
    for name, value in sorted(tags.items()):
        text = tag_value(value)
        if text:
            written.append(f"{name}={text}")
    return f"{','.join(written)} {RECORDS_FIELD}=1i"


def tag_value(value: str | int | None) -> str:
    """Return a tag's value as it is written; empty: the tag is left out.

    What no server takes in the same way is replaced: line breaks and other control characters by a
    space, the backslash, which some read as the beginning of an escape, by a slash.
    """
    if value is None:
        return ""
    text = unicodedata.normalize("NFC", str(value)).replace("\\", "/")
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())[:LONGEST_TAG].rstrip().translate(_ESCAPES)
