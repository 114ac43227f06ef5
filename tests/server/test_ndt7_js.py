"""M-Lab's own JavaScript client, as published, measures against our server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import start_server

TOP = Path(__file__).parents[2]
PROGRAM = TOP / "tests/server/ndt7_js/measure.cjs"
MODULES = TOP / "build/ndt7_js/node_modules"
"""What `make test-packages` installs from the lock beside the program."""


def test_the_lock_is_whole_and_names_no_registry() -> None:
    """Each package of the client has one version and a hash, and no address where it came from."""
    lock = json.loads((PROGRAM.parent / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert set(packages) == {"node_modules/@m-lab/ndt7", "node_modules/ws"}
    for package in packages.values():
        assert package["version"]
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package


def measured_by_mlab(address: str) -> dict[str, Any]:
    """Return what the client says of a whole test: ten seconds each way."""
    done = subprocess.run(
        ["node", str(PROGRAM), address],
        env={**os.environ, "NODE_PATH": str(MODULES)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_mlabs_client_completes_both_directions(tmp_path: Path) -> None:
    """The client ends both directions without an error, has read our measurements, and what the
    two ends counted agrees.
    """
    with start_server(tmp_path) as server:
        result = measured_by_mlab(server.url.removeprefix("http://"))
    assert (result["code"], result["errors"]) == (0, [])
    for direction in ("download", "upload"):
        assert 9 <= result["serverMeasurements"][direction] <= 110
        client = result[direction]["LastClientMeasurement"]
        ours = result[direction]["LastServerMeasurement"]
        assert ours["Test"] == direction
        assert 9 < client["ElapsedTime"] < 13
        assert 9e6 < ours["AppInfo"]["ElapsedTime"] < 13e6
        # The client's last count is up to 250 ms older than ours, or is ahead by what is queued.
        mean = ours["AppInfo"]["NumBytes"] / ours["AppInfo"]["ElapsedTime"] * 1e6
        assert client["NumBytes"] / client["ElapsedTime"] == pytest.approx(mean, rel=0.1)
        assert ours["TCPInfo"]["MinRTT"] < 1_000_000
        assert ours["ConnectionInfo"]["Client"].startswith("127.0.0.1:")
