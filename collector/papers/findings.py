"""What papers say of a month's lines: which fail, by what, and in which words. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from collector.cases.words import day_in_words
from collector.domain.findings import Finding, Judgement, Verdict
from collector.domain.quantities import MEGABIT
from collector.domain.reasons import asked_in, indicator_of, limit_in_words, sentence, shown
from collector.domain.standard import Indicator, Standard, Words
from collector.domain.standard_file import StandardFile
from collector.domain.terms import Terms
from collector.reports.summary import LineSummary, PartSummary, Summary

Standards = Mapping[tuple[str, int], Standard]
"""By id and version."""

VERDICTS: Final = {
    Verdict.PASS: Words(vi="Đạt", en="Pass"),
    Verdict.FAIL: Words(vi="Không đạt", en="Fail"),
    Verdict.NOT_ENOUGH_DATA: Words(vi="Chưa đủ dữ liệu", en="Not enough data"),
}

NOT_IN_FORCE: Final = Words(
    vi="không có hiệu lực trong cả kỳ, không làm căn cứ kiến nghị",
    en="not in force on all of these days: no complaint rests on it",
)

_VIETNAMESE_SIGNS: Final = str.maketrans(",.", ".,")


@dataclass(frozen=True, slots=True)
class Said:
    """A finding, with what its words are made of.

    Attributes:
        others: how many more findings of the judgement say the same verdict.
    """

    judgement: Judgement
    standard: Standard
    finding: Finding
    others: int

    @property
    def indicator(self) -> Indicator:
        """What was asked."""
        return indicator_of(self.standard, self.finding.indicator)

    @property
    def asked(self) -> Words:
        """The indicator and its hours."""
        return asked_in(self.standard, self.indicator, self.finding.window)

    @property
    def why(self) -> Words:
        """The verdict in a sentence."""
        return sentence(self.finding, self.indicator)

    @property
    def measured(self) -> str:
        """The figure with its interval, in Vietnamese."""
        value, low, high = (
            shown(one, self.indicator, vietnamese=True)
            for one in (self.finding.value, self.finding.low, self.finding.high)
        )
        if self.finding.low is None:
            return value
        return f"{value} ({low} đến {high})"

    @property
    def limit(self) -> str:
        """What it is held against, in Vietnamese."""
        return limit_in_words(self.indicator, self.finding.limit, vietnamese=True)


def by_name(files: Sequence[StandardFile]) -> Standards:
    """Return standards by what judgements call them."""
    return {(one.standard.id, one.standard.version): one.standard for one in files}


def said_of(part: PartSummary, standards: Standards, verdict: Verdict) -> Iterator[Said]:
    """Yield one finding of each standard with that verdict: the primary question or the first.

    Of those that a complaint may rest on.
    """
    for one in part.accusing:
        if one.verdict is not verdict:
            continue
        found = [finding for finding in one.findings if finding.verdict is verdict]
        first = next((finding for finding in found if finding.is_primary), found[0])
        standard = standards[one.standard, one.version]
        yield Said(one, standard, first, len(found) - 1)


def not_in_force(summary: Summary) -> set[tuple[str, int]]:
    """Return the standards, by id and version, that were not in force on all days of some line."""
    return {
        (one.standard, one.version)
        for line in summary.lines
        for part in line.parts
        for one in part.judgements
        if not one.in_force
    }


def failing(summary: Summary) -> list[LineSummary]:
    """Return the lines that fail."""
    return [line for line in summary.lines if line.verdict is Verdict.FAIL]


def counted(summary: Summary) -> Counter[Verdict]:
    """Return how many lines have which verdict."""
    return Counter(line.verdict for line in summary.lines)


def is_due(summary: Summary) -> bool:
    """Return whether a carrier gets a letter: a line of it fails."""
    return bool(failing(summary))


def has_data(line: LineSummary) -> bool:
    """Return whether there is any record of a line's month, counted or not."""
    return any(
        part.tests or part.witnesses or part.excluded or part.watched_seconds or part.figures
        for part in line.parts
    )


@dataclass(frozen=True, slots=True)
class SpeedTests:
    """How many speed tests there are: all that `data.csv` has.

    Attributes:
        counted: of the main series.
        witnesses: to servers of other networks, which confirm it.
        left_out: that count in neither.
    """

    counted: int
    witnesses: int
    left_out: int


def speed_tests(lines: Iterable[LineSummary]) -> SpeedTests:
    """Return how many speed tests lines have."""
    parts = [part for line in lines for part in line.parts]
    return SpeedTests(
        counted=sum(part.tests for part in parts),
        witnesses=sum(sum(part.witnesses.values()) for part in parts),
        left_out=sum(e.records for part in parts for e in part.excluded if e.task == "speed"),
    )


def ward_of(summary: Summary) -> str | None:
    """Return the one ward that a month's lines are of; None: of several, or not known."""
    wards = {line.site.ward for line in summary.lines}
    return wards.pop() if len(wards) == 1 else None


def number(value: float, digits: int = 0) -> str:
    """Return a number as Vietnamese writes it: 1.234,5."""
    return f"{value:,.{digits}f}".translate(_VIETNAMESE_SIGNS)


def speeds(terms: Terms) -> str:
    """Return what was promised, in Vietnamese; '' where nothing is known."""
    known = (
        (
            "tốc độ hợp đồng (tải xuống/tải lên)",
            terms.contracted_download_bits_per_second,
            terms.contracted_upload_bits_per_second,
        ),
        (
            "tốc độ công bố",
            terms.declared_download_bits_per_second,
            terms.declared_upload_bits_per_second,
        ),
    )
    said = [f"{name} {_rate(down)}/{_rate(up)} Mbit/s" for name, down, up in known if down or up]
    return ", ".join(said)


def contract(terms: Terms) -> str:
    """Return contract, plan and speeds of a line, in Vietnamese."""
    parts = [
        f"hợp đồng số {terms.contract_number}" if terms.contract_number else "",
        f"ký ngày {day_in_words(terms.contract_since)}" if terms.contract_since else "",
        f"gói {terms.plan}" if terms.plan else "",
        speeds(terms),
    ]
    return "; ".join(filter(None, parts))


def days_of(first: date, last: date) -> str:
    """Return some days, both included."""
    return f"từ ngày {day_in_words(first)} đến ngày {day_in_words(last)}"


def _rate(bits_per_second: int | None) -> str:
    """Return Mbit/s: whole ones without a fraction."""
    if bits_per_second is None:
        return "–"
    value = bits_per_second / MEGABIT
    return number(value, 0 if value == int(value) else 1)
