"""What queries need of a record, taken out of its line. Pure: no database, no clock.

A line that is a link of its chain but no valid record has no columns; its reason is returned, so
that it can be kept apart and shown.

What is made for each line is a tuple with names: made in a third of a frozen dataclass's time, and
sent to another process in a third of it, too.
"""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from collector.domain.time_correction import ClockReading
from protocol.chain import Link, hash_line
from protocol.records import RECORD, LatencyRecord, Outcome, ReachRecord, SpeedRecord, Tombstone
from protocol.results import LatencySummary, ServerIdentity, Transfer

_LARGEST = 2**63 - 1
"""The largest integer that a database column holds."""

_LONGEST_REASON = 500
_FIRST_ERRORS = 3
_LONGEST_FAULT = 150
"""Of one of the first errors: those that list every word which is allowed would fill it all."""


class Content(NamedTuple):
    """A valid record or tombstone.

    Attributes:
        columns: of `collector.ledger.schema.records`, without those of its place, its time and
            its line. Moments are in UTC.
        clock: what it says of its moment; None for a tombstone.
    """

    columns: dict[str, Any]
    clock: ClockReading | None


class Received(NamedTuple):
    """A line of a batch: its bytes, its place in the chain, and what is in it.

    Attributes:
        line: the exact bytes, without the newline.
        link: the place.
        content: what is in it; None where it is no valid record.
        reason: why it is none.
    """

    line: bytes
    link: Link
    content: Content | None
    reason: str | None = None


def read_at_once(line: bytes) -> Received | None:
    """Return a line with its place and its content by reading it once; None: it takes two readings.

    A line as probes write it names its place first, and the record that is read from it says the
    same. That is what `read_link` and `read_record` find too, in less than half the time. They have
    the word on all other lines, on what is wrong with one above all.
    """
    place = _first_place(line)
    if place is None:
        return None
    try:
        content = _read_record(line)
    except (ValidationError, OverflowError):
        return None
    if place != tuple(map(content.columns.pop, _PLACE_COLUMNS)):
        return None
    # No text has a NUL in it: JSON writes that with a backslash.
    return Received(line, Link(*place, hash_line(line), tombstone=False), content)


_PLACE_COLUMNS = ("probe", "chain", "seq", "prev")


_PLACE = re.compile(
    rb'\{"schema":1,"probe":"([A-Za-z0-9._-]+)","chain":"([A-Za-z0-9._-]+)",'
    rb'"seq":(0|[1-9][0-9]{0,18}),"prev":"([0-9a-f]{64})",'
)
_SAMPLED = 128
_MANY_DIGITS = re.compile(rb"[0-9]{33}")
"""`json.loads` refuses whole numbers of more than 4300 digits (sys.set_int_max_str_digits), which
the model may take for infinity. Such a number has at least 33 bytes that lie `_SAMPLED` apart."""


def _first_place(line: bytes) -> tuple[str, str, int, str] | None:
    """Return the place that a line begins with, if no other reader can find another one in it.

    A key that comes twice counts as it comes last, for all of them: then the record's own word
    differs. Only of `seq` it need not: the model takes "7" and 7.0 for 7, `read_link` does not.
    """
    found = _PLACE.match(line)
    if (
        found is None
        or b"\\" in line
        or line.find(b'"seq"', found.end()) >= 0
        or _MANY_DIGITS.search(line[::_SAMPLED])
    ):
        return None
    probe, chain, seq, prev = found.groups()
    return probe.decode(), chain.decode(), int(seq), prev.decode()


def read_record(line: bytes, link: Link) -> Received:
    """Return a line with its content, or with the reason why it has none."""
    try:
        content = _read_tombstone(line) if link.tombstone else _read_record(line)
    except ValidationError as error:
        return Received(line, link, None, _explain(error))
    except OverflowError as error:
        return Received(line, link, None, str(error))
    return _judge(line, link, content)


def _judge(line: bytes, link: Link, content: Content) -> Received:
    """Return a line with what the models found in it, if the ledger can hold that."""
    for name, value in content.columns.items():
        if isinstance(value, str):
            # PostgreSQL has no text with a NUL in it; the line keeps it.
            content.columns[name] = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    said = tuple(map(content.columns.pop, _PLACE_COLUMNS))
    if said != (link.probe, link.chain, link.seq, link.prev):
        # Two readers of JSON may differ on a line with the same key twice.
        return Received(line, link, None, "the line can be read in two ways")
    return Received(line, link, content)


def _in_utc(name: str, moment: datetime) -> datetime:
    """Return a moment in UTC.

    Raises:
        OverflowError: it is in the years 1 to 9999 in its own zone alone.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise OverflowError(f"{name}: this moment is outside of UTC's calendar") from None


def _explain(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    parts = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'record'}: {fault['msg']}"[
            :_LONGEST_FAULT
        ]
        for fault in faults[:_FIRST_ERRORS]
    ]
    if len(faults) > _FIRST_ERRORS:
        parts.append(f"and {len(faults) - _FIRST_ERRORS} more")
    return "; ".join(parts)[:_LONGEST_REASON]


def _read_tombstone(line: bytes) -> Content:
    stone = Tombstone.model_validate_json(line)
    return Content(
        {
            "probe": stone.probe,
            "chain": stone.chain,
            "seq": stone.seq,
            "prev": stone.prev,
            "tombstone": stone.tombstone,
            "task": stone.task,
            "path": stone.path,
            "slot": stone.slot and _in_utc("slot", stone.slot),
            "flags": "",
        },
        None,
    )


def _read_record(line: bytes) -> Content:
    record = RECORD.validate_json(line)
    slot = _in_utc("slot", record.slot)
    started_at = record.started_at and _in_utc("started_at", record.started_at)
    clock = record.clock
    columns: dict[str, Any] = {
        "probe": record.probe,
        "chain": record.chain,
        "seq": record.seq,
        "prev": record.prev,
        "task": record.task.value,
        "path": record.path,
        "slot": slot,
        "started_at": started_at,
        "boot_id": clock.boot_id,
        "monotonic_seconds": clock.monotonic_seconds,
        "outcome": record.outcome.value,
        "failure_code": record.failure.code.value if record.failure else None,
        "flags": " ".join(sorted({flag.value for flag in record.flags})),
        "method_name": record.method.name,
        "method_version": record.method.version,
        "profile": record.method.profile,
        "software": record.software,
        # What was planned; the test itself, where it came so far, knows better.
        "ip_version": record.family,
        "server": record.server,
    }
    if isinstance(record, SpeedRecord):
        columns |= _speed_columns(record)
    elif isinstance(record, LatencyRecord):
        columns |= _latency_columns(record)
    else:
        columns |= _reach_columns(record)
    reading = ClockReading(
        source=clock.source,
        claimed=started_at or slot,
        started=started_at is not None,
        missed=record.outcome is Outcome.MISSED,
        boot_id=clock.boot_id,
        monotonic_seconds=clock.monotonic_seconds,
    )
    return Content(columns, reading)


def _speed_columns(record: SpeedRecord) -> dict[str, Any]:
    speed = record.speed
    if speed is None:
        return {}
    return {
        **_ip_version(speed.ip_version),
        "server": _server(speed.server),
        "download_bits_per_second": _rate(speed.download),
        "upload_bits_per_second": _rate(speed.upload),
        "idle_latency_seconds": _median(speed.latency.idle),
        "download_latency_seconds": _median(speed.latency.download),
        "upload_latency_seconds": _median(speed.latency.upload),
        "data_bytes": min(
            _LARGEST, sum(way.total_bytes for way in (speed.download, speed.upload) if way)
        ),
    }


def _latency_columns(record: LatencyRecord) -> dict[str, Any]:
    latency = record.latency
    if latency is None:
        return {}
    return {
        **_ip_version(latency.ip_version),
        "server": _server(latency.server),
        "round_trip_seconds": _median(latency.round_trip),
        "delay_variation_seconds": latency.delay_variation_p95_seconds,
        "lost_ratio": latency.lost_ratio,
    }


def _reach_columns(record: ReachRecord) -> dict[str, Any]:
    reach = record.reach
    reached: dict[str, bool | None] = dict.fromkeys(_REACHED.values())
    for target in reach.targets if reach else ():
        columns = {_REACHED[target.name]}
        if target.name == "server" and target.ip_version is not None:
            # The measurement server is one of its family's far ends.
            columns.add(_REACHED[f"ipv{target.ip_version}"])
        for column in columns:
            reached[column] = reached[column] or target.reached
    readiness = reach.ipv6 if reach else None
    return {"ipv6_state": readiness.state.value if readiness else None, **reached}


_REACHED = {name: f"{name}_reached" for name in ("gateway", "dns", "ipv4", "ipv6", "server")}
"""What was asked → the column that says whether any of its kind answered; null: none was asked."""


def _rate(transfer: Transfer | None) -> float | None:
    return transfer.bits_per_second if transfer else None


def _median(summary: LatencySummary | None) -> float | None:
    return summary.median_seconds if summary else None


def _ip_version(used: int | None) -> dict[str, int]:
    return {} if used is None else {"ip_version": used}


def _server(server: ServerIdentity) -> str:
    return server.entry or server.name or server.url
