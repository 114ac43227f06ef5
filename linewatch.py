"""The one command, `linewatch`: finds the configuration and starts the part that was asked for.

Each part's code is imported only when its command runs, so that a probe never loads the collector
and `linewatch --version` answers at once.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from protocol.errors import ConfigurationError, LinewatchError

CONFIGURATION_PLACES = (Path("config.yaml"), Path("/etc/linewatch/config.yaml"))
"""Where the configuration is looked for when no --config is given, in this order."""

Commands = Mapping[str, "tuple[str, str] | tuple[str, Commands]"]

_SINKS: Any = {
    "list": (
        "List the sinks, how far each is and how far behind.",
        "collector.commands.sinks:sinks_list",
    ),
    "fill": ("Write to a sink what it does not have yet.", "collector.commands.sinks:fill"),
    "refill": ("Write the whole ledger to a sink again.", "collector.commands.sinks:refill"),
    "forget": (
        "Forget a sink that is in the settings no longer.",
        "collector.commands.sinks:forget",
    ),
}

COMMANDS: Commands = {
    "measure": ("Measure this line, here and now.", "probe.commands.measure:measure"),
    "demo": ("Run server, collector and one probe on this machine.", "linewatch_demo:demo"),
    "server": (
        "The measurement server.",
        {
            "run": ("Serve measurements.", "server.commands:run"),
            "add": ("Register a server for all probes.", "collector.commands.servers:server_add"),
            "set": ("Mend what is known of a server.", "collector.commands.servers:server_set"),
            "import": (
                "Register the servers of a list in LibreSpeed's format.",
                "collector.commands.servers:server_import",
            ),
            "load": (
                "Show what the fleet's tests load each server with.",
                "collector.commands.servers:server_load",
            ),
            "list": ("List the servers.", "collector.commands.servers:server_list"),
        },
    ),
    "probe": (
        "The probe on a site, and the collector's list of probes.",
        {
            "run": (
                "Run the agent: measure by schedule, deliver records.",
                "probe.commands.agent:run",
            ),
            "enrol": ("Make this device known to a collector.", "probe.commands.agent:enrol"),
            "status": ("Show what this device's agent is doing.", "probe.commands.agent:status"),
            "accept": (
                "Test what this device may certify, after installing it.",
                "probe.commands.accept:accept_command",
            ),
            "add": (
                "Register a probe; prints its one-time code.",
                "collector.commands.registry:probe_add",
            ),
            "list": ("List the probes.", "collector.commands.registry:probe_list"),
            "path": (
                "Add a way out to a probe, or set one anew.",
                "collector.commands.paths:probe_path",
            ),
            "code": ("Print a new one-time code.", "collector.commands.registry:probe_code"),
            "revoke": (
                "Refuse a probe's key from now on.",
                "collector.commands.registry:probe_revoke",
            ),
        },
    ),
    "collector": (
        "The collector.",
        {
            "run": ("Take records, keep them, show them.", "collector.commands.run:run"),
            "migrate": ("Bring the ledger to this version.", "collector.commands.run:migrate"),
            "backup": ("Copy the whole ledger.", "collector.commands.backup:backup"),
            "restore": ("Make a backup the ledger.", "collector.commands.backup:restore"),
            "copy": ("Copy the ledger into another database.", "collector.commands.copying:copy"),
            "export": ("Write a month as Parquet.", "collector.commands.archive:export"),
            "import": ("Store archived months.", "collector.commands.archive:import_"),
            "fold": ("Fold old latency records into hours.", "collector.commands.fold:fold"),
            "remove-month": (
                "Take a month's records out of the ledger.",
                "collector.commands.months:remove_month",
            ),
            "sinks": ("Copies of the ledger as time series elsewhere.", _SINKS),
        },
    ),
    "site": (
        "Sites: community houses and offices.",
        {
            "add": ("Register a site.", "collector.commands.registry:site_add"),
            "set": ("Mend what is known of a site.", "collector.commands.changes:site_set"),
            "list": ("List the sites.", "collector.commands.registry:site_list"),
        },
    ),
    "carrier": (
        "Carriers.",
        {
            "add": ("Register a carrier.", "collector.commands.registry:carrier_add"),
            "set": ("Mend what is known of a carrier.", "collector.commands.changes:carrier_set"),
            "list": ("List the carriers.", "collector.commands.registry:carrier_list"),
            "prefixes": (
                "Say by which networks a carrier's lines leave.",
                "collector.commands.prefixes:carrier_prefixes",
            ),
        },
    ),
    "line": (
        "Lines: one carrier's service at one site.",
        {
            "add": ("Register a line.", "collector.commands.lines:line_add"),
            "set": ("Change or mend what is known of a line.", "collector.commands.lines:line_set"),
            "list": ("List the lines.", "collector.commands.lines:line_list"),
            "history": (
                "Show a line's terms by their days.",
                "collector.commands.lines:line_history",
            ),
        },
    ),
    "ward": (
        "Wards, as their letters name them.",
        {
            "add": ("Register a ward.", "collector.commands.people:ward_add"),
            "set": ("Mend what is known of a ward.", "collector.commands.people:ward_set"),
            "list": ("List the wards.", "collector.commands.people:ward_list"),
        },
    ),
    "person": (
        "People in their roles: who signs letters, who writes them, who sees to the probes.",
        {
            "add": ("Register a person.", "collector.commands.people:person_add"),
            "set": ("Mend what is known of a person.", "collector.commands.people:person_set"),
            "list": ("List the persons.", "collector.commands.people:person_list"),
            "remove": ("Remove a person.", "collector.commands.people:person_remove"),
        },
    ),
    "registry": (
        "The whole registry at once.",
        {
            "import": (
                "Read a list of lines, or a whole registry, from a file.",
                "collector.commands.registry_import:registry_import",
            ),
            "template": (
                "Write a list to be filled in, which import reads.",
                "collector.commands.registry_import:registry_template",
            ),
            "export": (
                "Write the whole registry as JSON.",
                "collector.commands.registry_import:registry_export",
            ),
        },
    ),
    "standard": (
        "Standards: what lines can be held against.",
        {
            "list": ("List the standards.", "collector.commands.standards:standard_list"),
            "show": (
                "Show what a standard asks, and how sure its numbers are.",
                "collector.commands.standards:standard_show",
            ),
            "check": ("Check a standard's file.", "collector.commands.standards:standard_check"),
        },
    ),
    "report": (
        "Reports: what was measured in a month, and what standards say of it.",
        {
            "monthly": (
                "Write a month of each carrier's lines.",
                "collector.commands.report:report_monthly",
            ),
            "yearly": (
                "Write a ward's year against its plans.",
                "collector.commands.report_yearly:report_yearly",
            ),
            "replay": (
                "Hold an old month against another standard, and keep both verdicts.",
                "collector.commands.report_replay:report_replay",
            ),
        },
    ),
    "case": (
        "Complaints as cases: sent, answered, measured again.",
        {
            "open": ("Open a case from a carrier's month.", "collector.commands.cases:case_open"),
            "list": ("List the cases.", "collector.commands.cases:case_list"),
            "show": ("Show a case.", "collector.commands.cases:case_show"),
            "approve": (
                "Note that a complaint may go out.",
                "collector.commands.case_steps:case_approve",
            ),
            "send": ("Send a complaint by e-mail.", "collector.commands.case_steps:case_send"),
            "acknowledge": (
                "Note that the carrier takes it up.",
                "collector.commands.case_steps:case_acknowledge",
            ),
            "answer": ("Note the carrier's answer.", "collector.commands.case_steps:case_answer"),
            "remeasure": (
                "Compare before and after.",
                "collector.commands.case_steps:case_remeasure",
            ),
            "escalate": (
                "Note that it went to an authority.",
                "collector.commands.case_steps:case_escalate",
            ),
            "close": ("Close a case.", "collector.commands.case_steps:case_close"),
            "remind": ("Remind clerks of deadlines.", "collector.commands.case_steps:case_remind"),
            "save": ("Write a file of a case.", "collector.commands.cases:case_save"),
            "statistics": (
                "Tell of a month's cases per carrier.",
                "collector.commands.cases:case_statistics",
            ),
        },
    ),
    "evidence": (
        "A month's evidence, as carriers get it.",
        {
            "verify": (
                "Check a file of evidence, and make its numbers anew.",
                "collector.commands.evidence:evidence_verify",
            ),
        },
    ),
    "simulate": (
        "Make a fleet that never was, and send or keep what it writes.",
        "simulate.commands:simulate",
    ),
    "operator": (
        "People who may log in to the collector.",
        {
            "add": ("Register an operator.", "collector.commands.registry:operator_add"),
            "list": ("List the operators.", "collector.commands.registry:operator_list"),
            "remove": ("Remove an operator.", "collector.commands.registry:operator_remove"),
        },
    ),
}
"""The whole command: name → (help, where its code is, as module:function, or what is below it)."""

SECTIONS = {
    "probe": "probe.settings:ProbeSettings",
    "server": "server.settings:ServerSettings",
    "collector": "collector.settings:CollectorSettings",
}
"""The sections of config.yaml and the models that check them."""


def _load(place: str) -> Any:  # noqa: ANN401 - whatever stands at that place
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _read_configuration(chosen: Path | None) -> Any:  # noqa: ANN401 - imported late, on purpose
    from protocol.settings import Configuration  # noqa: PLC0415 - keeps `--version` fast

    configuration = Configuration(*_read_first(chosen), os.environ)
    # A misspelt section would otherwise be no section, and its settings nobody's.
    configuration.check_names(SECTIONS)
    return configuration


def _read_first(chosen: Path | None) -> tuple[str | None, str]:
    """Return name and text of the configuration file that counts; None and '' without one."""
    for place in (chosen,) if chosen else CONFIGURATION_PLACES:
        try:
            return str(place), place.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{place}: cannot be read: {error}") from None
    if chosen:
        raise ConfigurationError(f"{chosen}: no such file")
    return None, ""


def _check(configuration: Any) -> None:  # noqa: ANN401
    """Validate every section whose part is installed, and print it with secrets hidden."""
    from protocol.settings import dump  # noqa: PLC0415 - keeps `--version` fast

    for name, place in SECTIONS.items():
        try:
            model = _load(place)
        except ModuleNotFoundError:
            click.echo(f"# {name}: not installed here, not checked")
            continue
        section = configuration.section(name, model)
        click.echo(click.style(f"{name}:", bold=True))
        click.echo("".join(f"  {line}\n" for line in dump(section).splitlines()), nl=False)
    click.secho(f"{configuration.source or 'defaults'}: good", fg="green", err=True)


class _Command(click.Group):
    """A group whose members are imported when they are used."""

    def __init__(self, name: str, commands: Commands, **options: Any) -> None:  # noqa: ANN401
        super().__init__(name, **options)
        self._table = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a member: a group below, or a stand-in that loads the command when it runs."""
        del ctx
        entry = self._table.get(cmd_name)
        if entry is None:
            return None
        text, target = entry
        if isinstance(target, str):
            return _LateCommand(cmd_name, text, target)
        return _Command(cmd_name, target, help=text, no_args_is_help=True)


class _LateCommand(click.Command):
    """A command whose code is imported only when it is used, with the options all commands have."""

    def __init__(self, name: str, text: str, place: str) -> None:
        super().__init__(name, help=text, short_help=text)
        self._place = place

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's own signature
    ) -> click.Context:
        """Load the command and let it read its arguments, `--config` and `--check` among them."""
        command: click.Command = _load(self._place)
        known = {option for param in command.params for option in param.opts}
        if "--config" not in known:
            command.params += _COMMON
        return command.make_context(info_name, args, parent=parent, **extra)


def _use_configuration(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    del param
    ctx.obj = _read_configuration(value)


def _check_and_exit(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        _check(ctx.obj)
        ctx.exit(0)


_COMMON: list[click.Parameter] = [
    click.Option(
        ["--config"],
        type=click.Path(path_type=Path, dir_okay=False),
        help="The configuration file. Default: config.yaml here, then /etc/linewatch/config.yaml.",
        callback=_use_configuration,
        is_eager=True,
        expose_value=False,
    ),
    click.Option(
        ["--check"],
        is_flag=True,
        help="Check the configuration, print it with secrets hidden, and exit.",
        callback=_check_and_exit,
        expose_value=False,
    ),
]


def build() -> click.Group:
    """Return the whole command."""
    return click.version_option(metadata.version("linewatch"), prog_name="linewatch")(
        _Command(
            "linewatch",
            COMMANDS,
            help="Measure Internet lines, keep the proof, show it.",
            no_args_is_help=True,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
    )


def _part_that_lacks(error: ModuleNotFoundError) -> str | None:
    """Return the part whose code asked for a library that is missing; None for other code."""
    frames = traceback.walk_tb(error.__traceback__)
    importing = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in frames]
    parts = [name for name in importing if name in SECTIONS]
    return parts[-1] if parts else None


def main() -> None:
    """Run the command; a known error ends it with a sentence on standard error and its code."""
    try:
        build()()
    except LinewatchError as error:
        click.secho(f"linewatch: {error}", fg="red", err=True)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        part = _part_that_lacks(error)
        if part is None:
            raise
        sentence = (
            f"this command needs the {part} part, which is not installed here "
            f"({error.name} is missing): pip install 'linewatch[{part}]'"
        )
        click.secho(f"linewatch: {sentence}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
