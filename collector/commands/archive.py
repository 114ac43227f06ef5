"""`linewatch collector export|import`: months as Parquet."""

from datetime import UTC, datetime
from pathlib import Path

import click

from collector.archive.exporting import count_month, export_month, prepare
from collector.archive.importing import import_month
from collector.archive.months import Archive
from collector.commands.ledger import now, opened
from collector.commands.progress import bar
from protocol.settings import Configuration


@click.command(epilog="Example: linewatch collector export 2026-10 --out /srv/archive")
@click.argument("month", type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder in which the archive's own is made. Default: here.",
)
@click.pass_obj
def export(configuration: Configuration, month: datetime, out: Path) -> None:
    """Write a month (UTC, by arrival) as Parquet: records and seals as they are. It stays.

    A running collector goes on. What has come of the month so far is written.
    """
    start = month.replace(tzinfo=UTC)
    folder = out / f"linewatch-{month:%Y-%m}"
    with opened(configuration) as (database, _):
        total = database.read_now(lambda connection: count_month(connection, start))
        for sentence in prepare(folder):
            click.secho(sentence, fg="yellow")
        with bar("writing", total) as told:
            made = database.read_now(
                lambda connection: export_month(connection, start, folder, now(), told)
            )
    rows = made.files["records.parquet"].rows
    click.secho(f"{rows} records of {month:%Y-%m} are in {folder}", fg="green")
    if not made.complete:
        click.secho(
            f"{month:%Y-%m} (UTC) is not over: what still comes is not in it. Export it again "
            "then; that replaces this one.",
            fg="yellow",
        )


@click.command("import", epilog="Example: linewatch collector import linewatch-2026-10")
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False)
)
@click.option(
    "--unsealed",
    is_flag=True,
    help="Take records, too, that no seal by a key of their probe's vouches for.",
)
@click.pass_obj
def import_(configuration: Configuration, folders: tuple[Path, ...], unsealed: bool) -> None:
    """Store archived months, the oldest first, after checking every hash and signature.

    A month that had left this ledger is put back, if it is what left. Another ledger takes it like
    batches that come now. It can be stopped and run again: what is there already stays as it is.
    """
    archives = sorted((Archive(folder) for folder in folders), key=lambda one: one.manifest.month)
    with opened(configuration) as (database, _):
        for archive in archives:
            with bar(archive.manifest.month, archive.rows) as told:
                done = import_month(database, archive, now(), told, unsealed=unsealed)
            click.secho(
                f"{archive.manifest.month}: {done.put_back} records put back, {done.stored} new, "
                f"{done.known} here already; {done.unsealed} of all without a seal",
                fg="green",
            )
            if done.own_word:
                click.secho(
                    f"{done.own_word} probes are new here: that these are their keys is the "
                    "archive's own word. Compare them with the ledger it came from (linewatch "
                    "probe list)",
                    fg="yellow",
                )
            if not archive.manifest.complete:
                click.secho(
                    f"{archive.manifest.month} was not over when this was written: it has no more "
                    f"than what came until {archive.manifest.written_at:%Y-%m-%d %H:%M} UTC",
                    fg="yellow",
                )
