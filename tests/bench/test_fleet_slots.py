"""`make bench-slots`, for a small fleet."""

import json
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
