"""What a line's page of the annex says, words and charts: made where its records were read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from collector.domain.findings import Finding, Judgement, Reason, Verdict
from collector.domain.line_month import CARRIERS_OWN, LinePart, Where
from collector.domain.quantities import MEGABIT, RATES, Quantity
from collector.domain.reasons import sentence, shown
from collector.domain.standard import Indicator, Standard
from collector.domain.standard_file import StandardFile
from collector.domain.terms import Terms
from collector.reports.data_words import REASON_WORDS, detail_words
from collector.reports.monthly import Month
from collector.reports.page_charts import heat_map, latency_chart, outage_line, speed_chart
from collector.reports.summary import LineSummary, PartSummary, ProbeUsed

Pair = tuple[str, str]
"""A text in Vietnamese and in English."""

TECHNOLOGIES: Final = {
    "fibre": ("cáp quang", "fibre"),
    "cable": ("cáp đồng trục", "cable"),
    "dsl": ("cáp đồng (DSL)", "DSL"),
    "4g": ("4G", "4G"),
    "5g": ("5G", "5G"),
    "other": ("khác", "other"),
}

_PLACES: Final = {
    Where.POWER: ("điện hoặc thiết bị đo tại điểm đo", "power or probe on site"),
    Where.GATEWAY: ("bộ định tuyến tại điểm đo", "router on site"),
    Where.ACCESS: ("đường truyền của nhà mạng", "carrier's access line"),
    Where.BEYOND: ("mạng của nhà mạng", "carrier's network"),
}
_SPEEDS: Final = {
    "contracted": ("Hợp đồng", "Contracted"),
    "declared": ("Công bố (Vd/Vu)", "Declared"),
    "minimum": ("Tối thiểu", "Minimum"),
}
_IPV6: Final = 6
_MOST_OUTAGES: Final = 4
_MOST_EXCLUSIONS: Final = 9
_MOST_ASKED: Final = 5
_VIETNAMESE: Final = str.maketrans(",.", ".,")


def page_of(
    summary: LineSummary,
    parts: Sequence[LinePart],
    files: Sequence[StandardFile],
    month: Month,
) -> dict[str, Any]:
    """Return a line's page, of what JSON can hold; its comparison is added once that is known.

    Args:
        summary: of the line.
        parts: that it is of.
        files: the standards that the line is held against.
        month: of the parts.
    """
    standards = {file.standard.id: file.standard for file in files}
    days = (month.last_day - month.first_day).days + 1
    promised = {n: _promised(part.terms, Quantity.DOWNLOAD) for n, part in enumerate(parts)}
    charts = {
        quantity.value: speed_chart(parts, quantity, _limits(summary, standards, quantity), days)
        for quantity in (Quantity.DOWNLOAD, Quantity.UPLOAD)
    }
    return {
        "line": summary.id,
        "site": summary.site.name,
        "ward": summary.site.ward or "–",
        "address": summary.site.address or "–",
        "technology": TECHNOLOGIES.get(summary.technology, (summary.technology,) * 2),
        "verdict": summary.verdict.value,
        "days": days,
        "parts": [_part(one, standards) for one in summary.parts],
        "charts": charts,
        "latency": latency_chart(parts, days),
        "heat": heat_map(parts, promised, days),
        "outages": outage_line(parts, days),
        "outage_words": _outages(summary.parts),
        "excluded": _excluded(summary.parts),
        "asked": _asked(summary, standards),
        "is_held": any(part.accusing for part in summary.parts),
    }


def megabits(value: float | None) -> str:
    """Return bit/s as Mbit/s, as people write it in Vietnamese."""
    return "–" if value is None else f"{value / MEGABIT:,.1f}".translate(_VIETNAMESE)


def percent(value: float) -> str:
    """Return a share in per cent, as people write it in Vietnamese."""
    return f"{100 * value:.1f} %".translate(_VIETNAMESE)


def _promise(value: float | None) -> str:
    """Return Mbit/s of a contract: whole ones, as nearly all are, without a fraction."""
    return megabits(value).removesuffix(",0")


def _in_both(figures: str) -> Pair:
    """Return Vietnamese figures with those of English, where these are others."""
    english = figures.translate(_VIETNAMESE)
    return figures, "" if english == figures else english


def day_of(day: date) -> str:
    """Return a day as people write it."""
    return f"{day:%d/%m/%Y}"


def _promised(terms: Terms, quantity: Quantity) -> int | None:
    name = f"{quantity}_bits_per_second"
    found: int | None = getattr(terms, f"declared_{name}") or getattr(terms, f"contracted_{name}")
    return found


def _limits(
    summary: LineSummary, standards: Mapping[str, Standard], quantity: Quantity
) -> list[tuple[int, float]]:
    """Return the limits in bit/s that a quantity was held against, with their parts' numbers."""
    found = set()
    for number, part in enumerate(summary.parts):
        for said in part.judgements:
            indicators = {one.id: one for one in standards[said.standard].indicators}
            for one in said.findings:
                asked = indicators[one.indicator]
                is_rate = asked.quantity is quantity and asked.test is None
                if is_rate and quantity in RATES and one.limit:
                    found.add((number, one.limit))
    return sorted(found)


# --- Terms and verdicts -----------------------------------------------------------------------


def _part(part: PartSummary, standards: Mapping[str, Standard]) -> dict[str, Any]:
    terms = part.terms
    speeds = [
        (*words, _in_both(f"{_promise(down)} / {_promise(up)} Mbit/s"))
        for name, words in _SPEEDS.items()
        for down, up in [_pair(terms, name)]
        if down or up
    ]
    watched = part.watched_seconds / (((part.last_day - part.first_day).days + 1) * 86_400)
    return {
        "days": f"{day_of(part.first_day)} – {day_of(part.last_day)}",
        "plan": terms.plan or "–",
        "contract": terms.contract_number or "–",
        "since": day_of(terms.contract_since) if terms.contract_since else "–",
        "speeds": speeds,
        "tests": part.tests,
        "server": (part.server or "–") + (" (IPv6)" if part.ip_version == _IPV6 else ""),
        "witnesses": ", ".join(f"{name} ({many})" for name, many in part.witnesses.items()) or "–",
        "watched": _in_both(percent(watched)),
        "replaced": _replaced(part.probes),
        "standards": [_standard(one, standards[one.standard]) for one in part.judgements],
    }


def _replaced(probes: Sequence[ProbeUsed]) -> Pair | None:
    """Return by which probes the days were measured; None where it was one alone."""
    if len(probes) <= 1:
        return None
    each = []
    for one in probes:
        name = f"{one.probe} ({one.path})"
        since = one.since and f"{one.since:%d/%m/%Y %H:%M}"
        each.append(
            (
                f"{f'từ {since} ' if since else ''}{name}, {one.tests} lần đo",
                f"{f'since {since} ' if since else ''}{name}, {one.tests} tests",
            )
        )
    vi, en = ("; ".join(words) for words in zip(*each, strict=True))
    return (
        f"Thiết bị đo được thay trong thời gian này: {vi}. Không có hai thiết bị nào đo cùng lúc.",
        f"The probe was replaced in these days: {en}. No two measured at the same time.",
    )


def _pair(terms: Terms, name: str) -> tuple[int | None, int | None]:
    return (
        getattr(terms, f"{name}_download_bits_per_second"),
        getattr(terms, f"{name}_upload_bits_per_second"),
    )


def _standard(said: Judgement, standard: Standard) -> dict[str, Any]:
    indicators = {one.id: one for one in standard.indicators}
    # Findings that say the same stand in one row.
    rows: dict[tuple[str, str, str], list[Finding]] = {}
    for one in said.findings:
        words = sentence(one, indicators[one.indicator])
        # Of a failed or a kept indicator each has its own figures.
        rows.setdefault((one.verdict.value, words.vi, words.en), []).append(one)
    return {
        "name": (standard.name.vi, standard.name.en),
        "version": said.version,
        "verdict": said.verdict.value,
        "may_accuse": said.may_accuse,
        "in_force": said.in_force,
        "unverified": sum(not one.verified for one in said.findings),
        "findings": len(said.findings),
        "rows": [
            {
                "verdict": verdict,
                "what": _names(standard, found, indicators),
                "why": (vi, en),
                "verified": all(one.verified for one in found),
            }
            for (verdict, vi, en), found in sorted(rows.items(), key=_by_weight)
        ],
    }


def _by_weight(row: tuple[tuple[str, str, str], list[Finding]]) -> tuple[int, bool]:
    order = (Verdict.FAIL, Verdict.PASS, Verdict.NOT_ENOUGH_DATA)
    return order.index(Verdict(row[0][0])), not any(one.is_primary for one in row[1])


def _names(
    standard: Standard, found: Sequence[Finding], indicators: Mapping[str, Indicator]
) -> Pair:
    """Return the names of indicators with their windows; of all of them, that it is all."""
    if len(found) > 2:  # noqa: PLR2004 - of two both are named
        return f"{len(found)} chỉ tiêu", f"{len(found)} indicators"
    names = [_named(standard, one, indicators[one.indicator]) for one in found]
    return "; ".join(vi for vi, _ in names), "; ".join(en for _, en in names)


def _named(standard: Standard, found: Finding, indicator: Indicator) -> Pair:
    windows = {one.id: one.name for one in standard.windows}
    window = windows.get(found.window or "")
    if window is None:
        return indicator.name.vi, indicator.name.en
    return f"{indicator.name.vi}, {window.vi}", f"{indicator.name.en}, {window.en}"


# --- What was out, what does not count, what is asked for -------------------------------------


def _outages(parts: Sequence[PartSummary]) -> list[Pair]:
    found = [one for part in parts for one in part.outages]
    own = [one for one in found if one.where in CARRIERS_OWN]
    if not found and not sum(part.watched_seconds for part in parts):
        return [("Không theo dõi: không rõ có mất kết nối hay không.", "Not watched: not known.")]
    if not found:
        return [("Không ghi nhận lần mất kết nối nào.", "No outage was seen.")]
    least = sum(one.shortest_seconds for one in own) / 60
    most = sum(one.longest_seconds for one in own) / 60
    lines = [
        (
            (
                f"Của nhà mạng: {len(own)} lần, tổng {least:.0f}–{most:.0f} phút. "
                f"Tại điểm đo (không tính cho nhà mạng): {len(found) - len(own)} lần."
            ),
            (
                f"Of the carrier: {len(own)}, {least:.0f}–{most:.0f} min in all. "
                f"On site (not counted): {len(found) - len(own)}."
            ),
        )
    ]
    longest = sorted(own, key=lambda one: (-one.longest_seconds, one.begins_at))[:_MOST_OUTAGES]
    for one in sorted(longest, key=lambda one: one.begins_at):
        vi, en = _PLACES[one.where]
        span = f"{one.shortest_seconds / 60:.0f}–{one.longest_seconds / 60:.0f}"
        at = f"{one.begins_at:%d/%m %H:%M}"
        lines.append((f"{at}: {span} phút, {vi}", f"{at}: {span} min, {en}"))
    if len(own) > _MOST_OUTAGES:
        lines[1:1] = [("Dài nhất:", "The longest:")]
    return lines


def _excluded(parts: Sequence[PartSummary]) -> list[tuple[Pair, Pair, int]]:
    counts: Counter[tuple[str, Any, str]] = Counter()
    for part in parts:
        for one in part.excluded:
            if one.task == "speed":
                counts[one.task, one.reason, one.detail] += one.records
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = []
    for (_, reason, detail), many in ordered[:_MOST_EXCLUSIONS]:
        why, what = REASON_WORDS[reason], detail_words(detail)
        rows.append(((why.vi, why.en), (what.vi, what.en), many))
    others = sum(many for _, many in ordered[_MOST_EXCLUSIONS:])
    if others:
        rows.append(
            (("Lý do khác, xem data.xlsx", "Other reasons, see data.xlsx"), ("", ""), others)
        )
    return rows


def _asked(summary: LineSummary, standards: Mapping[str, Standard]) -> list[Pair]:
    """Return what the carrier is asked for; nothing but where something failed."""
    found: dict[Pair, None] = {}
    for part in summary.parts:
        for said in part.accusing:
            standard = standards[said.standard]
            indicators = {one.id: one for one in standard.indicators}
            for one in said.findings:
                if one.verdict is Verdict.FAIL and one.reason is Reason.BROKEN:
                    indicator = indicators[one.indicator]
                    vi, en = _named(standard, one, indicator)
                    limits = (shown(one.limit, indicator, vietnamese=v) for v in (True, False))
                    vi_limit, en_limit = limits
                    found[f"{vi}: yêu cầu {vi_limit}", f"{en}: {en_limit} is required"] = None
    asked = list(found)
    if len(asked) > _MOST_ASKED:
        more = len(asked) - _MOST_ASKED + 1
        asked[_MOST_ASKED - 1 :] = [
            (f"và {more} chỉ tiêu không đạt khác ở trên", f"and {more} more that fail above")
        ]
    return asked
