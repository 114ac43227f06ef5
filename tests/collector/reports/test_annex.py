"""The annex and the comparison of a month, from a real ledger."""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pypdf import PdfReader

from collector.domain.terms import Period, Terms
from collector.ledger.database import Database
from collector.ledger.terms import add_stated
from collector.papers.findings import speed_tests
from collector.reports import comparison
from collector.reports.annex import Pages, write_annex, write_comparison
from collector.reports.folder import write_folder
from collector.reports.making import Task, begin, done_months, make_months
from collector.reports.monthly import Month, find_lines
from collector.reports.names import ANNEX, COMPARISON
from collector.reports.pool import Workers
from collector.reports.standards import choose_standard, read_standards
from collector.reports.summary import FORMAT, Summary, from_json, standard_used
from collector.settings import LedgerSettings
from tests.collector import simulated_month
from tests.collector.conftest import ON_BOTH

NOVEMBER = Month(date(2026, 11, 1), simulated_month.ZONE)
STANDARDS = [choose_standard(read_standards(None), name) for name in ("qcvn-34-2019", "ward")]
TASK = Task(NOVEMBER, STANDARDS)


@pytest.fixture
def settings(request: pytest.FixtureRequest, engine: str) -> LedgerSettings:
    """Return where the simulated month is."""
    if engine == "postgresql":
        found: LedgerSettings = request.getfixturevalue("month_database")
        return found
    return LedgerSettings(path=request.getfixturevalue("month_ledger"))


def write(settings: LedgerSettings, folder: Path, jobs: int = 1) -> None:
    """Write all carriers' November."""
    database = Database(settings)
    found = database.read_now(lambda c: find_lines(c, None, None))
    database.close()
    with Workers(jobs, begin, (settings, TASK)) as workers:
        for of, known in found.items():
            blank = Summary(
                FORMAT, "linewatch/0", NOVEMBER.name, "Asia/Ho_Chi_Minh", None, of,
                [standard_used(one) for one in STANDARDS], [],
            )  # fmt: skip
            with Pages() as pages:
                months = pages.noting(make_months(workers, known))
                made = write_folder(folder / of.id, blank, months)
                compared = write_comparison(folder / of.id, made, pages)
                steps: list[int] = []
                write_annex(folder / of.id, made, compared, pages, NOVEMBER, workers, steps.append)
            assert sum(steps) == len(known)


def digests(folder: Path) -> dict[str, str]:
    """Return what is in a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@ON_BOTH
def test_processes_write_what_one_writes_to_the_byte(
    settings: LedgerSettings, tmp_path: Path
) -> None:
    """Every file of every carrier, annex and workbook too; nothing unfinished is left."""
    write(settings, tmp_path / "one")
    write(settings, tmp_path / "two", jobs=2)
    found = digests(tmp_path / "one")
    assert found == digests(tmp_path / "two")
    names = {"annex.pdf", "comparison.json", "data.csv", "data.xlsx", "summary.json"}
    assert set(found) == {f"{carrier}/{name}" for carrier in "abc" for name in names}


def test_the_annex_has_each_line_in_words(month_ledger: Path, tmp_path: Path) -> None:
    """A table, and of each line its page: verdict, reasons, charts' titles, what is asked for, in
    Vietnamese and English, with its fonts in it; what nobody read in its text says so.
    """
    write(LedgerSettings(path=month_ledger), tmp_path)
    reader = PdfReader(tmp_path / "b" / ANNEX)
    texts = [page.extract_text() for page in reader.pages]
    assert "Phụ lục: kết quả đo chất lượng truy nhập Internet tháng 11/2026" in texts[0]
    assert "chưa kiểm chứng" in texts[0]
    ended = "không có hiệu lực trong cả kỳ, không làm căn cứ kiến nghị"
    # Of the two standards one ended; on a line's page its name and words may be divided.
    assert [" ".join(text.split()).count(ended) for text in texts] == [1] * len(texts)
    for line in ("tk-nvh2-b", "cva-thuvien-b"):
        assert line in texts[0]
        (own,) = (text for text in texts[1:] if f"– {line}" in text)
        assert "CHƯA ĐỦ DỮ LIỆU · NOT ENOUGH DATA" in own
        whole = " ".join(texts)
        for words in ("Tải xuống theo giờ", "Mất kết nối", "So với tháng trước", "Kiến nghị"):
            assert words in whole
    # Reachability was not watched: that no outage was seen would be a claim.
    assert "Không theo dõi: không rõ có mất kết nối hay không." in " ".join(texts)
    assert "Không ghi nhận lần mất kết nối nào" not in " ".join(texts)
    fonts = list(_fonts(reader))
    assert fonts
    assert all("FontFile2" in str(font["/FontDescriptor"].get_object().keys()) for font in fonts)


def test_its_numbers_of_tests_are_all_that_the_data_have(
    month_ledger: Path, tmp_path: Path
) -> None:
    """What counts, what confirms and what does not count stand in a line's row of the table."""
    write(LedgerSettings(path=month_ledger), tmp_path)
    for folder in tmp_path.iterdir():
        made = from_json((folder / "summary.json").read_bytes())
        with (folder / "data.csv").open(encoding="utf-8-sig", newline="") as file:
            listed = Counter(row["line"] for row in csv.DictReader(file))
        table = " ".join(PdfReader(folder / ANNEX).pages[0].extract_text().split())
        for line in made.lines:
            tests = speed_tests([line])
            assert tests.counted + tests.witnesses + tests.left_out == listed[line.id]
            assert f"{tests.counted} {tests.witnesses} {tests.left_out}" in table


def _fonts(reader: PdfReader) -> Iterator[Any]:
    pages: list[Any] = list(reader.pages)
    for page in pages:
        for font in page["/Resources"]["/Font"].values():
            yield font.get_object()["/DescendantFonts"][0].get_object()


def test_a_part_with_other_terms_stands_apart(month_ledger: Path, tmp_path: Path) -> None:
    """A plan that changed in mid-month: two tables of verdicts on the line's page."""
    copied = tmp_path / "ledger.sqlite"
    copied.write_bytes(month_ledger.read_bytes())
    settings = LedgerSettings(path=copied)
    database = Database(settings)
    terms = Terms(plan="Gói mới", contracted_download_bits_per_second=300_000_000)
    with database.write() as connection:
        period = Period(date(2026, 11, 8), None, terms)
        add_stated(connection, [("tk-nvh2-b", period, datetime.now(UTC))])
    found = database.read_now(lambda c: find_lines(c, "b", None))
    (known,) = ([one for one in lines if one.id == "tk-nvh2-b"] for lines in found.values())
    (done,) = done_months(database, TASK, known)
    database.close()
    assert [part["days"] for part in done.page["parts"]] == [
        "01/11/2026 – 07/11/2026",
        "08/11/2026 – 30/11/2026",
    ]
    assert done.page["parts"][1]["plan"] == "Gói mới"
    assert done.before is not None
    assert not done.before.same_promise


def test_the_comparison_says_what_it_is(month_ledger: Path, tmp_path: Path) -> None:
    """Each line with its month before, by the same tests, and its neighbours; not evidence."""
    write(LedgerSettings(path=month_ledger), tmp_path)
    told = json.load(io.BytesIO((tmp_path / "a" / COMPARISON).read_bytes()))
    assert told["format"] == comparison.FORMAT
    jsonschema.validate(told, comparison.schema())
    assert "Not part of the evidence" in told["note"]
    lines = {one["line"]: one for one in told["lines"]}
    assert lines["cva-nvh-nam-a"] == {
        "line": "cva-nvh-nam-a", "middles": [], "before": None, "neighbours": [],
        "unlike_neighbours": [],
    }  # fmt: skip
    before = lines["tk-nvh1-a"]["before"]
    assert (before["month"], before["unlike"], before["probe_changes"]) == ("2026-10", [], [])
    assert before["same_promise"] is True
    assert {one["standard"] for one in before["verdicts"]} == {"qcvn-34-2019", "ward"}
    # What October has of the simulated month is the same line.
    assert {one["quantity"]: one["chance"] > 0.05 for one in before["changes"]} == {
        "download": True,
        "upload": True,
    }
