"""What every command that works on the ledger directly does first and last."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import click

from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.settings import CollectorSettings
from protocol.settings import Configuration


@contextlib.contextmanager
def opened(configuration: Configuration) -> Iterator[tuple[Database, CollectorSettings]]:
    """Yield the ledger, brought to this version, and the collector's settings.

    A collector that runs on the same ledger goes on: SQLite and PostgreSQL both take turns.
    """
    settings = configuration.section("collector", CollectorSettings)
    database = Database(settings.ledger)
    try:
        migrate(database)
        yield database, settings
    finally:
        database.close()


def now() -> datetime:
    """Return this moment, aware, UTC."""
    return datetime.now(UTC)


def show(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows: a table for people, or JSON with every column for machines.

    Args:
        rows: what to print.
        columns: which of their columns people see, in this order.
        as_json: whether machines read it.
    """
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows], default=_text, ensure_ascii=False))
        return
    from rich.console import Console  # noqa: PLC0415 - only where a table is drawn
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(*columns)
    for row in rows:
        table.add_row(*("–" if row[name] is None else _text(row[name]) for name in columns))
    Console().print(table)


def _text(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
