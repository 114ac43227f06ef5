"""`linewatch measure`: one measurement, here and now."""

import json
from dataclasses import replace
from typing import Any, Literal

import click
from rich.console import Console

from probe.clock import Clock
from probe.commands.show import measuring, show
from probe.engine import MeasurementError, Order
from probe.engines import ENGINES
from probe.measurement import Taken, take
from probe.settings import ProbeSettings
from protocol.errors import ConfigurationError
from protocol.messages import ServerEntry
from protocol.settings import Configuration


@click.command()
@click.option(
    "--server", "url", metavar="URL", help="The measurement server. Default: the configured one."
)
@click.option(
    "--profile",
    type=click.Choice(["full", "quick"]),
    default="full",
    show_default=True,
    help="full: fixed length, evidence. quick: ends when the rate has converged.",
)
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice(list(ENGINES)),
    default="http",
    show_default=True,
    help="What measures: http speed, stamp latency and loss, reach what answers.",
)
@click.option("--family", type=click.Choice(["4", "6"]), help="Only IPv4 or only IPv6.")
@click.option("--interface", metavar="NAME", help="Leave by this interface, for example eth0.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object: the record's sections."
)
@click.pass_obj
def measure(
    configuration: Configuration,
    *,
    url: str | None,
    profile: Literal["full", "quick"],
    engine_name: str,
    family: str | None,
    interface: str | None,
    as_json: bool,
) -> None:
    """Measure this line, here and now.

    \b
    Examples:
      linewatch measure --server http://speed.example:8080
      linewatch measure --server https://speed.example --family 6 --json

    Ends with 0 after a measurement, and with 3 and a sentence where it failed.
    """  # noqa: D301 - the escape is click's, not a mistake
    order = Order(
        server=_server(configuration, url),
        interface=interface,
        family=None if family is None else 6 if family == "6" else 4,
        profile=profile,
    )
    taken = _measure(engine_name, order, quiet=as_json)
    if as_json:
        click.echo(json.dumps(as_dict(taken), ensure_ascii=False))
    else:
        show(Console(), taken)
    if taken.failure is not None:
        raise MeasurementError(taken.failure.code, taken.failure.detail)


def _server(configuration: Configuration, url: str | None) -> ServerEntry:
    if url is not None:
        return ServerEntry(name="asked", url=url)
    servers = configuration.section("probe", ProbeSettings).servers
    if not servers:
        raise ConfigurationError(
            "no measurement server is known: say --server URL, or name one in probe.servers "
            "of config.yaml"
        )
    return servers[0]


def _measure(engine_name: str, order: Order, *, quiet: bool) -> Taken:
    engine = ENGINES[engine_name]
    if quiet:
        return take(engine, order, Clock())
    # The bar goes to standard error: what is piped on is the result alone.
    with measuring(Console(stderr=True)) as progress:
        return take(engine, replace(order, progress=progress), Clock())


def as_dict(taken: Taken) -> dict[str, Any]:
    """Return a measurement as its record's sections, ready for JSON."""
    section = taken.section
    return {
        "task": taken.task.value,
        "started_at": taken.started_at.isoformat(),
        "clock": taken.clock.model_dump(mode="json"),
        "method": taken.method.model_dump(mode="json"),
        "outcome": taken.outcome.value,
        "failure": taken.failure.model_dump(mode="json") if taken.failure else None,
        "flags": [flag.value for flag in taken.flags],
        "conditions": taken.conditions.model_dump(mode="json") if taken.conditions else None,
        taken.task.value: section.model_dump(mode="json") if section else None,
    }
