"""A PostgreSQL of the tests' own: Debian's server, in a folder, on a UNIX socket, for one process.

It refuses to run as root; where the tests do, it runs as `nobody`. Its disk is not waited for,
unless a test says so (`fsync="on"`): a power cut is no part of most, a killed process is.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from pydantic import SecretStr

from collector.settings import LedgerSettings

_QUICK = {"fsync": "off", "full_page_writes": "off"}
_SMALL = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
    "timezone": "Asia/Ho_Chi_Minh",
}


_BUILT = Path(__file__).parents[2] / "build/postgresql"


def _programs(folder: Path) -> Path:
    """Return the folder of PostgreSQL's newest server: installed, or else a copy from build/.

    It may not get at a working copy that only root can enter.
    """
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        shutil.copytree(_BUILT / "usr", folder / "usr", symlinks=True)
    found = [
        *Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        *(folder / "usr/lib/postgresql").glob("*/bin/postgres"),
    ]
    return max(found, key=lambda path: int(path.parts[-3])).parent


def _unprivileged() -> list[str]:
    """Return the words before a command that let it run without root's rights."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]


class Server:
    """A server with databases of its own. It is made stopped.

    Args:
        folder: for its data and its socket; short, as a socket's path is.
        settings: of the server, beside those that make it quick.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self._settings = {**_QUICK, **_SMALL, "unix_socket_directories": str(folder), **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        self._programs = _programs(folder)
        make = [
            str(self._programs / "initdb"),
            "-D",
            str(folder / "data"),
            "--username",
            "linewatch",
        ]
        make += ["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--auth", "trust"]
        subprocess.run([*_unprivileged(), *make], check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        """Start it, and return once it answers."""
        options = [
            word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")
        ]
        command = [
            *_unprivileged(),
            str(self._programs / "postgres"),
            "-D",
            str(self.folder / "data"),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self._wait_for("SELECT true")

    def wait_until_alone(self) -> None:
        """Return once nobody is connected."""
        self._wait_for(
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )

    def wait_until_others_left(self) -> None:
        """Return once nobody but collectors is connected: these keep what they have."""
        self._wait_for(
            "SELECT count(*) = 1 FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND application_name <> 'linewatch'"
        )

    def _wait_for(self, query: str) -> None:
        deadline = time.monotonic() + 60
        while True:
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(self.address("postgres")) as connection,
            ):
                if connection.execute(query.encode()).fetchone() == (True,):
                    return
            running = self._process is not None and self._process.poll() is None
            assert running, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: by SIGINT it closes every connection at once, by SIGQUIT as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """End all of its processes at once: none of them writes anything any more."""
        assert self._process is not None
        found = self._freeze()
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        self._process.wait(60)
        self._process = None
        deadline = time.monotonic() + 60
        while any(map(_lives, found)):
            assert time.monotonic() < deadline, found
            time.sleep(0.01)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it do nothing until the block ends, as on a disk that does not answer."""
        found = self._freeze()
        try:
            yield
        finally:
            for pid in reversed(found):
                os.kill(pid, signal.SIGCONT)

    def _freeze(self) -> list[int]:
        """Stop all of its processes where they are; return their ids, the server's own first."""
        assert self._process is not None
        own = self._process.pid
        os.kill(own, signal.SIGSTOP)
        # Nobody else starts or waits for its processes: those that end meanwhile keep their ids.
        lists = Path(f"/proc/{own}/task").glob("*/children")
        found = [int(word) for children in lists for word in children.read_text().split()]
        for pid in found:
            os.kill(pid, signal.SIGSTOP)
        return [own, *found]

    def address(self, database: str) -> str:
        """Return what a client needs to connect to a database."""
        return f"host={self.folder} user=linewatch dbname={database}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def new_database(self, template: str = "template1", tablespace: str = "pg_default") -> str:
        """Make a database as another one is; return its name."""
        self._made += 1
        name = f"{template.removesuffix('_template')}_{self._made}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {tablespace}")
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def settings(self, database: str, **others: object) -> LedgerSettings:
        """Return the settings of a ledger in a database."""
        url = f"postgresql+psycopg://linewatch@/{database}?host={self.folder}"
        return LedgerSettings.model_validate({"url": SecretStr(url), **others})


def _lives(pid: int) -> bool:
    """Return whether a process is there, and no mere entry that nobody has asked for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.contextmanager
def serving(**settings: str) -> Iterator[Server]:
    """Run a server in a new folder, and remove both afterwards."""
    # Not below a test's own folder: a socket's path has room for 107 letters, and root's is closed.
    folder = Path(tempfile.mkdtemp(prefix="lw-pg-"))
    try:
        server = Server(folder, **settings)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder)
