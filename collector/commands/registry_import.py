"""`linewatch registry import`: carriers, servers, sites, lines and probes from one file."""

from typing import TextIO

import click
from pydantic import ValidationError

from collector.commands.ledger import now, opened
from collector.errors import RegistryError
from collector.ledger.registry_file import RegistryFile, import_registry
from protocol.settings import Configuration


@click.command(
    epilog="Example: linewatch simulate --probes 50 --days 1 --seed 1 --registry fleet.json && "
    "linewatch registry import fleet.json"
)
@click.argument("file", type=click.File(encoding="utf-8"))
@click.pass_obj
def registry_import(configuration: Configuration, file: TextIO) -> None:
    """Add the carriers, servers, sites, lines and probes of a JSON FILE, all of them or none.

    What has its name in the registry already stays as it is. A probe with a public key is enrolled
    by it; one without needs a code (linewatch probe code).
    """
    try:
        content = RegistryFile.model_validate_json(file.read())
    except UnicodeDecodeError:
        raise RegistryError(f"{file.name}: is not written in UTF-8") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise RegistryError(f"{file.name}: {where}: {fault['msg']}") from None
    with opened(configuration) as (database, _), database.write() as connection:
        counts = import_registry(connection, content, now())
    for name, (added, known) in counts.items():
        if added or known:
            click.echo(f"{name}: {added} added, {known} there already")
