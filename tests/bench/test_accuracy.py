"""The program behind `make bench-accuracy`."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from bench.accuracy import Plan, as_json
from tests.bench.runs import ALLOWED, LATENCY, case_of, run_at

ROOT = Path(__file__).parents[2]

PLAN = Plan((100,), ("near",), (4,), ("full", "iperf3"), runs=3, loss=True)


def test_json_holds_every_run() -> None:
    """Nothing is summarised away: each run stands in the JSON by itself, with the machine."""
    case = case_of(full=[run_at(1), run_at(0.99)])
    case.failures = {"iperf3": ["refused"]}
    case.loss = (0.001, 0.0011)
    tree = json.loads(json.dumps(as_json([case], PLAN)))
    (found,) = tree["cases"]
    assert found["allowed_bits_per_second"] == pytest.approx(ALLOWED)
    rates = [run["bits_per_second"]["upload"] for run in found["runs"]["full"]]
    assert rates == pytest.approx([ALLOWED, 0.99 * ALLOWED])
    assert found["true_latency"]["full"] == [LATENCY, LATENCY]
    assert found["kind"]["name"] == "near"
    assert found["loss"] == [0.001, 0.0011]
    assert found["failures"] == {"iperf3": ["refused"]}
    assert tree["machine"]["cores"] >= 1
    assert tree["plan"]["tools"] == ["full", "iperf3"]


def test_a_run_of_the_program_holds_the_line_to_its_truth() -> None:
    """Runs of `quick` on an emulated line: rate, wire and idle time beside what is true."""
    words = ["--rate", "20", "--line", "near", "--tool", "quick", "--runs", "3", "--json"]
    done = subprocess.run(
        [sys.executable, "bench/accuracy.py", *words], check=False, capture_output=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr.decode()
    (case,) = json.loads(done.stdout)["cases"]
    runs, truths = case["runs"]["quick"], case["true_latency"]["quick"]
    assert len(runs) == len(truths) == 3
    allowed = case["allowed_bits_per_second"]
    for direction in ("download", "upload"):
        # `quick` counts about a second: a machine that pauses for 50 ms moves 5 % in or out of one
        # run. The median stands above a pause.
        rate = median(run["bits_per_second"][direction] for run in runs)
        assert rate == pytest.approx(allowed, rel=0.1)
        assert median(case["wire"][direction]) == pytest.approx(20e6, rel=0.1)
    for run, truth in zip(runs, truths, strict=True):
        assert truth["idle"] == pytest.approx(0.002, abs=0.001)
        assert run["latency_seconds"]["idle"] > truth["idle"] - 0.0005
