"""What a line's page says of its month before and of other lines."""

from dataclasses import replace
from datetime import date

from collector.domain.comparison import (
    Change,
    Likeness,
    Middle,
    MonthBefore,
    Neighbours,
    Own,
    PrimaryVerdict,
    ProbeChange,
    Traits,
    Unlike,
)
from collector.domain.findings import Verdict
from collector.domain.quantities import Quantity
from collector.domain.standard import Words
from collector.domain.succession import Kind
from collector.reports.comparison import LineCompared, compare, words_of

NAMES = {"ward": Words(vi="Tiêu chuẩn của phường – ví dụ", en="The ward's standard – example")}
MIDDLE = Middle(Quantity.DOWNLOAD, 90e6, 200, 30, 100_000_000)
CHANGE = Change(Quantity.DOWNLOAD, 100e6, 90e6, 30, 31, 0.012)
BEFORE = MonthBefore("2026-09", [], [], True, [MIDDLE], [], [CHANGE])
BESIDE = Neighbours(Quantity.DOWNLOAD, Likeness.WARD_AND_TECHNOLOGY, 4, 95e6, 0.95)


def said(before: MonthBefore | None) -> list[tuple[str, str]]:
    """Return what is said of a month before."""
    compared = LineCompared("l", [MIDDLE], before, [], [])
    words: list[tuple[str, str]] = words_of(compared, NAMES)["before"]
    return words


def test_a_month_that_was_measured_alike_is_compared() -> None:
    """With the change, and how sure it is."""
    assert said(BEFORE) == [
        (
            "Tải xuống: 100,0 → 90,0 Mbit/s (\N{MINUS SIGN}10,0 %); có thay đổi (p = 0,012)",
            "Download: 100.0 → 90.0 Mbit/s (\N{MINUS SIGN}10.0 %); changed (p = 0.012)",
        )
    ]
    assert said(None) == [
        ("Không có số đo hợp lệ của tháng trước.", "No test of the month before counts.")
    ]


def test_verdicts_of_the_month_before_name_their_standard() -> None:
    """As people call it, not by its id: a page is read by who has no list of ids."""
    before = replace(BEFORE, changes=[], verdicts=[PrimaryVerdict("ward", 1, Verdict.FAIL)])
    assert said(before) == [
        (
            "Tháng trước, xét theo chỉ tiêu chính: Tiêu chuẩn của phường: không đạt",
            "The month before by the primary question: The ward's standard: fail",
        )
    ]


def test_a_month_that_was_not_measured_alike_is_shown_with_the_reason() -> None:
    """No share of change is claimed, and all that differs is named."""
    change = replace(CHANGE, chance=None)
    unlike = [Unlike.VERSION, Unlike.IP_VERSION, Unlike.SERVER]
    assert said(replace(BEFORE, unlike=unlike, changes=[change], same_promise=False)) == [
        (
            "Tải xuống: 100,0 và 90,0 Mbit/s; không so được",
            "Download: 100.0 and 90.0 Mbit/s; not comparable",
        ),
        (
            "Hai tháng đo khác nhau về phiên bản phương pháp, phiên bản IP, máy chủ đo.",
            "The months differ in version of the method, IP version, server.",
        ),
        ("Gói cước hoặc tốc độ công bố đã đổi.", "Plan or declared speed changed."),
    ]


def test_another_probe_is_told_with_the_day() -> None:
    """What changed may be the device."""
    _, (vi, en) = said(replace(BEFORE, probe_changes=[ProbeChange("p2", "e", date(2026, 10, 12))]))
    assert vi == "Thay thiết bị đo hoặc cổng đo từ ngày 12/10/2026: khác biệt có thể do đó."
    assert en == "Another probe or path since 12/10/2026: differences may be of that."


def test_neighbours_are_told_by_what_they_share() -> None:
    """Or why there are none: too few, or measured differently."""
    done = LineCompared("l", [MIDDLE], None, [BESIDE], [])
    ((vi, en),) = words_of(done, NAMES)["neighbours"]
    assert vi == (
        "Tải xuống: 90,0; trung vị 4 đường khác (cùng phường, cùng công nghệ): 95,0 Mbit/s, bằng "
        "95,0 % tốc độ công bố hoặc hợp đồng của chính các đường đó"
    )
    assert en == (
        "Download: 90.0; median of 4 others (same ward and technology): 95.0 Mbit/s, 95.0 % of "
        "what they were declared or contracted for"
    )
    ((vi, _),) = words_of(replace(done, neighbours=[]), NAMES)["neighbours"]
    assert vi == "Chưa đủ đường truyền tương tự của nhà mạng để so sánh."
    unlike = replace(done, neighbours=[], unlike_neighbours=[Unlike.METHOD, Unlike.PROFILE])
    ((vi, en),) = words_of(unlike, NAMES)["neighbours"]
    assert vi.endswith("các đường tương tự khác về phương pháp đo, chế độ đo.")
    assert en.endswith("those like it differ in method, profile.")


def test_every_likeness_and_difference_has_its_words() -> None:
    """In both languages; why there is no neighbour is asked only where there is none."""
    for likeness in Likeness:
        done = LineCompared("l", [MIDDLE], None, [replace(BESIDE, likeness=likeness)], [])
        assert all(words_of(done, NAMES)["neighbours"][0])
    for name in Unlike:
        assert len(said(replace(BEFORE, unlike=[name]))) == 2
    kind = Kind("http", "2", "full", 4, "s")
    lines = [
        Own(
            f"l{n}", Traits(None, "fibre", None), kind if n else kind._replace(server="t"), [MIDDLE]
        )
        for n in range(5)
    ]
    made = compare("2026-10", "b", [(one, None) for one in lines])
    assert [one.unlike_neighbours for one in made.lines] == [[Unlike.SERVER], [], [], [], []]
    assert [len(one.neighbours) for one in made.lines] == [0, 1, 1, 1, 1]
