"""The bench of pages and lists, in a short form: its structure, never its times."""

import io
import json
from pathlib import Path

from rich.console import Console

from bench.query import Options, measure, tables
from bench.query_ledger import City


def test_the_bench_asks_everything_of_both_databases(tmp_path: Path) -> None:
    """Each question is asked as often as was said and answered; the list of lines and a full line's
    month are there; JSON and tables name all of it.
    """
    options = Options(City(lines=8, full=1, days=31, recent_days=1), requests=2, folder=tmp_path)
    found = measure(options, Console(file=io.StringIO()))
    assert list(found) == ["SQLite", "PostgreSQL"]
    one, other = found.values()
    assert one.filled.lines == other.filled.lines >= 8
    assert one.filled.full_lines
    # Reachability every five minutes, latency every fifteen, eight speed tests.
    assert one.filled.records > 30 * 380
    assert list(one.waits) == list(other.waits)
    for name, waits in one.waits.items():
        assert waits.requests == 2, name
        assert 0 < waits.p50_seconds <= waits.p99_seconds <= waits.most_seconds, name
    assert (one.waits["series of a month, latency, 5,000"].answer_bytes or 0) > 10_000
    told = json.loads(json.dumps({name: each.as_json() for name, each in found.items()}))
    assert told["PostgreSQL"]["waits"]["/metrics"]["bar_seconds"] == 0.5
    printed = io.StringIO()
    for table in tables(found, options.city):
        Console(file=printed, width=120).print(table)
    for name in one.waits:
        assert name in printed.getvalue()
