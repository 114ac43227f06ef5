"""`linewatch measure`: one measurement, here and now."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import click
from pydantic import ValidationError
from rich.console import Console

from probe.clock import Clock
from probe.commands.show import measuring, show
from probe.engine import MeasurementError, Order
from probe.engines import ENGINES
from probe.measurement import Taken, take
from probe.settings import ProbeSettings
from protocol.errors import ConfigurationError
from protocol.messages import ServerEntry
from protocol.records import Task
from protocol.settings import Configuration

AS_THE_AGENT: Final = (
    "sudo -u linewatch-probe linewatch measure --config /etc/linewatch/config.yaml"
)
"""As install-probe.sh sets a device up. The file is named because that user may not look into the
folder that somebody else works in."""

_SCHEMES: Final = ("http://", "https://", "ws://", "wss://")


@click.command()
@click.option(
    "--server",
    "url",
    metavar="URL",
    help="The measurement server. Default: the configured one, else the collector's.",
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
    help="What measures: http, ndt7 and ookla speed, stamp latency and loss, reach what answers.",
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
      linewatch measure --engine ndt7 --server wss://speed.example

    Ends with 0 after a measurement, and with 3 and a sentence where it failed.
    """  # noqa: D301 - the escape is click's, not a mistake
    order = Order(
        server=_server(configuration, url, ENGINES[engine_name].task),
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


def _server(configuration: Configuration, url: str | None, task: Task) -> ServerEntry:
    """Return the server to measure: the one asked for, the configured one, or the collector's."""
    if url is not None:
        if "://" in url and not url.lower().startswith(_SCHEMES):
            raise ConfigurationError(
                f"--server {url}: the address must begin with http:// or https:// (for ndt7 also "
                "with ws:// or wss://)"
            )
        return ServerEntry(name="asked", url=url)
    settings = configuration.section("probe", ProbeSettings)
    if settings.servers:
        return settings.servers[0]
    # What an agent alone needs is loaded only where its state is asked.
    from probe.servers import choose_server  # noqa: PLC0415

    server = choose_server(task, _instructed_servers(settings.state_directory))
    if server is None:
        raise ConfigurationError(
            "no measurement server is known: say --server URL, or name one in probe.servers "
            "of config.yaml"
        )
    return server


def _instructed_servers(state: Path) -> tuple[ServerEntry, ...]:
    """Return the servers that the collector named to this device's agent; none where none did.

    Raises:
        ConfigurationError: this user cannot read the agent's state.
    """
    from probe.identity import ENROLMENT_NAME, Enrolment  # noqa: PLC0415
    from probe.instructions import InstructionKeeper  # noqa: PLC0415

    try:
        enrolment = Enrolment.model_validate_json((state / ENROLMENT_NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return ()
    except OSError as error:
        raise ConfigurationError(
            f"config.yaml names no measurement server, and what the collector named cannot be read "
            f"in {state} ({error.strerror}): say --server URL, or run it as the agent's user, "
            f"'{AS_THE_AGENT}'"
        ) from None
    kept = InstructionKeeper(state, enrolment.probe).load()
    return kept.instruction.servers if kept else ()


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
