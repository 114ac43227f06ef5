"""A carrier's lines beside their month before and their neighbours: `comparison.json`.

It stands apart from `summary.json`, because it cannot be recomputed from the month's evidence: that
holds neither the month before nor, where only lines that fail are in it, the neighbours. No verdict
rests on it. `schema()` says what is in it as JSON Schema, which is in docs/comparison.schema.json.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from collector.domain.comparison import (
    Likeness,
    Middle,
    MonthBefore,
    Neighbourhood,
    Neighbours,
    Own,
    Unlike,
)
from collector.domain.findings import Verdict
from collector.domain.quantities import Quantity
from collector.domain.standard import Words
from collector.reports.page import day_of, megabits, percent

FORMAT: Final = "linewatch-comparison/1"

_NOTE: Final = "Not part of the evidence: no number of summary.json rests on it."

_QUANTITIES: Final = {
    Quantity.DOWNLOAD: ("tải xuống", "download"),
    Quantity.UPLOAD: ("tải lên", "upload"),
}
_LIKE: Final = {
    Likeness.WARD_AND_PLAN: ("cùng phường, cùng gói", "same ward and plan"),
    Likeness.WARD_AND_TECHNOLOGY: ("cùng phường, cùng công nghệ", "same ward and technology"),
    Likeness.PLAN: ("cùng gói, mọi phường", "same plan, all wards"),
    Likeness.TECHNOLOGY: ("cùng công nghệ, mọi phường", "same technology, all wards"),
}
_VERDICTS: Final = {
    Verdict.FAIL: ("không đạt", "fail"),
    Verdict.PASS: ("đạt", "pass"),
    Verdict.NOT_ENOUGH_DATA: ("chưa đủ dữ liệu", "not enough data"),
}
_UNLIKE: Final = {
    Unlike.METHOD: ("phương pháp đo", "method"),
    Unlike.VERSION: ("phiên bản phương pháp", "version of the method"),
    Unlike.PROFILE: ("chế độ đo", "profile"),
    Unlike.IP_VERSION: ("phiên bản IP", "IP version"),
    Unlike.SERVER: ("máy chủ đo", "server"),
}
_SIGNS: Final = str.maketrans(",.", ".,")
_LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class LineCompared:
    """A line beside others.

    Attributes:
        middles: its own.
        before: null: no test of the month before counts.
        neighbours: none where too few lines of the carrier are like it, and measured alike.
        unlike_neighbours: where there are none, in what lines like it were measured differently.
    """

    line: str
    middles: Sequence[Middle]
    before: MonthBefore | None
    neighbours: Sequence[Neighbours]
    unlike_neighbours: Sequence[Unlike]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A carrier's lines; rates are bit/s, shares from 0 to 1.

    Attributes:
        note: what the numbers are not.
    """

    format: str
    note: str
    month: str
    carrier: str
    lines: Sequence[LineCompared]


_COMPARISON: Final[TypeAdapter[Comparison]] = TypeAdapter(Comparison)


def compare(
    month: str, carrier: str, lines: Sequence[tuple[Own, MonthBefore | None]]
) -> Comparison:
    """Return a carrier's lines beside each other.

    Args:
        month: as 2026-10.
        carrier: its id.
        lines: all of the carrier's that the report is of.
    """
    around = Neighbourhood(own for own, _ in lines)
    found = []
    for own, before in lines:
        beside = around.of(own)
        why_not = [] if beside else around.unlike(own)
        found.append(LineCompared(own.line, own.middles, before, beside, why_not))
    return Comparison(FORMAT, _NOTE, month, carrier, found)


def schema() -> dict[str, Any]:
    """Return what `comparison.json` holds, as JSON Schema (draft 2020-12)."""
    made = _COMPARISON.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def as_json(comparison: Comparison) -> bytes:
    """Return a comparison as it is written: the same bytes for the same content."""
    tree = _COMPARISON.dump_python(comparison, mode="json")
    return json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def words_of(one: LineCompared, names: Mapping[str, Words]) -> dict[str, Any]:
    """Return what a line's page says of its comparison: lines of Vietnamese and English.

    Args:
        one: a line.
        names: of the standards whose verdicts are told, by their ids.
    """
    return {"before": list(_before(one.before, names)), "neighbours": list(_neighbours(one))}


def _before(before: MonthBefore | None, names: Mapping[str, Words]) -> Iterator[tuple[str, str]]:
    if before is None:
        yield (
            "Không có số đo hợp lệ của tháng trước.",
            "No test of the month before counts.",
        )
        return
    for one in before.changes:
        vi, en = _QUANTITIES[one.quantity]
        rates = megabits(one.before_bits_per_second), megabits(one.after_bits_per_second)
        if before.unlike:
            yield (
                f"{vi.capitalize()}: {rates[0]} và {rates[1]} Mbit/s; không so được",
                f"{en.capitalize()}: {_english(' and '.join(rates))} Mbit/s; not comparable",
            )
            continue
        shares = one.after_bits_per_second / one.before_bits_per_second - 1
        sign = "+" if shares >= 0 else "\N{MINUS SIGN}"
        figures = f"{rates[0]} → {rates[1]} Mbit/s ({sign}{percent(abs(shares))})"
        vi_said, en_said = _surety(one.chance)
        yield (
            f"{vi.capitalize()}: {figures}; {vi_said}",
            f"{en.capitalize()}: {_english(figures)}; {en_said}",
        )
    if before.unlike:
        vi_names, en_names = _differing(before.unlike)
        yield f"Hai tháng đo khác nhau về {vi_names}.", f"The months differ in {en_names}."
    for changed in before.probe_changes:
        yield (
            f"Thay thiết bị đo hoặc cổng đo từ ngày {day_of(changed.on)}: khác biệt có thể do đó.",
            f"Another probe or path since {day_of(changed.on)}: differences may be of that.",
        )
    if not before.same_promise:
        yield "Gói cước hoặc tốc độ công bố đã đổi.", "Plan or declared speed changed."
    said = [
        (names[one.standard], *_VERDICTS[one.verdict])
        for one in before.verdicts
        if one.standard in names
    ]
    if said:
        # What a name goes on with, behind its dash, stands above on the page.
        in_vi = (f"{name.vi.partition(' – ')[0]}: {vi}" for name, vi, _ in said)
        in_en = (f"{name.en.partition(' – ')[0]}: {en}" for name, _, en in said)
        yield (
            "Tháng trước, xét theo chỉ tiêu chính: " + "; ".join(in_vi),
            "The month before by the primary question: " + "; ".join(in_en),
        )


def _differing(names: Sequence[Unlike]) -> tuple[str, str]:
    vi, en = zip(*(_UNLIKE[name] for name in names), strict=True)
    return ", ".join(vi), ", ".join(en)


def _surety(chance: float | None) -> tuple[str, str]:
    if chance is None:
        return "không kiểm định", "not tested"
    en = f"p = {chance:.3f}"
    vi = en.replace(".", ",")
    if chance <= _LEVEL:
        return f"có thay đổi ({vi})", f"changed ({en})"
    return f"chưa thấy thay đổi ({vi})", f"no change seen ({en})"


def _english(figures: str) -> str:
    """Return numbers with the signs of English."""
    return figures.translate(_SIGNS)


def _neighbours(one: LineCompared) -> Iterator[tuple[str, str]]:
    if one.unlike_neighbours:
        vi, en = _differing(one.unlike_neighbours)
        yield (
            f"Chưa đủ đường được đo như nhau để so sánh; các đường tương tự khác về {vi}.",
            f"Too few lines were measured alike; those like it differ in {en}.",
        )
        return
    if not one.neighbours:
        yield (
            "Chưa đủ đường truyền tương tự của nhà mạng để so sánh.",
            "Too few lines of the carrier are like it.",
        )
        return
    own = {middle.quantity: middle for middle in one.middles}
    for beside in one.neighbours:
        middle = own.get(beside.quantity)
        vi, en = _QUANTITIES[beside.quantity]
        mine = megabits(middle.bits_per_second if middle else None)
        many = beside.lines
        vi_like, en_like = _LIKE[beside.likeness]
        theirs = f"{megabits(beside.bits_per_second)} Mbit/s"
        vi_reached = en_reached = ""
        if beside.reached is not None:
            share = percent(beside.reached)
            vi_reached = f", bằng {share} tốc độ công bố hoặc hợp đồng của chính các đường đó"
            en_reached = f", {_english(share)} of what they were declared or contracted for"
        yield (
            (
                f"{vi.capitalize()}: {mine}; trung vị {many} đường khác ({vi_like}): "
                f"{theirs}{vi_reached}"
            ),
            (
                f"{en.capitalize()}: {_english(mine)}; median of {many} others ({en_like}): "
                f"{_english(theirs)}{en_reached}"
            ),
        )
