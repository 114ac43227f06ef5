"""`linewatch collector fold`."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import click
from sqlalchemy import Connection

from collector.commands.ledger import now, opened, write_beside
from collector.commands.progress import bar
from collector.domain.hours import hour_of
from collector.ledger.due import count_old, sinks_behind
from collector.ledger.engines import take_time
from collector.ledger.folding import fold_old
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
        before = now() - timedelta(days=days)
        total = database.read_now(partial(_old, before=before))
        with bar("folding", total) as told:
            work = fold_old(database.read, partial(write_beside, database), before, now(), told)
            done = asyncio.run(work)
        behind = database.read_now(sinks_behind)
    click.secho(
        f"{done.records} latency records older than {days} days are in hours now", fg="green"
    )
    if done.unreadable:
        text = "stay as they are: this version does not read their model"
        click.secho(f"{done.unreadable} {text}", fg="yellow")
    waiting = total - done.records - done.unreadable
    if waiting > 0:
        names = ", ".join(f"{name} (settled up to {upto})" for name, upto in behind.items())
        why = f"not on the disk of every sink yet: {names}" if names else "come to in the next run"
        click.secho(f"{waiting} are left: {why}", fg="yellow")


def _old(connection: Connection, before: datetime) -> int:
    take_time(connection)
    return count_old(connection, hour_of(before))
