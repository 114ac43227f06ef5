"""What a standard says of a line's part of a month: PASS, FAIL, or not enough data to say.

A pure function of the part and the standard's file: the same again at any time, and another one
under another standard. docs/method.md has the rules and why they are so; in short:

- FAIL only where the end of the interval that speaks for the line is beyond the limit.
- PASS only where the figure itself keeps it, lower bounds counted as they were measured.
- All else is NOT ENOUGH DATA, with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from collector.domain import answers
from collector.domain.answers import Answer
from collector.domain.asked import Asked, asked_of
from collector.domain.campaigns import CampaignDays, count, find_campaign
from collector.domain.findings import Finding, Judgement, Reason, Verdict
from collector.domain.line_month import CARRIERS_OWN, LinePart
from collector.domain.quantities import Quantity
from collector.domain.samples import FROM_TESTS, Measurements
from collector.domain.standard import Indicator, Standard, Window
from collector.domain.standard_file import StandardFile
from collector.domain.statistics.days import FEWEST_DAYS, Estimate
from collector.domain.statistics.quantiles import FEWEST_BEYOND
from collector.domain.statistics.several import holm

LEVEL: Final = 0.05
"""Of chances, two-sided: what is left of 95 %."""

WITNESS_DAYS: Final = 10
"""On so many days a second server must have been tested for its word to count."""

PROBE_DAYS: Final = FEWEST_DAYS
"""On so many days one of several probes must have measured for its word to count. Fewer than of a
witness: that a line was slow since the day on which its probe was replaced is the first doubt."""

_DAY_SECONDS: Final = 86_400


def judge(part: LinePart, file: StandardFile) -> Judgement:
    """Return what a standard says of a line's part of a month."""
    standard = file.standard
    findings = _campaign_findings(part, standard) if standard.campaign else _sampled(part, standard)
    findings, family = _together(findings)
    return Judgement(
        part.line,
        part.month,
        part.first_day,
        part.last_day,
        standard.id,
        standard.version,
        file.sha256,
        standard.is_in_force(part.first_day, part.last_day),
        standard.may_accuse,
        findings,
        family,
    )


def _together(findings: Sequence[Finding]) -> tuple[list[Finding], int]:
    """Return the findings by Holm's method: all but the primary one are a family."""
    places = [n for n, one in enumerate(findings) if one.chance is not None and not one.is_primary]
    found = list(findings)
    chances = [one.chance for one in findings if one.chance is not None and not one.is_primary]
    for place, adjusted in zip(places, holm(chances), strict=True):
        one = replace(found[place], adjusted_chance=adjusted)
        if one.verdict is Verdict.FAIL and adjusted > LEVEL:
            one = replace(_unsaid(one, Reason.FAMILY, family=len(places)), witness=None)
        found[place] = one
    return found, len(places)


def _blank(standard: Standard, indicator: Indicator, window: str | None, reason: Reason) -> Finding:
    primary = standard.primary
    numbers = [one for one in (indicator.limit, indicator.test) if one is not None]
    return Finding(
        indicator=indicator.id,
        window=window,
        is_primary=(indicator.id, window) == (primary.indicator, primary.window),
        verdict=Verdict.NOT_ENOUGH_DATA,
        reason=reason,
        verified=all(one.verified for one in numbers),
    )


def _unsaid(found: Finding, reason: Reason, **details: float | str) -> Finding:
    """Return a finding of which nothing is said, with the reason."""
    return replace(found, verdict=Verdict.NOT_ENOUGH_DATA, reason=reason, details=details)


# --- estimated -------------------------------------------------------------------------------


def _sampled(part: LinePart, standard: Standard) -> list[Finding]:
    measured = Measurements(part.tests, part.latency)
    witnesses = {one.server: Measurements(one.tests) for one in part.witnesses}
    probes = _by_probe(part)
    windows = {one.id: one for one in standard.windows}
    found = []
    for indicator in standard.indicators:
        asked = asked_of(part, standard, indicator)
        for name in indicator.windows:
            blank = _blank(standard, indicator, name, Reason.NO_VALUES)
            if isinstance(asked, Reason):
                found.append(replace(blank, reason=asked))
                continue
            blank = replace(blank, limit=asked.limit.value, reference=asked.reference)
            question = _Question(standard, indicator, windows[name], asked, witnesses, probes)
            if indicator.quantity is Quantity.AVAILABILITY:
                found.append(_of_availability(blank, part, question))
            elif indicator.quantity is Quantity.LOSS:
                found.append(_of_losses(blank, measured, question))
            else:
                found.append(_of_values(blank, measured, question))
    return found


def _by_probe(part: LinePart) -> dict[str, Measurements]:
    """Return what each probe of a part measured by itself; nothing where there is only one."""
    if len(part.probes) <= 1:
        return {}
    tests = [(part.probe_of(one.at), one) for one in part.tests]
    # Of latency the hour in which the probe changes is the new one's.
    ends = (one.at.replace(minute=59, second=59) for one in part.latency)
    hours = list(zip(map(part.probe_of, ends), part.latency, strict=True))
    return {
        turn.name: Measurements(
            [one for of, one in tests if of == turn], [one for of, one in hours if of == turn]
        )
        for turn in part.probes
    }


class _Question(NamedTuple):
    standard: Standard
    indicator: Indicator
    window: Window
    asked: Asked
    witnesses: Mapping[str, Measurements]
    probes: Mapping[str, Measurements]

    def answer(self, measured: Measurements, credit: float | None) -> Answer | None:
        """Return the statistic of what was measured; None: nothing was."""
        one = self.indicator
        if one.quantity is Quantity.LOSS:
            losses = measured.losses(self.window)
            return answers.of_losses(losses, self.asked.limit) if losses else None
        sample = measured.sample(one.quantity, self.window, credit)
        if not sample.values:
            return None
        return answers.of_sample(
            sample, one.statistic, one.percent, self.asked.test, self.asked.limit
        )

    def days_of(self, measured: Measurements) -> int:
        """Return on how many days the quantity was measured."""
        if self.indicator.quantity is Quantity.LOSS:
            losses = measured.losses(self.window)
            return len(losses.records) if losses else 0
        return measured.sample(self.indicator.quantity, self.window).days


def _of_values(blank: Finding, measured: Measurements, question: _Question) -> Finding:
    quantity, window, asked = question.indicator.quantity, question.window, question.asked
    sample = measured.sample(quantity, window, asked.credit)
    answer = question.answer(measured, asked.credit)
    if answer is None:
        return blank
    found = _filled(blank, answer, sample.days, sample.size)
    found = replace(found, bounds=sample.bounds)
    beside = [one.sample(quantity, window) for one in question.witnesses.values()]
    all_tests = sample.size + sum(one.size for one in beside if quantity in FROM_TESTS)
    lacking = _lacking(found, window, all_tests)
    if lacking:
        return lacking
    if answer.estimate.low is None:
        # Only a quantile can be here: enough days, and too few tests beyond it.
        return _unsaid(found, Reason.FEW_BEYOND, wanted=FEWEST_BEYOND)
    as_measured = question.answer(measured, None) if sample.bounds else answer
    return _held(found, answer, (as_measured or answer).estimate.value, question)


def _lacking(found: Finding, window: Window, all_tests: int) -> Finding | None:
    """Return the finding that data are not enough; None: they are.

    Tests of witnesses count, as they are evidence of the same line by the same method; half of
    them at least must be of the series that the figure is of.
    """
    wanted = window.minimum
    if found.days < wanted.days:
        return _unsaid(found, Reason.FEW_DAYS, days=found.days, wanted=wanted.days)
    if all_tests < wanted.tests or 2 * found.tests < wanted.tests:
        tests = min(all_tests, 2 * found.tests)
        return _unsaid(found, Reason.FEW_TESTS, tests=tests, wanted=wanted.tests)
    return None


def _of_losses(blank: Finding, measured: Measurements, question: _Question) -> Finding:
    losses, answer = measured.losses(question.window), question.answer(measured, None)
    if losses is None or answer is None:
        return blank
    found = _filled(blank, answer, len(losses.records), int(losses.records.sum()))
    lacking = _lacking(found, question.window, found.tests)
    return lacking or _held(found, answer, answer.estimate.value, question)


def _of_availability(blank: Finding, part: LinePart, question: _Question) -> Finding:
    """Return what is said of availability: it was watched, not sampled, and has no chance.

    Between two checks nobody looked: its interval is from the longest that outages can have been
    to the shortest.
    """
    estimate = availability(part)
    if estimate is None:
        return blank
    answer = Answer(estimate)
    found = replace(_filled(blank, answer, part.days, 0), chance=None)
    wanted = question.window.minimum
    if part.days < wanted.days:
        return _unsaid(found, Reason.FEW_DAYS, days=part.days, wanted=wanted.days)
    watched = part.watched_seconds / (part.days * _DAY_SECONDS)
    if watched < wanted.watched_share:
        return _unsaid(found, Reason.FEW_WATCHED, share=watched, wanted=wanted.watched_share)
    return _held(found, answer, estimate.value, question)


def availability(part: LinePart) -> Estimate | None:
    """Return the share of the watched time in service; None: none was watched."""
    if not part.watched_seconds:
        return None
    own = [one for one in part.outages if one.where in CARRIERS_OWN]
    shortest = sum(one.shortest_seconds for one in own) / part.watched_seconds
    longest = sum(one.longest_seconds for one in own) / part.watched_seconds
    ends = [max(0.0, 1 - out) for out in (longest, (shortest + longest) / 2, shortest)]
    return Estimate(ends[1], ends[0], ends[2])


def _filled(blank: Finding, answer: Answer, days: int, tests: int) -> Finding:
    value, low, high = answer.estimate
    return replace(
        blank, value=value, low=low, high=high, days=days, tests=tests, chance=answer.chance
    )


def _held(found: Finding, answer: Answer, as_measured: float, question: _Question) -> Finding:
    """Return a finding with enough data, held against its limit."""
    limit = question.asked.limit
    end, widened = answer.friendly_end(limit), answer.widened_end(limit)
    other = answer.estimate.low if limit.at_least else answer.estimate.high
    if end is None or widened is None or other is None:
        return found
    if limit.keeps(as_measured):
        reason = Reason.KEPT if limit.keeps(other) else Reason.KEPT_NARROWLY
        return replace(found, verdict=Verdict.PASS, reason=reason)
    if limit.keeps(answer.estimate.value):
        return _unsaid(found, Reason.BOUNDS, bounds=found.bounds)
    if limit.keeps(end):
        return _unsaid(found, Reason.OPEN)
    if limit.keeps(widened):
        return _unsaid(found, Reason.ALIKE)
    broken = replace(found, verdict=Verdict.FAIL, reason=Reason.BROKEN)
    return _doubted_by_a_probe(broken, question) or _by_witnesses(broken, question)


def _doubted_by_a_probe(broken: Finding, question: _Question) -> Finding | None:
    """Return what is left of a FAIL where one of several probes says otherwise; None: none does."""
    if question.indicator.quantity is Quantity.AVAILABILITY:
        return None
    for probe, measured in question.probes.items():
        answer = question.answer(measured, question.asked.credit)
        enough = question.days_of(measured) >= PROBE_DAYS
        if answer and enough and question.asked.limit.keeps(answer.estimate.value):
            return _unsaid(broken, Reason.PROBES_DISAGREE, probe=probe)
    return None


def _by_witnesses(broken: Finding, question: _Question) -> Finding:
    """Return a FAIL, or what is left of it where servers of other networks say otherwise."""
    if question.indicator.quantity not in FROM_TESTS:
        return broken
    agreeing = []
    for server, measured in sorted(question.witnesses.items()):
        sample = measured.sample(question.indicator.quantity, question.window)
        answer = question.answer(measured, question.asked.credit)
        if answer is None or sample.days < WITNESS_DAYS:
            continue
        if question.asked.limit.keeps(answer.estimate.value):
            return _unsaid(broken, Reason.WITNESS_DISAGREES, server=server)
        agreeing.append(server)
    if agreeing:
        return replace(broken, witness=agreeing[0])
    if question.standard.servers > 1:
        return _unsaid(broken, Reason.WITNESS_MISSING)
    return broken


# --- counted ---------------------------------------------------------------------------------


def _campaign_findings(part: LinePart, standard: Standard) -> list[Finding]:
    assert standard.campaign is not None  # noqa: S101 - the caller's part
    days = find_campaign(part.tests, standard.campaign)
    found = []
    for indicator in standard.indicators:
        asked = asked_of(part, standard, indicator)
        if isinstance(asked, Reason):
            found.append(_blank(standard, indicator, None, asked))
            continue
        blank = _blank(standard, indicator, None, Reason.NO_CAMPAIGN)
        blank = replace(blank, limit=asked.limit.value, reference=asked.reference)
        found.append(_counted(blank, days, indicator, asked) if days else blank)
    return found


def _counted(blank: Finding, days: CampaignDays, indicator: Indicator, asked: Asked) -> Finding:
    quantity, statistic = indicator.quantity, indicator.statistic
    credited = count(days, quantity, statistic, asked.test, asked.credit)
    measured = count(days, quantity, statistic, asked.test, None)
    if credited is None or measured is None:
        return _unsaid(blank, Reason.NO_VALUES)
    tests = [one for day in days for one in day]
    bounds = sum(one.at_least for one in tests)
    found = replace(blank, value=credited, days=len(days), tests=len(tests), bounds=bounds)
    if asked.limit.keeps(measured):
        return replace(found, verdict=Verdict.PASS, reason=Reason.KEPT)
    if asked.limit.keeps(credited):
        return _unsaid(found, Reason.BOUNDS, bounds=bounds)
    return replace(found, verdict=Verdict.FAIL, reason=Reason.BROKEN)
