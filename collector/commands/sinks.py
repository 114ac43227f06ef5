"""`linewatch collector sinks list|fill|refill|forget`: how far each copy of the ledger is."""

import asyncio
from functools import partial
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Connection

from collector.commands.ledger import now, opened, write_beside
from collector.commands.tables import show
from collector.errors import RegistryError
from collector.ledger.database import Database
from collector.ledger.tail import horizon
from collector.settings import CollectorSettings, InfluxdbSettings
from collector.sinks import keeping
from collector.sinks.far_end import AwayError
from collector.sinks.feeder import Feeder, Step
from collector.sinks.running import open_far_end, own_name, place_of
from protocol.settings import Configuration

_COLUMNS: Final = (
    "name url cursor settled lag_records lag_seconds written held_back set_aside fed_by"
)
_LOOK_SECONDS: Final = 0.5
"""How often it is looked how far a collector that feeds the sink has come."""


@click.command("list", epilog="Example: linewatch collector sinks list --json")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def sinks_list(configuration: Configuration, as_json: bool) -> None:
    """List the sinks: how far each is, and how far behind.

    Up to `settled` a far end has the records on its disk: what it has not, the ledger neither folds
    nor drops. Those that are in the settings no longer have no address, and what the ledger keeps
    for them, it keeps until they are forgotten.
    """
    with opened(configuration) as (database, settings):
        _add_missing(database, settings)
        rows = database.read_now(partial(_rows, settings=settings))
    show(rows, _COLUMNS.split(), as_json=as_json)


@click.command(epilog="Example: linewatch collector sinks fill victoria")
@click.argument("name")
@click.option("--moved", is_flag=True, help="Its data is at its new address, too.")
@click.pass_obj
def fill(configuration: Configuration, name: str, moved: bool) -> None:
    """Write to a sink all that it does not have yet, and show how far that is.

    A collector that runs does it by itself: then this only watches.
    """
    with opened(configuration) as (database, settings):
        _check_known(settings, name)
        _add_missing(database, settings)
        if moved:
            with database.write() as connection:
                keeping.note_far_end(connection, name, _places(settings)[name])
        _refuse_moved(database, settings, name)
        asyncio.run(_fill(database, settings, name))


@click.command(epilog="Example: linewatch collector sinks refill victoria")
@click.argument("name")
@click.pass_obj
def refill(configuration: Configuration, name: str) -> None:
    """Write the whole ledger to a sink again, from the beginning.

    For a far end that lost its data, or for tags as the registry has them now: delete the old
    series there first. What was set aside is tried again.
    """
    with opened(configuration) as (database, settings):
        _check_known(settings, name)
        _add_missing(database, settings)
        with database.write() as connection:
            keeping.begin_again(connection, name)
            keeping.note_far_end(connection, name, _places(settings)[name])
        asyncio.run(_fill(database, settings, name))


@click.command(epilog="Example: linewatch collector sinks forget victoria")
@click.argument("name")
@click.pass_obj
def forget(configuration: Configuration, name: str) -> None:
    """Forget a sink that is in the settings no longer.

    Until then the ledger folds and drops no records that the sink does not have yet.
    """
    with opened(configuration) as (database, settings):
        if any(one.name == name for one in settings.sinks.influxdb):
            raise RegistryError(f"'{name}' is still in collector.sinks: take it out there first")
        with database.write() as connection:
            if name not in keeping.names(connection):
                raise RegistryError(f"the ledger knows of no sink '{name}'")
            keeping.forget(connection, name)
    click.echo(f"sink '{name}' is forgotten")


async def _fill(database: Database, settings: CollectorSettings, name: str) -> None:
    """Step until the sink has all that was in the ledger when this began; show how far it is.

    Raises:
        AwayError: the far end did not take it.
    """
    target = await asyncio.to_thread(horizon, database)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    chosen = next(one for one in settings.sinks.influxdb if one.name == name)
    far_end = open_far_end(chosen)
    holder = own_name()
    write = partial(write_beside, database)
    feeder = Feeder(name, database, write, far_end, holder=holder, now=now)
    try:
        with bar:
            shown = bar.add_task(name, total=target)
            while (state := await database.read(partial(keeping.read, name=name))).cursor < target:
                bar.update(shown, completed=state.cursor)
                step = await _step(feeder, chosen)
                if step is Step.ELSEWHERE:
                    bar.update(shown, description=f"{name}, fed by {state.holder}")
                if step is not Step.MOVED:
                    await asyncio.sleep(_LOOK_SECONDS)
            bar.update(shown, completed=target)
    finally:
        await feeder.release()
        await far_end.close()
    click.echo(
        f"{name} has all: {state.written} records written, {state.held_back} held back until "
        f"their moment is known, {state.set_aside} set aside"
    )


async def _step(feeder: Feeder, sink: InfluxdbSettings) -> Step:
    try:
        return await feeder.step()
    except AwayError as error:
        raise AwayError(
            f"sink '{sink.name}', {place_of(sink)}: {error}. Does it run, and does "
            "collector.sinks.influxdb have its url, bucket, org and token as it has them?"
        ) from None


def _add_missing(database: Database, settings: CollectorSettings) -> None:
    places = _places(settings)
    if places:
        with database.write() as connection:
            keeping.add_missing(connection, places, now())


def _places(settings: CollectorSettings) -> dict[str, str]:
    return {one.name: place_of(one) for one in settings.sinks.influxdb}


def _refuse_moved(database: Database, settings: CollectorSettings, name: str) -> None:
    """Raise `RegistryError` where a sink is not where it was filled: going on leaves a hole."""
    places = _places(settings)
    before = database.read_now(partial(keeping.moved, far_ends=places)).get(name)
    if before is not None:
        raise RegistryError(
            f"sink '{name}' was filled at {before}, and is at {places[name]} now: "
            f"'linewatch collector sinks refill {name}' writes all to it, or '… fill {name} "
            "--moved', if its data moved with it"
        )


def _check_known(settings: CollectorSettings, name: str) -> None:
    known = [one.name for one in settings.sinks.influxdb]
    if name not in known:
        there = ", ".join(known) or "none"
        raise RegistryError(
            f"no sink '{name}' in collector.sinks of the configuration; there: {there}"
        )


def _rows(connection: Connection, settings: CollectorSettings) -> list[dict[str, Any]]:
    moment = now()
    urls = {one.name: one.url for one in settings.sinks.influxdb}
    rows = []
    for name in keeping.names(connection):
        state = keeping.read(connection, name)
        lag = keeping.lag_of(connection, state, moment)
        held = state.held_until is not None and state.held_until > moment
        rows.append(
            {
                "name": state.name,
                "url": urls.get(name),
                "cursor": state.cursor,
                "settled": state.settled,
                "lag_records": lag.records,
                "lag_seconds": round(lag.seconds, 1),
                "written": state.written,
                "held_back": state.held_back,
                "set_aside": state.set_aside,
                "fed_by": state.holder if held else None,
            }
        )
    return rows
