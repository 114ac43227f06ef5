"""The bench of planted line-months: it finds, it accuses, and it says so."""

from io import StringIO

import pytest
from rich.console import Console

from bench.planted import APART, Tallies, Tally
from bench.verdicts import DISTRICT, district, is_good, table, totals
from simulate.stories import Group

FEW = (
    Group(kind="clean", lines=1, evening=(0.85, 0.9)),
    Group(kind="evening", lines=1, evening=(0.5, 0.6)),
    Group(kind="cut-access", lines=1, cut="access"),
    Group(kind="server-slow-alone", lines=1, server="slow", servers=1),
)


@pytest.fixture(scope="module")
def found() -> Tallies:
    """Return what is said of a district of four lines."""
    return district(3, FEW)


def test_what_is_broken_is_found_and_counted_by_kind(found: Tallies) -> None:
    """Each kind and standard has its tally; what no bar is on is in none of the sums."""
    assert {kind for kind, _ in found} == {one.kind for one in FEW}
    for name in ("qcvn-34-2019", "ward"):
        assert (found["evening", name].planted, found["evening", name].found) == (1, 1)
        assert (found["cut-access", name].planted, found["cut-access", name].found) == (1, 1)
        assert (found["clean", name].planted, found["clean", name].clean) == (0, 1)
        whole = totals(found, name)
        assert (whole.months, whole.planted, whole.found, whole.clean) == (3, 2, 2, 1)
        assert is_good(whole)


def test_a_slow_server_that_nothing_tells_of_is_the_lines(found: Tallies) -> None:
    """With one server QCVN 34 accuses the line, and it is counted as wrong; a standard that asks
    for a second server does not.
    """
    assert found["server-slow-alone", "qcvn-34-2019"].accused
    assert not found["server-slow-alone", "ward"].accused


def test_a_bar_that_is_missed_is_seen() -> None:
    """One line that is accused wrongly is too many; of what was planted 95 of 100 are enough."""
    assert is_good(Tally(months=100, planted=100, found=95))
    assert not is_good(Tally(months=100, planted=100, found=94))
    assert not is_good(Tally(months=100, clean=100, accused=["l1 2026-10-01: download"]))


def test_people_get_a_row_for_each_kind(found: Tallies) -> None:
    """With marks at what a bar is on."""
    console = Console(width=140, record=True, file=StringIO())
    rows = [(kind, tally) for (kind, of), tally in found.items() if of == "qcvn-34-2019"]
    console.print(table("Line-months", rows))
    said = console.export_text()
    assert all(one.kind in said for one in FEW)
    assert "✓ 1" in said
    assert "✗" in said


def test_a_district_has_each_kind_once() -> None:
    """Kinds are told by their names, and what no bar is on is among them."""
    kinds = [one.kind for one in DISTRICT]
    assert len(kinds) == len(set(kinds))
    assert {one.kind for one in APART} < set(kinds)
    assert sum(one.lines for one in DISTRICT) == 83
