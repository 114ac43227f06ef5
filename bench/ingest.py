"""Durable, verified records a second: collectors on SQLite and PostgreSQL, beside others' programs.

    make bench-ingest
    python -m bench.ingest [--records 20000] [--sizes 10000,100000] [--minutes 1] [--json]

A simulated fleet's batches go to `linewatch collector run` over HTTP as they do in the field:
compressed, sealed, with tokens. An answer counts once everything before it is durable. Probes that
were away send many records in a batch; those that were not send each by itself: `of one record
each`, many requests at once. The bare table keeps the same lines in SQLite, durably, and checks
nothing; VictoriaMetrics and InfluxDB 1.x swallow the same records as line protocol, as the sinks
write them, and confirm before the disk has them. All of it runs on this machine, the senders too:
`CPU µs` is what one record costs the program itself (of PostgreSQL only the collectors'). A size of
the ledger for which the disk has no room is left out, and said.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from bench.ingest_load import Load
from bench.ingest_targets import (
    Taken,
    bare_sqlite,
    collectors,
    ledger,
    make_database,
    points,
    swallow,
)
from tests.services import influxdb, victoria_metrics

DATABASES: Final = ("sqlite", "postgresql")
NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)

SINGLE_CONCURRENCY: Final = 64
"""Requests at once that carry a record each."""

SINGLE_SHARE: Final = 5
"""One in so many records is enough to measure them one by one."""

STORED_BYTES: Final = 8000
"""What a record takes of the disk at most, with its indices and the log beside them."""


RATE_BAR: Final = 10_000.0
P99_BAR_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be measured.

    Attributes:
        records: in each run.
        sizes: of the ledger, at which a record's cost is looked at.
        seconds: how long memory is watched, at half of the rate that was found.
    """

    records: int = 20_000
    probes: int = 64
    batch: int = 200
    concurrency: int = 8
    sizes: tuple[int, ...] = SIZES
    seconds: float = 600.0
    databases: tuple[str, ...] = DATABASES
    peers: bool = True
    folder: Path | None = None


@dataclass(slots=True)
class Found:
    """What was found: of each target its run, of each database its cost by size, and at half rate.

    Attributes:
        record_bytes: of a record, on average.
        runs: at full speed, by target.
        sizes: by database and the ledger's size.
        half: at half of the rate, by database.
    """

    record_bytes: float
    runs: dict[str, Taken] = field(default_factory=dict)
    sizes: dict[str, dict[int, Taken]] = field(default_factory=dict)
    half: dict[str, Taken] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return {
            "record_bytes": self.record_bytes,
            "cores": os.cpu_count(),
            "runs": {name: taken.as_json() for name, taken in self.runs.items()},
            "sizes": {
                name: {str(size): taken.as_json() for size, taken in found.items()}
                for name, found in self.sizes.items()
            },
            "half": {name: taken.as_json() for name, taken in self.half.items()},
        }


def measure(options: Options, say: Console) -> Found:
    """Measure everything, and say on the way what is being measured."""
    load, single = Load(options.probes, options.batch), Load(options.probes, 1)
    found = Found(load.record_bytes)
    for kind in options.databases:
        with tempfile.TemporaryDirectory(dir=options.folder) as made:
            _measure_ledger(kind, Path(made), load, single, options, found, say)
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        say.print("bare SQLite …")
        lines = [one.lines for one in load.fleet.batches()]
        enough = max(1, options.records // options.batch)
        found.runs["bare SQLite"] = bare_sqlite(Path(made), lines[:enough])
    return found


def _measure_ledger(
    kind: str,
    folder: Path,
    load: Load,
    single: Load,
    options: Options,
    found: Found,
    say: Console,
) -> None:
    name, many = NAMES[kind], options.concurrency
    ways = [("1 collector", 1, 0), ("1 collector and 1 that checks", 1, 1)]
    if kind == "postgresql":
        ways.append(("2 collectors", 2, 0))
    with ledger(kind, folder) as settings:
        # On a ledger that is nearly empty for all of them alike.
        for what, collecting, checking in ways:
            say.print(f"{name}, {what} …")
            with collectors(settings, folder, load, collecting, checking) as some:
                # The first requests fill caches and make the month; they are not what is measured.
                some.take(options.batch * many, many)
                taken = some.take(options.records, many * collecting)
            found.runs[f"{name}, {what}"] = taken
        say.print(f"{name}, of one record each …")
        with collectors(settings, folder, single, 1) as some:
            some.take(many, many)
            found.runs[f"{name}, of one record each"] = some.take(
                options.records // SINGLE_SHARE, min(SINGLE_CONCURRENCY, options.probes)
            )
        if options.peers and not any("Influx" in run for run in found.runs):
            say.print("the same records as line protocol …")
            _measure_peers(points(settings, options.batch), folder, options, found)
        with collectors(settings, folder, load, 1) as one:
            found.sizes[name] = {}
            for size in _with_room(options.sizes, folder, say):
                say.print(f"{name}, {size} records in the ledger …")
                one.grow(size)
                found.sizes[name][size] = one.take(options.records, many)
            say.print(f"{name}, half of the rate, for {options.seconds:.0f} s …")
            rate = found.runs[f"{name}, 1 collector"].rate / 2
            found.half[name] = one.take(None, many, rate=rate, seconds=options.seconds)


def _with_room(sizes: Sequence[int], folder: Path, say: Console) -> Iterator[int]:
    for size in sizes:
        if shutil.disk_usage(folder).free < size * STORED_BYTES:
            needed = size * STORED_BYTES / 1e9
            say.print(f"{size} records are left out: {folder} has no {needed:.0f} GB free")
        else:
            yield size


def _measure_peers(
    parts: Sequence[tuple[int, bytes]], folder: Path, options: Options, found: Found
) -> None:
    many = options.concurrency
    with victoria_metrics(folder / "victoria") as one:
        url = f"{one.url}/write?precision=ms"
        found.runs["VictoriaMetrics"] = swallow(one.process, url, parts, many)
    with influxdb(folder / "influx") as one:
        make_database(one.url, "bench")
        url = f"{one.url}/write?db=bench&precision=ms"
        found.runs["InfluxDB 1.x"] = swallow(one.process, url, parts, many)


def tables(found: Found) -> list[Table]:
    """Return what was found, for people; ratios are to the first row."""
    return [_runs_table(found), _sizes_table(found), _half_table(found)]


def _runs_table(found: Found) -> Table:
    title = (
        f"At full speed; {found.record_bytes:.0f} bytes a record; bar: {RATE_BAR:,.0f} records/s"
    )
    table = _table(title, "target")
    first = next(iter(found.runs.values()))
    for name, taken in found.runs.items():
        table.add_row(name, *_cells(taken, first))
    return table


def _sizes_table(found: Found) -> Table:
    table = _table("By records that the ledger has already", "ledger")
    for name, by_size in found.sizes.items():
        first = next(iter(by_size.values()), None)
        for size, taken in by_size.items():
            table.add_row(f"{name}, {size:,}", *_cells(taken, first or taken))
    return table


def _half_table(found: Found) -> Table:
    table = Table(
        title=f"At half of that rate; bar: p99 {P99_BAR_SECONDS * 1e3:.0f} ms at "
        f"{RATE_BAR / 2:,.0f} records/s, memory flat",
        title_justify="left",
    )
    for heading in ("collector", "asked/s", "records/s", "again", "p50 ms", "p99 ms", "seconds"):
        table.add_column(heading, justify="left" if heading == "collector" else "right")
    table.add_column("RSS MB: at first, each quarter, most", justify="right")
    for name, taken in found.half.items():
        table.add_row(
            name,
            f"{taken.asked_rate or 0:,.0f}",
            f"{taken.rate:,.0f}",
            str(taken.again),
            f"{taken.p50_seconds * 1e3:.1f}",
            _against(taken.p99_seconds <= P99_BAR_SECONDS, f"{taken.p99_seconds * 1e3:.1f}"),
            f"{taken.seconds:.0f}",
            _quarters(taken.resident_bytes),
        )
    return table


def _quarters(samples: Sequence[int]) -> str:
    if not samples:
        return ""
    quarters = [samples[(len(samples) - 1) * quarter // 4] for quarter in range(5)]
    return ", ".join(f"{bytes_ / 1e6:.0f}" for bytes_ in (*quarters, max(samples)))


def _against(met: bool, text: str) -> str:
    """Return a figure in the colour that says whether its bar is met."""
    return f"[{'green' if met else 'red'}]{text}[/]"


def _table(title: str, what: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in (what, "records/s", "ratio", "CPU µs", "p50 ms", "p99 ms", "again"):
        table.add_column(heading, justify="left" if heading == what else "right")
    return table


def _cells(taken: Taken, first: Taken) -> tuple[str, ...]:
    cpu = taken.cpu_seconds
    return (
        _against(taken.rate >= RATE_BAR, f"{taken.rate:,.0f}"),
        f"{taken.rate / first.rate:.2f}",
        "" if cpu is None else f"{cpu / taken.records * 1e6:,.0f}",
        f"{taken.p50_seconds * 1e3:.1f}",
        f"{taken.p99_seconds * 1e3:.1f}",
        str(taken.again),
    )


def _sizes(_: click.Context, __: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted(int(word) for word in text.split(",") if word))
    except ValueError:
        raise click.BadParameter("numbers with a comma between: 10000,100000") from None


@click.command()
@click.option("--records", default=20_000, show_default=True, help="In each run.")
@click.option("--probes", default=64, show_default=True, help="That send.")
@click.option("--batch", default=200, show_default=True, help="Records in a batch.")
@click.option("--concurrency", default=8, show_default=True, help="Requests at once.")
@click.option(
    "--sizes",
    default=",".join(map(str, SIZES)),
    show_default=True,
    callback=_sizes,
    help="Of the ledger.",
)
@click.option("--minutes", default=10.0, show_default=True, help="That memory is watched.")
@click.option("--database", "databases", multiple=True, type=click.Choice(DATABASES))
@click.option("--peers/--no-peers", default=True, help="VictoriaMetrics and InfluxDB too.")
@click.option("--folder", type=click.Path(path_type=Path), help="On which disk. Default: /tmp.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(as_json: bool, minutes: float, databases: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401
    """Print the tables."""
    options = Options(seconds=minutes * 60, databases=databases or DATABASES, **given)
    found = measure(options, Console(stderr=True))
    if as_json:
        print(json.dumps(found.as_json()))
        return
    console = Console()
    for table in tables(found):
        console.print(table)
    load = os.getloadavg()[0]
    console.print(f"{os.cpu_count()} cores, load average at the end {load:.1f}")


if __name__ == "__main__":
    main()
