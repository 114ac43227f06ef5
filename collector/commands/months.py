"""`linewatch collector remove-month`."""

from datetime import UTC, datetime

import click

from collector.commands.ledger import now, opened
from collector.ledger.gone import remove_month as take_out
from protocol.settings import Configuration


@click.command(epilog="Example: linewatch collector remove-month 2026-01")
@click.argument("month", type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove_month(configuration: Configuration, month: datetime, yes: bool) -> None:
    """Take a month (UTC, by arrival) out of the ledger: its records are gone. Archive it first.

    Totals, chains and hours of latency stay. A running collector goes on.
    """
    with opened(configuration) as (database, _):
        if not yes:
            click.confirm(f"Remove every record that came in {month:%Y-%m}?", abort=True)
        with database.write() as connection:
            count = take_out(connection, month.replace(tzinfo=UTC), now())
    click.secho(f"{count} records of {month:%Y-%m} left the ledger", fg="green")
