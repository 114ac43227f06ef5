"""`linewatch line …`: one carrier's service at one site, its terms and their history."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final, TypeVar

import click
from sqlalchemy import Connection

from collector.commands.changes import in_words
from collector.commands.ledger import local_day, now, opened
from collector.commands.tables import show
from collector.commands.words import (
    DAY,
    DAY_OR_EMPTY,
    NAME,
    SPEED,
    SPEED_OR_EMPTY,
    speeds_in_words,
)
from collector.domain.terms import Period, periods_of
from collector.ledger import registry, schema, terms
from collector.ledger.line_changes import Days, change_line
from protocol.settings import Configuration

TECHNOLOGIES: Final = ("fibre", "cable", "dsl", "4g", "5g", "other")

Command = TypeVar("Command", bound=Callable[..., Any])

_SPEEDS: Final = {
    "contracted": ("", "Contracted, as 300M."),
    "declared": ("declared-", "What the carrier has declared for this service."),
    "minimum": ("minimum-", "Below which the contract says it never goes."),
}

_SHOWN: Final = (
    "from",
    "until",
    "plan",
    *(f"{kind}_{way}_bits_per_second" for kind in _SPEEDS for way in ("download", "upload")),
    "contract_number",
    "contract_since",
    "payer",
)


def _terms_options(
    speed: click.ParamType[Any], day: click.ParamType[Any]
) -> Callable[[Command], Command]:
    """Return what gives a command the options of a line's terms."""
    options = [click.option("--plan", help="The carrier's name for what is paid for.")]
    for kind, (prefix, text) in _SPEEDS.items():
        for way in ("download", "upload"):
            name = f"{kind}_{way}_bits_per_second"
            options.append(click.option(f"--{prefix}{way}", name, type=speed, help=text))
    options += [
        click.option("--contract-number", help="As it stands on the contract."),
        click.option("--contract-since", type=day, help="The day of the contract."),
        click.option("--payer", help="Who pays."),
    ]

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.command(
    epilog="Example: linewatch line add nvh-to-1-vnpt --site nvh-to-1 --carrier vnpt "
    "--technology fibre --plan 'Home 300' --download 300M --upload 300M"
)
@click.argument("line", type=NAME)
@click.option("--site", "site_id", required=True, help="Where it ends.")
@click.option("--carrier", "carrier_id", required=True, help="Whose it is.")
@click.option("--technology", required=True, type=click.Choice(TECHNOLOGIES))
@_terms_options(SPEED, DAY)
@click.pass_obj
def line_add(configuration: Configuration, /, line: str, **row: Any) -> None:  # noqa: ANN401 - options
    """Register a line: one carrier's service at one site."""
    with opened(configuration) as (database, _), database.write() as connection:
        registry.add(connection, schema.lines, {"id": line, **row}, now())
    speeds = speeds_in_words(
        row["contracted_download_bits_per_second"], row["contracted_upload_bits_per_second"]
    )
    click.secho(f"line '{line}' added: {speeds}", fg="green")


@click.command(
    epilog="Examples: linewatch line set nvh-to-1-vnpt --download 500M --plan 'Home 500' "
    "--since 2026-10-05;  linewatch line set nvh-to-1-vnpt --contract-number HD-17/2026"
)
@click.argument("line")
@click.option("--technology", type=click.Choice(TECHNOLOGIES))
@_terms_options(SPEED_OR_EMPTY, DAY_OR_EMPTY)
@click.option("--since", type=DAY, help="The first day of the new terms. Default: a mistake.")
@click.pass_obj
def line_set(
    configuration: Configuration,
    /,
    line: str,
    since: date | None,
    **given: Any,  # noqa: ANN401 - options
) -> None:
    """Change what is known of a line: only what is given changes, '' empties it.

    With --since the contract has changed: the new terms hold from that day on, until the next that
    are known, and older records are still held against the older ones. Without, a mistake is
    mended: what holds today has been so for as long as it was known. 'line history' shows both.

    Not so with another site or carrier: a line that has records keeps both. That is a new line
    ('linewatch line add', then 'linewatch probe path').
    """
    changes = {
        column: None if value == "" else value
        for column, value in given.items()
        if value is not None
    }
    with opened(configuration) as (database, settings), database.write() as connection:
        days = Days(local_day(settings), since)
        before, period = change_line(connection, line, changes, days, now())
    click.secho(f"line '{line}' changed{_days_in_words(period, since)}:", fg="green")
    for column, value in changes.items():
        label = column.removesuffix("_bits_per_second").replace("_", " ")
        click.echo(f"  {label}: {in_words(column, before[column])} → {in_words(column, value)}")


def _days_in_words(period: Period, since: date | None) -> str:
    """Return for which days the terms changed, where that is not all that is known."""
    first = since or period.first
    words = "" if first is None else f" from {first} on"
    if period.last is not None:
        words += f" until {period.last}, as other terms follow"
    return words


@click.command(epilog="Example: linewatch line list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def line_list(configuration: Configuration, as_json: bool) -> None:
    """List the lines, with the terms that hold today."""
    columns = (
        "id site_id carrier_id technology plan contracted_download_bits_per_second "
        "contracted_upload_bits_per_second"
    )
    with opened(configuration) as (database, _):
        rows = database.read_now(lambda connection: registry.rows(connection, schema.lines))
    show(rows, columns.split(), as_json=as_json)


@click.command(
    epilog="Examples: linewatch line history nvh-to-1-vnpt;  "
    "linewatch line history nvh-to-1-vnpt --all"
)
@click.argument("line")
@click.option("--all", "every", is_flag=True, help="Also what was recorded and holds no more.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def line_history(configuration: Configuration, line: str, every: bool, as_json: bool) -> None:
    """Show the terms of a line, each with its days.

    --all shows what was recorded, in that order, with the moments: on each day the last holds.
    """

    def read(connection: Connection) -> list[tuple[datetime, Period]]:
        registry.require(connection, schema.lines, line)
        return terms.recorded(connection, [line]).get(line, [])

    with opened(configuration) as (database, _):
        stated = database.read_now(read)
    if every:
        rows = [{"recorded_at": at, **_row(period)} for at, period in stated]
    else:
        rows = [_row(period) for period in periods_of([period for _, period in stated])]
    columns = (("recorded_at",) if every else ()) + _SHOWN
    told = [
        name
        for name in columns
        if name in ("from", "until") or any(row[name] is not None for row in rows)
    ]
    show(rows, told, as_json=as_json)


def _row(period: Period) -> dict[str, Any]:
    return {"from": period.first, "until": period.last, **asdict(period.terms)}
