"""`linewatch demo`: server, collector and one probe as separate processes on this machine.

What the demo does, a user could type: every step is a `linewatch` command run as a process of its
own, with a configuration that the demo writes into its data directory. A second demo finds the
data of the first and goes on with it.
"""

import contextlib
import fcntl
import json
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import urllib3
import yaml
from rich.console import Console
from rich.panel import Panel

from protocol.constants import (
    DEFAULT_COLLECTOR_PORT,
    DEFAULT_SERVER_PORT,
    DEFAULT_STATUS_PORT,
)
from protocol.errors import LinewatchError

READY_SECONDS = 30
"""How long a part may take to say that it listens: migrating a ledger on a slow disk included."""

FIRST_RESULT_SECONDS = 120
"""How long the first full measurement may take to be shown; it takes about half a minute."""

STOP_SECONDS = 10
"""How long a part may take to end after SIGTERM, before it is killed."""

_SPEED_SLOTS = re.compile(r'^linewatch_collector_slots_total{.*task="speed".*} (.+)$', re.MULTILINE)
_READY = re.compile(r"listening on (https?://\S+)")


class DemoError(LinewatchError):
    """The demo cannot start or one of its parts has ended."""


class Part:
    """One process of the demo. Its standard error goes to a log file.

    Args:
        name: for messages and the log file's name.
        arguments: of the `linewatch` command.
        directory: the data directory; logs go to `logs` in it.
        terminal: whether the part's output belongs on the user's terminal.
    """

    def __init__(
        self, name: str, arguments: list[str], directory: Path, *, terminal: bool = False
    ) -> None:
        self.name = name
        self.log = directory / "logs" / f"{name}.log"
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which stops the parts in order.
            self.process = subprocess.Popen(  # noqa: S603 - this project's own command
                command(directory, *arguments),
                stdin=subprocess.DEVNULL,
                stdout=None if terminal else subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self) -> str:
        """Return the address that the part listens on, as soon as it says so.

        Raises:
            DemoError: it ended, or said nothing for `READY_SECONDS`.
        """
        found: list[str] = []
        thread = threading.Thread(target=self._read, args=(found,), daemon=True)
        thread.start()
        end = time.monotonic() + READY_SECONDS
        while not found and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.05)
        if not found:
            raise DemoError(f"the {self.name} did not start; its log: {self.log}")
        return found[0]

    def _read(self, found: list[str]) -> None:
        """Find the address in the part's output, then keep the pipe empty to its end."""
        if self.process.stdout is None:
            return
        for line in self.process.stdout:
            match = _READY.search(line.decode(errors="replace"))
            if match and not found:
                found.append(match[1])

    def stop(self) -> None:
        """Ask the part to end, and kill it where it does not within `STOP_SECONDS`."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def command(directory: Path, *arguments: str) -> list[str]:
    """Return a `linewatch` command line that uses the demo's configuration."""
    return [
        sys.executable,
        "-m",
        "linewatch",
        *arguments,
        "--config",
        str(directory / "config.yaml"),
    ]


def free_port(preferred: int) -> int:
    """Return the preferred loopback port where it is free, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise DemoError("no free port on 127.0.0.1")


def configuration(directory: Path) -> dict[str, Any]:
    """Return the demo's configuration: everything on loopback, state below ``directory``."""
    server = f"127.0.0.1:{free_port(DEFAULT_SERVER_PORT)}"
    collector = f"127.0.0.1:{free_port(DEFAULT_COLLECTOR_PORT)}"
    return {
        "server": {"listen": server, "name": "demo"},
        "collector": {
            "listen": collector,
            "ledger": {"path": str(directory / "collector" / "ledger.sqlite")},
            "servers": [{"name": "demo", "url": f"http://{server}", "stamp": server}],
            # A day's rhythm in minutes, so that a visitor sees it move.
            "schedule": {
                "speed": {
                    "profile": "full",
                    "windows": [{"name": "all-day", "start": "00:00", "end": "00:00", "tests": 96}],
                },
                "latency": {"every_seconds": 900},
                "reach": {"every_seconds": 300},
            },
        },
        "probe": {
            "state_directory": str(directory / "probe"),
            # Not the address of its enrolment: another demo may find that port taken.
            "collector_url": f"http://{collector}",
            "status": {"port": free_port(DEFAULT_STATUS_PORT)},
            "uplink": {"deliver_seconds": 2},
        },
    }


SITE, CARRIER, LINE, PROBE, OPERATOR = "nvh-to-1", "vi-du", "nvh-to-1-vi-du", "demo", "demo"
REGISTRY = (
    (*f"carrier add {CARRIER} --name".split(), "Nhà mạng ví dụ"),
    (
        *f"site add {SITE} --ward".split(),
        "Phường ví dụ",
        "--name",
        "Nhà văn hóa Tổ dân phố số 1 (ví dụ)",
    ),
    (
        *f"line add {LINE} --site {SITE} --carrier {CARRIER} --technology fibre".split(),
        *["--download", "300M", "--upload", "300M", "--plan"],
        "Ví dụ 300",
    ),
)
"""What the example registry holds, as the commands that fill it."""


def run(directory: Path, *arguments: str, given: str | None = None) -> str:
    """Run a `linewatch` command to its end and return its standard output.

    Raises:
        DemoError: with the command's own sentence, where it failed.
    """
    done = subprocess.run(  # noqa: S603 - this project's own command
        command(directory, *arguments),
        input=given,
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
        check=False,
        # Ctrl-C reaches the demo alone: a step of the set-up is short, and is finished.
        start_new_session=True,
    )
    if done.returncode:
        raise DemoError(f"'linewatch {' '.join(arguments[:2])}' failed: {done.stderr.strip()}")
    return done.stdout


def names(directory: Path, what: str) -> set[str]:
    """Return the names of what the registry has of a kind."""
    rows = json.loads(run(directory, what, "list", "--json"))
    return {row.get("id") or row["name"] for row in rows}


def register(directory: Path, collector: str) -> str:
    """Fill the registry and enrol the probe, as far as an earlier demo did not.

    Returns:
        The demo operator's password, kept in the data directory, readable by its owner only.
    """
    secret, done = directory / "operator-password", directory / "registered"
    if not done.exists():
        for arguments in REGISTRY:
            if arguments[2] not in names(directory, arguments[0]):
                run(directory, *arguments)
        known = PROBE in names(directory, "probe")
        # An earlier demo may have been stopped between the code and its use: a new code voids it.
        words = ["code", PROBE] if known else ["add", PROBE, "--site", SITE, "--line", LINE]
        code = json.loads(run(directory, "probe", *words, "--json"))["code"]
        run(directory, "probe", "enrol", "--collector", collector, "--code", code)
        if OPERATOR in names(directory, "operator"):
            run(directory, "operator", "remove", OPERATOR)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(12))
        run(directory, "operator", "add", OPERATOR, "--password-stdin", given=secret.read_text())
        done.touch()
    return secret.read_text()


def announce(console: Console, page: str, status_page: str, password: str) -> None:
    """Say where to look."""
    console.print(
        Panel(
            f"Trang kết quả · The page of results    [bold]{page}/[/bold]\n"
            f"Đăng nhập · Log in as                  {OPERATOR} / {password}\n"
            f"Đầu đo · The probe's own page          {status_page}\n\n"
            "Đầu đo tiếp tục đo theo lịch; nhấn Ctrl-C để dừng.\n"
            "The probe goes on by its schedule; Ctrl-C stops everything.\n\n"
            "Trên một máy không có đường truyền nào để đo: tốc độ là của chính máy này,\n"
            "nên kết quả thường có cờ và được ghi là «ít nhất».\n"
            "On one machine there is no line to measure: the rates are the machine's own,\n"
            'so results are mostly flagged, and shown as "at least".',
            title="Linewatch",
        )
    )


def check_alive(started: list[Part]) -> None:
    """Raise `DemoError` if a part has ended by itself."""
    for part in started:
        code = part.process.poll()
        if code is not None:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            raise DemoError(f"the {part.name} {how}; its log: {part.log}")


def watch(started: list[Part], stopping: threading.Event) -> None:
    """Wait until stopping is asked for, or the terminal is gone.

    Raises:
        DemoError: a part has ended by itself.
    """
    has_terminal = sys.stdout.isatty()
    while not stopping.is_set():
        check_alive(started)
        # Not every terminal that is closed says so by SIGHUP to its programs' children.
        if has_terminal and not sys.stdout.isatty():
            return
        stopping.wait(0.2)


def speed_slots(page: str) -> float:
    """Return how many speed slots the collector has the records of, whatever their outcome."""
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        answer = urllib3.request("GET", f"{page}/metrics", timeout=5, retries=False)
        return sum(map(float, _SPEED_SLOTS.findall(answer.data.decode())))
    return 0.0


def wait_for_first(
    started: list[Part], page: str, before: float, stopping: threading.Event
) -> None:
    """Wait until the collector has one more speed slot than ``before``, or it takes too long.

    Raises:
        DemoError: a part has ended by itself.
    """
    end = time.monotonic() + FIRST_RESULT_SECONDS
    while not stopping.is_set() and time.monotonic() < end and speed_slots(page) <= before:
        check_alive(started)
        stopping.wait(0.5)


@contextlib.contextmanager
def parts() -> Iterator[list[Part]]:
    """Yield the list that started parts are put in; stop them at the end, the last one first."""
    started: list[Part] = []
    try:
        yield started
    finally:
        for part in reversed(started):
            part.stop()


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold a data directory for one demo.

    Raises:
        DemoError: another demo has it.
    """
    with (directory / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f"a demo is running on {directory} already: stop it with Ctrl-C there, "
                "or name another folder with --data"
            ) from None
        yield


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Where everything is kept; a second demo goes on with what it finds.",
)
def demo(data: Path) -> None:
    """Run server, collector and one probe on this machine until Ctrl-C.

    Example: linewatch demo --data /tmp/linewatch-demo
    """
    directory = data.absolute()
    (directory / "logs").mkdir(parents=True, exist_ok=True)
    with held(directory):
        run_parts(directory)


def run_parts(directory: Path) -> None:
    """Run the demo in a directory that it holds."""
    settings = configuration(directory)
    (directory / "config.yaml").write_text(
        yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    )
    status_page = f"http://127.0.0.1:{settings['probe']['status']['port']}/"
    console = Console()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A demo under nohup outlives its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stopping.set())
    with parts() as started:
        with console.status("Starting server and collector …"):
            for name in ("server", "collector"):
                started.append(Part(name, [name, "run"], directory))
            _, page = [part.wait_ready() for part in started]
            password = register(directory, page)
        if not stopping.is_set():
            before = speed_slots(page)
            console.print(
                "Một phép đo đầy đủ mất nửa phút · A full measurement takes half a minute."
            )
            started.append(Part("probe", ["probe", "run", "--now"], directory, terminal=True))
            wait_for_first(started, page, before, stopping)
        if not stopping.is_set():
            announce(console, page, status_page, password)
            watch(started, stopping)
        # Nobody may be there to read it.
        with contextlib.suppress(OSError):
            console.print("\nĐang dừng · Stopping …")
    with contextlib.suppress(OSError):
        console.print(
            "Đã dừng. Dữ liệu được giữ lại; lần chạy sau tiếp tục.\n"
            f"Stopped. The data is kept in {directory}; the next demo goes on with it."
        )
