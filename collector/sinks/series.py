"""The series that sinks write: measurements, tags, fields. `docs/series.md` is made from this.

A field's name, unit and type are for ever; a new meaning is a new field. What was not measured has
no field: absent is never zero.
"""

from dataclasses import dataclass
from typing import Final

from protocol.records import Task

RECORDS_FIELD: Final = "records"
"""In each point of each measurement, always 1: summed, it counts."""

FLAGS_MEASUREMENT: Final = "linewatch_flags"
"""One point for each flag of a record."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Attributes:
        name: in the series; its unit stands in it.
        column: of the record, or of its line or site in the registry.
        whole: an integer; else a float.
        meaning: in a sentence.
        registry: what the registry says when the point is written: there whatever the outcome.
    """

    name: str
    column: str
    whole: bool
    meaning: str
    registry: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one task's records become."""

    name: str
    meaning: str
    fields: tuple[Field, ...]


def _reached(name: str, whom: str) -> Field:
    return Field(name, name, whole=True, meaning=f"1: {whom} answered; 0: it did not.")


def _promised(name: str, meaning: str) -> Field:
    return Field(name, name, whole=False, meaning=meaning, registry=True)


_PLACE: Final = tuple(
    Field(f"{name}_degrees", name, whole=False, meaning=meaning, registry=True)
    for name, meaning in (
        ("latitude", "Where the site is, north."),
        ("longitude", "Where the site is, east."),
    )
)

MEASUREMENTS: Final[dict[str, Measurement]] = {
    Task.SPEED.value: Measurement(
        "linewatch_speed",
        "A speed test.",
        (
            Field(
                "download_bits_per_second",
                "download_bits_per_second",
                whole=False,
                meaning="Payload delivered to the probe, warm-up excluded.",
            ),
            Field(
                "upload_bits_per_second",
                "upload_bits_per_second",
                whole=False,
                meaning="Payload delivered to the server, warm-up excluded.",
            ),
            Field(
                "idle_latency_seconds",
                "idle_latency_seconds",
                whole=False,
                meaning="Median round trip, line idle.",
            ),
            Field(
                "download_latency_seconds",
                "download_latency_seconds",
                whole=False,
                meaning="Median round trip while downloading.",
            ),
            Field(
                "upload_latency_seconds",
                "upload_latency_seconds",
                whole=False,
                meaning="Median round trip while uploading.",
            ),
            Field(
                "data_bytes",
                "data_bytes",
                whole=True,
                meaning="Payload that the test moved, both directions, warm-up included.",
            ),
            _promised(
                "contracted_download_bits_per_second", "The download that the contract promises."
            ),
            _promised(
                "contracted_upload_bits_per_second", "The upload that the contract promises."
            ),
            _promised("declared_download_bits_per_second", "The download in the carrier's notice."),
            _promised("declared_upload_bits_per_second", "The upload in the carrier's notice."),
            *_PLACE,
        ),
    ),
    Task.LATENCY.value: Measurement(
        "linewatch_latency",
        "A minute of small packets.",
        (
            Field(
                "round_trip_seconds",
                "round_trip_seconds",
                whole=False,
                meaning="Median round trip.",
            ),
            Field(
                "delay_variation_seconds",
                "delay_variation_seconds",
                whole=False,
                meaning="95th percentile of the delay above the least.",
            ),
            Field(
                "lost_ratio",
                "lost_ratio",
                whole=False,
                meaning="Lost packets, 0 to 1.",
            ),
        ),
    ),
    Task.REACH.value: Measurement(
        "linewatch_reach",
        "A look at what answers.",
        (
            _reached("gateway_reached", "the gateway"),
            _reached("dns_reached", "a name server"),
            _reached("ipv4_reached", "any far end over IPv4"),
            _reached("ipv6_reached", "any far end over IPv6"),
            _reached("server_reached", "the measurement server"),
            *_PLACE,
        ),
    ),
}
"""By the record's task."""

TAGS: Final[dict[str, str]] = {
    "carrier": "The line's carrier, by its name in the registry.",
    "counts_as": "What the result is a value of: `line`; `at_least`: its rates are lower bounds; "
    "`wifi`: of Wi-Fi and line together; `aside`: of nothing, it is kept and shown only.",
    "failure": "Why it was not measured, a code of the closed list; absent where it was.",
    "family": "`4` or `6`: the address family; absent where none is known.",
    "ipv6_state": "IPv6, in one word: `ready`, `slower` (ready too), or what is missing. Of "
    "`linewatch_reach`.",
    "line": "The line, by its name in the registry.",
    "method": "What measured: `http`, `ndt7`, `stamp`, `reach` …",
    "method_version": "Its version: only the same versions are compared.",
    "outcome": "`measured`, `failed`, `skipped`, `missed`.",
    "path": "The probe's way out.",
    "probe": "The probe.",
    "profile": "`full` or `quick`.",
    "server": "The far end, as the registry calls it, or else its own name or URL.",
    "site": "The line's site, by its name in the registry.",
    "technology": "The line's: `fibre`, `cable`, `dsl`, `4g`, `5g`, `other`.",
    "twin": "`1` and up where another record has all other tags and the millisecond too; nearly "
    "always absent.",
    "ward": "The site's ward.",
}
"""In the order in which they are written: sorted, as the servers like them best."""

FLAGS_TAGS: Final[dict[str, str]] = {
    "flag": "A flag of the closed list.",
    "task": "`speed`, `latency` or `reach`.",
}
"""What `linewatch_flags` has besides."""

LONGEST_TAG: Final = 120
"""Letters of a tag's value; what is longer is cut. Names of the registry are at most 64; a server's
URL may be longer, and a ward's name is free."""

LAST_MILLISECOND: Final = (2**63 - 1) // 1_000_000
"""The latest moment that InfluxDB holds: 64 bits of nanoseconds, in the year 2262."""
