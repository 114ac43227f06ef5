"""A month's speed tests as a workbook."""

import csv
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from collector.domain.line_month import Exclusion
from collector.reports import data_sheet
from collector.reports.data_rows import COLUMNS, csv_rows
from collector.reports.data_sheet import sheet_rows
from protocol.failures import Failure
from protocol.flags import Flag
from tests.collector.simulated_month import ZONE

ROW = (
    "l-1", "=1+1 Nhà văn hóa", "", datetime(2026, 10, 1, 3, 4, 5, 678000, tzinfo=ZONE), "yes", "",
    "", "hn-1", 123456789.5, None, "no", 0.0123, None, 0.03, "p-1", "abc", 12,
)  # fmt: skip


def written(path: Path, rows: int = 1) -> Any:
    """Write rows; return the workbook as it is read."""
    with sheet_rows(path, COLUMNS) as put:
        for _ in range(rows):
            put(ROW)
    return openpyxl.load_workbook(path)


def test_cells_are_what_they_are(tmp_path: Path) -> None:
    """Moments and numbers, not texts; what was not measured is empty; no text is a formula."""
    sheet = written(tmp_path / "data.xlsx").worksheets[0]
    assert [cell.value for cell in sheet[1]] == list(COLUMNS)
    cells = dict(zip(COLUMNS, sheet[2], strict=True))
    assert cells["measured_at"].value == datetime(2026, 10, 1, 3, 4, 5, 678000)  # noqa: DTZ001
    assert cells["measured_at"].is_date
    assert cells["download_bits_per_second"].value == 123456789.5
    assert cells["upload_bits_per_second"].value is None
    assert cells["ward"].value is None
    assert (cells["site"].value, cells["site"].data_type) == ("=1+1 Nhà văn hóa", "s")
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:Q1"


@pytest.mark.parametrize("first", "=+-@\t\r")
def test_no_name_opens_as_a_formula_in_csv_either(tmp_path: Path, first: str) -> None:
    """A site's or a ward's; numbers, moments and all else stay to the letter."""
    line, _, _, *others = ROW
    path = tmp_path / "data.csv"
    with csv_rows(path) as put:
        put((line, f"{first}1+1", f"{first}x", *others))
        put((line, "Nhà văn hóa -1", "", *others))
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, odd, usual = csv.reader(file)
    assert head == list(COLUMNS)
    assert odd[:3] == ["l-1", f"'{first}1+1", f"'{first}x"]
    assert usual[:3] == ["l-1", "Nhà văn hóa -1", ""]
    assert odd[3:] == usual[3:]
    assert odd[3] == "2026-10-01T03:04:05.678+07:00"


def test_every_column_reason_flag_and_failure_is_explained(tmp_path: Path) -> None:
    """In both languages, on a sheet of its own; also where there is no row."""
    sheet = written(tmp_path / "data.xlsx", 0).worksheets[1]
    rows = {row[0]: row[1:] for row in sheet.iter_rows(values_only=True) if row[0]}
    assert set(rows) == {*COLUMNS, *Exclusion, *Flag, *Failure}
    assert all(vi and en and vi != en for vi, en in rows.values())


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    """Nothing in it says when it was made."""
    one, other = tmp_path / "one.xlsx", tmp_path / "other.xlsx"
    written(one, 3)
    written(other, 3)
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_what_does_not_fit_a_sheet_goes_on_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its header; no row is lost."""
    monkeypatch.setattr(data_sheet, "MOST_ROWS", 4)
    book = written(tmp_path / "data.xlsx", 9)
    assert [sheet.max_row - 1 for sheet in book.worksheets[:-1]] == [4, 4, 1]
    assert len({sheet.title for sheet in book.worksheets}) == 4
