"""`linewatch measure`: one measurement, here and now."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console

from probe.clock import Clock
from probe.commands.asked import collector, far_end, others
from probe.commands.show import measuring, show
from probe.engine import MeasurementError, Order
from probe.engines import ENGINES
from probe.measurement import Surroundings, Taken, take
from probe.settings import ProbeSettings
from protocol.settings import Configuration


@click.command()
@click.option(
    "--server",
    "url",
    metavar="URL",
    help="The measurement server. Default: the configured one, else the collector's.",
)
@click.option(
    "--server-list",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A list of servers in LibreSpeed's JSON format: the nearest of them is measured to.",
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
    help="What measures: http, ndt7, ookla, iperf3 speed, stamp latency and loss, reach what "
    "answers.",
)
@click.option(
    "--accept-ookla-terms",
    is_flag=True,
    help="You have read Ookla's terms and they allow this; needed for --engine ookla.",
)
@click.option("--family", type=click.Choice(["4", "6"]), help="Only IPv4 or only IPv6.")
@click.option("--interface", metavar="NAME", help="Leave by this interface, for example eth0.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object: the record's sections."
)
@click.pass_obj
def measure(  # noqa: PLR0913 - one for each option
    configuration: Configuration,
    *,
    url: str | None,
    server_list: Path | None,
    profile: Literal["full", "quick"],
    engine_name: str,
    accept_ookla_terms: bool,
    family: str | None,
    interface: str | None,
    as_json: bool,
) -> None:
    """Measure this line, here and now.

    \b
    Examples:
      linewatch measure --server http://speed.example:8080
      linewatch measure --server https://speed.example --family 6 --json
      linewatch measure --server-list librespeed-servers.json
      linewatch measure --engine ndt7 --server wss://speed.example
      linewatch measure --engine iperf3 --server iperf3://192.0.2.1
      linewatch measure --engine ookla --accept-ookla-terms

    Ends with 0 after a measurement, and with 3 and a sentence where it failed.
    """  # noqa: D301 - the escape is click's, not a mistake
    settings = configuration.section("probe", ProbeSettings)
    asked = far_end(settings, engine_name, url, server_list)
    order = Order(
        server=asked.server,
        candidates=asked.candidates,
        others=others(settings),
        collector=collector(settings),
        interface=interface,
        family=None if family is None else 6 if family == "6" else 4,
        profile=profile,
        ookla_terms_accepted=accept_ookla_terms or settings.ookla.accept_terms,
    )
    # A certified device says so also where somebody measures by hand.
    taken = _measure(
        engine_name, order, Surroundings(state=settings.state_directory), quiet=as_json
    )
    if as_json:
        click.echo(json.dumps(as_dict(taken), ensure_ascii=False))
    else:
        show(Console(), taken)
    if taken.failure is not None:
        raise MeasurementError(taken.failure.code, taken.failure.detail)


def _measure(engine_name: str, order: Order, surroundings: Surroundings, *, quiet: bool) -> Taken:
    engine = ENGINES[engine_name]
    if quiet:
        return take(engine, order, Clock(), surroundings)
    # The bar goes to standard error: what is piped on is the result alone.
    with measuring(Console(stderr=True)) as progress:
        return take(engine, replace(order, progress=progress), Clock(), surroundings)


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
