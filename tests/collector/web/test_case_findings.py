"""What a case's lines fail by, in words."""

from typing import Any

from collector.papers.findings import by_name
from collector.web.case_findings import Failed, failed_by
from tests.collector.standing_rules import standing

QCVN = standing("qcvn-34-2019")
STANDARDS = by_name([QCVN])


def finding(**changes: Any) -> dict[str, Any]:
    """Return a finding as a case keeps it."""
    made = {
        "standard": "qcvn-34-2019",
        "version": 1,
        "indicator": "download",
        "window": "peak",
        "verdict": "fail",
        "verified": False,
        "value": 91.25e6,
        "limit": 120e6,
    }
    return {**made, **changes}


def test_a_finding_is_told_in_the_words_of_its_standard() -> None:
    """What was asked and when, the figure and the limit, in the reader's language."""
    asked = "Tốc độ tải xuống trung bình (Pd ≥ 0,8 Vd), giờ cao điểm (19–23 giờ)"
    assert list(failed_by([finding()], STANDARDS, "vi")) == [
        Failed(f"QCVN 34:2019/BTTTT: {asked}: 91,2 Mbit/s, yêu cầu ≥ 120,0 Mbit/s", verified=False)
    ]
    (late,) = failed_by(
        [finding(indicator="latency", window="all", value=0.08, limit=0.05, verified=True)],
        STANDARDS,
        "en",
    )
    assert late == Failed(
        "QCVN 34:2019/BTTTT: Mean latency, all hours: 80.0 ms, required ≤ 50.0 ms", verified=True
    )


def test_what_was_kept_is_not_told() -> None:
    """A case keeps the first question, too, whatever came of it."""
    assert list(failed_by([finding(verdict="pass")], STANDARDS, "vi")) == []


def test_of_a_standard_that_is_gone_the_names_stay() -> None:
    """Its file, or the indicator in it: a case is older than what became of them."""
    ids = "qcvn-34-2019@1: download (peak)"
    assert [one.text for one in failed_by([finding()], {}, "vi")] == [ids]
    others = QCVN.standard.indicators[1:]
    standard = QCVN.standard.model_copy(update={"indicators": others})
    changed = by_name([QCVN._replace(standard=standard)])
    assert [one.text for one in failed_by([finding()], changed, "en")] == [ids]
    campaign = failed_by([finding(window=None)], {}, "en")
    assert [one.text for one in campaign] == ["qcvn-34-2019@1: download"]
