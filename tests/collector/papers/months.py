"""Months with findings of which one knows what papers have to say of them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from collector.domain.findings import Finding, Judgement, Reason, Verdict
from collector.domain.line_month import Exclusion
from collector.domain.standard import Reference
from collector.domain.terms import Terms
from collector.papers.findings import by_name
from collector.papers.parties import Parties, Person, Ward
from collector.reports.summary import (
    FORMAT,
    Carrier,
    Excluded,
    LineSummary,
    PartSummary,
    Site,
    Summary,
    standard_used,
)
from tests.collector.standing_rules import standing

QCVN: Final = standing("qcvn-34-2019")
FILES: Final = [QCVN]
STANDARDS: Final = by_name(FILES)

FIRST: Final = date(2026, 10, 1)
LAST: Final = date(2026, 10, 31)

TERMS: Final = Terms(
    plan="Gia đình 150",
    contracted_download_bits_per_second=150_000_000,
    contracted_upload_bits_per_second=150_000_000,
    declared_download_bits_per_second=150_000_000,
    contract_number="HĐ-2024/77",
    contract_since=date(2024, 3, 5),
)

PARTIES: Final = Parties(
    carrier="Công ty Thử Nghiệm Hải Phòng",
    carrier_address="Số 9 phố Không Có, thành phố Thử",
    ward=Ward("Phường Thử", "Ủy ban thành phố Thử", "Ủy ban phường Thử", "Thử", "UBND-VHXH"),
    signer=Person("Nguyễn Văn Ký", "Phó Chủ tịch", "TM. Ủy ban; KT. Chủ tịch", None, None),
    contact=Person("Trần Thị Thư", None, None, "0900-111-222", "thu@thu.example"),
)
NOBODY: Final = Parties("Nhà mạng B", None, Ward(), None, None)


def broken(**changes: Any) -> Finding:
    """Return the finding that a line's evening download is too slow."""
    values: dict[str, Any] = {
        "indicator": "download",
        "window": "peak",
        "is_primary": True,
        "verdict": Verdict.FAIL,
        "reason": Reason.BROKEN,
        "verified": False,
        "value": 91_250_000.0,
        "low": 88_000_000.0,
        "high": 94_500_000.0,
        "limit": 120_000_000.0,
        "reference": Reference.DECLARED,
        "days": 31,
        "tests": 93,
    }
    return Finding(**{**values, **changes})


def kept(**changes: Any) -> Finding:
    """Return the finding that it is fast enough."""
    fast = {"verdict": Verdict.PASS, "reason": Reason.KEPT}
    figures = {"value": 149e6, "low": 146e6, "high": 151e6}
    return broken(**{**fast, **figures, **changes})


def too_few(**changes: Any) -> Finding:
    """Return that nothing can be said of it."""
    unknown = {"verdict": Verdict.NOT_ENOUGH_DATA, "reason": Reason.FEW_DAYS}
    figures = {"value": None, "low": None, "high": None, "details": {"days": 3, "wanted": 20}}
    return broken(**{**unknown, **figures, **changes})


def part(*findings: Finding, **changes: Any) -> PartSummary:
    """Return a line's days, with what is said of them; no finding: no standard fits."""
    first, last = changes.get("first_day", FIRST), changes.get("last_day", LAST)
    judgement = Judgement(
        line="l",
        month="2026-10",
        first_day=first,
        last_day=last,
        standard=QCVN.standard.id,
        version=QCVN.standard.version,
        sha256=QCVN.sha256,
        in_force=changes.pop("in_force", True),
        may_accuse=changes.pop("may_accuse", True),
        findings=findings,
        family=0,
    )
    values: dict[str, Any] = {
        "first_day": first,
        "last_day": last,
        "terms": TERMS,
        "server": "hn-1",
        "network": None,
        "tests": 240,
        "witnesses": {},
        "excluded": [
            Excluded("speed", Exclusion.FLAGGED, "cross_traffic", 7),
            Excluded("latency", Exclusion.FLAGGED, "wifi", 100),
        ],
        "outages": [],
        "watched_seconds": 0.0,
        "figures": [],
        "judgements": [judgement] if findings else [],
    }
    return PartSummary(**{**values, **changes})


def line(name: str, *parts: PartSummary, ward: str = "Phường Thử", **changes: Any) -> LineSummary:
    """Return a line's month."""
    site = Site(f"site-{name}", f"Nhà văn hóa {name}", ward, f"{name} phố Không Có Thật")
    return LineSummary(name, site, changes.get("technology", "fibre"), parts)


def month(*lines: LineSummary) -> Summary:
    """Return a carrier's October."""
    carrier = Carrier("b", "Nhà mạng B")
    standards: Sequence[Any] = [standard_used(one) for one in FILES]
    return Summary(
        FORMAT, "linewatch/0", "2026-10", "Asia/Ho_Chi_Minh", None, carrier, standards, lines
    )


def mixed() -> Summary:
    """Return a month with a line that fails by two indicators, one that passes, one unknown."""
    slow = part(broken(), broken(indicator="upload", window="all", is_primary=False))
    return month(line("mot", slow), line("hai", part(kept())), line("ba", part(too_few())))


def fine() -> Summary:
    """Return a month without a line that fails."""
    return month(line("hai", part(kept())), line("ba", part(too_few())))
