"""The reading API against its own description, by schemathesis."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from bench.processes import LINEWATCH
from tests.integration.support import start_collector

DESCRIPTION = Path(__file__).parents[3] / "collector/api/openapi.json"
PASSWORD = "for this test alone"

NOT_CHECKED = (
    # A cursor is a word of an earlier answer; which words there are no schema can say. Nor can one
    # say that `start` has to come before `end`.
    "positive_data_acceptance",
    # Probes deliver to the same address that operators read from; the description is for readers.
    "unsupported_method",
    "allow_header_conformance",
    # After some wrong passwords the answer is 429, whatever the next one is.
    "ignored_auth",
)


def test_answers_are_what_the_description_says(tmp_path: Path, month_ledger: Path) -> None:
    """Whatever is asked: no error of ours, a status and a body as described, and what does not fit
    the description is refused.
    """
    for file in month_ledger.parent.iterdir():
        shutil.copy(file, tmp_path / file.name)
    with start_collector(tmp_path) as collector:
        add = [LINEWATCH, "operator", "add", "reader", "--password-stdin"]
        subprocess.run(
            [*add, "--config", collector.configuration], check=True, input=PASSWORD, text=True
        )
        words = (
            "run",
            f"{collector.url}/v1/openapi.json",
            "--checks=all",
            f"--exclude-checks={','.join(NOT_CHECKED)}",
            "--max-examples=12",
            "--seed=1",
            f"--auth=reader:{PASSWORD}",
            "--no-color",
        )
        done = subprocess.run(
            [Path(sys.executable).with_name("schemathesis"), *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert collector.process.popen.poll() is None
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr
    described = json.loads(DESCRIPTION.read_text())["paths"]
    # All but the description itself, which it has read.
    assert f"Tested: {len(described) - 1}" in done.stdout
