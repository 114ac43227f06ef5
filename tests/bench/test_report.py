"""The bench of a city's month, in a short form: its structure, never its times."""

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.report import CITY_LINES, measure, table


def test_the_bench_writes_a_month_and_says_what_it_took(tmp_path: Path) -> None:
    """Each line has a whole month; every kind of file was written; the table names all of it, and
    a bar that is missed says so.
    """
    found = measure(4, 2, "sqlite", tmp_path, Console(file=io.StringIO()), days=1)
    assert found.lines >= 4
    assert found.records > found.lines * 31 * 380
    assert {"annex.pdf", "comparison.json", "data.csv", "data.xlsx", "summary.json"} <= set(
        found.files
    )
    assert found.written_bytes == sum(found.files.values())
    assert found.seconds > 0
    assert found.cpu_seconds > 0
    assert found.peak_bytes > 50e6
    said = told(found)
    for name in (*found.files, "seconds", "CPU seconds", "memory of all processes, MB"):
        assert name in said
    slow = replace(found, lines=CITY_LINES, seconds=601.0, peak_bytes=2 * 10**9)
    assert told(slow).count("missed") == 2
    assert "at this pace" not in told(slow)


def test_a_ledger_that_was_kept_is_measured_again(tmp_path: Path) -> None:
    """It is filled once; what a stopped run left unfinished is not taken for one."""
    (tmp_path / "ledger.unfinished").write_bytes(b"half of one")
    first = measure(2, 1, "sqlite", None, Console(file=io.StringIO()), days=1, keep=tmp_path)
    kept = (tmp_path / "ledger.sqlite").stat().st_mtime_ns
    said = io.StringIO()
    again = measure(2, 1, "sqlite", None, Console(file=said), days=1, keep=tmp_path)
    assert "filling" not in said.getvalue()
    assert (again.lines, again.records, again.files) == (first.lines, first.records, first.files)
    assert (tmp_path / "ledger.sqlite").stat().st_mtime_ns == kept


def told(found: object) -> str:
    """Return a table as it is printed."""
    printed = io.StringIO()
    Console(file=printed, width=140).print(table(found))  # type: ignore[arg-type]
    return printed.getvalue()
