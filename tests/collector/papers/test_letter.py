"""What a letter says."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from collector.cases.calendar import rules
from collector.domain.findings import Finding
from collector.domain.quantities import COUNTED, OF_TESTS, RATES
from collector.domain.standard import Reference
from collector.domain.standard_file import StandardFile
from collector.papers.bases import without_contract
from collector.papers.content import Kind, Letter, Mark, Paragraph, Table, texts_of
from collector.papers.findings import by_name
from collector.papers.letter import MOST_LINES, UNVERIFIED, Annex, compose
from collector.papers.parties import Parties
from collector.reports.standards import choose_standard, read_standards
from collector.reports.summary import PartSummary, Summary
from tests.collector.papers import months
from tests.collector.papers.months import broken, line, mixed, month, part

ANNEXES = [Annex("annex.pdf", "Phụ lục"), Annex("evidence.zip", "Hồ sơ chứng cứ", "ab" * 32)]


def letter(summary: Summary, parties: Parties = months.PARTIES) -> Letter:
    """Return a month's letter."""
    return compose(summary, months.STANDARDS, parties, rules(), ANNEXES)


def told(made: Letter) -> str:
    """Return all that stands in a letter."""
    return "\n".join(texts_of(made))


def table_of(made: Letter) -> Table:
    """Return a letter's table."""
    (table,) = (block for block in made.body if isinstance(block, Table))
    return table


def test_its_head_and_its_foot_are_the_wards() -> None:
    """Number and date are left to the clerk; names of authorities and titles are in capitals."""
    made = letter(mixed())
    assert (made.superior, made.authority) == ("ỦY BAN THÀNH PHỐ THỬ", "ỦY BAN PHƯỜNG THỬ")
    assert made.number == "Số: ………/UBND-VHXH"
    assert made.subject.startswith("V/v kiến nghị")
    assert made.subject.endswith("tháng 10/2026")
    assert made.dated == "Thử, ngày …… tháng …… năm ………"
    assert made.recipient == "Công ty Thử Nghiệm Hải Phòng"
    assert made.signature == ["TM. ỦY BAN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"]
    assert made.signer == "Nguyễn Văn Ký"
    assert made.copies == ["- Như trên;", "- Lưu: VT, VHXH."]
    assert "Trần Thị Thư, điện thoại 0900-111-222, thư điện tử thu@thu.example." in told(made)
    assert told(made).count("./.") == 1


def test_it_says_what_was_measured_and_how_many_lines_are_fine() -> None:
    """A carrier reads what speaks for it in the same place."""
    text = told(letter(mixed()))
    assert "từ ngày 01/10/2026 đến ngày 31/10/2026, 3 đường truyền" in text
    assert "720 lần đo tốc độ được tính; 21 lần không được tính" in text
    assert (
        "1 đường truyền không đạt ít nhất một chỉ tiêu; 1 đường truyền đạt; 1 đường truyền chưa "
        "đủ dữ liệu để kết luận"
    ) in text
    assert "Nhà văn hóa hai" not in text
    assert "Nhà văn hóa ba" not in text


def test_a_line_that_fails_is_told_with_figure_limit_and_reason() -> None:
    """One row for each standard that it fails by: the question that was asked first."""
    (identity,), row = table_of(letter(mixed())).rows
    assert identity == (
        "1. Nhà văn hóa mot, mot phố Không Có Thật (mã đường truyền mot); hợp đồng số HĐ-2024/77; "
        "ký ngày 05/03/2024; gói Gia đình 150; tốc độ hợp đồng (tải xuống/tải lên) 150/150 Mbit/s, "
        "tốc độ công bố 150/– Mbit/s"
    )
    asked, standard, measured, limit, why = row
    assert asked == (
        "Tốc độ tải xuống trung bình (Pd ≥ 0,8 Vd), giờ cao điểm (19–23 giờ) "
        "(và 1 chỉ tiêu khác, xem tài liệu kèm theo)"
    )
    assert standard == "QCVN 34:2019/BTTTT"
    assert measured == "91,2 Mbit/s (88,0 Mbit/s đến 94,5 Mbit/s)"
    assert limit == f"≥ 120,0 Mbit/s{UNVERIFIED}"
    assert why.startswith("Không đạt: 91,2 Mbit/s, giới hạn 120,0 Mbit/s; ngay cả cận có lợi")


def test_what_nobody_has_read_in_its_text_is_marked_for_the_clerk() -> None:
    """Laws, deadlines and limits: none of them is told as a fact that was not checked."""
    made = letter(mixed())
    paragraphs = [block for block in made.body if isinstance(block, Paragraph)]
    checks = [run.text for one in paragraphs for run in one.runs if run.mark is Mark.CHECK]
    assert len(checks) == 3 + sum(not rule.verified for rule in rules())
    assert all(text.startswith(" [Chưa kiểm chứng: ") for text in checks)
    assert "(*) Trị số chưa được kiểm chứng" in told(made)
    checked = letter(month(line("x", part(broken(verified=True)))))
    assert UNVERIFIED not in told(checked)
    assert all(f"{rule.working_days:02d} ngày làm việc" in told(made) for rule in rules())


def bases(*findings: Finding, standard: str, may_accuse: bool = True) -> str:
    """Return what the letter on a line with these findings by a standard goes by."""
    known = {name: choose_standard(read_standards(None), name) for name in ("ward", standard)}
    file = known[standard]
    by_another = [
        replace(one, standard="ward", version=known["ward"].standard.version)
        for one in part(broken(reference=Reference.CONTRACTED)).judgements
    ]
    judged = [
        replace(one, standard=standard, version=file.standard.version)
        for one in part(*findings, may_accuse=may_accuse).judgements
    ]
    summary = month(line("x", part(judgements=[*by_another, *judged])))
    made = compose(summary, by_name(list(known.values())), months.PARTIES, rules(), ANNEXES)
    found = [one for one in made.body if isinstance(one, Paragraph) and one.kind is Kind.BASIS]
    return " ".join(run.text for one in found for run in one.runs)


@pytest.mark.parametrize(
    "standard, cited",
    [
        ("qcvn-34-2019", "QCVN 34:2019/BTTTT (được "),
        ("qcvn-34-2022", "QCVN 34:2022/BTTTT ban hành"),
        ("qcvn-126-2021", "QCVN 126:2021"),
    ],
)
def test_a_regulation_is_cited_where_a_line_fails_by_it_alone(standard: str, cited: str) -> None:
    """Not where it keeps it, or another is broken, or no complaint may rest on it."""
    slow = broken(reference=Reference.CONTRACTED)
    assert cited in bases(slow, standard=standard)
    others = {"qcvn-34-2019", "qcvn-34-2022", "qcvn-126-2021"} - {standard}
    assert not any(cited in bases(slow, standard=other) for other in others)
    assert "QCVN" not in bases(months.kept(), standard=standard)
    assert "QCVN" not in bases(slow, standard=standard, may_accuse=False)
    assert "QCVN" not in bases(slow, standard="ward")


def test_a_regulation_that_was_replaced_is_cited_as_such() -> None:
    """By what replaced it and since when, which was read; its numbers nobody read in its text."""
    text = bases(broken(), standard="qcvn-34-2019")
    cited = "QCVN 34:2019/BTTTT (được QCVN 34:2022/BTTTT thay thế từ ngày 01/7/2023)"
    assert f"{cited};  [Chưa kiểm chứng: trị số biết qua trang của một doanh nghiệp" in text


def test_the_fine_for_less_than_declared_is_cited_where_that_is_what_failed() -> None:
    """The law always: who has less than was contracted may complain, too."""
    for reference in (*Reference, None):
        text = bases(broken(reference=reference), standard="ward")
        assert ("174/2026" in text) == (reference is Reference.DECLARED)
        assert "Luật Viễn thông số 24/2023/QH15" in text
    kept_declared = months.kept(reference=Reference.DECLARED)
    assert "174/2026" not in bases(kept_declared, standard="ward")


def contracts(*parts: PartSummary) -> str:
    """Return the last text that the letter on lines with these days goes by."""
    lines = [line(f"l{number}", one) for number, one in enumerate(parts)]
    blocks = letter(month(*lines)).body
    found = [one for one in blocks if isinstance(one, Paragraph) and one.kind is Kind.BASIS]
    assert [one.runs[0].text[-1] for one in found] == [*";" * (len(found) - 1), "."]
    return found[-1].runs[0].text


def test_contracts_are_a_basis_only_where_a_line_names_one() -> None:
    """The number stands in the line's row; one that fails by nothing gives no basis."""
    nameless = replace(months.TERMS, contract_number=None)
    assert "hợp đồng" in contracts(part(broken()))
    assert "hợp đồng" in contracts(part(broken()), part(broken(), terms=nameless))
    assert "hợp đồng" not in contracts(part(broken(), terms=nameless))
    assert "hợp đồng" not in contracts(part(broken(), terms=nameless), part(months.kept()))


def test_lines_below_a_contract_without_number_are_known() -> None:
    """What was declared needs no contract, nor does a line that keeps it."""
    nameless = replace(months.TERMS, contract_number=None)
    slow = broken(reference=Reference.CONTRACTED)
    lines = [
        line("has", part(slow)),
        line("lacks", part(slow, terms=nameless)),
        line("declared", part(broken(), terms=nameless)),
        line("keeps", part(months.kept(reference=Reference.CONTRACTED), terms=nameless)),
        line("ended", part(slow, terms=nameless, in_force=False)),
    ]
    assert without_contract(lines) == ["lacks"]


def test_tests_that_confirm_are_told_apart() -> None:
    """What counts, what confirms and what does not count are all tests that the data have."""
    confirmed = part(broken(), witnesses={"hn-2": 60, "sg-1": 4})
    text = told(letter(month(line("x", confirmed))))
    assert (
        "240 lần đo tốc độ được tính, thêm 64 lần đo tới máy chủ xác nhận; 7 lần không được tính"
    ) in text
    assert "xác nhận;" not in told(letter(mixed()))


def test_a_line_without_any_record_was_not_watched() -> None:
    """It is told apart; any record is enough, of a speed test or not."""
    nothing: dict[str, Any] = {"tests": 0, "excluded": [], "server": None}
    silent = line("y", part(months.too_few(), **nothing))
    text = told(letter(month(line("x", part(broken())), silent)))
    assert (
        "1 đường truyền của Quý đơn vị được theo dõi (1 đường truyền khác không có dữ liệu nào)"
    ) in text
    assert "1 đường truyền chưa đủ dữ liệu để kết luận, kể cả các đường truyền không có" in text
    for known in (
        {"watched_seconds": 60.0},
        {"witnesses": {"hn-2": 1}},
        {"excluded": part().excluded},
        {"tests": 1},
    ):
        seen = line("y", part(months.too_few(), **{**nothing, **known}))
        text = told(letter(month(line("x", part(broken())), seen)))
        assert "2 đường truyền của Quý đơn vị được theo dõi, với" in text
        assert "không có dữ liệu" not in text


def test_a_range_of_what_is_possible_is_not_called_an_interval_of_confidence() -> None:
    """Availability was watched, not sampled; below the table stands what each range is."""
    shares = {"value": 0.97, "low": 0.96, "high": 0.98, "limit": 0.995}
    out = broken(indicator="availability", window="all", reference=None, **shares)
    made = letter(month(line("x", part(out))))
    table = table_of(made)
    assert table.head[2] == "Đo được (khoảng)"
    _, row = table.rows
    assert row[2] == "97,00 % (96,00 % đến 98,00 %)"
    assert "tin cậy" not in "".join(row)
    assert "khoảng có thể, do các lần kiểm tra cách nhau vài phút" in row[4]
    of_watched, of_sampled = "Của độ khả dụng, khoảng trong", "Khoảng trong ngoặc là khoảng tin cậy"
    assert of_watched in told(made)
    assert of_sampled not in told(made)
    assert of_sampled in told(letter(mixed()))
    assert of_watched not in told(letter(mixed()))


def test_days_under_other_terms_are_rows_of_their_own() -> None:
    """A contract that changed in the month: only the days that fail are told, with their terms."""
    middle = date(2026, 10, 15)
    before = part(broken(), last_day=middle)
    slower = replace(
        months.TERMS, plan="Gia đình 80", contracted_download_bits_per_second=80 * 10**6
    )
    after = part(months.kept(), first_day=date(2026, 10, 16), terms=slower)
    rows = table_of(letter(month(line("x", before, after)))).rows
    assert len(rows) == 2
    assert rows[0][0].endswith("; từ ngày 01/10/2026 đến ngày 15/10/2026")
    assert "Gia đình 80" not in rows[0][0]


def test_without_a_registered_ward_there_is_room_to_write() -> None:
    """Nothing is invented, and nothing fails: dots stand for what a clerk fills in."""
    made = letter(mixed(), months.NOBODY)
    assert made.superior is None
    assert set(made.authority) == set(made.signer) == {"…"}
    assert made.number == "Số: ………/………"
    assert made.recipient_address is None
    assert "None" not in told(made)
    assert "Đầu mối liên hệ: ……" in told(made)


def test_lines_of_several_wards_are_not_said_to_be_of_one() -> None:
    """One ward's name stands in the letter, of several none."""
    one = letter(month(line("x", part(broken())), line("y", part(broken()))))
    two = letter(month(line("x", part(broken())), line("y", part(broken()), ward="Phường Hai")))
    assert "cung cấp tại Phường Thử, đề nghị" in told(one)
    assert "cung cấp trên địa bàn, đề nghị" in told(two)


def test_a_citys_letter_stays_one_that_somebody_reads() -> None:
    """Of very many lines the table has the first, and says that the annex has all."""
    many = [line(f"l{number:03d}", part(broken())) for number in range(MOST_LINES + 1)]
    made = letter(month(*many))
    assert len(table_of(made).rows) == 2 * MOST_LINES
    assert f"Bảng này nêu {MOST_LINES} trong {MOST_LINES + 1} đường truyền không đạt" in told(made)
    assert "Bảng này nêu" not in told(letter(month(*many[:-1])))


def test_the_evidence_is_named_with_its_digest() -> None:
    """Whoever gets the file later sees whether it is the one that was meant."""
    text = told(letter(mixed()))
    assert "(1) Phụ lục (annex.pdf)." in text
    assert f"(2) Hồ sơ chứng cứ (evidence.zip, SHA-256: {'ab' * 32})." in text
    assert "tự kiểm tra từng bản ghi" in text
    without = compose(mixed(), months.STANDARDS, months.PARTIES, rules(), ANNEXES[:1])
    assert "tự kiểm tra từng bản ghi" not in told(without)


@pytest.mark.parametrize("file", read_standards(None), ids=lambda one: one.standard.id)
def test_a_breach_of_any_standard_can_be_told(file: StandardFile) -> None:
    """Each indicator in each of its hours: rates, times, shares and days, each with its unit."""
    standard = file.standard
    for one in standard.indicators:
        of_rates = one.quantity in RATES and one.statistic not in OF_TESTS
        value, limit = (90e6, 120e6) if of_rates else (0.5, 0.9)
        for window in one.windows or (None,):
            found = broken(indicator=one.id, window=window, value=value, limit=limit, low=None)
            judged = replace(
                part(found).judgements[0], standard=standard.id, version=standard.version
            )
            summary = month(line("x", part(found, judgements=[judged])))
            made = compose(summary, by_name([file]), months.PARTIES, rules(), [])
            _, row = table_of(made).rows
            assert row[0].startswith(one.name.vi)
            unit = "Mbit/s" if of_rates else "ngày" if one.statistic in COUNTED else "(%|ms)"
            assert re.search(rf"^[\d.,]+ {unit}$", row[2]), row
            assert row[3].startswith(("≥", "≤"))
            assert row[4].startswith("Không đạt: ")
            assert "None" not in told(made)
