"""How long a city's month takes: `linewatch report monthly`, all of its files but the evidence.

    make bench-report
    python -m bench.report [--lines 5000] [--jobs N] [--database sqlite] [--keep FOLDER] [--json]

The ledger has the whole month of every line, at the usual rhythm, and the speed tests of the month
before; records are copied as `bench.query_ledger` does. Of their bytes, which no figure is read
from, the first `KEPT_BYTES` are kept, so the evidence, whose size is that of the records, is left
out here. The command runs as it would in the field, with its start and the processes that it
begins; memory is the sum of what all of them hold, pages that they share once, a sample every
`SAMPLE_SECONDS`. Filling a city's ledger takes most of an hour: ``--keep`` leaves it in a folder,
and measures the one that is there the next time. The bars are those of 5,000 lines on two cores:
ten minutes, 1 GB.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import click
import yaml
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, func, select

from bench.ingest_targets import BenchError, children, ledger
from bench.processes import LINEWATCH, cpu_seconds, proportional_bytes
from bench.query_ledger import City, Source, fill
from collector.ledger.database import Database
from collector.ledger.schema import lines as registered
from collector.ledger.schema import records
from collector.settings import LedgerSettings

CITY_LINES: Final = 5_000
BAR_SECONDS: Final = 600.0
BAR_BYTES: Final = 10**9

SAMPLE_SECONDS: Final = 0.5
MOST_SECONDS: Final = 7_200.0

KEPT_BYTES: Final = 60
"""Of a record's line: 64 million of them have to fit on a disk."""

_MONTH: Final = "2026-10"
_END: Final = datetime(2026, 11, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
_DAYS: Final = 31
_BOTH_DAYS: Final = 61


@dataclass(frozen=True, slots=True)
class Found:
    """What a run took.

    Attributes:
        lines, records: in the ledger.
        jobs: processes that were asked for; None: one for each core.
        seconds: from the command's start to its end.
        cpu_seconds: of all its processes.
        peak_bytes: that all of them held at one moment.
        written_bytes: of all files.
        files: bytes of each kind of file, of all carriers.
    """

    lines: int
    records: int
    jobs: int | None
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    written_bytes: int
    files: dict[str, int]

    def as_city(self) -> float:
        """Return how long so many lines as a city has would take at the same pace, in seconds."""
        return self.seconds / self.lines * CITY_LINES


def measure(
    lines: int,
    jobs: int | None,
    kind: str,
    folder: Path | None,
    say: Console,
    days: int = _BOTH_DAYS,
    keep: Path | None = None,
) -> Found:
    """Fill a ledger, and write its month.

    Args:
        lines: at least so many.
        jobs: processes; None: the command's own choice.
        kind: sqlite or postgresql.
        folder: on which disk; None: the one of temporary files.
        say: is told what is being done.
        days: that are simulated; of fewer than both months have, some days are alike, and the
            month before is not whole.
        keep: a folder for an SQLite ledger that stays; where it is there, it is not filled again.

    Raises:
        BenchError: the command failed, or took longer than `MOST_SECONDS`.
    """
    with tempfile.TemporaryDirectory(dir=folder) as made, ledger(kind, Path(made)) as settings:
        if keep is not None:
            settings = LedgerSettings(path=keep / "ledger.sqlite")  # noqa: PLW2901 - another one
        if keep is None or not settings.path.exists():
            city = City(lines, 0, _BOTH_DAYS, days, _DAYS * 24, kept_bytes=KEPT_BYTES)
            _fill(settings, city, Path(made), say)
        with closing(Database(settings)) as database:
            held = database.read_now(_size)
        say.print(f"{held[1]:,} records of {held[0]:,} lines; measuring …")
        out = Path(made) / "out"
        seconds, cpu, peak = _run(settings, Path(made), out, jobs)
        files: dict[str, int] = {}
        for path in sorted(out.rglob("*.*")):
            files[path.name] = files.get(path.name, 0) + path.stat().st_size
    return Found(*held, jobs, seconds, cpu, peak, sum(files.values()), files)


def _fill(settings: LedgerSettings, city: City, made: Path, say: Console) -> None:
    say.print("simulating records to copy …")
    source = Source(city, made, _END)
    say.print("filling the ledger …")
    if settings.url is not None:
        fill(settings, source)
        return
    # What is there under its name is whole.
    unfinished = settings.path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    fill(settings.model_copy(update={"path": unfinished}), source)
    unfinished.rename(settings.path)


def _size(connection: Connection) -> tuple[int, int]:
    """Return how many lines and records a ledger has, these by their numbers."""
    held = connection.scalar(select(func.count()).select_from(registered))
    return held or 0, connection.scalar(select(func.max(records.c.id))) or 0


def _run(
    settings: LedgerSettings, folder: Path, out: Path, jobs: int | None
) -> tuple[float, float, int]:
    """Return seconds, CPU seconds and the most memory of a report."""
    place: dict[str, Any] = {"path": str(settings.path)}
    if settings.url is not None:
        place["url"] = settings.url.get_secret_value()
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"collector": {"ledger": place}}))
    words = ["--month", _MONTH, "--out", str(out), "--evidence", "none", "--json"]
    if jobs is not None:
        words += ["--jobs", str(jobs)]
    command = [LINEWATCH, "report", "monthly", "--config", str(config), *words]
    peak, used = 0, 0.0
    begun = time.monotonic()
    with (folder / "said.txt").open("wb") as said:
        # The command is this program's own.
        running = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            while running.poll() is None:
                if time.monotonic() - begun > MOST_SECONDS:
                    raise BenchError(f"the report took more than {MOST_SECONDS:.0f} s")
                memory, cpu = _family(running.pid)
                peak, used = max(peak, memory), max(used, cpu)
                time.sleep(SAMPLE_SECONDS)
        finally:
            if running.poll() is None:
                running.kill()
            running.wait()
    seconds = time.monotonic() - begun
    if running.returncode:
        text = (folder / "said.txt").read_text(encoding="utf-8", errors="replace")
        raise BenchError(f"the report ended with {running.returncode}:\n{text[-2000:]}")
    return seconds, used, peak


def _family(pid: int) -> tuple[int, float]:
    """Return what a process and all below it hold, and the CPU time that they used."""
    memory, used = 0, 0.0
    # One may end while it is looked at.
    with suppress(FileNotFoundError, ProcessLookupError):
        used += cpu_seconds(pid, ended_children=True)
    for one in _with_children(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            memory += proportional_bytes(one)
            used += cpu_seconds(one) if one != pid else 0.0
    return memory, used


def _with_children(pid: int) -> Iterator[int]:
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in children(pid):
            yield from _with_children(child)


def table(found: Found) -> Table:
    """Return what was found, with its bars."""
    made = Table(title=f"report monthly, {found.lines:,} lines, {found.records:,} records")
    for heading in ("what", "all", "a line", "bar for 5,000 lines"):
        made.add_column(heading, justify="left" if heading == "what" else "right")
    whole = found.lines >= CITY_LINES
    pace = found.as_city()
    met = "" if pace <= BAR_SECONDS else " missed"
    at_pace = "" if whole else f", at this pace {pace:.0f}"
    made.add_row(
        "seconds",
        f"{found.seconds:.1f}",
        f"{found.seconds / found.lines:.3f}",
        f"{BAR_SECONDS:.0f}{at_pace}{met}",
    )
    made.add_row(
        "CPU seconds", f"{found.cpu_seconds:.1f}", f"{found.cpu_seconds / found.lines:.3f}", ""
    )
    met = "" if found.peak_bytes <= BAR_BYTES else " missed"
    made.add_row(
        "memory of all processes, MB",
        f"{found.peak_bytes / 1e6:.0f}",
        "",
        f"{BAR_BYTES / 1e6:.0f}{met}",
    )
    for name, size in (("written, MB", found.written_bytes), *found.files.items()):
        made.add_row(name, f"{size / 1e6:.1f}", f"{size / 1e6 / found.lines:.3f}", "")
    return made


@click.command()
@click.option("--lines", default=CITY_LINES, show_default=True, help="In the registry.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes. Default: as the command has it."
)
@click.option(
    "--database", type=click.Choice(("sqlite", "postgresql")), default="sqlite", show_default=True
)
@click.option("--folder", type=click.Path(path_type=Path), help="On which disk. Default: /tmp.")
@click.option(
    "--keep", type=click.Path(path_type=Path), help="A folder for an SQLite ledger that stays."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(
    lines: int,
    jobs: int | None,
    database: str,
    folder: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Print the table."""
    found = measure(lines, jobs, database, folder, Console(stderr=True), keep=keep)
    if as_json:
        print(json.dumps(asdict(found)))
        return
    console = Console()
    console.print(table(found))
    console.print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
