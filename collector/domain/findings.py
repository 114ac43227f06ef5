"""What is said of a line's part of a month, indicator by indicator: the types of verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from collector.domain.standard import Reference


class Verdict(StrEnum):
    """What is said of an indicator."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    NOT_ENOUGH_DATA = "not_enough_data"


class Reason(StrEnum):
    """Why; `collector.domain.reasons` has the sentences."""

    KEPT = "kept"
    KEPT_NARROWLY = "kept_narrowly"
    BROKEN = "broken"
    NOT_FOR_TECHNOLOGY = "not_for_technology"
    NO_NUMBER = "no_number"
    NO_TERMS = "no_terms"
    NO_VALUES = "no_values"
    FEW_DAYS = "few_days"
    FEW_TESTS = "few_tests"
    FEW_BEYOND = "few_beyond"
    FEW_WATCHED = "few_watched"
    NO_CAMPAIGN = "no_campaign"
    OPEN = "open"
    BOUNDS = "bounds"
    ALIKE = "alike"
    WITNESS_MISSING = "witness_missing"
    WITNESS_DISAGREES = "witness_disagrees"
    PROBES_DISAGREE = "probes_disagree"
    FAMILY = "family"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of an indicator in a window. Bit/s, seconds, shares or days.

    Attributes:
        indicator, window: by their ids; a campaign has no window.
        is_primary: the question that was asked first.
        reason, details: why, and what the sentence on it needs.
        value, low, high: the figure and its interval, lower bounds credited in the line's favour.
        limit: what it is held against; None: not known.
        reference: the speed of the terms that the limit is a share of.
        days, tests: that the figure is of.
        bounds: how many of these are lower bounds.
        chance: two-sided, of such data where the limit just holds.
        adjusted_chance: the same by Holm's method; None for the primary question.
        verified: whether somebody read the standard's numbers in their text.
        witness: the server of another network that agrees with a FAIL; None: none was asked.
    """

    indicator: str
    window: str | None
    is_primary: bool
    verdict: Verdict
    reason: Reason
    verified: bool
    # Counts are whole numbers and stay so: a share is shown in per cent.
    details: Mapping[str, int | float | str] = field(default_factory=dict)
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    reference: Reference | None = None
    days: int = 0
    tests: int = 0
    bounds: int = 0
    chance: float | None = None
    adjusted_chance: float | None = None
    witness: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that a standard says of a part.

    Attributes:
        standard, version, sha256: of the standard's file.
        in_force: whether the standard was in force on all of the days, as far as its dates are
            known.
        may_accuse: whether by its use a complaint may rest on it; of a reference it may not.
        family: how many questions Holm's method looked at together, beside the primary one.
    """

    line: str
    month: str
    first_day: date
    last_day: date
    standard: str
    version: int
    sha256: str
    in_force: bool
    may_accuse: bool
    findings: Sequence[Finding]
    family: int

    @property
    def accuses(self) -> bool:
        """Whether a complaint may rest on it: its use is so, and it was in force on these days.

        Somebody who names a standard that was not in force still gets its verdict, and no letter.
        """
        return self.may_accuse and self.in_force

    @property
    def verdict(self) -> Verdict:
        """FAIL where there is one; else what is said to the primary question."""
        if any(one.verdict is Verdict.FAIL for one in self.findings):
            return Verdict.FAIL
        return next(one.verdict for one in self.findings if one.is_primary)


def verdict_of(judgements: Iterable[Judgement]) -> Verdict:
    """Return what is said of a line's month: FAIL where any standard says so of any part of it.

    PASS where one does and none says FAIL. Those count that a complaint may rest on.
    """
    return together(one.verdict for one in judgements if one.accuses)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Return what several verdicts say: FAIL where one does, PASS where one does and none FAIL."""
    said = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.PASS):
        if verdict in said:
            return verdict
    return Verdict.NOT_ENOUGH_DATA
