"""A backup of a ledger that is written to, and what becomes of it."""

import errno
import hashlib
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, text

from collector.archive.backup import back_up, refuse_half_restored, restore
from collector.errors import ArchiveError, CaseError, LedgerError
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.large_files import LargeFiles, beside
from collector.ledger.schema import chains, records
from collector.settings import LedgerSettings
from linewatch import build
from simulate import Fleet, FleetPlan, rhythm
from tests.collector import postgres
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.fleet_ledger import register, store

PLAN = FleetPlan(
    probes=4,
    days=3,
    seed=2,
    start=date(2026, 3, 1),
    schedule=rhythm(4, 3600, 3600),
    batch_records=10,
)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
NONE = LargeFiles(Path("no-such-folder"))
"""Of a ledger whose cases have no large file."""

NewPlace = Callable[[], LedgerSettings]


@pytest.fixture
def new_place(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewPlace]:
    """Yield a function that names a place where no ledger is."""
    made: list[str] = []
    if engine == "sqlite":
        yield lambda: LedgerSettings(path=tmp_path / f"place{len(list(tmp_path.iterdir()))}.sqlite")
        return
    server: postgres.Server = request.getfixturevalue("server")

    def empty() -> LedgerSettings:
        made.append(server.new_database())
        return server.settings(made[-1])

    yield empty
    for name in made:
        server.drop(name)


def quiet(done: int, total: int) -> None:
    """Be told of the progress."""
    assert done >= 0
    assert total >= 0


def count(database: Database) -> int:
    """Return how many records a ledger has."""
    return database.read_now(
        lambda c: c.execute(select(func.count()).select_from(records)).scalar_one()
    )


@ON_BOTH
def test_a_backup_of_a_busy_ledger_is_of_one_moment(
    new_ledger: NewLedger, new_place: NewPlace, tmp_path: Path
) -> None:
    """Made while records come: all that were committed before are in it, every law holds in it, and
    it takes the rest of the batches as the ledger itself did.
    """
    settings = new_ledger()
    database = Database(settings)
    fleet = Fleet(PLAN)
    keys = register(database, fleet, NOW)
    batches = list(fleet.batches())
    half = len(batches) // 2
    store(database, fleet, keys, batches[:half])
    before = count(database)
    begun = threading.Event()

    def write() -> None:
        for number, batch in enumerate(batches[half:]):
            store(database, fleet, keys, [batch])
            if number == 1:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(30)
    backup = tmp_path / "ledger.backup"
    back_up(settings, NONE, backup, quiet)
    writer.join()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    place = new_place()
    assert restore(place, NONE, backup, NOW, quiet) is None
    copy = Database(place)
    assert before < count(copy) <= count(database)
    assert set(copy.read_now(unaccounted_slots).values()) == {0}
    store(copy, fleet, keys, batches)
    assert count(copy) == count(database)
    assert set(copy.read_now(unaccounted_slots).values()) == {0}
    ends = select(chains.c.probe_id, chains.c.chain, chains.c.next_seq, chains.c.last_hash)
    found = [
        one.read_now(lambda c: sorted(map(tuple, c.execute(ends)))) for one in (copy, database)
    ]
    assert found[0] == found[1]
    copy.close()
    database.close()


@ON_BOTH
def test_what_cases_rest_on_goes_along_and_comes_back(
    new_ledger: NewLedger, new_place: NewPlace, tmp_path: Path
) -> None:
    """Each file once for all backups of a folder; a damaged one is neither copied nor restored."""
    settings = new_ledger()
    large, elsewhere = LargeFiles(tmp_path / "here"), LargeFiles(tmp_path / "there")
    content = b"evidence" * 1000
    sha256 = hashlib.sha256(content).hexdigest()
    kept = large.keep_content(content, sha256, "evidence.zip")
    folder = tmp_path / "backups"
    back_up(settings, large, folder / "one.backup", quiet)
    first = beside(folder / "one.backup").find(sha256, "evidence.zip")
    assert first is not None
    made = first.stat().st_ino
    back_up(settings, large, folder / "two.backup", quiet)
    assert first.stat().st_ino == made
    restore(new_place(), elsewhere, folder / "two.backup", NOW, quiet)
    back = elsewhere.find(sha256, "evidence.zip")
    assert back is not None
    assert back.read_bytes() == content
    for place in (kept, first):
        place.chmod(0o600)
        place.write_bytes(b"another" * 1000)
    with pytest.raises(CaseError, match="is not the file of SHA-256"):
        back_up(settings, large, tmp_path / "other" / "three.backup", quiet)
    assert not (tmp_path / "other" / "three.backup").exists()
    back.unlink()
    with pytest.raises(CaseError, match="is not the file of SHA-256"):
        restore(new_place(), elsewhere, folder / "two.backup", NOW, quiet)


@ON_BOTH
def test_nothing_is_written_over(new_ledger: NewLedger, engine: str, tmp_path: Path) -> None:
    """Not a file by a backup, not a database by a restore; a file's ledger is put aside, whole."""
    settings = new_ledger()
    backup = tmp_path / "ledger.backup"
    back_up(settings, NONE, backup, quiet)
    with pytest.raises(ArchiveError, match="is there already"):
        back_up(settings, NONE, backup, quiet)
    if engine == "postgresql":
        with pytest.raises(ArchiveError, match="has a ledger already"):
            restore(settings, NONE, backup, NOW, quiet)
        return
    database = Database(settings)
    register(database, Fleet(PLAN), NOW)
    database.close()
    aside = restore(settings, NONE, backup, NOW, quiet)
    assert aside is not None
    assert aside.name.endswith(".before-20260601T000000Z")
    old, new = Database(LedgerSettings(path=aside)), Database(settings)
    probes = text("SELECT count(*) FROM probes")
    assert old.read_now(lambda c: c.execute(probes).scalar_one()) == PLAN.probes
    assert new.read_now(lambda c: c.execute(probes).scalar_one()) == 0
    old.close()
    new.close()


@ON_BOTH
def test_what_is_no_backup_is_refused(new_place: NewPlace, engine: str, tmp_path: Path) -> None:
    """A file of another kind, one that is missing, one that is cut off: nothing is there then."""
    place = new_place()
    other = tmp_path / "other"
    other.write_text("PK\x03\x04 something else")
    with pytest.raises(ArchiveError, match="is no backup of a ledger in"):
        restore(place, NONE, other, NOW, quiet)
    with pytest.raises(ArchiveError, match="No such file"):
        restore(place, NONE, tmp_path / "missing", NOW, quiet)
    other.write_bytes((b"SQLite format 3\0" if engine == "sqlite" else b"PGDMP") + bytes(5000))
    with pytest.raises((ArchiveError, LedgerError)):
        restore(place, NONE, other, NOW, quiet)
    if engine == "sqlite":
        assert not place.path.exists()


def test_a_damaged_or_newer_backup_is_refused(new_ledger: NewLedger, tmp_path: Path) -> None:
    """SQLite's own check finds damage; tables of a newer program and other files are named."""
    backup = tmp_path / "ledger.backup"
    back_up(new_ledger(), NONE, backup, quiet)
    place = LedgerSettings(path=tmp_path / "new.sqlite")
    content = bytearray(backup.read_bytes())
    content[4096 * 3 : 4096 * 5] = bytes(4096 * 2)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    with pytest.raises((ArchiveError, LedgerError)):
        restore(place, NONE, damaged, NOW, quiet)
    with closing(sqlite3.connect(backup)) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match="9999"):
        restore(place, NONE, backup, NOW, quiet)
    empty = tmp_path / "empty.sqlite"
    with closing(sqlite3.connect(empty)) as database, database:
        database.execute("CREATE TABLE x (y)")
    with pytest.raises(ArchiveError, match="but no ledger"):
        restore(place, NONE, empty, NOW, quiet)
    assert not place.path.exists()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a disk of its own, which a test may make read-only."""
    disk = tmp_path / "disk # 100%"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_backup_on_a_read_only_disk_is_restored(
    new_ledger: NewLedger, tmp_path: Path, disk: Path
) -> None:
    """One file without a log that has to be written beside it: neither checking nor restoring it
    changes a byte of it, whatever its folder is called.
    """
    settings = new_ledger()
    put_in(settings)
    backup = disk / "ledger?.backup"
    back_up(settings, NONE, backup, quiet)
    assert [path.name for path in disk.iterdir()] == [backup.name]
    content = backup.read_bytes()
    # The versions that write and that read it: 1 is a file without a log, 2 is WAL.
    assert content[18:20] == b"\x01\x01"
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    place = LedgerSettings(path=tmp_path / "new.sqlite")
    restore(place, NONE, backup, NOW, quiet)
    assert probes_in(place) == PLAN.probes
    assert backup.read_bytes() == content
    assert [path.name for path in disk.iterdir()] == [backup.name]


@ON_BOTH
def test_what_is_no_ledger_is_not_backed_up(new_place: NewPlace, tmp_path: Path) -> None:
    """Of a database without tables there is no backup, and no file."""
    settings = new_place()
    if settings.url is None:
        with closing(sqlite3.connect(settings.path)) as database, database:
            database.execute("CREATE TABLE x (y)")
    backup = tmp_path / "ledger.backup"
    with pytest.raises(ArchiveError, match="no ledger"):
        back_up(settings, NONE, backup, quiet)
    assert not backup.exists()


class OfServer:
    """Databases of the tests' own PostgreSQL, and dumps of them."""

    def __init__(self, server: postgres.Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.made: list[str] = []

    def database(self, *statements: str, template: str = "template1") -> LedgerSettings:
        """Return a database in which these statements were run."""
        self.made.append(self._server.new_database(template))
        settings = self._server.settings(self.made[-1])
        database = Database(settings)
        with database.write() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        database.close()
        return settings

    def dump(self, *statements: str, template: str = "template1") -> Path:
        """Return a dump of such a database."""
        settings = self.database(*statements, template=template)
        target = self._folder / f"{self.made[-1]}.dump"
        url = settings.url.get_secret_value().replace("+psycopg", "") if settings.url else ""
        command = ["pg_dump", "--format=custom", f"--file={target}", f"--dbname={url}"]
        subprocess.run(command, check=True)
        return target


@pytest.fixture
def of_server(server: postgres.Server, tmp_path: Path) -> Iterator[OfServer]:
    """Yield what makes databases; they are gone after the test."""
    made = OfServer(server, tmp_path)
    yield made
    for name in made.made:
        server.drop(name)


def test_only_a_ledger_of_a_known_version_goes_into_an_empty_database(of_server: OfServer) -> None:
    """A dump of another program, of a newer one, or cut off is refused by its name, and a database
    with any table too; nothing is changed.
    """
    place = of_server.database()
    whole = of_server.dump(template="ledger_template")
    newer = of_server.dump(
        "UPDATE alembic_version SET version_num = '9999'", template="ledger_template"
    )
    other = of_server.dump("CREATE TABLE goods (id int)")
    empty = of_server.dump()
    short = whole.with_name("short.dump")
    short.write_bytes(whole.read_bytes()[:-2000])
    for source, error, words in (
        (newer, LedgerError, "9999"),
        (other, ArchiveError, f"{other} .*holds no ledger"),
        (empty, ArchiveError, f"{empty} .*holds no ledger"),
        (short, ArchiveError, str(short)),
    ):
        with pytest.raises(error, match=words):
            restore(place, NONE, source, NOW, quiet)
    with pytest.raises(ArchiveError, match=r"has tables \(goods\) already"):
        restore(of_server.database("CREATE TABLE goods (id int)"), NONE, whole, NOW, quiet)
    restore(place, NONE, whole, NOW, quiet)  # it was empty until now
    with pytest.raises(ArchiveError, match="has a ledger already"):
        restore(place, NONE, whole, NOW, quiet)


def put_in(settings: LedgerSettings) -> None:
    """Give a ledger a registry: by that it is known again."""
    database = Database(settings)
    register(database, Fleet(PLAN), NOW)
    database.close()


def probes_in(settings: LedgerSettings) -> int:
    """Return how many probes a ledger has."""
    database = Database(settings)
    found = database.read_now(lambda c: c.execute(text("SELECT count(*) FROM probes")).scalar_one())
    database.close()
    return int(found)


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.rename"])
def test_where_a_restore_fails_the_ledger_stays(
    new_ledger: NewLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Whether the copy cannot be put onto the disk or cannot take the ledger's place: the ledger is
    where it was, as it was.
    """
    settings = new_ledger()
    backup = tmp_path / "ledger.backup"
    back_up(settings, NONE, backup, quiet)
    put_in(settings)
    rename = Path.rename

    def fail(first: object, *_: object) -> object:
        if isinstance(first, Path) and not first.name.endswith(".part"):
            return rename(first, *_)  # type: ignore[arg-type]
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(broken, fail)
        with pytest.raises(ArchiveError, match="Input/output error"):
            restore(settings, NONE, backup, NOW, quiet)
    assert probes_in(settings) == PLAN.probes
    assert not list(tmp_path.glob("*before*"))


def test_no_new_ledger_takes_the_place_of_one_that_was_put_aside(
    new_ledger: NewLedger, tmp_path: Path
) -> None:
    """After a restore that ended between its two renamings the next start refuses to make an empty
    ledger and says what to do; either of that helps.
    """
    settings = new_ledger()
    refuse_half_restored(settings)
    backup = tmp_path / "ledger.backup"
    back_up(settings, NONE, backup, quiet)
    put_in(settings)
    aside = settings.path.with_name(f"{settings.path.name}.before-20260601T000000Z")
    settings.path.rename(aside)
    with pytest.raises(ArchiveError, match=str(aside)):
        refuse_half_restored(settings)
    configuration = tmp_path / "config.yaml"
    configuration.write_text(f"collector: {{ledger: {{path: {settings.path}}}}}\n")
    words = ["collector", "migrate", "--config", str(configuration)]
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 1
    assert "Restore again" in str(done.exception)
    assert not settings.path.exists()
    aside.rename(settings.path)
    refuse_half_restored(settings)
    assert probes_in(settings) == PLAN.probes
    settings.path.rename(aside)
    assert restore(settings, NONE, backup, NOW + timedelta(seconds=1), quiet) is None
    refuse_half_restored(settings)
    assert probes_in(settings) == 0
