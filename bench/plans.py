"""How SQLite and PostgreSQL run the ledger's main queries: what they read, by which index.

    make bench-plans
    python -m bench.plans [--lines 300] [--full 2] [--days 400] [--out docs/plans.md]

A part of a city's year is made in both (`bench.query_ledger`), then each query is asked as pages,
API, metrics and sinks ask it, and what it sent to the database is explained by that database, run
once. Months of PostgreSQL that a step is the same for stand in one line; a month that was never
opened says so. docs/plans.md is what this prints.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
from rich.console import Console
from sqlalchemy import Connection, func, select

from bench.ingest_targets import ledger
from bench.query_ledger import City, Filled, Source, fill
from collector.ledger.database import Database
from collector.ledger.figures import read_figures
from collector.ledger.month_rows import read_lines, read_month
from collector.ledger.newest import newest_records
from collector.ledger.proof_queries import probes_page, proof, records_page
from collector.ledger.recent import recent_speed
from collector.ledger.schema import lines, records
from collector.ledger.series_queries import results_page
from collector.sinks.reading import read_page
from simulate.plan import ZONE
from tests.collector.ledger.plans import statements_of

NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_MONTH_OF: Final = re.compile(r"_\d{4}_\d\d")
_NUMBERED: Final = re.compile(r"_?\d+$")

Query = Callable[[Connection], Any]


class Step(NamedTuple):
    """What a plan does to one table.

    Attributes:
        words: how, of what, by which index.
        opened: whether it was, when the query ran.
    """

    words: str
    opened: bool


def questions(filled: Filled, database: Database) -> dict[str, Query]:
    """Return the queries, by what they are asked for."""
    line, now = filled.full_lines[0], datetime.now(UTC)
    month = (now - timedelta(days=30), now)
    known = database.read_now(lambda c: read_lines(c, [line]))[line]
    some = database.read_now(lambda c: c.execute(select(records).limit(1)).one())
    newest = database.read_now(lambda c: c.scalar(select(func.max(records.c.id))))
    every = database.read_now(lambda c: list(c.execute(select(lines.c.id)).scalars()))
    columns = ("outcome", "flags")
    return {
        "newest record of every line, task and series": lambda c: c.execute(
            newest_records(c, columns)
        ).all(),
        "newest speed tests of every line": lambda c: recent_speed(c, every),
        "a line's month, all tasks": lambda c: read_month(c, known, "", month, ZONE),
        "a page of a line's results": lambda c: results_page(c, line, "latency", month, None, 100),
        "a record with its proof": lambda c: proof(c, some.probe_id, some.chain, some.seq),
        "newest arrivals": lambda c: records_page(c, None, None, None, None, 100),
        "a page of probes": lambda c: probes_page(c, None, 100),
        "a sink's next page": lambda c: read_page(c, newest - 500, newest, 500),
        "the figures of `/metrics`": read_figures,
    }


def explained(database: Database, query: Query) -> list[Step]:
    """Return the steps of all that a query sends, in order, each kind of step once."""
    sent = statements_of(database, query)
    return database.read_now(
        lambda connection: [step for one in sent for step in _steps(connection, *one)]
    )


def _steps(connection: Connection, statement: str, parameters: Any) -> Iterator[Step]:  # noqa: ANN401 - the driver's
    if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
        return
    if connection.dialect.name == "sqlite":
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
            if row[3].startswith(("SEARCH", "SCAN")):
                yield Step(row[3], opened=True)
        return
    found = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
    tree = found.scalar_one()
    (whole,) = json.loads(tree) if isinstance(tree, str) else tree
    yield from _walk(whole["Plan"])


def _walk(step: dict[str, Any]) -> Iterator[Step]:
    if "Relation Name" in step or "Index Name" in step:
        parts = [step["Node Type"], _MONTH_OF.sub("_MONTH", step.get("Relation Name", ""))]
        if "Index Name" in step:
            parts.append("by " + _NUMBERED.sub("", _MONTH_OF.sub("_MONTH", step["Index Name"])))
        yield Step(" ".join(filter(None, parts)), opened=step["Actual Loops"] > 0)
    for below in step.get("Plans", ()):
        yield from _walk(below)


def told(steps: list[Step]) -> list[str]:
    """Return a plan's steps for people: each kind once, with how many tables it was for."""
    opened = Counter(step.words for step in steps if step.opened)
    closed = Counter(step.words for step in steps if not step.opened)
    found = []
    for words in dict.fromkeys(step.words for step in steps):
        often = f" ×{opened[words]}" if opened[words] > 1 else ""
        never = f" ({closed[words]} never executed)" if closed[words] else ""
        found.append(f"{words}{often}{never}")
    return found


def measure(city: City, folder: Path, say: Console) -> dict[str, dict[str, list[str]]]:
    """Return the plans: by query, by database."""
    found: dict[str, dict[str, list[str]]] = {}
    source = Source(city, folder)
    for kind, name in NAMES.items():
        place = folder / kind
        place.mkdir()
        with ledger(kind, place) as settings:
            say.print(f"{name}: making the ledger …")
            filled = fill(settings, source)
            with closing(Database(settings)) as database:
                for question, query in questions(filled, database).items():
                    found.setdefault(question, {})[name] = told(explained(database, query))
    return found


def page(found: dict[str, dict[str, list[str]]], city: City) -> str:
    """Return docs/plans.md."""
    head = (
        "What `make bench-plans` writes: a ledger is made in SQLite and in PostgreSQL "
        f"({city.lines} lines, {city.days} days), and each database explains what it ran. What of "
        "PostgreSQL's months (`records_MONTH`) cannot have what is asked for is never executed. "
        "[ledger.md](ledger.md#what-is-read-and-how) says what the indices are for.\n"
    )
    parts = ["# How the databases run the ledger's main queries\n", head]
    for question, plans in found.items():
        parts.append(f"## {question[0].upper()}{question[1:]}\n")
        for name, steps in plans.items():
            parts.append("\n".join([f"    {name}", *(f"      {step}" for step in steps)]) + "\n")
    return "\n".join(parts)


@click.command()
@click.option("--lines", default=300, show_default=True, help="Of the registry.")
@click.option("--full", default=2, show_default=True, help="Probes that have all records.")
@click.option("--days", default=400, show_default=True, help="That the ledger goes back.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: print it.")
def main(full: int, days: int, out: Path | None, **given: int) -> None:
    """Print the plans."""
    city = City(given["lines"], full, days)
    with tempfile.TemporaryDirectory() as made:
        text = page(measure(city, Path(made), Console(stderr=True)), city)
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
