"""`linewatch collector remove-month`."""

from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import Connection

from collector.archive.exporting import refuse_unless_holds
from collector.archive.months import Archive
from collector.commands.ledger import now, opened
from collector.commands.waiting import wait_for_readers
from collector.ledger.removing import remove_month as take_out
from protocol.settings import Configuration


@click.command(
    epilog="Example: linewatch collector remove-month 2026-01 /srv/archive/linewatch-2026-01"
)
@click.argument("month", type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM")
@click.argument("archive", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--without-archive", is_flag=True, help="The records are wanted by nobody.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove_month(
    configuration: Configuration,
    month: datetime,
    archive: Path | None,
    without_archive: bool,
    yes: bool,
) -> None:
    """Take a month (UTC, by arrival) out of the ledger, once its ARCHIVE has all of it.

    Totals, chains and hours of latency stay. A running collector goes on. Where this ends in the
    middle, it is run again.
    """
    if (archive is None) is not without_archive:
        raise click.UsageError(
            "name the folder of the month's archive (linewatch collector export), which is "
            "compared with the ledger first; or say --without-archive, and its records are gone "
            "for ever"
        )
    start = month.replace(tzinfo=UTC)
    kept = Archive(archive) if archive else None
    with opened(configuration) as (database, _):
        if not yes:
            click.confirm(f"Remove every record that came in {month:%Y-%m}?", abort=True)

        def wait() -> None:
            wait_for_readers(database, start)

        def compare(connection: Connection) -> None:
            if kept is not None:
                refuse_unless_holds(connection, kept, start)

        count = take_out(database, start, now(), compare, wait)
    click.secho(f"{count} records of {month:%Y-%m} left the ledger", fg="green")
