"""`linewatch ward|person …`: who writes letters, and in whose name.

Persons are personal data: they stand in letters and in what these commands print, nowhere else.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args

import click

from collector.commands.changes import set_row
from collector.commands.ledger import now, opened
from collector.commands.tables import show
from collector.commands.words import NAME
from collector.ledger import registry, schema, wards
from collector.ledger.registry_rows import Role
from protocol.settings import Configuration

ROLES: Final = get_args(Role)

Command = TypeVar("Command", bound=Callable[..., Any])

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")

_LETTERHEAD: Final = (
    ("--superior", "The authority above it, first on the letterhead (cơ quan chủ quản)."),
    ("--authority", "Who issues letters, as on the letterhead (cơ quan ban hành)."),
    ("--place", "The place that stands before a letter's date."),
    ("--letter-code", "What follows the number: UBND-VHXH in 'Số: …/UBND-VHXH'."),
)

_PERSON: Final = (
    ("--title", "As it stands over the name: PHÓ CHỦ TỊCH."),
    (
        "--signs-for",
        "What stands over the title, lines divided by ';': 'TM. ỦY BAN NHÂN DÂN; KT. CHỦ TỊCH'.",
    ),
    ("--telephone", "For operators alone."),
    ("--email", "Where reminders go."),
)


def _options(*described: tuple[str, str]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for name, text in reversed(described):
            command = click.option(name, help=text)(command)
        return command

    return decorate


@click.command(
    epilog="Example: linewatch ward add thach-khoi --name 'Phường Thạch Khôi' "
    "--authority 'ỦY BAN NHÂN DÂN PHƯỜNG THẠCH KHÔI' --place 'Thạch Khôi' --letter-code UBND-VHXH"
)
@click.argument("ward", type=NAME)
@click.option("--name", required=True, help="As its sites name it.")
@_options(*_LETTERHEAD)
@click.pass_obj
def ward_add(configuration: Configuration, /, ward: str, **row: str | None) -> None:
    """Register a ward, with what its letters begin with."""
    with opened(configuration) as (database, _), database.write() as connection:
        wards.refuse_taken(connection, str(row["name"]))
        registry.add(connection, schema.wards, {"id": ward, **row}, now())
    click.secho(f"ward '{ward}' added: {row['name']}", fg="green")


@click.command(epilog="Example: linewatch ward set thach-khoi --letter-code UBND-VHXH")
@click.argument("ward")
@click.option("--name", help="Its sites take it, too.")
@_options(*_LETTERHEAD)
@click.pass_obj
def ward_set(configuration: Configuration, /, ward: str, **given: str | None) -> None:
    """Mend what is known of a ward: only what is given changes, '' empties it."""
    set_row(configuration, schema.wards, ward, given, wards.change_ward)


@click.command(epilog="Example: linewatch ward list")
@_as_json
@click.pass_obj
def ward_list(configuration: Configuration, as_json: bool) -> None:
    """List the wards."""
    with opened(configuration) as (database, _):
        rows = database.read_now(lambda connection: registry.rows(connection, schema.wards))
    show(rows, ["id", "name", "authority", "place", "letter_code"], as_json=as_json)


@click.command(
    epilog="Example: linewatch person add an --ward thach-khoi --role signer "
    "--name 'Nguyễn Văn An' --title 'PHÓ CHỦ TỊCH' "
    "--signs-for 'TM. ỦY BAN NHÂN DÂN; KT. CHỦ TỊCH'"
)
@click.argument("person", type=NAME)
@click.option("--ward", "ward_id", required=True, help="For which ward.")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What for.")
@click.option("--name", required=True, help="As it stands under a letter.")
@_options(*_PERSON)
@click.pass_obj
def person_add(configuration: Configuration, /, person: str, **row: str | None) -> None:
    """Register a person in a role: who signs, who writes, who sees to the probes."""
    with opened(configuration) as (database, _), database.write() as connection:
        registry.add(connection, schema.persons, {"id": person, **row}, now())
    click.secho(f"person '{person}' added", fg="green")


@click.command(epilog="Example: linewatch person set an --title 'CHỦ TỊCH'")
@click.argument("person")
@click.option("--role", type=click.Choice(ROLES), help="What for.")
@click.option("--name", help="As it stands under a letter.")
@_options(*_PERSON)
@click.pass_obj
def person_set(configuration: Configuration, /, person: str, **given: str | None) -> None:
    """Mend what is known of a person: only what is given changes, '' empties it."""
    set_row(configuration, schema.persons, person, given)


@click.command(epilog="Example: linewatch person list")
@_as_json
@click.pass_obj
def person_list(configuration: Configuration, as_json: bool) -> None:
    """List the persons."""
    with opened(configuration) as (database, _):
        rows = database.read_now(lambda connection: registry.rows(connection, schema.persons))
    show(rows, ["id", "ward_id", "role", "name", "title", "telephone", "email"], as_json=as_json)


@click.command(epilog="Example: linewatch person remove an")
@click.argument("person")
@click.pass_obj
def person_remove(configuration: Configuration, person: str) -> None:
    """Remove a person; letters that name them stay as they are."""
    with opened(configuration) as (database, _), database.write() as connection:
        registry.remove(connection, schema.persons, person)
    click.secho(f"person '{person}' removed", fg="yellow")
