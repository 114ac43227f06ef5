"""`linewatch simulate`."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from protocol.messages import Schedule
from protocol.settings import Configuration
from simulate.fleet import Fleet
from simulate.folder import begin_folder, read_parcels, read_plan, write_json, write_parcel
from simulate.plan import USUAL, ZONE, FleetPlan, rhythm
from simulate.sending import Delivered, Parcel, Sender, parcel
from simulate.stories import read_stories

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended."""

_path = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where batches go.

    Attributes:
        urls: collectors'; none: they are not sent.
        folder: they are written to; None: they are not.
        source: a folder that they are taken from; None: they are made.
    """

    urls: tuple[str, ...]
    folder: Path | None
    source: Path | None
    rate: float | None
    concurrency: int


def _addresses(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Return addresses of collectors as they are; another word would be tried for minutes."""
    for text in given:
        try:
            parts = urlsplit(text)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise click.BadParameter(
                f"'{text}' is no address of a collector, for example http://127.0.0.1:8000",
                context,
                option,
            )
    return given


@click.command(
    epilog="Examples: linewatch simulate --probes 50 --days 31 --seed 1 --registry fleet.json;  "
    "linewatch registry import fleet.json --apply;  "
    "linewatch simulate --probes 50 --days 31 --seed 1 --to http://127.0.0.1:8000 --rate 2000;  "
    "linewatch simulate --probes 50 --days 31 --seed 1 --out fleet;  "
    "linewatch simulate --stories city.yaml --days 31 --seed 1 --out city;  "
    "linewatch simulate --from fleet --to http://127.0.0.1:8000"
)
@click.option(
    "--probes",
    type=click.IntRange(1, 1_000_000),
    help="How many probes. Default: as many as --stories has lines.",
)
@click.option("--days", type=click.IntRange(1, 3660), help="How many days.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The dice.")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The first day. Default: so that the last one was yesterday.",
)
@click.option(
    "--trouble",
    type=click.FloatRange(0, 50),
    default=1.0,
    show_default=True,
    help="How often something breaks: 1 is plausible, 0 never.",
)
@click.option(
    "--stories",
    type=_path,
    help="A YAML list of what the first lines live through; docs/operator.md has its words.",
)
@click.option(
    "--speed-tests",
    type=click.IntRange(0, 288),
    help="Speed tests, a day and path, spread over the day. Default: 8, three in the evening.",
)
@click.option(
    "--latency-seconds", type=click.IntRange(90, 86400), help="From one to the next. Default: 900."
)
@click.option(
    "--reach-seconds", type=click.IntRange(20, 86400), help="From one to the next. Default: 300."
)
@click.option(
    "--batch",
    type=click.IntRange(1, 1000),
    default=200,
    show_default=True,
    help="Records in a batch, at most.",
)
@click.option(
    "--to",
    "urls",
    multiple=True,
    metavar="URL",
    callback=_addresses,
    help="A collector; several share.",
)
@click.option("--out", type=_path, help="A new folder for batches, registry and truth.")
@click.option("--from", "source", type=_path, help="Send what --out has written before.")
@click.option("--registry", type=_path, help="Write the registry, for 'linewatch registry import'.")
@click.option("--truth", type=_path, help="Write what was planted and what was written.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Records per second.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1024),
    default=8,
    show_default=True,
    help="Requests at the same time; a probe's go one after another.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def simulate(configuration: Configuration, /, **given: Any) -> None:  # noqa: ANN401 - options
    """Make a fleet that never was, with true keys, chains and seals; send or keep its batches.

    The same arguments with --start give the same bytes. A collector takes them once its registry
    has the fleet. Ctrl-C ends after the requests under way.
    """
    del configuration
    destination = Destination(
        given["urls"], given["out"], given["source"], given["rate"], given["concurrency"]
    )
    fleet = Fleet(read_plan(destination.source) if destination.source else _plan(given))
    if given["registry"]:
        write_json(given["registry"], fleet.registry())
    if not (destination.urls or destination.folder or given["truth"]):
        if given["registry"]:
            return
        raise click.UsageError("say what is to be done: --to, --out, --registry or --truth")
    if destination.source and not destination.urls:
        raise click.UsageError("--from needs --to: where its batches are to be sent")
    began = time.monotonic()
    done, whole = _run(fleet, destination, quiet=given["as_json"])
    if whole and not destination.source:
        for path in (given["truth"], destination.folder and destination.folder / "truth.json"):
            if path:
                write_json(path, fleet.truth())
    _tell(done, time.monotonic() - began, as_json=given["as_json"])
    if not whole:
        raise SystemExit(INTERRUPTED)


def _plan(given: dict[str, Any]) -> FleetPlan:
    stories = read_stories(given["stories"]) if given["stories"] else ()
    told = sum(group.lines for group in stories)
    probes = told if given["probes"] is None else given["probes"]
    if not (probes and given["days"]):
        raise click.UsageError("--probes and --days are needed")
    if probes < told:
        raise click.UsageError(f"--stories has {told} lines: --probes must be so many")
    yesterday = datetime.now(UTC).astimezone(ZONE).date() - timedelta(days=1)
    start: date = (
        given["start"].date()
        if given["start"]
        else yesterday - timedelta(days=int(given["days"]) - 1)
    )
    return FleetPlan(
        probes=probes,
        days=given["days"],
        seed=given["seed"],
        start=start,
        schedule=_schedule(given),
        trouble=given["trouble"],
        batch_records=given["batch"],
        stories=stories,
    )


def _schedule(given: dict[str, Any]) -> Schedule:
    """Return the usual schedule, but for what is given: each task by itself.

    A number of speed tests is spread over the day; without one they stay as they are, three of them
    in the evening.
    """
    named = (given["speed_tests"], given["latency_seconds"], given["reach_seconds"])
    own = rhythm(named[0] or 0, *named[1:])
    changes = {
        task: getattr(own, task)
        for task, one in zip(("speed", "latency", "reach"), named, strict=True)
        if one is not None
    }
    return USUAL.model_copy(update=changes)


@dataclass(slots=True)
class _Done:
    """How far it is."""

    batches: int = 0
    records: int = 0
    delivered: Delivered | None = None


def _run(fleet: Fleet, destination: Destination, *, quiet: bool) -> tuple[_Done, bool]:
    """Make and deliver; return how far it came, and whether that was to the end."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    done = _Done()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None if destination.source else 1.0)

        def show(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
            for one in parcels:
                if destination.folder:
                    write_parcel(destination.folder, done.batches, one)
                done.batches, done.records = done.batches + 1, done.records + one.records
                bar.update(task, completed=fleet.share_done, description=f"{done.records} records")
                yield one

        if destination.folder:
            begin_folder(destination.folder, fleet)
        source = read_parcels(destination.source) if destination.source else _made(fleet)
        if not destination.urls:
            return done, _only_made(show(source))
        return done, asyncio.run(_send(fleet, destination, show(source), done))


def _made(fleet: Fleet) -> Iterator[Parcel]:
    return (parcel(batch) for batch in fleet.batches())


def _only_made(parcels: Iterator[Parcel]) -> bool:
    try:
        for _ in parcels:
            pass
    except KeyboardInterrupt:
        return False
    return True


async def _send(
    fleet: Fleet, destination: Destination, parcels: Iterator[Parcel], done: _Done
) -> bool:
    sender = Sender(
        list(destination.urls),
        fleet.keys(),
        concurrency=destination.concurrency,
        rate=destination.rate,
    )
    stopped: list[int] = []

    def stop() -> None:
        stopped.append(1)
        sender.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    done.delivered = sender.delivered
    try:
        await sender.send(parcels)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return not stopped


def _tell(done: _Done, seconds: float, *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "batches": done.batches,
        "records": done.records,
        "seconds": round(seconds, 3),
        "records_per_second": round(done.records / max(seconds, 1e-9), 1),
    }
    if done.delivered:
        names = ("stored", "duplicate", "quarantined", "again")
        told |= {name: getattr(done.delivered, name) for name in names}
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items()))
