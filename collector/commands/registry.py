"""`linewatch carrier|site|probe|operator …`: the registry from the command line."""

import sys
from datetime import timedelta
from typing import Any

import click
from pydantic import ValidationError
from sqlalchemy import Table

from collector.commands.changes import ward_of
from collector.commands.codes import show_code
from collector.commands.ledger import now, opened
from collector.commands.tables import show
from collector.commands.words import NAME
from collector.domain.site_kinds import SITE_KINDS
from collector.errors import RegistryError
from collector.ledger import registry, schema
from protocol.messages import MeasuredPath, Schedule
from protocol.settings import Configuration

PASSWORD_LETTERS = 10
"""The shortest password of an operator."""

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


def _add(
    configuration: Configuration, table: Table, row: dict[str, Any], stored: str | None = None
) -> None:
    """Add a row to the registry and say so; ``stored`` says what was understood."""
    with opened(configuration) as (database, _), database.write() as connection:
        registry.add(connection, table, row, now())
    done = f"{registry.singular(table)} '{row.get('id') or row['name']}' added"
    click.secho(f"{done}: {stored}" if stored else done, fg="green")


def _list(configuration: Configuration, table: Table, columns: str, *, as_json: bool) -> None:
    with opened(configuration) as (database, _):
        rows = database.read_now(lambda connection: registry.rows(connection, table))
    show(rows, columns.split(), as_json=as_json)


# --- Carriers, sites -------------------------------------------------------------------------


@click.command(epilog="Example: linewatch carrier add vnpt --name 'VNPT Hải Phòng'")
@click.argument("carrier", type=NAME)
@click.option("--name", required=True, help="As people write it.")
@click.option("--legal-name", help="As a letter addresses it.")
@click.option("--complaint-email", help="Where complaints go.")
@click.option("--postal-address", help="Where letters go.")
@click.option("--telephone", help="For operators alone.")
@click.pass_obj
def carrier_add(configuration: Configuration, /, carrier: str, **row: str | None) -> None:
    """Register a carrier."""
    _add(configuration, schema.carriers, {"id": carrier, **row}, row["name"])


@click.command(epilog="Example: linewatch carrier list")
@_as_json
@click.pass_obj
def carrier_list(configuration: Configuration, as_json: bool) -> None:
    """List the carriers."""
    _list(configuration, schema.carriers, "id name complaint_email postal_address", as_json=as_json)


@click.command(
    epilog="Example: linewatch site add nvh-to-1 --name 'Nhà văn hóa Tổ dân phố số 1' "
    "--kind community_house --ward 'Phường Thạch Khôi'"
)
@click.argument("site", type=NAME)
@click.option("--name", required=True, help="As people write it.")
@click.option("--kind", type=click.Choice(SITE_KINDS), help="What it is.")
@click.option("--ward", help="The ward that it lies in.")
@click.option("--address", help="Street and number.")
@click.option("--latitude", type=click.FloatRange(-90, 90), help="Degrees north.")
@click.option("--longitude", type=click.FloatRange(-180, 180), help="Degrees east.")
@click.pass_obj
def site_add(configuration: Configuration, /, site: str, **row: Any) -> None:  # noqa: ANN401 - options
    """Register a site: a community house or an office."""
    row["ward"] = ward_of(configuration, row["ward"])
    said = (row["name"], row["kind"], row["address"], row["ward"])
    stored = ", ".join(filter(None, said))
    _add(configuration, schema.sites, {"id": site, **row}, stored)


@click.command(epilog="Example: linewatch site list")
@_as_json
@click.pass_obj
def site_list(configuration: Configuration, as_json: bool) -> None:
    """List the sites."""
    _list(configuration, schema.sites, "id name kind ward address", as_json=as_json)


# --- Probes ----------------------------------------------------------------------------------


def _path(text: str) -> MeasuredPath:
    """Return a path from NAME[=INTERFACE][:LINE]."""
    way, _, line = text.partition(":")
    name, _, interface = way.partition("=")
    return MeasuredPath(
        name=name,
        interface=interface or name,
        line=line or None,
        schedule=Schedule(speed=None, latency=None, reach=None),
    )


@click.command(
    epilog="Examples: linewatch probe add nvh-1 --site nvh-to-1 --line nvh-to-1-vnpt;  "
    "linewatch probe add nvh-2 --site nvh-to-1 --path eth0:nvh-to-1-vnpt --path wlan0"
)
@click.argument("probe", type=NAME)
@click.option("--site", required=True, help="Where it stands.")
@click.option("--line", help="The line of its only path, by the system's default route.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="NAME[=INTERFACE][:LINE]",
    help="A way out of the probe and the line that it measures; once for each.",
)
@click.option(
    "--family",
    "families",
    type=click.Choice(["4", "6"]),
    multiple=True,
    help="Address families to test in turn; twice for both. Default: 4.",
)
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="NAME",
    help="A server that its speed tests go to, the main one first; once for each. They take turns.",
)
@click.option(
    "--monthly-gigabytes",
    type=click.FloatRange(min=0, min_open=True),
    help="What each path may move in a month, in 10^9 bytes. Default: no limit.",
)
@_as_json
@click.pass_obj
def probe_add(
    configuration: Configuration,
    /,
    probe: str,
    site: str,
    line: str | None,
    as_json: bool,
    **ways: Any,  # noqa: ANN401 - options
) -> None:
    """Register a probe, and print the one-time code that the device enrols with."""
    if (line is None) == (not ways["paths"]):
        raise RegistryError("give either --line, or --path once for each way out of the probe")
    only = MeasuredPath(
        name="default", line=line, schedule=Schedule(speed=None, latency=None, reach=None)
    )
    try:
        paths = [_path(text) for text in ways["paths"]] or [only]
    except ValidationError as error:
        raise RegistryError(f"--path: {error.errors()[0]['msg']}") from None
    gigabytes = ways["monthly_gigabytes"]
    changes = {
        "families": tuple(int(family) for family in ways["families"] or ("4",)),
        "monthly_data_budget_bytes": gigabytes and round(gigabytes * 1e9),
        "servers": ways["servers"],
    }
    paths = [path.model_copy(update=changes) for path in paths]
    with opened(configuration) as (database, settings), database.write() as connection:
        own = {entry.name for entry in settings.servers}
        registry.require_servers(connection, ways["servers"], own)
        validity = timedelta(hours=settings.enrolment.code_hours)
        code = registry.add_probe(connection, probe, site, paths, validity, now())
    show_code(probe, code, settings, as_json=as_json)


@click.command(epilog="Example: linewatch probe code nvh-1")
@click.argument("probe", type=NAME)
@_as_json
@click.pass_obj
def probe_code(configuration: Configuration, probe: str, as_json: bool) -> None:
    """Print a new one-time code for a probe; earlier ones are void."""
    with opened(configuration) as (database, settings), database.write() as connection:
        validity = timedelta(hours=settings.enrolment.code_hours)
        code = registry.new_code(connection, probe, validity, now())
    show_code(probe, code, settings, as_json=as_json)


@click.command(epilog="Example: linewatch probe list")
@_as_json
@click.pass_obj
def probe_list(configuration: Configuration, as_json: bool) -> None:
    """List the probes."""
    columns = "id site_id enrolled_at last_seen_at revoked_at software"
    _list(configuration, schema.probes, columns, as_json=as_json)


@click.command(epilog="Example: linewatch probe revoke nvh-1")
@click.argument("probe", type=NAME)
@click.pass_obj
def probe_revoke(configuration: Configuration, probe: str) -> None:
    """Refuse a probe's key from now on; what it has delivered stays."""
    with opened(configuration) as (database, _), database.write() as connection:
        registry.revoke_probe(connection, probe, now())
    click.secho(f"probe '{probe}' revoked", fg="yellow")


# --- Operators -------------------------------------------------------------------------------


@click.command(
    epilog="Examples: linewatch operator add an;  "
    "linewatch operator add an --password-stdin < password.txt"
)
@click.argument("operator", type=NAME)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def operator_add(configuration: Configuration, operator: str, password_stdin: bool) -> None:
    """Register an operator; asks for the password."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - loads a library of C code

    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif not sys.stdin.isatty():
        raise RegistryError(
            "there is no terminal to ask for the password: give it on standard input, "
            f"'linewatch operator add {operator} --password-stdin < FILE'"
        )
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < PASSWORD_LETTERS:
        raise RegistryError(f"a password has at least {PASSWORD_LETTERS} characters")
    row = {"name": operator, "password_hash": PasswordHasher().hash(password)}
    _add(configuration, schema.operators, row)


@click.command(epilog="Example: linewatch operator list")
@_as_json
@click.pass_obj
def operator_list(configuration: Configuration, as_json: bool) -> None:
    """List the operators."""
    with opened(configuration) as (database, _):
        rows = database.read_now(lambda c: registry.rows(c, schema.operators))
    public = [{name: row[name] for name in ("name", "created_at")} for row in rows]
    show(public, ["name", "created_at"], as_json=as_json)


@click.command(epilog="Example: linewatch operator remove an")
@click.argument("operator", type=NAME)
@click.pass_obj
def operator_remove(configuration: Configuration, operator: str) -> None:
    """Remove an operator; open logins end at once."""
    with opened(configuration) as (database, _), database.write() as connection:
        registry.remove_operator(connection, operator)
    click.secho(f"operator '{operator}' removed", fg="yellow")
