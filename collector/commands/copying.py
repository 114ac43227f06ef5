"""`linewatch collector copy`."""

from contextlib import closing

import click
from pydantic import SecretStr

from collector.archive.copying import copy_ledger, count_rows
from collector.commands.ledger import opened
from collector.commands.progress import bar
from collector.ledger.database import Database
from protocol.settings import Configuration


@click.command(epilog="Example: linewatch collector copy --to postgresql://linewatch@/linewatch")
@click.option(
    "--to",
    required=True,
    envvar="LINEWATCH_COPY_TO",
    metavar="URL",
    help="The database, without any table: postgresql://… or sqlite:////FILE. With a password "
    "rather by the environment: LINEWATCH_COPY_TO.",
)
@click.pass_obj
def copy(configuration: Configuration, to: str) -> None:
    """Copy the whole ledger into another database: from SQLite to PostgreSQL, or back.

    Stop every collector first. The ledger stays as it is; the copy is read again and compared.
    """
    with opened(configuration) as (database, settings):
        aimed = settings.ledger.model_copy(update={"url": SecretStr(to)})
        with closing(Database(aimed)) as target:
            total = 2 * database.read_now(count_rows)
            with bar("copying", total) as told:
                count = copy_ledger(database, target, told)
    click.secho(f"{count} rows were copied, read again and found the same", fg="green")
    click.echo("Name the copy in collector.ledger.url, then start the collector again.")
