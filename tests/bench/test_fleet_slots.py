"""`make bench-slots`, for a small fleet."""

import json
import re
import subprocess
import sys
from pathlib import Path

from bench.fleet_slots import peaks

ROOT = Path(__file__).parents[2]


def test_peaks_are_of_tests_that_run_at_the_same_time() -> None:
    """Two that overlap add up; one that begins when another ends does not; servers are apart."""
    found = peaks([("a", 0, 5.0), ("a", 29, 7.0), ("a", 59, 9.0), ("b", 100, 1.0)])
    assert (found["a"].tests, found["a"].bits_per_second) == (2, 12.0)
    assert (found["b"].tests, found["b"].bits_per_second) == (1, 1.0)


def test_the_program_compares_both_and_keeps_to_the_bound() -> None:
    """Each server's peaks, drawn and placed, beside what no moment may exceed."""
    words = ["-m", "bench.fleet_slots", "--probes", "120", "--servers", "2", "--json"]
    done = subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=ROOT)
    rows = json.loads(done.stdout)["servers"]
    assert [row["server"] for row in rows] == ["s0", "s1"]
    for row in rows:
        assert 0 < row["placed"]["bits_per_second"] <= row["bound_bits_per_second"]
        assert row["drawn"]["tests"] >= 1


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the program for a small fleet."""
    known = ["-m", "bench.fleet_slots", "--probes", "120", "--servers", "2"]
    return subprocess.run(
        [sys.executable, *known, *words], check=False, capture_output=True, cwd=ROOT, text=True
    )


def test_servers_with_a_budget_keep_to_it() -> None:
    """Beside the fleet without budgets: fewer tests, and no moment of a server above its budget."""
    free = json.loads(run("--json").stdout)["servers"]
    bits = int(0.8 * min(row["bound_bits_per_second"] for row in free))
    done = run("--json", "--budget", str(bits))
    assert done.returncode == 0
    for row in json.loads(done.stdout)["servers"]:
        assert 0 < row["kept"]["bits_per_second"] <= bits < row["bound_bits_per_second"]


def test_a_budget_that_is_not_kept_ends_it_with_1() -> None:
    """One below the fastest line cannot be; the table says how many servers it is exceeded at."""
    done = run("--budget", "1000000")
    assert done.returncode == 1
    assert "within the budget" in done.stdout
    assert "exceeded at 2 of 2 servers" in done.stdout
    assert re.search(r"The plan took [\d.]+ s of one core", done.stdout)
