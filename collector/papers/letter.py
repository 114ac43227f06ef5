"""What a month's letter to a carrier says. Pure: the renderings set it as DOCX and as PDF."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from collector.cases.words import month_in_words
from collector.domain.cases.deadlines import Rule
from collector.domain.findings import Verdict
from collector.domain.quantities import Quantity
from collector.domain.standard import Standard
from collector.papers.bases import bases_of, cites_contracts
from collector.papers.content import BLANK, Kind, Letter, Mark, Paragraph, Run, Table
from collector.papers.findings import (
    Said,
    Standards,
    contract,
    counted,
    days_of,
    failing,
    has_data,
    number,
    said_of,
    speed_tests,
    ward_of,
)
from collector.papers.parties import Parties, Person
from collector.reports.summary import LineSummary, PartSummary, Summary

MOST_LINES: Final = 40
"""That the letter's table has; the annexes have all."""

UNVERIFIED: Final = " (*)"
_UNVERIFIED_NOTE: Final = "(*) Trị số chưa được kiểm chứng với văn bản gốc của tiêu chuẩn."

_HEAD: Final = ("Chỉ tiêu", "Tiêu chuẩn", "Đo được (khoảng)", "Giới hạn", "Nhận định")
_WIDTHS_MM: Final = (34, 26, 32, 30, 43)

_INTERVAL_NOTE: Final = "Khoảng trong ngoặc là khoảng tin cậy 95 %."
_RANGE_NOTE: Final = (
    "Của độ khả dụng, khoảng trong ngoặc là khoảng có thể, do các lần kiểm tra cách nhau vài phút: "
    "từ thời gian gián đoạn dài nhất đến ngắn nhất có thể."
)

_METHOD: Final = (
    "Mỗi lần đo truyền dữ liệu thật qua nhiều kết nối HTTP trong một thời gian cố định, vào thời "
    "điểm ngẫu nhiên trong ngày; khoảng tin cậy 95 % được tính bằng cách lấy lại mẫu theo trọn "
    "ngày. Lần đo bị ảnh hưởng bởi Wi-Fi, thiết bị đo, máy chủ đo hoặc lưu lượng khác không được "
    "tính vào kết quả."
)


@dataclass(frozen=True, slots=True)
class Annex:
    """A file that goes with the letter.

    Attributes:
        name: of the file.
        what: it is, in Vietnamese.
        sha256: by which it is known; None: not told.
    """

    name: str
    what: str
    sha256: str | None = None


def compose(
    summary: Summary,
    standards: Standards,
    parties: Parties,
    rules: Sequence[Rule],
    annexes: Sequence[Annex],
) -> Letter:
    """Return the letter that a month is reason for.

    Args:
        summary: of the carrier's month; one line of it fails at least.
        standards: that the summary names.
        parties: who writes to whom.
        rules: what a carrier has to do until when.
        annexes: what goes with it.
    """
    ward = parties.ward
    month = month_in_words(summary.month)
    return Letter(
        superior=ward.superior and ward.superior.upper(),
        authority=(ward.authority or BLANK).upper(),
        number=f"Số: ………/{ward.letter_code or '………'}",
        subject=f"V/v kiến nghị khắc phục chất lượng đường truyền Internet {month}",
        dated=f"{ward.place or '…………'}, ngày …… tháng …… năm ………",
        recipient=parties.carrier,
        recipient_address=parties.carrier_address and f"(Địa chỉ: {parties.carrier_address})",
        body=[
            *_bases(failing(summary)),
            *_opening(summary, month),
            *_results(summary, standards),
            *_requests(rules, can_be_checked=any(one.sha256 for one in annexes)),
            *_annexes(annexes),
            *_closing(parties.contact),
        ],
        copies=["- Như trên;", kept_as(ward.letter_code)],
        signature=signature_of(parties.signer),
        signer=parties.signer.name if parties.signer else BLANK,
    )


def _text(*runs: str | Run, kind: Kind = Kind.TEXT) -> Paragraph:
    return Paragraph(kind, [Run(one) if isinstance(one, str) else one for one in runs])


def _check(why: str) -> Run:
    return Run(f" [Chưa kiểm chứng: {why}.]", Mark.CHECK)


def _bases(lines: Sequence[LineSummary]) -> Iterator[Paragraph]:
    known = [(one.text, one.check) for one in bases_of(lines)]
    if cites_contracts(lines):
        known.append(("các hợp đồng cung cấp dịch vụ có số nêu tại các dòng dưới đây", None))
    for place, (text, unread) in enumerate(known, start=1):
        check = [_check(unread)] if unread else []
        end = ";" if place < len(known) else "."
        yield _text(f"Căn cứ {text}{end}", *check, kind=Kind.BASIS)


def _opening(summary: Summary, month: str) -> Iterator[Paragraph]:
    counts = counted(summary)
    parts = [part for line in summary.lines for part in line.parts]
    tests = speed_tests(summary.lines)
    witnesses = f", thêm {number(tests.witnesses)} lần đo tới máy chủ xác nhận"
    watched = sum(map(has_data, summary.lines))
    silent = len(summary.lines) - watched
    without = f" ({number(silent)} đường truyền khác không có dữ liệu nào)" if silent else ""
    ward = ward_of(summary)
    where = f"tại {ward}" if ward else "trên địa bàn"
    yield _text(
        f"Qua theo dõi chất lượng các đường truyền Internet do Quý đơn vị cung cấp {where}, "
        "đề nghị Quý đơn vị xem xét, khắc phục các đường truyền không đạt yêu cầu dưới đây."
    )
    yield _text(f"1. Kết quả đo {month}", kind=Kind.HEADING)
    first, last = min(p.first_day for p in parts), max(p.last_day for p in parts)
    yield _text(
        f"Trong thời gian {days_of(first, last)}, {number(watched)} đường truyền của "
        f"Quý đơn vị được theo dõi{without}, với {number(tests.counted)} lần đo tốc độ được tính"
        f"{witnesses if tests.witnesses else ''}; {number(tests.left_out)} lần "
        f"không được tính, số lượng và lý do nêu trong tài liệu kèm theo. {_METHOD}"
    )
    yield _text(
        f"Kết quả: {number(counts[Verdict.FAIL])} đường truyền không đạt ít nhất một chỉ tiêu; "
        f"{number(counts[Verdict.PASS])} đường truyền đạt; "
        f"{number(counts[Verdict.NOT_ENOUGH_DATA])} đường truyền chưa đủ dữ liệu để kết luận"
        f"{', kể cả các đường truyền không có dữ liệu' if silent else ''}. "
        "Văn bản này chỉ kiến nghị về các đường truyền không đạt:"
    )


def _results(summary: Summary, standards: Standards) -> Iterator[Paragraph | Table]:
    lines = failing(summary)
    shown = lines[:MOST_LINES]
    rows: list[Sequence[str]] = []
    used: dict[str, Standard] = {}
    ranges: set[bool] = set()
    for place, line in enumerate(shown, start=1):
        for part in line.parts:
            said = list(said_of(part, standards, Verdict.FAIL))
            if said:
                rows += [(_identity(place, line, part),), *map(_row, said)]
            used.update((one.standard.id, one.standard) for one in said)
            ranges.update(_is_range(one) for one in said if one.finding.low is not None)
    yield Table(_HEAD, _WIDTHS_MM, rows)
    if len(lines) > len(shown):
        yield _text(
            f"Bảng này nêu {len(shown)} trong {number(len(lines))} đường truyền không đạt; tài "
            "liệu kèm theo nêu tất cả.",
            kind=Kind.NOTE,
        )
    for is_range, note in ((False, _INTERVAL_NOTE), (True, _RANGE_NOTE)):
        if is_range in ranges:
            yield _text(note, kind=Kind.NOTE)
    if any(cell.endswith(UNVERIFIED) for row in rows for cell in row):
        yield _text(_UNVERIFIED_NOTE, kind=Kind.NOTE)
    for one in used.values():
        note = f" {one.note.vi}" if one.note else ""
        yield _text(f"{one.name.vi} ({one.issuer.vi}).{note}", kind=Kind.NOTE)


def _is_range(said: Said) -> bool:
    """Return whether an interval is all that is possible, not of confidence."""
    return said.indicator.quantity is Quantity.AVAILABILITY


def _identity(place: int, line: LineSummary, part: PartSummary) -> str:
    """Return which line a table's rows are about, and its terms on these days."""
    site = ", ".join(filter(None, [line.site.name, line.site.address]))
    days = f"; {days_of(part.first_day, part.last_day)}" if len(line.parts) > 1 else ""
    terms = contract(part.terms)
    return f"{place}. {site} (mã đường truyền {line.id}){'; ' if terms else ''}{terms}{days}"


def _row(said: Said) -> tuple[str, ...]:
    others = f" (và {said.others} chỉ tiêu khác, xem tài liệu kèm theo)" if said.others else ""
    return (
        f"{said.asked.vi}{others}",
        said.standard.name.vi.partition(" – ")[0],
        said.measured,
        f"{said.limit}{'' if said.finding.verified else UNVERIFIED}",
        said.why.vi,
    )


def _requests(rules: Sequence[Rule], *, can_be_checked: bool) -> Iterator[Paragraph]:
    yield _text("2. Đề nghị Quý đơn vị", kind=Kind.HEADING)
    yield _text(
        "a) Kiểm tra, khắc phục các đường truyền nêu trên; cho biết nguyên nhân, biện pháp và ngày "
        "hoàn thành đối với từng đường truyền. Sau ngày đó, kết quả đo trước và sau khi khắc phục "
        "sẽ được so sánh."
    )
    check = (
        " Hồ sơ chứng cứ kèm theo cho phép Quý đơn vị tự kiểm tra từng bản ghi và tính lại từng "
        "con số."
    )
    other = "b) Nếu có số liệu khác, gửi kèm theo văn bản trả lời."
    yield _text(f"{other}{check if can_be_checked else ''}")
    yield _text("c) Thực hiện trong các thời hạn sau, tính từ ngày văn bản này được gửi:")
    for rule in rules:
        asked = f"- {rule.asks.vi}: {rule.working_days:02d} ngày làm việc, theo {rule.source.vi}."
        note = f". {rule.note.vi.rstrip('.')}" if rule.note else ""
        unsure = [] if rule.verified else [_check(f"con số đọc qua nguồn thứ cấp{note}")]
        yield _text(asked, *unsure)


def _annexes(annexes: Sequence[Annex]) -> Iterator[Paragraph]:
    yield _text("3. Tài liệu kèm theo", kind=Kind.HEADING)
    for place, one in enumerate(annexes, start=1):
        known = f", SHA-256: {one.sha256}" if one.sha256 else ""
        yield _text(f"({place}) {one.what} ({one.name}{known}).", kind=Kind.ITEM)


def _closing(contact: Person | None) -> Iterator[Paragraph]:
    if contact is None:
        yield _text(f"Đầu mối liên hệ: {BLANK}", kind=Kind.CLOSING)
    else:
        known = (
            f"điện thoại {contact.telephone}" if contact.telephone else "",
            f"thư điện tử {contact.email}" if contact.email else "",
        )
        said = ", ".join(filter(None, [contact.name, *known]))
        yield _text(f"Đầu mối liên hệ: {said}.", kind=Kind.CLOSING)
    end = "Trân trọng đề nghị Quý đơn vị quan tâm, thực hiện./."
    yield _text(end, kind=Kind.CLOSING)


def kept_as(letter_code: str | None) -> str:
    """Return what ends the list of copies: the office that wrote it keeps one."""
    _, _, office = (letter_code or "").partition("-")
    return f"- Lưu: VT, {office or '………'}."


def signature_of(signer: Person | None) -> list[str]:
    """Return the lines above a signer's name."""
    if signer is None:
        return [BLANK]
    over = [one.strip() for one in (signer.signs_for or "").split(";")]
    return [one.upper() for one in (*over, signer.title) if one]
