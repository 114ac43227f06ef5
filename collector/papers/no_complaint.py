"""The page for a ward about a carrier of which no line fails: there is no letter, and why. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from collector.cases.words import month_in_words
from collector.domain.findings import Reason, Verdict
from collector.domain.standard import Words
from collector.papers.findings import (
    NOT_IN_FORCE,
    VERDICTS,
    Said,
    Standards,
    contract,
    counted,
    days_of,
    not_in_force,
    number,
    said_of,
    ward_of,
)
from collector.reports.summary import LineSummary, PartSummary, StandardUsed, Summary

MOST_LINES: Final = 200
"""That the page names; summary.json has all."""

_TITLE: Final = Words(
    vi="Kết quả theo dõi đường truyền Internet {month} – {carrier}",
    en="Internet lines in {month} – {carrier}",
)
_NO_LETTER: Final = Words(
    vi="Không có đường truyền nào của {carrier}{place} bị kết luận là không đạt trong {month}. Vì "
    "vậy không lập văn bản kiến nghị.",
    en="No line of {carrier}{place} was found to fail in {month}. Therefore no letter is written.",
)
_COUNTS: Final = Words(
    vi="Trong {lines} đường truyền: {passed} đạt; {open} chưa đủ dữ liệu để kết luận.",
    en="Of {lines} lines {passed} pass; of {open} there is not enough data to say.",
)
_NOT_GOOD: Final = Words(
    vi="Chưa đủ dữ liệu không có nghĩa là tốt: cần xem thiết bị đo có hoạt động và được nối dây "
    "hay không, và tốc độ hợp đồng đã được khai báo hay chưa.",
    en="Not enough data does not mean good: see whether the probes run and are wired, and whether "
    "the contracted speeds are registered.",
)
_ALL_OPEN: Final = Words(
    vi="Tháng này chưa kết luận được về đường truyền nào.",
    en="This month nothing could be said of any line.",
)
_HELD_BESIDE: Final = Words(
    vi="Tiêu chuẩn {names} không có hiệu lực trong cả kỳ, nên không làm căn cứ kiến nghị, dù "
    "đường truyền có đạt hay không. Yêu cầu ghi trong hợp đồng thì khai báo thành tiêu chuẩn riêng "
    "của phường.",
    en="{names}: not in force on all of these days; no complaint rests on it, whatever a line does "
    "by it. What a contract asks for is stated as a standard of the ward's own.",
)
_NONE_IN_FORCE: Final = Words(
    vi="{name}: không có hiệu lực trong cả kỳ, không làm căn cứ kết luận. Đối chiếu với tiêu chuẩn "
    "này: {verdict}.",
    en="{name}: not in force on all of these days, no verdict rests on it. Held against it: "
    "{verdict}.",
)
_UNVERIFIED: Final = Words(
    vi="{name}: {count} trị số chưa được kiểm chứng với văn bản gốc.",
    en="{name}: nobody has read {count} of its numbers in the text itself.",
)
_VERIFIED: Final = Words(vi="{name}.", en="{name}.")
_NO_STANDARD: Final = Words(
    vi="Không có tiêu chuẩn nào cho công nghệ này.",
    en="There is no standard for this technology.",
)
_MORE: Final = Words(
    vi="Và {count} đường truyền khác, xem summary.json.",
    en="And {count} more lines, see summary.json.",
)
_HEAD: Final = (
    Words(vi="Đường truyền", en="Line"),
    Words(vi="Kết luận", en="Verdict"),
    Words(vi="Lý do", en="Why"),
)
_STANDARDS: Final = Words(vi="Tiêu chuẩn áp dụng", en="Held against")


def page(summary: Summary, standards: Standards) -> dict[str, Any]:
    """Return what `no_complaint.typ` sets: each text in both languages.

    Args:
        summary: of a month in which no line fails.
        standards: that it names.
    """
    counts = counted(summary)
    ward = ward_of(summary)
    values = {
        "carrier": summary.carrier.name,
        "lines": number(len(summary.lines)),
        "passed": number(counts[Verdict.PASS]),
        "open": number(counts[Verdict.NOT_ENOUGH_DATA]),
    }
    vietnamese = {"month": month_in_words(summary.month), "place": f" tại {ward}" if ward else ""}
    english = {"month": summary.month, "place": f" in {ward}" if ward else ""}

    def told(words: Words) -> dict[str, str]:
        return _both(words, {**values, **vietnamese}, {**values, **english})

    said = [_NO_LETTER, _COUNTS]
    if counts[Verdict.NOT_ENOUGH_DATA]:
        said += [_NOT_GOOD] if counts[Verdict.PASS] else [_ALL_OPEN, _NOT_GOOD]
    idle = not_in_force(summary)
    held_beside = [one.name for one in summary.standards if (one.id, one.version) in idle]
    vietnamese["names"] = "; ".join(one.vi for one in held_beside)
    english["names"] = "; ".join(one.en for one in held_beside)
    said += [_HELD_BESIDE] if held_beside else []
    hidden = len(summary.lines) - MOST_LINES
    more = {"count": number(hidden)}
    return {
        "title": told(_TITLE),
        "paragraphs": [told(one) for one in said],
        "head": [_both(one) for one in _HEAD],
        "rows": [row for line in summary.lines[:MOST_LINES] for row in _rows(line, standards)],
        "more": [_both(_MORE, more, more)] if hidden > 0 else [],
        "standards_title": _both(_STANDARDS),
        "standards": [
            _standard(one, in_force=(one.id, one.version) not in idle) for one in summary.standards
        ],
    }


def _rows(line: LineSummary, standards: Standards) -> Iterator[list[Any]]:
    """Yield of each part of a line's month: what it is, the verdict, and why."""
    for part in line.parts:
        passes = any(one.verdict is Verdict.PASS for one in part.accusing)
        verdict = Verdict.PASS if passes else Verdict.NOT_ENOUGH_DATA
        said = min(said_of(part, standards, verdict), key=_says_little, default=None)
        why = _not_held(part, standards)
        if said is not None:
            name, asked = said.standard.name, said.asked
            sentence = said.why
            why = {
                "vi": f"{name.vi.partition(' – ')[0]}, {asked.vi}: {sentence.vi}",
                "en": f"{name.en.partition(' – ')[0]}, {asked.en}: {sentence.en}",
            }
        identity = f"{line.site.name} ({line.id})"
        days = days_of(part.first_day, part.last_day) if len(line.parts) > 1 else ""
        terms = "; ".join(filter(None, [contract(part.terms), days]))
        yield [identity, terms, _both(VERDICTS[verdict]), why]


def _not_held(part: PartSummary, standards: Standards) -> dict[str, str]:
    """Return why no standard in force says anything of a part."""
    idle = next((one for one in part.judgements if one.may_accuse), None)
    if idle is None:
        return _both(_NO_STANDARD)
    name, verdict = standards[idle.standard, idle.version].name, VERDICTS[idle.verdict]
    return _both(
        _NONE_IN_FORCE,
        {"name": name.vi.partition(" – ")[0], "verdict": verdict.vi},
        {"name": name.en.partition(" – ")[0], "verdict": verdict.en},
    )


def _says_little(said: Said) -> bool:
    """Return whether a finding tells of the standard, and nothing of the line."""
    return said.finding.reason in {
        Reason.NO_CAMPAIGN,
        Reason.NO_NUMBER,
        Reason.NOT_FOR_TECHNOLOGY,
    }


def _standard(one: StandardUsed, *, in_force: bool) -> dict[str, str]:
    words = _UNVERIFIED if one.unverified else _VERIFIED
    count = number(one.unverified)
    told = _both(
        words, {"name": one.name.vi, "count": count}, {"name": one.name.en, "count": count}
    )
    if in_force:
        return told
    return {
        "vi": f"{told['vi']} Tiêu chuẩn này {NOT_IN_FORCE.vi}.",
        "en": f"{told['en']} It was {NOT_IN_FORCE.en}.",
    }


def _both(
    words: Words, vi: Mapping[str, str] | None = None, en: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a text in both languages, its names filled."""
    if vi is None or en is None:
        return {"vi": words.vi, "en": words.en}
    return {"vi": words.vi.format_map(vi), "en": words.en.format_map(en)}
