"""A copy of a ledger in PostgreSQL, by its own pg_dump and pg_restore."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection

from collector.errors import ArchiveError
from collector.ledger.database import Database
from collector.ledger.migrate import refuse_unknown, version_of
from collector.settings import LedgerSettings

LOOK_SECONDS: Final = 0.2
"""How often it is looked how far a copy is."""

_OWN: Final = "alembic_version"
"""The table that says of which version the others are."""

_NEEDED: Final = frozenset({_OWN, "chains", "records"})

Told = Callable[[int, int], None]
"""Is told of bytes that are there, and of how many there will be, as far as that is known."""


def write(settings: LedgerSettings, target: Path, told: Told) -> None:
    """Write the ledger into a file that is there.

    Raises:
        ArchiveError: the database has no ledger, or pg_dump does not run.
        LedgerError: it is of a newer program, or does not answer.
    """
    version = _version_in(settings)
    if version is None:
        raise ArchiveError("there is no ledger in collector.ledger.url: the database is empty")
    refuse_unknown(version)
    _run(settings, told, target, "pg_dump", "--format=custom", f"--file={target}")


def restore(settings: LedgerSettings, source: Path, told: Told) -> None:
    """Fill an empty database with what a file holds: all of it or nothing.

    Raises:
        ArchiveError: the database is not empty, or the file is damaged or holds no ledger.
        LedgerError: the file's ledger is of a newer program, or the database does not answer.
    """
    _refuse_filled(settings)
    version = _version_of_dump(source)
    refuse_unknown(version)
    words = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run(settings, told, source, "pg_restore", *words, str(source))
    if (found := _version_in(settings)) != version:
        raise ArchiveError(f"{source}: the ledger is of version {found} now, not of {version}")


def _version_in(settings: LedgerSettings) -> str | None:
    database = Database(settings)
    try:
        return version_of(database)
    finally:
        database.close()


def _refuse_filled(settings: LedgerSettings) -> None:
    database = Database(settings)
    try:
        there = database.read_now(_tables)
    finally:
        database.close()
    if there:
        what = "a ledger" if set(there) >= _NEEDED else f"tables ({', '.join(there[:3])})"
        raise ArchiveError(
            f"the database has {what} already: restore into an empty one, then name that in "
            "collector.ledger.url"
        )


def _tables(connection: Connection) -> list[str]:
    """Return what is in a database already, but for what belongs to an extension."""
    query = """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%%'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                          AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY c.relname"""
    return list(connection.exec_driver_sql(query).scalars())


# --- What a dump holds -----------------------------------------------------------------------


def _version_of_dump(source: Path) -> str:
    """Return the version of the tables in a dump; nothing is connected for that.

    Raises:
        ArchiveError: it is damaged, or of something else.
    """
    listed = _read(source, "--list")
    tables = set(re.findall(r"^\d+; \d+ \d+ TABLE \S+ (\S+) ", listed, re.MULTILINE))
    content = _read(source, "--data-only", f"--table={_OWN}", "--file=-")
    found = re.search(rf"^COPY \S*{_OWN} .*\n(\S+)\n", content, re.MULTILINE)
    if not tables >= _NEEDED or found is None or found[1] == "\\.":
        raise ArchiveError(f"{source} is of a database of PostgreSQL, but holds no ledger")
    return found[1]


def _read(source: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the words are ours and the operator's
            ["pg_restore", *words, str(source)],  # noqa: S607 - where it is differs
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise _missing("pg_restore", error) from None
    if done.returncode:
        raise ArchiveError(f"{source} cannot be read: {done.stderr.strip()}")
    return done.stdout


# --- Programs --------------------------------------------------------------------------------


def _missing(program: str, error: OSError) -> ArchiveError:
    return ArchiveError(
        f"{program}: {error.strerror}: install postgresql-client, of the server's version or newer"
    )


def _run(settings: LedgerSettings, told: Told, file: Path, program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs; the password travels in its environment."""
    database = Database(settings)
    try:
        _, arguments = database.engine.dialect.create_connect_args(database.engine.url)
    finally:
        database.close()
    # What only the driver understands is no word of a connection string.
    given = {name: str(value) for name, value in arguments.items() if isinstance(value, str | int)}
    password = given.pop("password", None)
    environment = os.environ | ({} if password is None else {"PGPASSWORD": password})
    command = [program, "--no-password", f"--dbname={make_conninfo(**given)}", *words]
    try:
        running = subprocess.Popen(  # noqa: S603 - no shell; the words are ours and the operator's
            command, stderr=subprocess.PIPE, text=True, env=environment
        )
    except OSError as error:
        raise _missing(program, error) from None
    with running:
        try:
            while True:
                try:
                    _, said = running.communicate(timeout=LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    told(file.stat().st_size, 0)
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        raise ArchiveError(f"{file}: {program} failed: {said.strip()}")
