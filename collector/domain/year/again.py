"""What a complaint said of a line's month, beside what is said of it today. Pure.

A complaint stands on what was known, and held to, when it was made. A year is judged when it is
told: by other standards perhaps, other terms, more records. Where the two differ both are told, and
why; what was sent is never taken back by it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from math import isclose
from typing import Any

from collector.domain.findings import Finding, Judgement, Verdict


@dataclass(frozen=True, slots=True)
class Stated:
    """Something that a complaint says of a line: that it fails by an indicator of a standard.

    Attributes:
        standard, version, sha256: of the standard's file then.
        first_day, last_day: of the part of the month, as 2026-10-01.
        value, limit: the figure, and what it was held against.
    """

    standard: str
    version: int
    sha256: str
    first_day: str
    last_day: str
    indicator: str
    window: str | None
    value: float | None
    limit: float | None

    @property
    def name(self) -> str:
        """The standard as people name it: ward@1."""
        return f"{self.standard}@{self.version}"


class Why(StrEnum):
    """Why a line that was complained about does not fail by the same standard today."""

    NOT_HELD = "not_held"
    """The year does not hold lines against that standard: an example, not in force, or gone."""

    OTHER_STANDARD = "other_standard"
    """The standard's file is another one."""

    OTHER_TERMS = "other_terms"
    """Its terms are others, as the registry knows them now."""

    OTHER_RECORDS = "other_records"
    """Other records count: some came later, or their moments were corrected."""

    OTHER_RULES = "other_rules"
    """All of that is the same: the program judges otherwise."""


@dataclass(frozen=True, slots=True)
class Today:
    """What is said today of a line's month that was complained about.

    Attributes:
        verdict: of the line's month.
        why: null: it fails by a standard that the complaint names.
    """

    verdict: Verdict
    why: Why | None


def stated_of(findings: Iterable[Mapping[str, Any]]) -> list[Stated]:
    """Return what a complaint says that a line fails by.

    Args:
        findings: of the line, as the case keeps them (`collector.cases.opening`).
    """
    names = [one.name for one in fields(Stated)]
    return [
        Stated(**{name: one[name] for name in names})
        for one in findings
        if one["verdict"] == Verdict.FAIL
    ]


def today_of(stated: Sequence[Stated], judgements: Sequence[Judgement], verdict: Verdict) -> Today:
    """Return what is said today.

    Args:
        stated: by one complaint, of one line.
        judgements: of the line's month today.
        verdict: of it.
    """
    in_force = [one for one in judgements if one.in_force]
    failing = {one.standard for one in in_force if one.verdict is Verdict.FAIL}
    if any(one.standard in failing for one in stated):
        return Today(verdict, None)
    reasons = [_why(one, in_force) for one in stated]
    return Today(verdict, reasons[0] if reasons else Why.NOT_HELD)


def _why(stated: Stated, judgements: Sequence[Judgement]) -> Why:
    held = [one for one in judgements if one.standard == stated.standard]
    if not held:
        return Why.NOT_HELD
    same = [one for one in held if one.sha256 == stated.sha256]
    if not same:
        return Why.OTHER_STANDARD
    finding = next(_same_questions(stated, same), None)
    # Another plan since the middle of the month makes other parts of it.
    if finding is None or not _alike(finding.limit, stated.limit):
        return Why.OTHER_TERMS
    return Why.OTHER_RULES if _alike(finding.value, stated.value) else Why.OTHER_RECORDS


def _same_questions(stated: Stated, judgements: Iterable[Judgement]) -> Iterator[Finding]:
    days = stated.first_day, stated.last_day
    for one in judgements:
        if (one.first_day.isoformat(), one.last_day.isoformat()) == days:
            for finding in one.findings:
                if (finding.indicator, finding.window) == (stated.indicator, stated.window):
                    yield finding


def _alike(one: float | None, other: float | None) -> bool:
    """Return whether two figures are the same, but for how they were written."""
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-9)
