"""`linewatch carrier|site|ward|person|server set`: what was registered wrongly, mended."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import click
from sqlalchemy import Connection, Table

from collector.commands.ledger import opened
from collector.domain.site_kinds import SITE_KINDS
from collector.domain.speeds import show_speed
from collector.ledger import registry, schema
from collector.ledger.called import name_ward
from protocol.settings import Configuration

Change = Callable[[Connection, Table, str, Mapping[str, Any]], dict[str, Any]]
"""Changes a row, and returns what it held before."""

# Names of what is changed are not checked for their form: one that does not exist has its answer.


def set_row(
    configuration: Configuration,
    table: Table,
    name: str,
    given: dict[str, Any],
    change: Change = registry.change,
) -> None:
    """Change what was given and say what it was before; an empty word empties a column."""
    changes = {
        column: None if value == "" else value
        for column, value in given.items()
        if value is not None
    }
    with opened(configuration) as (database, _), database.write() as connection:
        before = change(connection, table, name, changes)
    click.secho(f"{registry.singular(table)} '{name}' changed:", fg="green")
    for column, value in changes.items():
        label = column.removesuffix("_bits_per_second").replace("_", " ")
        click.echo(f"  {label}: {in_words(column, before[column])} → {in_words(column, value)}")


def ward_of(configuration: Configuration, said: str | None) -> str | None:
    """Return a site's ward as it is registered, however it was typed; None and '' as they are."""
    if not said:
        return said
    with opened(configuration) as (database, _):
        return database.read_now(partial(name_ward, said=said))


def in_words(column: str, value: Any) -> str:  # noqa: ANN401 - whatever the column holds
    """Return a column's value for people; a dash where there is none."""
    if value is None:
        return "–"
    return show_speed(value) if column.endswith("bits_per_second") else str(value)


@click.command(epilog="Example: linewatch carrier set vnpt --name 'VNPT Hải Phòng'")
@click.argument("carrier")
@click.option("--name", help="As people write it.")
@click.option("--legal-name", help="As a letter addresses it.")
@click.option("--complaint-email", help="Where complaints go.")
@click.option("--postal-address", help="Where letters go.")
@click.option("--telephone", help="For operators alone.")
@click.pass_obj
def carrier_set(configuration: Configuration, /, carrier: str, **given: str | None) -> None:
    """Mend what is known of a carrier: only what is given changes, '' empties it.

    The carrier's id stays: its lines are known by it.
    """
    set_row(configuration, schema.carriers, carrier, given)


@click.command(epilog="Example: linewatch site set nvh-to-1 --ward 'Phường Thạch Khôi'")
@click.argument("site")
@click.option("--name", help="As people write it.")
@click.option("--kind", type=click.Choice([*SITE_KINDS, ""]), help="What it is.")
@click.option("--ward", help="The ward that it lies in.")
@click.option("--address", help="Street and number.")
@click.option("--latitude", type=click.FloatRange(-90, 90), help="Degrees north.")
@click.option("--longitude", type=click.FloatRange(-180, 180), help="Degrees east.")
@click.pass_obj
def site_set(configuration: Configuration, /, site: str, **given: Any) -> None:  # noqa: ANN401 - options
    """Mend what is known of a site: only what is given changes, '' empties it.

    The site's id stays: its lines and probes are known by it.
    """
    given["ward"] = ward_of(configuration, given["ward"])
    set_row(configuration, schema.sites, site, given)
