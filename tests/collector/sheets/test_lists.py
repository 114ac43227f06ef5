"""A list against a registry: what it says, what it would change, what does not fit."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from collector.domain.terms import Period, Terms
from collector.sheets.planning import Known, Plan, Wishes
from collector.sheets.reading import Understood, read_list
from collector.sheets.storing import make_plan
from tests.collector.sheets.books import book_of, ugly

Rows = dict[str, dict[str, dict[str, Any]]]

TODAY = date(2026, 10, 20)
HEADER = ("Điểm đo", "Phường", "Nhà mạng", "Công nghệ", "Gói cước", "Tốc độ", "Số HĐ", "Từ ngày")
NVH1 = {"name": "Nhà văn hóa số 1", "ward": "Thạch Khôi", "address": None}
L1 = {"site_id": "nvh-1", "carrier_id": "vnpt", "technology": "fibre"}
EMPTY = Known({name: {} for name in ("carriers", "wards", "persons", "sites", "lines")}, {})


def known(*periods: Period) -> Known:
    """Return a registry with line l1 of VNPT at the first house, and its terms."""
    carriers = {"vnpt": {"name": "VNPT", "legal_name": "Tập đoàn VNPT"}, "fpt": {"name": "FPT"}}
    rows: Rows = {"carriers": carriers, "sites": {"nvh-1": NVH1}, "lines": {"l1": L1}}
    return Known({**EMPTY.rows, **rows}, {"l1": list(periods)})


def terms(plan: str, speed: int, **more: Any) -> Terms:
    """Return terms of a plan and its speed in Mbit/s, down and up."""
    bits = speed * 10**6
    return Terms(plan, bits, bits, **more)


def plan(
    folder: Path,
    registry: Known,
    *rows: Sequence[Any],
    header: Sequence[Any] = HEADER,
    **wished: Any,
) -> Plan:
    """Return what a list of such rows would change."""
    path = book_of(folder / "a.xlsx", header, *rows)
    return make_plan(registry, read_list(path), Wishes(TODAY, **wished))


def told(made: Plan) -> list[tuple[str, str, str]]:
    """Return of each change what it is of."""
    return [(change.kind, change.table, change.name) for change in made.changes]


def test_a_clerks_own_list_is_understood(tmp_path: Path) -> None:
    """Two rows of header, merged cells, titles, column numbers, sums and signatures."""
    found, draft = read_list(ugly(tmp_path / "a.xlsx"))
    assert (found.kind and found.kind.name, found.header_row) == ("lines", 6)
    assert draft.kind is None
    names = {column.letters: [field.name for field in column.fields] for column in found.columns}
    assert names == {
        "A": [],
        "B": ["site_name"],
        "C": ["address"],
        "D": ["carrier"],
        "E": ["technology"],
        "F": ["plan"],
        "G": ["contracted_download_bits_per_second"],
        "H": ["contracted_upload_bits_per_second"],
        "I": ["contract_number"],
        "J": ["contract_since"],
        "K": [],
    }
    assert [one.place for one in found.passed] == [
        "Danh sách!A7",
        "Danh sách!A8",
        "Danh sách!A12",
        "Danh sách!B14",
    ]
    assert found.faults == []
    made = make_plan(EMPTY, [found], Wishes(TODAY, ward="Phường Thạch Khôi"))
    assert made.faults == []
    sites = made.new["sites"]
    assert {name: (row["name"], row["ward"]) for name, row in sites.items()} == {
        f"nha-van-hoa-to-dan-pho-so-{number}": (
            f"Nhà văn hóa Tổ dân phố số {number}",
            "Phường Thạch Khôi",
        )
        for number in (1, 2)
    }
    at = "nha-van-hoa-to-dan-pho-so-"
    assert dict(made.stated) == {
        f"{at}1-vnpt": Period(
            None,
            None,
            terms("Home 300", 300, contract_number="HĐ-1/2025", contract_since=date(2025, 3, 5)),
        ),
        f"{at}1-viettel": Period(
            None,
            None,
            terms("SUN 500", 500, contract_number="123456", contract_since=date(2025, 4, 1)),
        ),
        f"{at}2-vnpt": Period(
            None,
            None,
            Terms(
                contracted_download_bits_per_second=10**9,
                contracted_upload_bits_per_second=300 * 10**6,
            ),
        ),
    }
    technologies = [row["technology"] for row in made.new["lines"].values()]
    assert technologies == ["fibre", "fibre", "4g"]


@pytest.mark.parametrize(
    "row",
    [
        ("NVH B", "Thạch Khôi", None, None, None, None, "HĐ 2"),
        ("NVH B", None, None, None, "Home 300"),
        ("Công an phường", None, None, "FTTH", None, 300),
        (None, None, None, None, "Home 300", 300, "HĐ 2"),
        ("NVH B", None, "không rõ", None, None, None, "Số 12 ngày 5 tháng 3"),
    ],
)
def test_a_line_that_says_no_carrier_is_refused(tmp_path: Path, row: Sequence[Any]) -> None:
    """Somebody pays for it: it is not passed over while the rest of the list is stored."""
    good = ("NVH A", "Thạch Khôi", "VNPT", "FTTH", "Home 300", 300, "HĐ 1")
    made = plan(tmp_path, EMPTY, good, row, technology="fibre")
    assert [one.message for one in made.faults] == ["says no carrier"]
    assert made.faults[0].place.endswith("3")


@pytest.mark.parametrize(
    "row",
    [
        ("Tổng cộng", None, None, None, None, 600),
        ("Cộng", None, None, None, None, 600, "2 HĐ"),
        (None, None, None, None, None, 600),
        ("Tổng số: 2", None, None, None, "2 gói", 600),
        ("NGƯỜI LẬP BIỂU", None, None, None, None, None, "TM. ỦY BAN NHÂN DÂN"),
        ("(Ký tên)", None, None, None, "CHỦ TỊCH"),
        (None, None, None, None, "Thạch Khôi, ngày 5 tháng 10 năm 2026"),
        ("Ghi chú: HĐ 2 hết hạn", None, None, None, "Home 300"),
        ("II. TRỤ SỞ",),
    ],
)
def test_sums_signatures_and_notes_are_no_lines(tmp_path: Path, row: Sequence[Any]) -> None:
    """They are passed over, and the list is taken."""
    good = ("NVH A", "Thạch Khôi", "VNPT", "FTTH", "Home 300", 300, "HĐ 1")
    found = read_list(book_of(tmp_path / "a.xlsx", HEADER, good, row))
    assert [one.place[-1] for sheet in found for one in sheet.passed] == ["3"]
    made = make_plan(EMPTY, found, Wishes(TODAY))
    assert (made.faults, len(made.stated)) == ([], 1)


def test_what_is_the_same_changes_nothing(tmp_path: Path) -> None:
    """Names without their marks, in capitals or by the legal name mean what is there."""
    made = plan(
        tmp_path,
        known(Period(None, None, terms("Home 300", 300))),
        ("NHA VAN HOA SO 1", "thach khoi", "Tập đoàn VNPT", "FTTH", "Home 300", "300/300"),
    )
    assert {kind for kind, _, _ in told(made)} == {"unchanged"}
    assert (made.new, made.changed, made.stated, made.faults) == ({}, {}, [], [])


def test_a_plan_that_changed_needs_its_day(tmp_path: Path) -> None:
    """Without one nothing is guessed; with one the old terms stay for the days before it."""
    registry = known(Period(None, None, terms("Home 300", 300, payer="UBND")))
    row = ("Nhà văn hóa số 1", "Thạch Khôi", "VNPT", None, "Home 500", "500/500")
    refused = plan(tmp_path, registry, row)
    assert [fault.place for fault in refused.faults] == ["S!E2"]
    assert "from which day on?" in refused.faults[0].message
    assert refused.stated == []
    new = ("l1", Period(date(2026, 10, 5), None, terms("Home 500", 500, payer="UBND")))
    assert plan(tmp_path, registry, (*row, None, "05/10/2026")).stated == [new]
    assert plan(tmp_path, registry, row, since=date(2026, 10, 5)).stated == [new]


def test_what_nobody_had_said_is_filled_in_without_a_day(tmp_path: Path) -> None:
    """A contract's number was so all along: the month is not divided for it."""
    registry = known(Period(None, None, terms("Home 300", 300)))
    row = ("Nhà văn hóa số 1", None, "VNPT", None, None, None, "HĐ-7")
    made = plan(tmp_path, registry, row)
    number = terms("Home 300", 300, contract_number="HĐ-7")
    assert made.stated == [("l1", Period(None, None, number))]
    assert made.faults == []


def test_a_line_may_have_a_row_for_each_of_its_terms(tmp_path: Path) -> None:
    """The row without a day is about the beginning, wherever it stands."""
    house = ("Nhà văn hóa số 1", "Thạch Khôi", "VNPT", "FTTH")
    rows = (
        (*house, "Home 500", "500/500", None, "05/10/2026"),
        (*house, "Home 300", "300/300", None, None),
    )
    made = plan(tmp_path, EMPTY, *rows)
    line = "nha-van-hoa-so-1-vnpt"
    assert made.faults == []
    assert made.stated == [
        (line, Period(None, None, terms("Home 300", 300))),
        (line, Period(date(2026, 10, 5), None, terms("Home 500", 500))),
    ]
    old = Period(None, None, terms("Home 300", 300))
    now = Period(date(2026, 10, 5), None, terms("Home 500", 500))
    again = plan(tmp_path, known(old, now), *rows)
    assert (again.stated, again.faults) == ([], [])


def test_speeds_of_the_old_plan_that_go_on_are_pointed_at(tmp_path: Path) -> None:
    """A list that names a new plan and no declared speed leaves the old one, and says so."""
    declared = {"declared_download_bits_per_second": 280 * 10**6}
    registry = known(Period(None, None, terms("Home 300", 300, **declared)))
    row = ("Nhà văn hóa số 1", None, "VNPT", None, "Home 500", "500/500", None, "05/10/2026")
    made = plan(tmp_path, registry, row)
    assert [note.place for note in made.notes] == ["S!A2"]
    assert "declared download" in made.notes[0].message


@pytest.mark.parametrize(
    "rows,place,sentence",
    [
        ([("Nhà 2", None, "VNPT", None, "P")], "S!A2", "of which technology"),
        ([(None, None, "VNPT", "FTTH", "P", 300)], "S!C2", "says no site"),
        ([("Nhà 2", None, "VNPT", "khói", "P")], "S!D2", "is no technology"),
        ([("Nhà 2", None, "VNPT", "FTTH", "P", "mau")], "S!F2", "is no speed"),
        ([("Nhà 2", None, "VNPT", "FTTH", "P", None, None, "32/1/2026")], "S!H2", "is no day"),
        (
            [("Nhà 2", None, "VNPT", "FTTH", "P"), ("Nhà 2", None, "VNPT", "FTTH", "Q")],
            "S!C3",
            "stands in S!A2 too",
        ),
        (
            [("Nhà 2", "A", "VNPT", "FTTH", "P"), ("Nhà 2", "A", "VNPT", "4G", "P")],
            "S!D3",
            "but S!D2 says",
        ),
        (
            [("Nhà văn hóa số 1", None, "VNPT", "FTTH", "P", None, "9")],
            "S!G2",
            "another contract",
        ),
    ],
)
def test_each_row_that_does_not_fit_is_named_with_its_cell(
    tmp_path: Path, rows: list[Sequence[Any]], place: str, sentence: str
) -> None:
    """And it is said what is wrong with it."""
    made = plan(tmp_path, known(Period(None, None, Terms("P", contract_number="8"))), *rows)
    assert [fault.place for fault in made.faults] == [place]
    assert sentence in made.faults[0].message


def test_rows_that_differ_are_told_in_the_words_of_the_list(tmp_path: Path) -> None:
    """At the cell that says otherwise, and not by what is stored."""
    header = ("Điểm đo", "Loại điểm đo", "Nhà mạng", "Công nghệ")
    rows = (("Nhà 2", "Nhà văn hóa", "VNPT", "FTTH"), ("Nhà 2", "Trụ sở", "Viettel", "FTTH"))
    made = plan(tmp_path, EMPTY, *rows, header=header)
    (fault,) = made.faults
    assert fault.place == "S!B3"
    assert fault.message == "'Trụ sở', but S!B2 says 'Nhà văn hóa'"


def test_two_speeds_in_a_column_of_one_are_both_or_asked(tmp_path: Path) -> None:
    """300/150 below 'Tải xuống' says the upload too, unless another column does."""
    header = ("Điểm đo", "Nhà mạng", "Công nghệ", "Tải xuống", "Tải lên")
    row = ("Nhà 2", "VNPT", "FTTH", "300/150")
    made = plan(tmp_path, EMPTY, row, header=header)
    ((_, period),) = made.stated
    assert period.terms.contracted_upload_bits_per_second == 150 * 10**6
    asked = plan(tmp_path, EMPTY, (*row, 100), header=header)
    assert [fault.place for fault in asked.faults] == ["S!D2"]
    assert "column E says one of them" in asked.faults[0].message


def test_two_lines_of_a_carrier_at_a_site_are_told_apart_by_their_contracts(
    tmp_path: Path,
) -> None:
    """Each gets a name of its own, and is found again."""
    rows = [("Nhà 2", None, "VNPT", "FTTH", f"P{n}", None, f"HĐ-{n}") for n in (1, 2)]
    made = plan(tmp_path, EMPTY, *rows)
    assert made.faults == []
    assert [line for line, _ in made.stated] == ["nha-2-vnpt", "nha-2-vnpt-2"]
    new = made.new
    stated = {line: [period] for line, period in made.stated}
    registry = Known({**EMPTY.rows, **{name: dict(new[name]) for name in new}}, stated)
    again = plan(tmp_path, registry, *reversed(rows))
    assert {kind for kind, _, _ in told(again)} == {"unchanged"}


def test_a_line_keeps_its_site_and_carrier(tmp_path: Path) -> None:
    """A row with its code and another house or carrier is a mistake."""
    header = ("Mã đường truyền", "Mã điểm đo", "Điểm đo", "Nhà mạng")
    for row, place in (
        (("l1", "nvh-9", "Nhà 9", "VNPT"), "S!B2"),
        (("l1", None, "Nhà 9", "VNPT"), "S!C2"),
        (("l1", None, None, "FPT"), "S!D2"),
    ):
        made = plan(tmp_path, known(), row, header=header)
        assert [fault.place for fault in made.faults] == [place]
        assert "another is a new line" in made.faults[0].message


def test_sites_of_two_wards_may_have_one_name(tmp_path: Path) -> None:
    """They are two; where a row does not say which, it is asked."""
    rows = [("Nhà văn hóa số 1", ward, "FPT", "FTTH", "P") for ward in ("Thạch Khôi", "Tân Hưng")]
    made = plan(tmp_path, known(), *rows)
    assert made.faults == []
    assert list(made.new["sites"]) == ["nha-van-hoa-so-1"]
    two = {"nvh-1": NVH1, "nvh-2": NVH1 | {"ward": "Tân Hưng"}}
    registry = Known({**known().rows, "sites": two}, {})
    asked = plan(tmp_path, registry, ("Nhà văn hóa số 1", None, "FPT", "FTTH", "P"))
    assert "in several wards" in asked.faults[0].message
    mixed = plan(tmp_path, EMPTY, (*rows[0][:1], None, *rows[0][2:]), *rows)
    assert [fault.place for fault in mixed.faults] == ["S!A2"]


def test_letterheads_people_and_carriers_have_sheets_of_their_own(tmp_path: Path) -> None:
    """What they say is added to what is there; a person's ward has to have a letterhead."""
    sheets: list[Understood] = []
    for number, rows in enumerate(
        (
            (("Họ tên", "Chức vụ", "Phường", "Vai trò"), ("An", "CHỦ TỊCH", "Thạch Khôi", "ký")),
            (("Nhà mạng", "Email"), ("vnpt", "a@b.vn"), ("CMC", "c@d.vn")),
            (("Tên phường", "Địa danh", "Ký hiệu"), ("Thạch Khôi", "Thạch Khôi", "UBND-VHXH")),
            (("Phường", "Vai trò", "Họ và tên"), ("Thạch Khôi", "Người ký", "Nguyễn Văn An")),
        )
    ):
        sheets += read_list(book_of(tmp_path / f"{number}.xlsx", *rows))
    made = make_plan(known(), sheets, Wishes(TODAY))
    assert [fault.place for fault in made.faults] == ["S!D2"]
    assert made.changed["carriers"] == {"vnpt": {"complaint_email": "a@b.vn"}}
    assert made.new["carriers"] == {"cmc": {"name": "CMC", "complaint_email": "c@d.vn"}}
    assert made.new["wards"]["thach-khoi"]["letter_code"] == "UBND-VHXH"
    person = made.new["persons"]["nguyen-van-an"]
    assert (person["ward_id"], person["role"]) == ("thach-khoi", "signer")
