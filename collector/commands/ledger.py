"""What every command that works on the ledger directly does first and last."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from collector.errors import LedgerError
from collector.ledger.database import Database, sqlite_file
from collector.ledger.migrate import newest_version, version_of
from collector.settings import CollectorSettings
from protocol.settings import Configuration


@contextlib.contextmanager
def opened(configuration: Configuration) -> Iterator[tuple[Database, CollectorSettings]]:
    """Yield the ledger and the collector's settings.

    A collector that runs on the same ledger goes on: SQLite and PostgreSQL both take turns. An
    older ledger is left alone: the collector that runs on it would not know the new tables. None is
    made: in the wrong folder, or without the right configuration, it would be one more ledger.

    Raises:
        LedgerError: there is no ledger, it cannot be used, or its tables are of another version.
    """
    settings = configuration.section("collector", CollectorSettings)
    file = sqlite_file(settings.ledger)
    if file is not None and not _exists(file):
        raise _no_ledger(f"at {file.absolute()}")
    database = Database(settings.ledger)
    try:
        version = version_of(database)
        if version is None:
            place = file.absolute() if file else "collector.ledger.url"
            raise _no_ledger(f"in {place}: it is empty")
        if version != newest_version():
            raise LedgerError(
                f"the ledger's tables are of version {version}, this program's are of "
                f"{newest_version()}: stop the collector, then run 'linewatch collector migrate'"
            )
        yield database, settings
    finally:
        database.close()


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise LedgerError(f"{file.absolute()}: cannot be looked at: {error.strerror}") from None


def _no_ledger(where: str) -> LedgerError:
    return LedgerError(
        f"there is no ledger {where}. Name yours by --config FILE or collector.ledger.path; "
        "'linewatch collector run' or 'linewatch collector migrate' makes a new one"
    )


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
