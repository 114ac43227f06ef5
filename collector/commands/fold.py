"""`linewatch collector fold`."""

from datetime import datetime, timedelta

import click
from sqlalchemy import Connection

from collector.commands.ledger import now, opened
from collector.commands.progress import bar
from collector.ledger.engines import take_time
from collector.ledger.fold import fold_step, left_to_fold
from protocol.settings import Configuration


@click.command(epilog="Example: linewatch collector fold --older-than 400")
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=1),
    help="Days; default: collector.ledger.latency_days.",
)
@click.pass_obj
def fold(configuration: Configuration, days: int | None) -> None:
    """Fold old latency records into hours, as a running collector does every hour.

    An hour keeps their number, packets sent and lost, the shortest round trip and every median; the
    records themselves are gone then. It can be stopped and run again at any time.
    """
    with opened(configuration) as (database, settings):
        days = days or settings.ledger.latency_days
        if days is None:
            raise click.UsageError("collector.ledger.latency_days keeps all: name --older-than")
        moment = now()
        before = moment - timedelta(days=days)
        total = database.read_now(lambda connection: _left(connection, before))
        done = 0
        with bar("folding", total) as told:
            count = 1
            # Ends: every step takes records away.
            while count:
                with database.write() as connection:
                    count = fold_step(connection, before, moment)
                done += count
                told(count)
    click.secho(f"{done} latency records older than {days} days are in hours now", fg="green")
    if done < total:
        click.secho(f"{total - done} are left: a sink has not taken them yet", fg="yellow")


def _left(connection: Connection, before: datetime) -> int:
    take_time(connection)
    return left_to_fold(connection, before)
