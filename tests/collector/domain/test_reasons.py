"""Every verdict has its sentence, in both languages."""

from typing import Any

import pytest

from collector.domain.findings import Finding, Reason, Verdict
from collector.domain.reasons import sentence, shown
from collector.domain.standard import Indicator, Words
from tests.collector.domain.standards import indicator, limit

RATE = Indicator.model_validate(indicator())


def finding(reason: Reason, **parts: object) -> Finding:
    """Return a finding with all that its sentence may name."""
    details = {"days": 12, "wanted": 20, "tests": 7, "share": 0.8, "server": "hn2", "family": 9}
    details |= {"probe": "nvh-1 (eth0)"}
    return Finding(
        "download",
        "all",
        is_primary=True,
        verdict=Verdict.NOT_ENOUGH_DATA,
        reason=reason,
        verified=False,
        **{  # type: ignore[arg-type]
            "details": details,
            "value": 71_250_000.0,
            "low": 68e6,
            "high": 1_074e6,
            "limit": 80e6,
            "bounds": 3,
            "witness": "hn2",
            **parts,
        },
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_in_both_languages(reason: Reason) -> None:
    """Nothing is left unfilled, with an interval and without one."""
    for one in (finding(reason), finding(reason, low=None, high=None)):
        said = sentence(one, RATE)
        assert "{" not in said.vi + said.en
        assert said.vi != said.en
        assert said.vi.endswith(".")
        assert said.en.endswith(".")


def test_numbers_have_the_signs_of_their_language() -> None:
    """71,3 Mbit/s and 1.074,0 Mbit/s in Vietnamese, 71.2 and 1,074.0 in English."""
    said = sentence(finding(Reason.BROKEN), RATE)
    assert "1.074,0 Mbit/s" in said.vi
    assert "1,074.0 Mbit/s" in said.en
    assert "hn2" in said.vi
    assert "3 số đo là cận dưới" in said.vi


def test_a_breach_says_who_confirms_it() -> None:
    """A second server by its name, or that there was none; a latency of small packets neither."""
    assert "the second server (hn2) agrees" in sentence(finding(Reason.BROKEN), RATE).en
    alone = sentence(finding(Reason.BROKEN, witness=None), RATE)
    assert "no server of another network has confirmed it" in alone.en
    assert "chưa có máy chủ ở mạng khác xác nhận" in alone.vi
    most = limit(50, unit="ms", side="at_most")
    asked = Indicator.model_validate(indicator(quantity="latency", limit=most))
    assert "server" not in sentence(finding(Reason.BROKEN, witness=None), asked).en


@pytest.mark.parametrize("reason", [Reason.KEPT, Reason.KEPT_NARROWLY, Reason.BROKEN, Reason.OPEN])
def test_a_possible_range_is_not_called_a_confidence_interval(reason: Reason) -> None:
    """Availability was watched, not sampled: its range is of outages between two checks."""
    of_time = limit(0.995, unit="share")
    asked = Indicator.model_validate(
        indicator(quantity="availability", statistic="mean", limit=of_time)
    )
    said = sentence(finding(reason, value=0.98, low=0.97, high=0.99, limit=0.995), asked)
    assert "khoảng có thể, do các lần kiểm tra cách nhau vài phút" in said.vi
    assert "possible range, as checks are some minutes apart" in said.en
    assert "99,00 %" in said.vi
    assert "95 %" not in said.vi + said.en
    assert "{" not in said.vi + said.en
    assert "95 %" in sentence(finding(reason), RATE).vi


def test_details_are_named() -> None:
    """How many days there are, and how many are needed."""
    said = sentence(finding(Reason.FEW_DAYS), RATE)
    assert said == Words(
        vi="Chỉ có 12 ngày có số đo hợp lệ, cần ít nhất 20 ngày.",
        en="Only 12 days have measurements that count; at least 20 are needed.",
    )


@pytest.mark.parametrize(
    "parts,value,text",
    [
        ({"quantity": "latency", "limit": limit(50, unit="ms", side="at_most")}, 0.0123, "12.3 ms"),
        ({"quantity": "loss", "limit": limit(0.01, unit="share", side="at_most")}, 0.002, "0.20 %"),
        (
            {
                "statistic": "days_kept",
                "test": limit(1, "minimum"),
                "limit": limit(2, unit="days"),
            },
            2.0,
            "2 days",
        ),
        (
            {
                "statistic": "share",
                "test": limit(0.8, "contracted"),
                "limit": limit(0.8, unit="share"),
            },
            0.875,
            "87.50 %",
        ),
        ({}, None, "–"),
    ],
)
def test_figures_are_shown_in_the_units_that_people_use(
    parts: dict[str, Any], value: float | None, text: str
) -> None:
    """Mbit/s, ms, percent, days; a dash where there is nothing."""
    asked = Indicator.model_validate(indicator(**parts))
    assert shown(value, asked, vietnamese=False) == text
