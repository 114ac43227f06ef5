"""Small standards for tests, and parts of months held against them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import yaml

from bench.line_months import FIRST_DAY, ZONE
from collector.domain.line_month import LinePart, RecordRef, SpeedTest
from collector.domain.standard_file import StandardFile, parse
from collector.domain.terms import Terms

RATE = 100_000_000
TERMS = Terms(
    contracted_download_bits_per_second=RATE,
    contracted_upload_bits_per_second=RATE,
    declared_download_bits_per_second=RATE,
    declared_upload_bits_per_second=RATE,
)


def limit(number: float | None, *of: str, unit: str | None = None, side: str = "at_least") -> Any:
    """Return a limit as a file has it."""
    scale = {"of": list(of)} if of else {"unit": unit}
    return {"side": side, "number": number, **scale, "verified": False, "source": "a test"}


def indicator(name: str = "download", **parts: Any) -> dict[str, Any]:
    """Return an indicator as a file has it: a mean of at least 0.8 of the declared speed."""
    return {
        "id": name,
        "name": {"vi": name, "en": name},
        "quantity": "download",
        "statistic": "mean",
        "windows": ["all"],
        "limit": limit(0.8, "declared", "contracted"),
        **parts,
    }


def tree(*indicators: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a standard as a file has it; the first indicator is the primary one."""
    asked = list(indicators or [indicator()])
    words = {"vi": "thử", "en": "test"}
    minimum = {"days": 20, "tests": 60}
    return {
        "id": "test",
        "version": 1,
        "name": words,
        "issuer": words,
        "effective_from": None,
        "use": "requirement",
        "effective_to": None,
        "source": "a test",
        "fits": ["fixed"],
        "windows": [
            {"id": "all", "name": words, "minimum": minimum},
            {"id": "peak", "name": words, "hours": [[19, 23]], "minimum": minimum},
        ],
        "indicators": asked,
        "primary": {"indicator": asked[0]["id"], "window": "all"},
        **parts,
    }


def campaign_tree(*indicators: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """Return a standard that counts a campaign: three days of four tests, a day between."""
    asked = [{**one, "windows": []} for one in indicators]
    campaign = {"days": 3, "tests_per_day": 4, "within_days": 14, "minutes_between": 5, **rule}
    found = tree(*asked, campaign={"days_between": 1, **campaign})
    return {**found, "windows": [], "primary": {"indicator": asked[0]["id"]}}


def file_of(parts: dict[str, Any]) -> StandardFile:
    """Return the standard that a file with these parts holds."""
    return parse(yaml.safe_dump(parts, allow_unicode=True).encode(), "test.yaml")


def speed_test(day: int, minutes: float, rate: float, *, bound: bool = False) -> SpeedTest:
    """Return a test of a day (from 0) and minute; both directions have the same rate."""
    at = datetime.combine(FIRST_DAY, datetime.min.time(), ZONE)
    at += timedelta(days=day, minutes=minutes)
    record = RecordRef("p", "c", day * 1440 + int(minutes))
    latency = None if bound else 0.02
    return SpeedTest(at, rate, rate, bound, latency, latency, latency, record)


def month_of(rates: Sequence[Sequence[float]]) -> list[SpeedTest]:
    """Return tests with these rates, day by day; the hours of a day are evenly spread."""
    return [
        speed_test(day, 1440 / len(of_day) * (turn + 0.5), rate)
        for day, of_day in enumerate(rates)
        for turn, rate in enumerate(of_day)
    ]


def part_with(tests: Sequence[SpeedTest], **parts: Any) -> LinePart:
    """Return a fibre line's September with these tests."""
    last = FIRST_DAY + timedelta(days=29)
    whole = LinePart("l", "fibre", "2026-09", FIRST_DAY, last, TERMS, "hn1", "VNIX", tuple(tests))
    return replace(whole, **parts)
