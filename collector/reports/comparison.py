"""A carrier's lines beside their month before and their neighbours: `comparison.json`.

It stands apart from `summary.json`, because it cannot be recomputed from the month's evidence: that
holds neither the month before nor, where only lines that fail are in it, the neighbours. No verdict
rests on it.
"""

import json
from collections.abc import Iterator, Sequence
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
)
from collector.domain.findings import Verdict
from collector.domain.quantities import Quantity
from collector.reports.page import megabits, percent

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
_LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class LineCompared:
    """A line beside others.

    Attributes:
        middles: its own.
        before: null: no test of the month before counts.
        neighbours: none where too few lines of the carrier are like it.
    """

    line: str
    middles: Sequence[Middle]
    before: MonthBefore | None
    neighbours: Sequence[Neighbours]


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
    found = [LineCompared(own.line, own.middles, before, around.of(own)) for own, before in lines]
    return Comparison(FORMAT, _NOTE, month, carrier, found)


def as_json(comparison: Comparison) -> bytes:
    """Return a comparison as it is written: the same bytes for the same content."""
    tree = _COMPARISON.dump_python(comparison, mode="json")
    return json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def words_of(one: LineCompared) -> dict[str, Any]:
    """Return what a line's page says of its comparison: lines of Vietnamese and English."""
    return {"before": list(_before(one.before)), "neighbours": list(_neighbours(one))}


def _before(before: MonthBefore | None) -> Iterator[tuple[str, str]]:
    if before is None:
        yield (
            "Không có số đo hợp lệ của tháng trước.",
            "No test of the month before counts.",
        )
        return
    for one in before.changes:
        vi, en = _QUANTITIES[one.quantity]
        shares = one.after_bits_per_second / one.before_bits_per_second - 1
        sign = "+" if shares >= 0 else "\N{MINUS SIGN}"
        figures = (
            f"{megabits(one.before_bits_per_second)} → {megabits(one.after_bits_per_second)} "
            f"Mbit/s ({sign}{percent(abs(shares))})"
        )
        vi_said, en_said = _surety(one.chance)
        yield f"{vi.capitalize()}: {figures}; {vi_said}", f"{en.capitalize()}: {figures}; {en_said}"
    if not before.same_server:
        yield "Hai tháng đo tới máy chủ khác nhau.", "The months were measured to other servers."
    if not before.same_promise:
        yield "Gói cước hoặc tốc độ công bố đã đổi.", "Plan or declared speed changed."
    said = [(one.standard, *_VERDICTS[one.verdict]) for one in before.verdicts]
    if said:
        yield (
            "Câu hỏi chính: " + "; ".join(f"{name} {vi}" for name, vi, _ in said),
            "Primary question: " + "; ".join(f"{name} {en}" for name, _, en in said),
        )


def _surety(chance: float | None) -> tuple[str, str]:
    if chance is None:
        return "không kiểm định", "not tested"
    figure = f"p = {chance:.3f}".replace(".", ",")
    if chance <= _LEVEL:
        return f"có thay đổi ({figure})", f"changed ({figure})"
    return f"chưa thấy thay đổi ({figure})", f"no change seen ({figure})"


def _neighbours(one: LineCompared) -> Iterator[tuple[str, str]]:
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
        reached = "" if beside.reached is None else f" ({percent(beside.reached)})"
        beside_it = f"{megabits(beside.bits_per_second)} Mbit/s{reached}"
        yield (
            f"{vi.capitalize()}: {mine}; trung vị {many} đường khác ({vi_like}): {beside_it}",
            f"{en.capitalize()}: {mine}; median of {many} others ({en_like}): {beside_it}",
        )
