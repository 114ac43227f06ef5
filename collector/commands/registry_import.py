"""`linewatch registry …`: the list that a ward keeps, or a whole registry, from and to a file."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from collector.commands.ledger import local_day, now, opened
from collector.commands.lines import TECHNOLOGIES
from collector.commands.plan_words import plan_as_json, show_plan, show_understood
from collector.commands.words import DAY
from collector.errors import RegistryError
from collector.ledger.registry_file import RegistryFile, export_registry, import_registry
from collector.sheets.planning import Plan, Wishes
from collector.sheets.reading import Understood, read_list
from collector.sheets.storing import make_plan, read_known, store_plan
from protocol.settings import Configuration

_file: Final = click.Path(path_type=Path, dir_okay=False)
_NOT_YET: Final = "nothing is stored yet: run it again with --apply"


class _OnlyAsked(Exception):  # noqa: N818 - no error: undoes what was only asked for
    """What was done is not to stay."""


@click.command(
    epilog="Examples: linewatch registry import danh-sach.xlsx;  "
    "linewatch registry import danh-sach.xlsx --since 2026-10-05 --apply;  "
    "linewatch registry import fleet.json --apply"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--apply", "to_apply", is_flag=True, help="Store it, if all of it fits.")
@click.option("--since", type=DAY, help="First day of changed terms, where a row says none.")
@click.option("--ward", help="Of sites, where neither row nor registry says one.")
@click.option(
    "--technology", type=click.Choice(TECHNOLOGIES), help="Of new lines, where a row says none."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def registry_import(
    configuration: Configuration,
    /,
    file: Path,
    to_apply: bool,
    as_json: bool,
    **wished: Any,  # noqa: ANN401 - options
) -> None:
    """Read a list of lines (.xlsx, .csv), or a registry (.json), and show what it would change.

    Nothing is stored without --apply, and then all of it or nothing. It can be run again: what is
    there already stays. Of a list, headers may be in Vietnamese or English, below a title; what a
    row leaves empty stays as it is, and a plan that changed gives new terms from a day on (the
    column 'Từ ngày', or --since). 'registry template' writes such a list. A registry only adds: a
    probe with a public key is enrolled by it; one without needs a code (linewatch probe code).
    """
    if file.suffix.lower() == ".json":
        if any(wished.values()):
            raise RegistryError("--since, --ward and --technology are for lists, not for .json")
        _import_json(configuration, file, to_apply=to_apply, as_json=as_json)
        return
    sheets = read_list(file)
    if not as_json:
        show_understood(sheets)
    plan = _plan_and_store(configuration, sheets, wished, to_apply=to_apply)
    applied = to_apply and not plan.faults
    if as_json:
        click.echo(json.dumps(plan_as_json(sheets, plan, applied=applied), ensure_ascii=False))
    else:
        show_plan(plan)
    if plan.faults:
        raise RegistryError(f"{file}: {len(plan.faults)} cells do not fit: nothing is stored")
    if not as_json:
        changing = any(change.kind != "unchanged" for change in plan.changes)
        done = "stored" if applied else _NOT_YET
        click.secho(done if changing else "nothing to change", fg="green" if applied else "yellow")


def _plan_and_store(
    configuration: Configuration,
    sheets: Sequence[Understood],
    wished: Mapping[str, Any],
    *,
    to_apply: bool,
) -> Plan:
    """Return what a list would change; it is stored if it is to be, and all of it fits."""
    with opened(configuration) as (database, settings):
        wishes = Wishes(local_day(settings), **wished)
        if not to_apply:
            return database.read_now(lambda c: make_plan(read_known(c), sheets, wishes))
        with database.write() as connection:
            plan = make_plan(read_known(connection), sheets, wishes)
            if not plan.faults:
                store_plan(connection, plan, wishes, now())
        return plan


def _import_json(
    configuration: Configuration, file: Path, *, to_apply: bool, as_json: bool
) -> None:
    try:
        content = RegistryFile.model_validate_json(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise RegistryError(f"{file}: is not written in UTF-8") from None
    except OSError as error:
        raise RegistryError(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise RegistryError(f"{file}: {where}: {fault['msg']}") from None
    counts: Mapping[str, tuple[int, int]] = {}
    with opened(configuration) as (database, settings):
        try:
            with database.write() as connection:
                counts = import_registry(connection, content, now(), local_day(settings))
                if not to_apply:
                    raise _OnlyAsked
        except _OnlyAsked:
            pass
    if as_json:
        added = {name: {"added": new, "unchanged": known} for name, (new, known) in counts.items()}
        click.echo(json.dumps({"applied": to_apply, "tables": added}))
        return
    for name, (new, known) in counts.items():
        if new or known:
            click.echo(f"{name}: {new} added, {known} there already")
    if not to_apply:
        click.secho(_NOT_YET, fg="yellow")


@click.command(epilog="Example: linewatch registry export registry.json")
@click.argument("file", type=_file)
@click.pass_obj
def registry_export(configuration: Configuration, file: Path) -> None:
    """Write the whole registry as JSON into a new FILE, for its owner alone.

    'registry import' takes it. It has people's names and telephones, and the probes' public keys.
    """
    with opened(configuration) as (database, _):
        content = database.read_now(export_registry)
    _write_new(file, content.model_dump_json(indent=1, by_alias=True).encode())
    click.secho(f"{file}: {len(content.lines)} lines, {len(content.probes)} probes", fg="green")


@click.command(
    epilog="Examples: linewatch registry template danh-sach.xlsx;  "
    "linewatch registry template danh-sach.xlsx --filled"
)
@click.argument("file", type=_file)
@click.option("--filled", is_flag=True, help="With all that the registry has.")
@click.pass_obj
def registry_template(configuration: Configuration, file: Path, filled: bool) -> None:
    """Write a list to be filled in, in Vietnamese and English, into a new FILE (.xlsx).

    'registry import' reads it, and passes over the example in it. With --filled it has what the
    registry has, for its owner alone: people's names and telephones, too.
    """
    from collector.sheets.template import content_of, write_template  # noqa: PLC0415 - XlsxWriter

    if file.suffix.lower() != ".xlsx":
        raise RegistryError(f"{file}: a list to be filled in ends in .xlsx")
    content = None
    if filled:
        with opened(configuration) as (database, _):
            content = database.read_now(lambda c: content_of(read_known(c)))
    _write_new(file, write_template(content))
    click.secho(f"{file} written", fg="green")


def _write_new(file: Path, content: bytes) -> None:
    try:
        with open(file, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            out.write(content)
    except OSError as error:
        raise RegistryError(f"{file}: cannot be written: {error.strerror}") from None
