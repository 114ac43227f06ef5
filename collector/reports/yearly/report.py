"""What a year says of a ward, for machines: the content of `report.json`.

The other papers of the year are made of it. `schema()` says it as JSON Schema, which is in
docs/yearly.schema.json. Rates are bits per second, durations seconds, shares from 0 to 1. What is
not known or was not measured is null, or counted as unknown: never zero. Sites have the names that
the public pages have, and no address.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from collector.domain.site_kinds import SiteKind
from collector.domain.year.complaints import Complaints
from collector.domain.year.counts import Count
from collector.domain.year.gaps import LineGaps, LineMonths
from collector.domain.year.months import Speed
from collector.domain.year.targets import Gigabit, Ipv6, Mobile, Wifi
from collector.domain.year.trend import Trend
from collector.reports.summary import StandardUsed

FORMAT: Final = "linewatch-yearly/1"

SAMPLES_WANTED: Final = 300
"""i-Speed samples that a ward's official figures need. Read in a secondary source alone."""


@dataclass(frozen=True, slots=True)
class YearSite:
    """A site that the report is of; ``kind`` null: nobody said what it is."""

    id: str
    name: str
    ward: str | None
    kind: SiteKind | None


@dataclass(frozen=True, slots=True)
class Speeds:
    """Of some lines' medians of a month the medians; bit/s, seconds; null: not measured."""

    lines: int
    download_bits_per_second: Speed | None
    upload_bits_per_second: Speed | None
    idle_latency_seconds: Speed | None


@dataclass(frozen=True, slots=True)
class WardTests:
    """Speed tests of a ward that count, in a month. They are no samples of i-Speed.

    Attributes:
        wanted: i-Speed samples that the ward's official figures need.
        wanted_verified: whether somebody read that number in the text itself.
    """

    ward: str | None
    tests: int
    wanted: int
    wanted_verified: bool


@dataclass(frozen=True, slots=True)
class Supporting:
    """Figures that support the forms of DII and DTI. None of them is an official value.

    Attributes:
        official: false, always: official values come of i-Speed and of the ministry's systems.
        month: that they are of.
        fixed, mobile: speeds of fixed and of mobile lines.
        ipv6_sites: sites whose IPv6 works, of all kinds, in the last quarter.
        tests: of each ward, against the samples that i-Speed asks for.
    """

    official: bool
    month: str
    fixed: Speeds
    mobile: Speeds
    ipv6_sites: Count
    tests: Sequence[WardTests]


@dataclass(frozen=True, slots=True)
class YearReport:
    """A year of a ward.

    Attributes:
        format: of this content; another number where a reader must look again.
        software: that made it.
        timezone: of days and months.
        ward: that it is of; null: of all.
        months: that it tells of, as 2026-10: from January to the newest that was over.
        fewest_days: with data that a month must have for its line or site to be spoken of.
        trend: of fixed lines. What was measured stands for itself; its verdicts are those of
            today, by the standards that are named here. What complaints said is with them.
        year_before: the same months a year before, of what was measured alone; null: the ledger
            has nothing of it. Nobody judges these months again.
        mobile_trend: as ``trend``, of mobile lines; null: there are none.
        line_months: all months of all lines by what is known of them, each counted once.
    """

    format: str
    software: str
    year: int
    timezone: str
    ward: str | None
    months: Sequence[str]
    fewest_days: int
    standards: Sequence[StandardUsed]
    sites: Sequence[YearSite]
    gigabit: Gigabit
    wifi: Wifi
    ipv6: Ipv6
    mobile: Mobile
    trend: Trend
    year_before: Trend | None
    mobile_trend: Trend | None
    line_months: LineMonths
    gaps: Sequence[LineGaps]
    complaints: Complaints
    supporting: Supporting


_REPORT: Final[TypeAdapter[YearReport]] = TypeAdapter(YearReport)


def as_json(report: YearReport) -> bytes:
    """Return a report as it is written: the same bytes for the same content."""
    tree = _REPORT.dump_python(report, mode="json")
    return json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def from_json(content: bytes) -> YearReport:
    """Return the report that was written.

    Raises:
        ValidationError: it is none.
    """
    return _REPORT.validate_json(content)


def schema() -> dict[str, Any]:
    """Return what `report.json` holds, as JSON Schema (draft 2020-12)."""
    made = _REPORT.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
