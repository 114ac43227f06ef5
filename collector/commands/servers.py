"""`linewatch server add|set|list|import`: the measurement servers that probes may use."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from sqlalchemy import Connection, select

from collector.commands.changes import set_row
from collector.commands.ledger import now, opened
from collector.commands.tables import show
from collector.commands.words import NAME, SPEED, SPEED_OR_EMPTY
from collector.errors import RegistryError
from collector.ledger import registry, schema
from collector.ledger.fleet import read_fleet
from collector.settings import CollectorSettings
from protocol.constants import DEFAULT_ENGINE
from protocol.messages import MAX_SERVERS
from protocol.server_list import ListFault, ServerList, parse
from protocol.settings import Configuration

ENGINES: Final = ("http", "ndt7", "ookla", "iperf3")
"""What can speak with a server; the probe's registry of engines has the same for speed."""

F = TypeVar("F", bound=Callable[..., object])

MAX_LIST_BYTES: Final = 1024 * 1024
"""A longer file is no list of servers: one server takes some 300 bytes."""

_COLUMNS: Final = "id url engine network stamp budget_bits_per_second"


def check_url(url: str) -> str:
    """Return a server's URL.

    Raises:
        RegistryError: it is none.
    """
    if not re.match(r"(https?|wss?|iperf3)://[^/\s]+", url):
        raise RegistryError(f"'{url}' is no server's URL: it reads like http://speed.example:8080")
    return url


_engine = click.option(
    "--engine", type=click.Choice(ENGINES), help=f"What speaks with it. Default: {DEFAULT_ENGINE}."
)
_network = click.option(
    "--network", help="Whose network it stands in: servers of several tell whose fault a fault is."
)
_stamp = click.option("--stamp", help="HOST:PORT of its STAMP reflector; default: as in the URL.")


def _budget(kind: click.ParamType[Any]) -> Callable[[F], F]:
    return click.option(
        "--budget",
        "budget_bits_per_second",
        type=kind,
        help="What tests may take of its link each way, as 5G: plans are thinned to keep to it.",
    )


@click.command(
    epilog="Examples: linewatch server add hn1 --url http://speed.example:8080 "
    "--stamp speed.example:8080 --network VNIX;  "
    "linewatch server add lab --url iperf3://192.0.2.1 --engine iperf3"
)
@click.argument("server", type=NAME)
@click.option("--url", required=True, help="Where it measures.")
@_stamp
@_engine
@_network
@_budget(SPEED)
@click.pass_obj
def server_add(
    configuration: Configuration,
    *,
    server: str,
    url: str,
    stamp: str | None,
    engine: str | None,
    network: str | None,
    budget_bits_per_second: int | None,
) -> None:
    """Register a measurement server for all probes.

    The first that was registered is the one of paths that name none.
    """
    row = {
        "id": server,
        "url": check_url(url),
        "stamp": stamp,
        "engine": engine or DEFAULT_ENGINE,
        "network": network,
        "budget_bits_per_second": budget_bits_per_second,
    }
    with opened(configuration) as (database, settings), database.write() as connection:
        _require_room(connection, settings, {server})
        registry.add(connection, schema.servers, row, now())
    click.secho(f"server '{server}' added: {url}, by {row['engine']}", fg="green")


# The name is not checked for its form: one that does not exist has its answer.
@click.command(epilog="Example: linewatch server set hn1 --network VNIX")
@click.argument("server")
@click.option("--url", help="Where it measures.")
@_stamp
@_engine
@_network
@_budget(SPEED_OR_EMPTY)
@click.pass_obj
def server_set(configuration: Configuration, /, server: str, **given: Any) -> None:  # noqa: ANN401 - options
    """Mend what is known of a server: only what is given changes, '' empties it.

    The server's name stays: plans and records call it so.
    """
    if given["url"] is not None:
        check_url(given["url"])
    set_row(configuration, schema.servers, server, given)


@click.command(epilog="Example: linewatch server list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def server_list(configuration: Configuration, as_json: bool) -> None:
    """List the measurement servers."""
    with opened(configuration) as (database, _):
        rows = database.read_now(lambda connection: registry.rows(connection, schema.servers))
    show(rows, _COLUMNS.split(), as_json=as_json)


@click.command(epilog="Example: linewatch server load")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def server_load(configuration: Configuration, as_json: bool) -> None:
    """Show what the fleet's speed tests load each server with, in its fullest part of the day.

    The peak is a bound that no moment exceeds, each way. Above its budget only a server is whose
    paths have one test a day left, or whose fastest lines are above it by themselves: one line for
    each plan, and for each of the turns that its servers take. Then the command ends with 1.
    """
    with opened(configuration) as (database, settings):
        plan = database.read_now(lambda connection: read_fleet(connection, settings))
    rows = [
        {
            "server": name or "(the first)",
            "paths": load.paths,
            "tests_per_day": round(load.tests_per_day, 1),
            "mean_bits_per_second": round(load.mean_bits_per_second),
            "peak_bits_per_second": round(load.peak_bits_per_second),
            "budget_bits_per_second": _rounded(plan.budgets.get(name)),
        }
        for name, load in plan.fleet.loads.items()
    ]
    show(rows, list(rows[0]) if rows else ["server"], as_json=as_json)
    over = [row["server"] for row in rows if _is_over(row)]
    if over:
        click.secho(f"above their budgets: {', '.join(map(str, over))}", fg="red", err=True)
    if plan.fleet.windows:
        click.secho(f"{len(plan.fleet.windows)} paths have fewer tests than their plans", err=True)
    if over:
        raise SystemExit(1)


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _is_over(row: Mapping[str, Any]) -> bool:
    budget = row["budget_bits_per_second"]
    return budget is not None and row["peak_bits_per_second"] > budget


@click.command(epilog="Example: linewatch server import librespeed-servers.json")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def server_import(configuration: Configuration, file: Path) -> None:
    """Register the servers of a list in LibreSpeed's JSON format.

    It can be run again: a server that is there under the same name gets the list's address and
    paths, others stay. Entries that cannot be used are named, and the command then ends with 2.
    """
    found = _read(file)
    with opened(configuration) as (database, settings), database.write() as connection:
        _require_room(connection, settings, {entry.name for entry in found.entries})
        done = [(entry, registry.put_server(connection, entry, now())) for entry in found.entries]
    rows = [{"id": e.name, "url": e.url, "network": e.network, "done": what} for e, what in done]
    show(rows, ["id", "url", "network", "done"], as_json=False)
    if found.faults:
        more = "\n  ".join(found.faults)
        raise RegistryError(
            f"{file}: {len(found.entries)} servers were taken, but not these:\n  {more}"
        )


def _read(file: Path) -> ServerList:
    try:
        with file.open("rb") as opened_file:
            text = opened_file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise RegistryError(f"{file}: cannot be read: {error.strerror}") from None
    if len(text) > MAX_LIST_BYTES:
        raise RegistryError(f"{file}: is longer than a list of servers may be")
    try:
        return parse(text)
    except ListFault as error:
        raise RegistryError(f"{file}: {error}") from None


def _require_room(connection: Connection, settings: CollectorSettings, adding: set[str]) -> None:
    """Raise where probes would be told more servers than an instruction may name.

    Raises:
        RegistryError: they would.
    """
    there = set(connection.scalars(select(schema.servers.c.id)))
    count = len(there | adding | {entry.name for entry in settings.servers})
    if count > MAX_SERVERS:
        raise RegistryError(
            f"that would be {count} servers, and a probe is told at most {MAX_SERVERS}: "
            "take those near the lines"
        )
