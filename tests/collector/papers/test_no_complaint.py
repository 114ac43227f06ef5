"""The page for a ward about a carrier of which no line fails."""

from datetime import UTC, date, datetime

from collector.domain.findings import Reason
from collector.papers import no_complaint
from collector.papers.no_complaint import MOST_LINES, page
from collector.papers.typesetting import typeset
from tests.collector.chromium import colours_in
from tests.collector.papers import months, office
from tests.collector.papers.months import broken, kept, line, month, part, too_few
from tests.collector.papers.reading import squeezed, text_of

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


def test_it_says_in_both_languages_that_there_is_no_letter_and_why() -> None:
    """Each line with its verdict and the reason, Vietnamese beside English."""
    content = page(months.fine(), months.STANDARDS)
    pdf = typeset("no_complaint.typ", content, MOMENT)
    text = squeezed(text_of(pdf))
    for told in (
        "Không có đường truyền nào của Nhà mạng B tại Phường Thử bị kết luận là không đạt",
        "Vì vậy không lập văn bản kiến nghị.",
        "No line of Nhà mạng B in Phường Thử was found to fail in 2026-10.",
        "Trong 2 đường truyền: 1 đạt; 1 chưa đủ dữ liệu để kết luận.",
        "Of 2 lines 1 pass; of 1 there is not enough data to say.",
        "Not enough data does not mean good",
        "Đạt: 149,0 Mbit/s, giới hạn 120,0 Mbit/s",
        "Kept: 149.0 Mbit/s, the limit is 120.0 Mbit/s",
        "Chỉ có 3 ngày có số đo hợp lệ, cần ít nhất 20 ngày.",
        "4 trị số chưa được kiểm chứng với văn bản gốc",
    ):
        assert squeezed(told) in text, told
    assert typeset("no_complaint.typ", content, MOMENT) == pdf
    (picture,) = office.draw(pdf, "no-complaint")
    assert colours_in(picture) > 50


def test_nothing_known_is_not_told_as_good() -> None:
    """A month of which nothing can be said says so; one that is all good leaves the advice out."""
    nothing = page(month(line("ba", part(too_few()))), months.STANDARDS)
    assert "chưa kết luận được về đường truyền nào" in str(nothing["paragraphs"])
    good = page(month(line("hai", part(kept()))), months.STANDARDS)
    assert len(good["paragraphs"]) == 2


def test_a_line_that_no_standard_fits_is_told_as_such() -> None:
    """It has no finding, and the page has its row."""
    content = page(month(line("x", part(), technology="other")), months.STANDARDS)
    ((_, _, verdict, why),) = content["rows"]
    assert verdict["en"] == "Not enough data"
    assert why["en"] == "There is no standard for this technology."


def test_a_standard_that_was_not_in_force_is_named_as_such() -> None:
    """Above the table, in the line's row with what it does by it, and among the standards."""
    ended = page(month(line("x", part(broken(), in_force=False))), months.STANDARDS)
    assert "QCVN 34:2019" in ended["paragraphs"][-1]["vi"]
    assert "không có hiệu lực trong cả kỳ, nên không làm căn cứ kiến nghị" in str(ended)
    ((_, _, verdict, why),) = ended["rows"]
    assert verdict["en"] == "Not enough data"
    assert why["vi"].endswith("Đối chiếu với tiêu chuẩn này: Không đạt.")
    assert why["en"].endswith("no verdict rests on it. Held against it: Fail.")
    (standard,) = ended["standards"]
    assert standard["vi"].endswith("không có hiệu lực trong cả kỳ, không làm căn cứ kiến nghị.")
    assert "in force" not in str(page(months.fine(), months.STANDARDS))


def test_a_reason_that_is_the_lines_own_is_told_before_one_of_the_standard() -> None:
    """That a standard has no number yet helps nobody who looks for what is wrong at a site."""
    no_number = part(too_few(reason=Reason.NO_NUMBER, details={})).judgements
    own = part(too_few()).judgements
    content = page(month(line("x", part(judgements=[*no_number, *own]))), months.STANDARDS)
    ((*_, why),) = content["rows"]
    assert "Chỉ có 3 ngày" in why["vi"]


def test_days_under_other_terms_are_told_each() -> None:
    """A line that passes before its contract changed may be unknown behind it."""
    before = part(kept(), last_day=date(2026, 10, 15))
    after = part(too_few(), first_day=date(2026, 10, 16))
    content = page(month(line("x", before, after)), months.STANDARDS)
    assert [row[2]["en"] for row in content["rows"]] == ["Pass", "Not enough data"]
    assert [row[1].rpartition("; ")[2] for row in content["rows"]] == [
        "từ ngày 01/10/2026 đến ngày 15/10/2026",
        "từ ngày 16/10/2026 đến ngày 31/10/2026",
    ]
    ((_, whole, *_),) = page(month(line("x", part(kept()))), months.STANDARDS)["rows"]
    assert "từ ngày" not in whole


def test_a_citys_page_names_the_first_and_counts_the_rest() -> None:
    """A page is not a list of thousands; where all are is said."""
    many = [line(f"l{number}", part(kept())) for number in range(MOST_LINES + 7)]
    content = page(month(*many), months.STANDARDS)
    assert len(content["rows"]) == no_complaint.MOST_LINES
    assert content["more"][0]["vi"] == "Và 7 đường truyền khác, xem summary.json."
    assert page(months.fine(), months.STANDARDS)["more"] == []
