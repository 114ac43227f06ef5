"""Laws of lists, whatever stands in them: taken again they change nothing, written they are read.

On both databases: each example is undone, so that all may share a ledger.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.domain.terms import Terms, parts_between, periods_of
from collector.ledger.database import Database
from collector.sheets.grid import Cell, Sheet, place_of
from collector.sheets.planning import Known, Plan, Wishes
from collector.sheets.reading import read_list, understand
from collector.sheets.storing import make_plan, read_known, store_plan
from collector.sheets.template import content_of, write_template
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry
from tests.collector.letters import fill_letters

NOW = datetime(2026, 10, 20, tzinfo=UTC)
WISHES = Wishes(NOW.date(), technology="fibre", since=date(2026, 10, 12))
HEADER = (
    "Điểm đo",
    "Phường",
    "Nhà mạng",
    "Công nghệ",
    "Gói cước",
    "Tải xuống",
    "Vd",
    "Số HĐ",
    "Ngày ký",
    "Từ ngày",
    "Loại địa điểm",
)

days = st.dates(date(2026, 9, 1), date(2026, 11, 20))
rows = st.lists(
    st.tuples(
        st.sampled_from(["Nhà văn hóa số 1", "NHÀ VĂN HÓA SỐ 2", "Trụ sở", "trụ  sở"]),
        st.sampled_from([None, "Thạch Khôi", "Phường Tân Hưng"]),
        st.sampled_from(["VNPT", "vnpt", "Viettel", "FPT Telecom"]),
        st.sampled_from([None, "FTTH"]),
        st.sampled_from([None, "Home 300", "=1+1", "Gói “B”"]),
        st.sampled_from([None, 300, "1G", "300/150", "2,5 Gbps"]),
        st.sampled_from([None, 280]),
        st.sampled_from([None, "HĐ-1", "HĐ-2"]),
        st.sampled_from([None, date(2025, 3, 1), "05/10/2026"]),
        st.one_of(st.none(), days),
        st.sampled_from([None, "Nhà văn hóa"]),
    ),
    min_size=1,
    max_size=6,
)


class _Undone(Exception):  # noqa: N818 - undoes an example
    """What an example wrote is not to stay."""


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a ledger with two lines at a house, a letterhead and a person."""
    with contextlib.closing(Database(new_ledger())) as made:
        fill_registry(made, NOW)
        with made.write() as connection:
            fill_letters(connection, NOW)
        yield made


def listed(content: Sequence[Sequence[Any]]) -> Sheet:
    """Return rows as a sheet, below their header."""
    grid = {
        number: {
            column: Cell(place_of("S", number, column), value)
            for column, value in enumerate(row, 1)
            if value is not None
        }
        for number, row in enumerate([HEADER, *content], 1)
    }
    return Sheet("S", grid)


def reread(known: Known, into: Known) -> Plan:
    """Return what a registry, written as a list and read again, would change in another."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        path.write_bytes(write_template(content_of(known)))
        return make_plan(into, read_list(path), Wishes(NOW.date()))


@ON_BOTH
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=rows)
def test_a_list_taken_again_changes_nothing(database: Database, content: list[Any]) -> None:
    """Whatever was stored of it; and nothing of it is, where a row does not fit."""
    sheets = [understand(listed(content))]
    with contextlib.suppress(_Undone), database.write() as connection:
        before = read_known(connection)
        plan = make_plan(before, sheets, WISHES)
        if not plan.faults:
            store_plan(connection, plan, WISHES, NOW)
            known = read_known(connection)
            again = make_plan(known, sheets, WISHES)
            assert (again.new, again.changed, again.stated, again.faults) == ({}, {}, [], [])
            assert {change.kind for change in again.changes} <= {"unchanged"}
            for stated in known.stated.values():
                parts = parts_between(stated, date(2026, 10, 1), date(2026, 10, 31))
                assert sum((one.last - one.first).days + 1 for one in parts) == 31
            written = reread(known, known)
            assert (written.new, written.changed, written.stated, written.faults) == (
                {},
                {},
                [],
                [],
            )
        raise _Undone
    assert database.read_now(read_known) == before


@ON_BOTH
def test_a_registry_written_as_a_list_and_read_elsewhere_is_the_same(database: Database) -> None:
    """Carriers, wards, people, sites, lines, and on each day the same terms."""
    content = [
        (
            "Trụ sở",
            "Thạch Khôi",
            "FPT",
            "FTTH",
            "A",
            300,
            None,
            "HĐ-1",
            date(2025, 3, 1),
            None,
            "Trụ sở",
        ),
        ("Trụ sở", None, "FPT", None, "B", "1G", 800, "HĐ-2", None, date(2026, 10, 5)),
    ]
    with database.write() as connection:
        plan = make_plan(read_known(connection), [understand(listed(content))], WISHES)
        assert plan.faults == []
        store_plan(connection, plan, WISHES, NOW)
        known = read_known(connection)
    nothing = Known({table: {} for table in known.rows}, {})
    elsewhere = reread(known, nothing)
    assert elsewhere.faults == []
    for table, things in known.rows.items():
        said = {
            name: {key: value for key, value in row.items() if value is not None}
            for name, row in things.items()
        }
        assert elsewhere.new[table] == said, table
    assert known.rows["sites"]["tru-so"]["kind"] == "office"
    stated: dict[str, list[Any]] = {}
    for line, period in elsewhere.stated:
        stated.setdefault(line, []).append(period)
    for line, periods in known.stated.items():
        assert periods_of(stated[line]) == periods_of(periods)
    assert len(periods_of(known.stated["tru-so-fpt"])) == 2


def test_the_template_says_nothing_until_it_is_filled_in(tmp_path: Path) -> None:
    """Its examples are passed over; a row below them is read as it stands."""
    from openpyxl import load_workbook  # noqa: PLC0415 - as whoever fills it in

    path = tmp_path / "a.xlsx"
    path.write_bytes(write_template())
    nothing = Known({table: {} for table in ("carriers", "wards", "persons", "sites", "lines")}, {})
    empty = make_plan(nothing, read_list(path), Wishes(NOW.date()))
    assert (empty.changes, empty.faults, empty.notes) == ([], [], [])
    book = load_workbook(path)
    sheet = book["Đường truyền"]
    heads = {str(cell.value).partition("\n")[0]: at for at, cell in enumerate(sheet[3], 1)}
    filled: dict[str, Any] = {
        "Mã đường truyền": "l1",
        "Điểm đo": "Nhà 1",
        "Nhà mạng": "VNPT",
        "Công nghệ": "Cáp quang",
        "Tải xuống hợp đồng (Mbps)": 300,
        "Tải lên tối thiểu (Mbps)": "50",
        "Ngày hợp đồng": "01/03/2026",
    }
    for head, value in filled.items():
        sheet.cell(5, heads[head]).value = value
    book.save(path)
    made = make_plan(nothing, read_list(path), Wishes(NOW.date()))
    assert made.faults == []
    ((line, period),) = made.stated
    assert line == "l1"
    assert period.terms == Terms(
        contracted_download_bits_per_second=300 * 10**6,
        minimum_upload_bits_per_second=50 * 10**6,
        contract_since=date(2026, 3, 1),
    )


def test_the_template_offers_and_explains(tmp_path: Path) -> None:
    """Each header has a note, technology and role a list; nothing in it links elsewhere."""
    from openpyxl import load_workbook  # noqa: PLC0415 - as whoever fills it in

    path = tmp_path / "a.xlsx"
    path.write_bytes(write_template())
    book: Any = load_workbook(path, keep_links=True)
    *sheets, _ = book.worksheets
    for sheet in sheets:
        assert all(cell.comment is not None for cell in sheet[3])
    offers = [offer.formula1 for sheet in sheets for offer in sheet.data_validations.dataValidation]
    assert any("Cáp quang" in offer for offer in offers)
    # Other words are allowed: what is offered is no more than that.
    assert not any(
        offer.showErrorMessage
        for sheet in sheets
        for offer in sheet.data_validations.dataValidation
    )
    assert any("Người ký" in offer for offer in offers)
    assert any("Nhà văn hóa" in offer for offer in offers)
    assert book._external_links == []
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
    # What is too wide to be read on one is on two, not on 21.
    # One is what the format takes where nothing is said.
    assert [sheet.page_setup.fitToWidth or 1 for sheet in book.worksheets] == [2, 1, 1, 1, 1]
    assert {sheet.print_title_rows for sheet in sheets} == {"$3:$3"}
    assert write_template()[:4] == b"PK\x03\x04"
