"""`linewatch standard list|show|check`: what lines can be held against."""

import json
from pathlib import Path
from typing import Any

import click

from collector.commands.tables import show
from collector.domain.quantities import Unit
from collector.domain.reasons import reference_name
from collector.domain.standard import Indicator, Limit, Standard
from collector.domain.standard_file import StandardFile
from collector.errors import StandardError
from collector.reports.standards import choose_standard, read_standard, read_standards
from collector.settings import CollectorSettings
from protocol.settings import Configuration

_COLUMNS = [
    "id",
    "version",
    "use",
    "name",
    "fits",
    "in_force",
    "numbers",
    "unverified",
    "missing",
]


def _all(configuration: Configuration) -> list[StandardFile]:
    settings = configuration.section("collector", CollectorSettings)
    return read_standards(settings.reports.standards)


@click.command("list", epilog="Example: linewatch standard list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def standard_list(configuration: Configuration, as_json: bool) -> None:
    """List the standards, and how many of their numbers nobody has read in the text itself.

    They are those that are shipped, and those in the folder collector.reports.standards.
    """
    show([_row(one) for one in _all(configuration)], _COLUMNS, as_json=as_json)


@click.command(
    epilog="Examples: linewatch standard show qcvn-34-2019;  linewatch standard show ward@1 --json"
)
@click.argument("name", metavar="ID[@VERSION]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def standard_show(configuration: Configuration, name: str, as_json: bool) -> None:
    """Show what a standard asks, and how sure each of its numbers is.

    The newest version, where none is named.
    """
    found = choose_standard(_all(configuration), name)
    if as_json:
        whole = {**found.standard.model_dump(mode="json"), **_of_file(found)}
        click.echo(json.dumps(whole, ensure_ascii=False))
        return
    standard = found.standard
    click.secho(f"{standard.id}, version {standard.version}", bold=True)
    for words in (standard.name, standard.issuer, standard.note):
        if words:
            click.echo(f"{words.vi}\n{words.en}")
    click.echo(f"{standard.use}; for: {', '.join(standard.fits)}; in force: {_in_force(standard)}")
    click.echo(f"source: {standard.source}")
    click.echo(f"file: {found.place}, SHA-256 {found.sha256}\n")
    for one in standard.indicators:
        click.secho(f"{one.id}{_where(standard, one)}", bold=True)
        click.echo(f"  {one.name.vi}\n  {one.name.en}")
        for what, limit in (("each test", one.test), ("limit", one.limit)):
            if limit:
                click.echo(f"  {what}: {_limit(limit)}")


@click.command(epilog="Example: linewatch standard check my-ward.yaml")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def standard_check(configuration: Configuration, file: Path, as_json: bool) -> None:
    """Check a standard's file: what is wrong in which field, and what to do.

    Ends with 2 where something is.
    """
    del configuration
    try:
        found = read_standard(file)
        _refuse_misnamed(file, found.standard)
    except StandardError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"good": False, "faults": str(error).splitlines()}))
        raise SystemExit(error.exit_code) from None
    row = _row(found)
    if as_json:
        click.echo(json.dumps({"good": True, "faults": [], **row}, ensure_ascii=False))
        return
    click.secho(f"{file}: good: {row['id']}, version {row['version']}", fg="green")
    click.echo(
        f"{row['numbers']} numbers, of which {row['missing']} are missing and "
        f"{row['unverified']} were not read in the text itself"
    )


def _refuse_misnamed(file: Path, standard: Standard) -> None:
    """Raise `StandardError` where a file's name is not its standard's: nobody would look there."""
    names = (standard.id, f"{standard.id}@{standard.version}")
    if file.stem not in names:
        raise StandardError(
            f"{file}: id: is '{standard.id}', and the file is called otherwise: call it "
            f"{names[0]}{file.suffix}, or {names[1]}{file.suffix} beside other versions"
        )


def _row(file: StandardFile) -> dict[str, Any]:
    standard = file.standard
    return {
        "id": standard.id,
        "version": standard.version,
        "use": standard.use.value,
        "name": standard.name.en,
        "fits": ", ".join(standard.fits),
        "in_force": _in_force(standard),
        "numbers": len(standard.limits),
        "unverified": sum(not one.verified for one in standard.limits),
        "missing": sum(one.number is None for one in standard.limits),
        **_of_file(file),
    }


def _of_file(file: StandardFile) -> dict[str, str]:
    return {"place": file.place, "sha256": file.sha256}


def _in_force(standard: Standard) -> str:
    if not standard.effective_from and not standard.effective_to:
        return "not known"
    return f"{standard.effective_from or '…'} – {standard.effective_to or '…'}"


def _where(standard: Standard, indicator: Indicator) -> str:
    """Return in which windows it is judged, the primary question marked."""
    primary = standard.primary
    if standard.campaign:
        mark = " (primary)" if primary.indicator == indicator.id else ""
        return f": {indicator.statistic} of the campaign{mark}"
    names = [
        f"{name} (primary)" if (indicator.id, name) == (primary.indicator, primary.window) else name
        for name in indicator.windows
    ]
    return f": {indicator.statistic}, {', '.join(names)}"


def _limit(limit: Limit) -> str:
    """Return a number in a line: which, of what, whose word it is."""
    number = "a number not known yet"
    if limit.number is not None:
        is_share = bool(limit.of) or limit.unit is Unit.SHARE
        number = f"{100 * limit.number:g} %" if is_share else f"{limit.number:g} {limit.unit}"
    of = " of " + " or ".join(reference_name(one).en for one in limit.of) if limit.of else ""
    sure = "verified" if limit.verified else "unverified"
    return f"{limit.side.replace('_', ' ')} {number}{of} ({sure}: {limit.source})"
