"""The installer, run for real on this machine, in mounts of its own that leave nothing behind.

/etc, /opt, /usr/local and /var/lib are overlaid in a mount namespace: what the script writes lands
in the test's folder. The collector that it enrols with is a real one. Only the service is not
started: there is no systemd to start it in a namespace.
"""

import functools
import http.server
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.integration.support import Part, command, start_collector

TOP = Path(__file__).parents[2]
OVERLAID = ("etc", "opt", "usr/local", "var/lib")
AS_ROOT = [] if os.geteuid() == 0 else ["sudo"]
CONFIG = Path("etc/linewatch/config.yaml")
STATE = Path("var/lib/linewatch/probe")
UNIT = Path("etc/systemd/system/linewatch-probe.service")


@dataclass(frozen=True)
class Device:
    """A machine of its own, as far as the installer can tell. ``folder`` holds what it wrote."""

    folder: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a shell program on the device, as root."""
        mounts = "set -e; mount --make-rprivate /; "
        for place in OVERLAID:
            upper, work = self.folder / place, self.folder / ".work" / place
            upper.mkdir(parents=True, exist_ok=True)
            work.mkdir(parents=True, exist_ok=True)
            options = f"lowerdir=/{place},upperdir={upper},workdir={work}"
            mounts += f"mount -t overlay overlay -o {options} /{place}; "
        return subprocess.run(
            [*AS_ROOT, "unshare", "--mount", "bash", "-c", mounts + program, "bash", *arguments],
            cwd="/",
            env={**os.environ, "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def install(self, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the installer, as a root whose files nobody else may read."""
        script = TOP / "deploy/install-probe.sh"
        return self.run(f'umask 077; {script} --no-start --source "$@"', source, *arguments)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """A device; what root wrote is removed by root."""
    folder = tmp_path / "device"
    folder.mkdir()
    yield Device(folder)
    subprocess.run([*AS_ROOT, "rm", "-rf", folder], check=True)


@pytest.fixture
def release(tmp_path: Path) -> Iterator[str]:
    """The address of a release's .tar.gz, made of what the repository tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=True
    )
    (tmp_path / "served").mkdir()
    with tarfile.open(tmp_path / "served/linewatch.tar.gz", "w:gz") as archive:
        for name in filter(None, listed.stdout.split("\0")):
            archive.add(TOP / name, f"linewatch-0.1.0/{name}")
    serve = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served")
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/linewatch.tar.gz"
        server.shutdown()
        thread.join()


def new_code(folder: Path, collector: Part) -> str:
    """Register a probe with a real collector; return its one-time code."""
    section = yaml.safe_load(collector.configuration.read_text())["collector"]
    for words in (
        ["carrier", "add", "vnpt", "--name", "VNPT"],
        ["site", "add", "nvh-1", "--name", "Nhà văn hóa"],
        ["line", "add", "l1", "--site", "nvh-1", "--carrier", "vnpt", "--technology", "fibre"],
        ["probe", "add", "pi-1", "--site", "nvh-1", "--line", "l1", "--json"],
    ):
        done = command(folder, words, collector=section)
        assert done.returncode == 0, done.stderr
    code: str = json.loads(done.stdout)["code"]
    return code


@pytest.mark.timeout(600)
def test_a_device_becomes_an_enrolled_probe_and_stays_one(
    tmp_path: Path, device: Device, release: str
) -> None:
    """One line installs and enrols; again, it mends, and keeps key, enrolment, settings."""
    with start_collector(tmp_path) as collector:
        first = device.install(
            release, "--collector", collector.url, "--code", new_code(tmp_path, collector)
        )
        assert first.returncode == 0, first.stdout + first.stderr
        section = yaml.safe_load(collector.configuration.read_text())["collector"]
        words = ["probe", "code", "pi-1", "--json"]
        made = command(tmp_path, words, collector=section)
        assert made.returncode == 0, made.stderr
        code = json.loads(made.stdout)["code"]
        returned = device.install(str(TOP), "--collector", collector.url, "--code", code)
        assert "Enrolled as pi-1" in returned.stdout, returned.stderr
    enrolled = json.loads((device.folder / STATE / "enrolment.json").read_text())
    assert enrolled["collector_url"] == collector.url
    key = device.folder / STATE / "key.pem"
    owner = device.run("stat --format '%U %a' /var/lib/linewatch/probe/key.pem").stdout.split()
    assert owner == ["linewatch-probe", "600"]
    assert (device.folder / UNIT).read_text() == (
        TOP / "deploy/systemd/linewatch-probe.service"
    ).read_text()
    routes = device.run("cd / && /usr/local/lib/linewatch/linewatch-routes --help")
    assert "Gives each of several uplinks its own routes" in routes.stderr
    for file in ("modules-load.d/linewatch-measure.conf", "sysctl.d/60-linewatch-measure.conf"):
        assert (device.folder / "etc" / file).read_text() == (TOP / "deploy" / file).read_text()
    before = key.read_bytes()
    (device.folder / CONFIG).write_text("probe:\n  timezone: Asia/Bangkok\n")
    # As if power had failed while the environment was made.
    device.run("rm -r /opt/linewatch/venv/lib/python3*/site-packages/pip")

    # The line of before, run again: its code is worth nothing any more.
    again = device.install(str(TOP), "--collector", "http://127.0.0.1:9", "--code", "ABCD-EFGH")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Already enrolled" in again.stdout
    assert key.read_bytes() == before
    assert json.loads((device.folder / STATE / "enrolment.json").read_text()) == enrolled
    assert "Asia/Bangkok" in (device.folder / CONFIG).read_text()
    version = device.run("linewatch --version")
    assert version.stdout.startswith("linewatch, version "), version.stderr
    there = device.run("ls /opt/linewatch/venv/lib/python3*/site-packages").stdout.split()
    assert "protocol" in there
    assert "aiohttp" not in there


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["/nowhere"], "/nowhere is not a release of Linewatch"),
        ([str(TOP), "--color"], "unknown argument: --color"),
        ([str(TOP), "--code"], "--code needs a value"),
        (["http://127.0.0.1:9/release.tar.gz"], "cannot fetch"),
    ],
)
def test_a_wrong_argument_changes_nothing_and_is_told(
    device: Device, arguments: list[str], sentence: str
) -> None:
    """The installer says what is wrong before it writes anything."""
    done = device.install(*arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert not [path for path in device.folder.rglob("*linewatch*") if ".work" not in path.parts]


def test_a_release_with_another_hash_is_not_installed(device: Device, release: str) -> None:
    """A tarball that is not the one that was named is refused before it is unpacked."""
    done = device.install(release, "--sha256", "0" * 64)
    assert done.returncode != 0
    assert "does not have the hash" in done.stderr
    assert not (device.folder / "opt/linewatch").exists()
