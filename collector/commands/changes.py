"""`linewatch carrier|site|line|server set`: what was registered wrongly, mended."""

from typing import Any

import click
from sqlalchemy import Table

from collector.commands.ledger import opened
from collector.commands.registry import TECHNOLOGIES
from collector.commands.words import SPEED_OR_EMPTY
from collector.domain.speeds import show_speed
from collector.ledger import registry, schema
from protocol.settings import Configuration

# Names of what is changed are not checked for their form: one that does not exist has its answer.


def set_row(configuration: Configuration, table: Table, name: str, given: dict[str, Any]) -> None:
    """Change what was given and say what it was before; an empty word empties a column."""
    changes = {
        column: None if value == "" else value
        for column, value in given.items()
        if value is not None
    }
    with opened(configuration) as (database, _), database.write() as connection:
        before = registry.change(connection, table, name, changes)
    click.secho(f"{registry.singular(table)} '{name}' changed:", fg="green")
    for column, value in changes.items():
        label = column.removesuffix("_bits_per_second").replace("_", " ")
        click.echo(f"  {label}: {_in_words(column, before[column])} → {_in_words(column, value)}")


def _in_words(column: str, value: Any) -> str:  # noqa: ANN401 - whatever the column holds
    if value is None:
        return "–"
    return show_speed(value) if column.endswith("bits_per_second") else str(value)


@click.command(epilog="Example: linewatch carrier set vnpt --name 'VNPT Hải Phòng'")
@click.argument("carrier")
@click.option("--name", help="As people write it.")
@click.option("--complaint-address", help="Where complaints go: post or e-mail.")
@click.pass_obj
def carrier_set(configuration: Configuration, /, carrier: str, **given: str | None) -> None:
    """Mend what is known of a carrier: only what is given changes, '' empties it.

    The carrier's id stays: its lines are known by it.
    """
    set_row(configuration, schema.carriers, carrier, given)


@click.command(epilog="Example: linewatch site set nvh-to-1 --ward 'Phường Thạch Khôi'")
@click.argument("site")
@click.option("--name", help="As people write it.")
@click.option("--ward", help="The ward that it lies in.")
@click.option("--address", help="Street and number.")
@click.option("--latitude", type=click.FloatRange(-90, 90), help="Degrees north.")
@click.option("--longitude", type=click.FloatRange(-180, 180), help="Degrees east.")
@click.pass_obj
def site_set(configuration: Configuration, /, site: str, **given: Any) -> None:  # noqa: ANN401 - options
    """Mend what is known of a site: only what is given changes, '' empties it.

    The site's id stays: its lines and probes are known by it.
    """
    set_row(configuration, schema.sites, site, given)


@click.command(epilog="Example: linewatch line set nvh-to-1-vnpt --download 300M --plan 'Home 300'")
@click.argument("line")
@click.option("--technology", type=click.Choice(TECHNOLOGIES))
@click.option("--plan", help="The carrier's name for what is paid for.")
@click.option(
    "--download",
    "contracted_download_bits_per_second",
    type=SPEED_OR_EMPTY,
    help="Contracted, as 300M.",
)
@click.option(
    "--upload",
    "contracted_upload_bits_per_second",
    type=SPEED_OR_EMPTY,
    help="Contracted, as 300M.",
)
@click.option(
    "--declared-download",
    "declared_download_bits_per_second",
    type=SPEED_OR_EMPTY,
    help="What the carrier has declared for this service.",
)
@click.option(
    "--declared-upload",
    "declared_upload_bits_per_second",
    type=SPEED_OR_EMPTY,
    help="What the carrier has declared for this service.",
)
@click.pass_obj
def line_set(configuration: Configuration, /, line: str, **given: Any) -> None:  # noqa: ANN401 - options
    """Mend what is known of a line: only what is given changes, '' empties it.

    This is for mistakes: all of the line's records, old ones too, are then held against what stands
    here. A contract that has really changed is a new line ('linewatch line add', then
    'linewatch probe path'). So is another site or carrier: a line that has records keeps both.
    """
    set_row(configuration, schema.lines, line, given)
