"""`linewatch collector run|migrate`."""

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import click

from collector.app import build
from collector.archive.backup import refuse_half_restored
from collector.errors import CollectorError, LedgerError
from collector.ledger.database import Database
from collector.ledger.engines import sqlite_file
from collector.ledger.migrate import migrate as bring_to_version
from collector.serving import serve
from collector.settings import CollectorSettings, LedgerSettings, split_address
from protocol.settings import Configuration

_LOG = logging.getLogger("collector")


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Instead of collector.listen; port 0: any.")
@click.pass_obj
def run(configuration: Configuration, listen: str | None) -> None:
    """Take records from probes, keep them, show them. Ends on SIGTERM and Ctrl-C.

    Brings the ledger to this program's version first. Prints `listening on URL` once it is ready.

    Example: linewatch collector run --listen 127.0.0.1:8000
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Alembic tells of each step; the command says it in one sentence.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = configuration.section("collector", CollectorSettings)
    if listen is not None:
        try:
            split_address(listen)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--listen") from None
        settings = settings.model_copy(update={"listen": listen})
    with opened_to_migrate(settings.ledger) as database:
        before, after = bring_to_version(database)
        if before != after:
            _LOG.info("the ledger's tables are of version %s now (before: %s)", after, before)
        asyncio.run(_serve_until_told(settings, database))


async def _serve_until_told(settings: CollectorSettings, database: Database) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    serving = await serve(build(settings, database), settings)
    # What is loaded by now stays: without this, looking for garbage goes through all of it each
    # time, a tenth of a second in which nobody is answered.
    gc.freeze()
    click.echo(f"listening on {serving.url}")
    # Ends when a signal comes.
    await told.wait()
    await serving.stop()


@contextlib.contextmanager
def opened_to_migrate(ledger: LedgerSettings) -> Iterator[Database]:
    """Yield the ledger, or the place of a new one, for this program alone.

    Raises:
        ArchiveError: a ledger was put aside there, and the one that was to replace it is not there.
        LedgerError: the settings name no database that can be used.
    """
    with only_one(ledger):
        refuse_half_restored(ledger)
        with contextlib.closing(Database(ledger)) as database:
            yield database


@contextlib.contextmanager
def only_one(ledger: LedgerSettings) -> Iterator[None]:
    """Hold a lock beside the SQLite file: two collectors on one file would take turns at best.

    The registry's commands do not need it: they write once, and wait for their turn. PostgreSQL
    takes several collectors.

    Raises:
        CollectorError: another collector holds it, or it cannot be made.
    """
    file = sqlite_file(ledger)
    if file is None:
        yield
        return
    path = Path(f"{file}.lock")
    with contextlib.ExitStack() as opened:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = opened.enter_context(path.open("a+"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CollectorError(
                f"another collector runs on this ledger (it holds {path}); stop it first"
            ) from None
        except OSError as error:
            raise LedgerError(f"{path}: cannot be made: {error.strerror}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@click.command(epilog="Example: linewatch collector migrate --config /etc/linewatch/config.yaml")
@click.pass_obj
def migrate(configuration: Configuration) -> None:
    """Bring the ledger to this program's version; `collector run` does it too."""
    settings = configuration.section("collector", CollectorSettings)
    with opened_to_migrate(settings.ledger) as database:
        before, after = bring_to_version(database)
    if before == after:
        click.echo(f"the ledger is of version {after} already")
    else:
        click.echo(f"the ledger is of version {after} now (before: {before or 'empty'})")
