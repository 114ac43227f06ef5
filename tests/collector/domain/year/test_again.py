"""What a complaint said beside what is said today: where they differ, why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from collector.domain.findings import Finding, Judgement, Reason, Verdict
from collector.domain.year.again import Stated, Today, Why, stated_of, today_of

STATED = Stated(
    "ward", 1, "a" * 64, "2026-10-01", "2026-10-31", "download-mean", "evening", 150e6, 240e6
)

FINDING = Finding(
    "download-mean",
    "evening",
    is_primary=True,
    verdict=Verdict.NOT_ENOUGH_DATA,
    reason=Reason.OPEN,
    verified=False,
    value=150e6,
    limit=240e6,
)


def judgement(finding: Finding = FINDING, **changes: Any) -> Judgement:
    """Return what the complaint's standard says today."""
    made = Judgement(
        line="l",
        month="2026-10",
        first_day=date(2026, 10, 1),
        last_day=date(2026, 10, 31),
        standard="ward",
        version=1,
        sha256="a" * 64,
        in_force=True,
        may_accuse=True,
        findings=[finding],
        family=0,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    "judgements,why",
    [
        ([], Why.NOT_HELD),
        ([judgement(standard="qcvn")], Why.NOT_HELD),
        ([judgement(replace(FINDING, verdict=Verdict.FAIL), in_force=False)], Why.NOT_HELD),
        ([judgement(sha256="b" * 64, version=2)], Why.OTHER_STANDARD),
        ([judgement(replace(FINDING, limit=80e6))], Why.OTHER_TERMS),
        ([judgement(replace(FINDING, limit=None))], Why.OTHER_TERMS),
        ([judgement(first_day=date(2026, 10, 16))], Why.OTHER_TERMS),
        ([judgement(replace(FINDING, value=260e6))], Why.OTHER_RECORDS),
        ([judgement(replace(FINDING, value=None))], Why.OTHER_RECORDS),
        ([judgement()], Why.OTHER_RULES),
    ],
)
def test_a_line_that_does_not_fail_today_says_why(
    judgements: Sequence[Judgement], why: Why
) -> None:
    """What comes first is named: standard, its file, terms, records, and the program last."""
    found = today_of([STATED], judgements, Verdict.PASS)
    assert found == Today(Verdict.PASS, why)


def test_a_line_that_still_fails_by_what_the_complaint_names_needs_no_word() -> None:
    """By another file of it, too; but not by another standard alone."""
    failing = replace(FINDING, verdict=Verdict.FAIL, reason=Reason.BROKEN)
    later = judgement(failing, sha256="b" * 64, version=2)
    assert today_of([STATED], [later], Verdict.FAIL) == Today(Verdict.FAIL, None)
    elsewhere = judgement(failing, standard="qcvn")
    assert today_of([STATED], [elsewhere], Verdict.FAIL) == Today(Verdict.FAIL, Why.NOT_HELD)


def test_a_complaint_states_what_fails() -> None:
    """Of what the case keeps; the rest is told beside it, and accuses nobody."""
    kept = {
        "standard": "ward",
        "version": 1,
        "sha256": "a" * 64,
        "first_day": "2026-10-01",
        "last_day": "2026-10-31",
        "indicator": "download-mean",
        "window": "evening",
        "is_primary": True,
        "verdict": "fail",
        "value": 150e6,
        "limit": 240e6,
        "days": 31,
    }
    assert stated_of([kept, kept | {"verdict": "pass"}]) == [STATED]
    assert STATED.name == "ward@1"
    assert today_of([], [], Verdict.PASS) == Today(Verdict.PASS, Why.NOT_HELD)
