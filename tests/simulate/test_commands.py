"""`linewatch simulate`, as a person types it."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from linewatch import build
from simulate.folder import read_plan
from simulate.plan import USUAL, FleetPlan, rhythm
from simulate.registry import probe_of


@pytest.mark.parametrize(
    "address", ["nonsense", "ftp://127.0.0.1", "http://", "http://[::1", "http://h:99999"]
)
def test_what_is_no_address_is_refused_before_anything_is_made(address: str) -> None:
    """A wrong word is a wrong option, not a collector that is away."""
    words = ["simulate", "--probes", "1", "--days", "1", "--to", address]
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 2
    assert "--to" in done.output
    assert "is no address of a collector, for example http://127.0.0.1:8000" in " ".join(
        done.output.split()
    )


def test_a_country_has_100_000_probes() -> None:
    """So many are asked for and each has a name of its own: the only fault is the address."""
    words = ["simulate", "--probes", "100000", "--days", "1", "--to", "nonsense"]
    done = CliRunner().invoke(build(), words)
    assert "--probes" not in done.output
    assert "is no address" in done.output
    plan = FleetPlan(probes=100_001, days=1, seed=1)
    assert len({probe_of(plan, number).id for number in (9_999, 10_000, 99_999, 100_000)}) == 4


@pytest.mark.parametrize(
    "words, changed",
    [
        ([], {}),
        (["--latency-seconds", "3600"], {"latency": rhythm(0, 3600, None).latency}),
        (["--reach-seconds", "600"], {"reach": rhythm(0, None, 600).reach}),
        (["--speed-tests", "12"], {"speed": rhythm(12, None, None).speed}),
        (["--speed-tests", "0", "--reach-seconds", "600"],
         {"speed": None, "reach": rhythm(0, None, 600).reach}),
    ],
)  # fmt: skip
def test_what_is_not_named_keeps_the_usual_schedule(
    tmp_path: Path, words: list[str], changed: dict[str, Any]
) -> None:
    """Another period of latency leaves the evening its three speed tests."""
    folder = tmp_path / "fleet"
    plan = ["--probes", "1", "--days", "1", "--start", "2026-10-01", "--out", str(folder), "--json"]
    done = CliRunner().invoke(build(), ["simulate", *plan, *words])
    assert done.exit_code == 0, done.output
    assert read_plan(folder).schedule == USUAL.model_copy(update=changed)
