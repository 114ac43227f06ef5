"""Records as line protocol: escaped, bounded, of fixed types, as the client library writes them."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write import point as library

from collector.sinks.lines import Identity, lines_of, tag_value
from collector.sinks.series import (
    FLAGS_TAGS,
    LAST_MILLISECOND,
    LONGEST_TAG,
    MEASUREMENTS,
    TAGS,
)
from protocol.flags import Flag

Point: Any = library.Point
"""Has no types."""

MOMENT = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 1_000_000 + 123_456

SPEED: dict[str, Any] = {
    "task": "speed",
    "twin": 0,
    "carrier_id": "vnpt",
    "failure_code": None,
    "ip_version": 4,
    "ipv6_state": None,
    "line_id": "l1",
    "method_name": "http",
    "method_version": "2",
    "outcome": "measured",
    "path": "eth0",
    "probe_id": "p1",
    "profile": "full",
    "server": "hn1",
    "site_id": "nvh-1",
    "technology": "fibre",
    "ward": "Thạch Khôi",
    "flags": "",
}
VALUES = [300e6, 150.5e6, 0.004, None, 1e-05, 2**53 + 1, 3e8, 1e8, None, None, 20.9, 106.3]


def speed(**changes: Any) -> Identity:
    """Return a speed test's identity."""
    return Identity(**{**SPEED, **changes})


def plain(text: str) -> str:
    """Return what a server reads of an escaped value."""
    return re.sub(r"\\(.)", r"\1", text)


def test_a_line_is_what_the_client_library_writes() -> None:
    """Tags, fields, their types and the moment are the library's, byte for byte."""
    (line,) = lines_of(speed(), MOMENT, VALUES)
    point = Point("linewatch_speed").tag("carrier", "vnpt").tag("counts_as", "line")
    point.tag("family", "4").tag("line", "l1").tag("method", "http").tag("method_version", "2")
    point.tag("outcome", "measured").tag("path", "eth0").tag("probe", "p1").tag("profile", "full")
    point.tag("server", "hn1").tag("site", "nvh-1").tag("technology", "fibre")
    point.tag("ward", "Thạch Khôi").time(MOMENT // 1000)
    point.field("records", 1)
    fields = MEASUREMENTS["speed"].fields
    for field, value in zip(fields, VALUES, strict=True):
        point.field(field.name, value)
    theirs = point.to_line_protocol()
    (own_head, own_values, own_time), (head, values, time) = (
        re.split(r"(?<!\\) ", text) for text in (line, theirs)
    )
    assert (own_head, own_time) == (head, time)

    def read(text: str) -> dict[str, float | str]:
        pairs = (part.split("=") for part in text.split(","))
        return {k: v if v.endswith("i") else float(v) for k, v in pairs}

    assert read(own_values) == read(values)
    assert all("." in v or "e" in v or v.endswith("i") for v in re.findall(r"=([^,]+)", own_values))


@given(st.text(max_size=300))
def test_any_text_is_one_tag_value(text: str) -> None:
    """Escaped as the library does, no control characters and backslashes, of bounded length."""
    written = tag_value(text)
    read = plain(written)
    assert len(read) <= LONGEST_TAG
    assert read == read.strip()
    assert read.isprintable()
    assert "\\" not in read
    if read:
        theirs = Point("m").tag("t", read).field("f", 1).to_line_protocol()
        assert theirs == f"m,t={written} f=1i"


def test_a_tag_that_says_nothing_is_left_out() -> None:
    """Null, empty, and what consists of spaces and line breaks alone."""
    (line,) = lines_of(speed(ward=" \n\t", server="", site_id=None), MOMENT, VALUES)
    assert not re.search("ward|server|site", line.split(" ")[0])


@pytest.mark.parametrize("outcome", ["failed", "skipped", "missed"])
def test_a_record_that_is_not_measured_has_no_value(outcome: str) -> None:
    """Whatever was measured before it failed; the contract is no value, and stays."""
    (line,) = lines_of(speed(outcome=outcome, failure_code="refused"), MOMENT, VALUES)
    names = re.findall(r"(\w+)=", line.split(" ")[-2])
    assert names == [
        "records",
        "contracted_download_bits_per_second",
        "contracted_upload_bits_per_second",
        "latitude_degrees",
        "longitude_degrees",
    ]
    assert (
        f"failure=refused,family=4,line=l1,method=http,method_version=2,outcome={outcome}" in line
    )


def test_each_flag_has_a_point_of_its_own() -> None:
    """With all the record's tags, its task, and one count."""
    lines = lines_of(speed(flags="cross_traffic wifi"), MOMENT, VALUES)
    assert [line.split(",")[0] for line in lines] == ["linewatch_speed"] + ["linewatch_flags"] * 2
    assert ",flag=cross_traffic," in lines[1]
    assert ",flag=wifi," in lines[2]
    assert all(",task=speed" in line and " records=1i " in line for line in lines[1:])


def test_a_points_tags_are_those_of_the_page_and_no_more() -> None:
    """With everything known and every flag raised there are the documented tags, sorted."""
    full = speed(
        twin=2, failure_code="x", ipv6_state="ready", flags=" ".join(sorted(flag for flag in Flag))
    )
    first, *flags = (re.findall(r",(\w+)=", line) for line in lines_of(full, MOMENT, VALUES))
    assert first[: len(TAGS)] == sorted(TAGS)
    own = sorted({*TAGS, *FLAGS_TAGS} - {"ipv6_state"})
    assert all(tags == own for tags in flags)
    assert len(flags) == len(Flag)
    # VictoriaMetrics drops the tags behind the thirtieth.
    assert max(len(first), len(own)) < 30


def test_a_value_that_is_no_number_is_absent() -> None:
    """Infinity and not-a-number have no line protocol."""
    values = [float("inf"), float("nan"), *VALUES[2:]]
    (line,) = lines_of(speed(), MOMENT, values)
    assert "records=1i,idle_latency_seconds=0.004" in line


@pytest.mark.parametrize("microseconds", [-1, (LAST_MILLISECOND + 1) * 1000, 10**17])
def test_a_moment_that_no_series_database_holds_is_refused_beforehand(microseconds: int) -> None:
    """Before 1970 or after 2262."""
    with pytest.raises(ValueError, match="outside"):
        lines_of(speed(), microseconds, VALUES)
