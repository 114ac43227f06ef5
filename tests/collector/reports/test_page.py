"""What a line's page says of how it was measured."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from collector.domain.line_month import LinePart, ProbeTurn
from collector.domain.succession import Kind
from collector.reports.monthly import Month
from collector.reports.page import page_of
from collector.reports.summary import LineSummary, Site, summarise
from tests.collector.domain.standards import file_of, month_of, part_with, tree

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SEPTEMBER = Month(date(2026, 9, 1), ZONE)


def said(part: LinePart) -> dict[str, object]:
    """Return what the page says of a line's only part."""
    file = file_of(tree())
    summary = LineSummary("l", Site("s", "Nhà", None, None), "fibre", [summarise(part, [file])])
    (found,) = page_of(summary, [part], [file], SEPTEMBER)["parts"]
    return dict(found)


@pytest.mark.parametrize("family, server", [(4, "hn1"), (6, "hn1 (IPv6)")])
def test_a_month_over_ipv6_is_told_as_such(family: int, server: str) -> None:
    """IPv4 is what people expect, and is not said."""
    kind = Kind("http", "2", "full", family, "hn1")
    assert said(part_with(month_of([[1e8]]), kind=kind))["server"] == server


def test_who_measured_is_told_where_it_was_not_one_alone() -> None:
    """A probe that took another's place: since when, and how many tests of each count."""
    part = part_with(month_of([[1e8, 1e8, 1e8]]), probes=(ProbeTurn("p1", "eth0", None),))
    assert said(part)["replaced"] is None
    since = datetime(2026, 9, 1, 12, tzinfo=ZONE)
    both = replace(part, probes=(*part.probes, ProbeTurn("p2", "end0", since)))
    assert said(both)["replaced"] == (
        (
            "Thiết bị đo được thay trong thời gian này: p1 (eth0), 1 lần đo; từ 01/09/2026 12:00 "
            "p2 (end0), 2 lần đo. Không có hai thiết bị nào đo cùng lúc."
        ),
        (
            "The probe was replaced in these days: p1 (eth0), 1 tests; since 01/09/2026 12:00 "
            "p2 (end0), 2 tests. No two measured at the same time."
        ),
    )
