"""The bench of ingest, in a short form: its structure, never its times."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bench.ingest import Options, measure, tables
from bench.ingest_load import Load
from bench.ingest_targets import family_cpu_seconds, quantile
from bench.processes import running
from protocol import chain
from protocol.records import RECORD
from simulate.sending import Parcel


def _lines(one: Parcel) -> tuple[list[bytes], chain.Seal]:
    return chain.split_batch(gzip.decompress(one.body))


def test_every_round_is_a_chain_of_its_own() -> None:
    """The load's rounds hold as chains, are sealed, and are valid records that nobody had yet."""
    load = Load(probes=2, batch=100)
    seen: set[str] = set()
    for _ in range(2):
        heads: dict[str, chain.Link] = {}
        for one in load.parcels(1500):
            lines, seal = _lines(one)
            links = chain.follow(lines)
            chain.check_seal(load.keys[one.probe].public_key(), seal, links[-1])
            if links[0].chain in heads:
                chain.check_follows(heads[links[0].chain], links[0], 1)
            heads[links[0].chain] = links[-1]
            RECORD.validate_json(lines[0])
            assert one.records == len(lines) <= 100
        assert not seen & {*heads}
        seen |= {*heads}


@pytest.mark.parametrize("share,value", [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_quantile_is_one_of_the_values(share: float, value: int) -> None:
    """The smallest value that the share of all does not exceed."""
    assert quantile([float(number) for number in range(100, 0, -1)], share) == value


def test_the_bench_measures_every_target(tmp_path: Path) -> None:
    """One collector, one with a checker, and two, the bare table and both series databases take
    all records; cost by size, half of the rate and memory are there; JSON and tables name them all.
    """
    options = Options(
        records=300,
        probes=3,
        batch=50,
        concurrency=2,
        sizes=(1000, 2000),
        seconds=0.5,
        databases=("postgresql",),
        folder=tmp_path,
    )
    found = measure(options, Console(file=io.StringIO()))
    assert list(found.runs) == [
        "PostgreSQL, 1 collector",
        "PostgreSQL, 1 collector and 1 that checks",
        "PostgreSQL, 2 collectors",
        "PostgreSQL, of one record each",
        "VictoriaMetrics",
        "InfluxDB 1.x",
        "bare SQLite",
    ]
    for name, taken in found.runs.items():
        assert taken.records >= (60 if "one record" in name else 300), name
        assert 0 < taken.p50_seconds <= taken.p99_seconds <= taken.seconds, name
        assert taken.cpu_seconds is not None, name
    assert list(found.sizes["PostgreSQL"]) == [1000, 2000]
    half = found.half["PostgreSQL"]
    assert len(half.resident_bytes) >= 2
    assert min(half.resident_bytes) > 10**7
    assert half.asked_rate == pytest.approx(found.runs["PostgreSQL, 1 collector"].rate / 2)
    assert half.again == 0
    told = json.loads(json.dumps(found.as_json()))
    assert told["sizes"]["PostgreSQL"]["2000"]["records_per_second"] > 0
    printed = io.StringIO()
    for table in tables(found):
        Console(file=printed, width=120).print(table)
    for name in (*found.runs, "PostgreSQL, 2,000", "RSS", "10,000 records/s", "100 ms"):
        assert name in printed.getvalue()


def test_processes_that_ended_count(tmp_path: Path) -> None:
    """A database's connection is a process: what it did counts after its end, too."""
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])\n"
    program += "print('ended', flush=True)\nimport time\ntime.sleep(60)"
    with running("family", [sys.executable, "-c", program], tmp_path) as process:
        process.wait_for("ended")
        assert family_cpu_seconds(process.popen.pid) >= 0.3
        process.kill()


@pytest.mark.long
def test_a_ledger_in_a_file_is_measured_as_well(tmp_path: Path) -> None:
    """SQLite has its runs too, and nothing that needs several collectors on one ledger."""
    options = Options(100, 2, 50, 2, (500,), 0.2, ("sqlite",), peers=False, folder=tmp_path)
    found = measure(options, Console(file=io.StringIO()))
    assert list(found.runs) == [
        "SQLite, 1 collector",
        "SQLite, 1 collector and 1 that checks",
        "SQLite, of one record each",
        "bare SQLite",
    ]
    assert list(found.sizes["SQLite"]) == [500]
