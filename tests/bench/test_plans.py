"""How the databases run the main queries: the program behind docs/plans.md."""

import io
import re
from pathlib import Path

from rich.console import Console

from bench.plans import NAMES, Step, measure, page, told
from bench.query_ledger import City
from collector.ledger.schema import metadata

ROOT = Path(__file__).parents[2]


def test_the_months_of_a_step_stand_in_one_line() -> None:
    """Each kind of step once, in order, with how many tables it was for and how many never."""
    one, other = "Index Scan records_MONTH by pk", "Seq Scan latest"
    steps = [Step(other, True), Step(one, True), Step(one, False), Step(one, True)]
    assert told(steps) == [other, f"{one} ×2 (1 never executed)"]


def test_every_query_is_explained_by_both_databases(tmp_path: Path) -> None:
    """A small ledger is made in both; the page names each query and each database's steps."""
    city = City(lines=4, full=1, days=3, recent_days=1)
    found = measure(city, tmp_path, Console(file=io.StringIO()))
    for question, plans in found.items():
        assert set(plans) == set(NAMES.values()), question
        assert all(plans.values()), question
    written = page(found, city)
    kept = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")
    headings = re.findall("^## .*", written, re.MULTILINE)
    assert len(headings) == len(found)
    assert headings == re.findall("^## .*", kept, re.MULTILINE)


def test_the_page_names_indices_that_there_are() -> None:
    """An index that was given another name, or is gone, makes the page old."""
    kept = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bix_\w+", kept))
    assert named
    assert named <= {index.name for table in metadata.tables.values() for index in table.indexes}
