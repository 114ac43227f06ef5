"""`linewatch probe run`, `enrol` and `status`: the agent on this device."""

import http.client
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Final

import click
from pydantic import ValidationError

from probe import identity, words
from probe.errors import AgentAwayError
from probe.settings import ProbeSettings, StatusSettings
from probe.status_models import AgentStatus, TaskStatus
from protocol.errors import ConfigurationError
from protocol.settings import Configuration

if TYPE_CHECKING:
    from probe.agent import Agent

WAIT_FOR_INSTRUCTION_SECONDS: Final = 20.0
"""How long `--now` waits for the first instruction; a collector beside it answers in one."""

CODE_LENGTHS: Final = (8, 64)
"""What `protocol.messages.EnrolRequest` takes."""

STATUS_SECONDS: Final = 5.0
MAX_STATUS_BYTES: Final = 4 * 1024 * 1024


@click.command()
@click.option("--now", is_flag=True, help="First measure the first path's speed, at once.")
@click.pass_obj
def run(configuration: Configuration, *, now: bool) -> None:
    """Run the agent: measure by schedule, deliver records.

    \b
    Examples:
      linewatch probe run
      linewatch probe run --now --config /etc/linewatch/config.yaml

    Ends with 0 on SIGTERM and Ctrl-C, within seconds also in the middle of a measurement.
    """  # noqa: D301 - the escape is click's, not a mistake
    # What measures is imported only by the one command of these that measures.
    from probe.agent import Agent, World  # noqa: PLC0415
    from probe.clock import Clock  # noqa: PLC0415
    from probe.conditions.router import Routers  # noqa: PLC0415
    from probe.engines import ENGINES  # noqa: PLC0415
    from probe.measurement import Surroundings, take  # noqa: PLC0415
    from probe.memory import limit_arenas  # noqa: PLC0415

    limit_arenas()
    settings = configuration.section("probe", ProbeSettings)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    who = identity.load(settings.state_directory, settings.collector_url)
    engines = {ENGINES[name].task: ENGINES[name] for name in ("http", "stamp", "reach")}
    # Before any thread: all of them inherit it, and one alone waits for the signals.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    router = Routers().watch if settings.router_counters else None
    taking = partial(take, surroundings=Surroundings(state=settings.state_directory, router=router))
    agent = Agent(settings, who, World(Clock(), engines, taking, ENGINES))

    def wait_for_signal() -> None:
        signal.sigwait(signals)
        agent.request_stop()

    threading.Thread(target=wait_for_signal, name="signals", daemon=True).start()
    try:
        agent.start()
        click.echo(f"Trạng thái · Status page: {agent.status.url}")
        if now:
            _measure_now(agent)
        agent.run()
    finally:
        ended = agent.stop()
    if not ended:
        # A measurement hangs in a thread that nothing can end; its record is written.
        sys.stdout.flush()
        os._exit(0)


def _measure_now(agent: "Agent") -> None:
    """Measure at once, and show it on a terminal."""
    if not sys.stdout.isatty():
        taken = agent.measure_now(WAIT_FOR_INSTRUCTION_SECONDS)
        if taken:
            click.echo(f"{words.OUTCOMES[taken.outcome][1]}: {taken.task.value}")
        return
    # A terminal wants colours; an agent without one never loads them.
    from rich.console import Console  # noqa: PLC0415

    from probe.commands.show import measuring, show  # noqa: PLC0415

    console = Console()
    with measuring(console) as progress:
        taken = agent.measure_now(WAIT_FOR_INSTRUCTION_SECONDS, progress)
    if taken:
        show(console, taken)


@click.command()
@click.option("--collector", "url", metavar="URL", help="The collector's address.")
@click.option("--code", required=True, help="The one-time code that the operator gave out.")
@click.pass_obj
def enrol(configuration: Configuration, *, url: str | None, code: str) -> None:
    """Make this device known to a collector.

    \b
    Example:
      linewatch probe enrol --collector https://collector.example --code K7QM-2PXD-9RTA-HC4W

    May be run again: the device keeps its key.
    """  # noqa: D301 - the escape is click's, not a mistake
    # Only this command asks.
    from probe.conditions.device import read_model  # noqa: PLC0415
    from probe.enrolment import enrol as enrol_device  # noqa: PLC0415

    settings = configuration.section("probe", ProbeSettings)
    collector = url or settings.collector_url
    if collector is None:
        raise ConfigurationError("which collector? Say --collector URL, or set probe.collector_url")
    code = code.strip()
    if not CODE_LENGTHS[0] <= len(code) <= CODE_LENGTHS[1]:
        raise click.BadParameter("a code has 8 to 64 characters", param_hint="--code")
    software = f"linewatch/{metadata.version('linewatch')}"
    known = enrol_device(settings, collector, code, software, read_model())
    click.echo(f"Enrolled as {known.probe} at {known.site}. Next: linewatch probe run")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the status as one JSON object.")
@click.pass_obj
def status(configuration: Configuration, *, as_json: bool) -> None:
    """Show what this device's agent is doing.

    \b
    Examples:
      linewatch probe status
      linewatch probe status --json

    Ends with 8 where no agent answers.
    """  # noqa: D301 - the escape is click's, not a mistake
    settings = configuration.section("probe", ProbeSettings)
    body = _fetch(settings.status)
    try:
        found = AgentStatus.model_validate_json(body)
    except ValidationError:
        raise AgentAwayError(
            f"{_place(settings.status)} is not this version's agent; restart it, or set "
            "probe.status.port"
        ) from None
    if as_json:
        click.echo(body)
    else:
        _print(found)


def _fetch(where: StatusSettings) -> bytes:
    connection = http.client.HTTPConnection(where.host, where.port, timeout=STATUS_SECONDS)
    try:
        connection.request("GET", "/status.json")
        return connection.getresponse().read(MAX_STATUS_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise AgentAwayError(
            f"no agent answers at {_place(where)} ({error}); start it with 'linewatch probe run' "
            "or 'systemctl start linewatch-probe'"
        ) from None
    finally:
        connection.close()


def _place(where: StatusSettings) -> str:
    return f"http://{where.host}:{where.port}/"


def _print(found: AgentStatus) -> None:
    now = found.clock.now
    for name, text in (
        ("Probe", f"{found.probe} at {found.site}, {found.software}"),
        ("Running for", words.ago(found.running_seconds)[1]),
        ("Clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, source {found.clock.source}"),
        ("Collector", f"{found.collector.url}, {_reachable(found)}"),
        ("Waiting", f"{_count(found.backlog.records)} records"),
    ):
        click.echo(f"{name:<12} {text}")
    if not found.instructed:
        click.echo("             waiting for the collector's instruction")
    for path in found.paths:
        click.secho(f"{path.line or path.name} ({path.interface or path.name})", bold=True)
        for task in path.tasks:
            said = "not measured since the start"
            if task.slot and task.outcome:
                ago = words.ago((now - task.slot).total_seconds())[1]
                said = f"{words.OUTCOMES[task.outcome][1]} {ago} ago"
            upcoming = f"; next {task.next_slot:%H:%M:%S} UTC" if task.next_slot else ""
            click.echo(f"  {task.task.value:<10} {said}{upcoming}")
            for line in _result(task):
                click.echo(f"  {'':<10} {line}")


def _result(task: TaskStatus) -> Iterator[str]:
    """Yield the lines of a task's last result: figures, flags, why it was not measured."""
    yield from (f"{name}: {value}" for name, value in task.figures.items())
    for code in task.flags:
        yield f"Cờ · Flag {code.value}: {' · '.join(words.flag(code))}"
    if task.failure:
        yield " · ".join(words.failure(task.failure))


def _reachable(found: AgentStatus) -> str:
    if found.collector.revoked:
        return "refuses this probe's key"
    said = {None: "not asked yet", True: "reachable", False: "not reachable"}[
        found.collector.reachable
    ]
    return f"{said} ({found.collector.problem})" if found.collector.problem else said


def _count(number: int | None) -> str:
    return "unknown" if number is None else str(number)
