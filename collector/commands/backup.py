"""`linewatch collector backup|restore`."""

from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from collector.archive.backup import back_up
from collector.archive.backup import restore as make_ledger
from collector.archive.dump import Told
from collector.commands.ledger import now
from collector.commands.run import only_one
from collector.ledger.cases import read_beside
from collector.ledger.database import Database
from collector.ledger.engines import sqlite_file
from collector.ledger.large_files import beside, large_files
from collector.settings import CollectorSettings
from protocol.settings import Configuration

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Example: linewatch collector backup /srv/backup/ledger-2026-10-01.backup")
@click.argument("file", type=_FILE)
@click.pass_obj
def backup(configuration: Configuration, file: Path) -> None:
    """Copy the whole ledger into FILE, as it is at one moment. A running collector goes on.

    SQLite: a ledger of its own. PostgreSQL: what pg_dump writes; postgresql-client is needed.
    Large files that cases rest on go into the folder case-files beside FILE, each once.
    """
    settings = configuration.section("collector", CollectorSettings)
    with _progress("copying") as progress:
        back_up(settings.ledger, large_files(settings), file, _teller(progress))
    click.secho(f"{file}: {file.stat().st_size:,} bytes", fg="green")
    if (folder := beside(file).folder).is_dir():
        click.echo(f"and what its cases rest on: {folder}, to be kept with it")


@click.command(epilog="Example: linewatch collector restore /srv/backup/ledger-2026-10-01.backup")
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="Put a ledger that is there aside, and keep it.")
@click.pass_obj
def restore(configuration: Configuration, file: Path, replace: bool) -> None:
    """Make a backup the ledger. No collector may run on it meanwhile.

    Records that came after the backup was made are not in it; each probe's next batch shows the
    gap. Of PostgreSQL the database has to be empty.
    """
    settings = configuration.section("collector", CollectorSettings)
    target = sqlite_file(settings.ledger)
    if target is not None and target.exists() and not replace:
        raise click.UsageError(f"there is a ledger at {target.absolute()}: add --replace")
    with only_one(settings.ledger), _progress("restoring") as progress:
        before = make_ledger(settings.ledger, large_files(settings), file, now(), _teller(progress))
    click.secho(f"the ledger is that of {file} now", fg="green")
    if before is not None:
        click.echo(f"what was there before is {before}")
    for one in _missing(settings):
        click.secho(one, fg="red", err=True)


def _missing(settings: CollectorSettings) -> list[str]:
    """Return a sentence for each file that a case rests on and nobody has."""
    large = large_files(settings)
    with closing(Database(settings.ledger)) as database:
        found = database.read_now(read_beside)
    return [
        f"case {case} rests on {name}, which is not in {large.folder.absolute()}: put it there as "
        f"{large.name(sha256, name)}"
        for case, name, sha256 in found
        if large.find(sha256, name) is None
    ]


def _progress(title: str) -> Progress:
    progress = Progress(
        TextColumn(title),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    )
    progress.add_task(title, total=None)
    return progress


def _teller(progress: Progress) -> Told:
    (task,) = progress.task_ids
    return lambda done, total: progress.update(task, completed=done, total=total or None)
