"""`linewatch probe path`: a probe's ways out, changed after it was registered."""

from pathlib import Path

import click
from pydantic import ValidationError

from collector.commands.ledger import opened
from collector.commands.words import NAME
from collector.errors import RegistryError
from collector.ledger import registry
from protocol.messages import Schedule
from protocol.settings import Configuration


@click.command(
    epilog="Example: linewatch probe path nvh-1 wlan0 --interface wlan0 --line nvh-to-1-wifi"
)
@click.argument("probe", type=NAME)
@click.argument("path", type=NAME)
@click.option("--line", help="The line that it measures. Default: none.")
@click.option("--interface", help="The interface to leave by. Default: the system's choice.")
@click.option(
    "--family",
    "families",
    type=click.Choice(["4", "6"]),
    multiple=True,
    default=("4",),
    show_default=True,
    help="An address family to test; twice for both in turn.",
)
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="NAME",
    help="A server that its speed tests go to, the main one first; once for each. They take turns. "
    "Default: the first that was registered.",
)
@click.option(
    "--beside",
    metavar="PATH",
    help="Measure its speed in the same quarter of an hour as this other path of the same line: "
    "Wi-Fi beside the cable. Its families and servers are then that path's.",
)
@click.option(
    "--monthly-gigabytes",
    type=click.FloatRange(min=0, min_open=True),
    help="What it may move in a month, in 10^9 bytes. Default: no limit.",
)
@click.option(
    "--schedule",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON file with a plan of its own, written as the instruction writes it. Default: "
    "collector.schedule of the configuration.",
)
@click.pass_obj
def probe_path(  # noqa: PLR0913 - one for each option
    configuration: Configuration,
    *,
    probe: str,
    path: str,
    line: str | None,
    interface: str | None,
    families: tuple[str, ...],
    servers: tuple[str, ...],
    beside: str | None,
    monthly_gigabytes: float | None,
    schedule: Path | None,
) -> None:
    """Add a way out to a probe, or set one anew. Records that are stored keep their line.

    The probe learns of it with its next instruction.
    """
    row = {
        "interface": interface,
        "families": " ".join(sorted(set(families))),
        "line_id": line,
        "beside": beside,
        "servers": " ".join(dict.fromkeys(servers)) or None,
        "monthly_data_budget_bytes": monthly_gigabytes and round(monthly_gigabytes * 1e9),
        "schedule": _read_schedule(schedule) if schedule else None,
    }
    with opened(configuration) as (database, settings), database.write() as connection:
        own = {entry.name for entry in settings.servers}
        registry.require_servers(connection, servers, own)
        row["line_id"] = registry.line_beside(connection, probe, path, beside, line)
        registry.set_path(connection, probe, path, row)
    click.secho(f"path '{path}' of probe '{probe}' set", fg="green")


def _read_schedule(file: Path) -> str:
    """Return a plan as it is stored.

    Raises:
        RegistryError: the file cannot be read, or is no plan.
    """
    try:
        return Schedule.model_validate_json(file.read_bytes()).model_dump_json(by_alias=True)
    except OSError as error:
        raise RegistryError(f"{file}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "the file"
        raise RegistryError(f"{file}: {place}: {fault['msg']}") from None
