"""The systemd units: nothing that systemd does not understand, and no right that is not needed."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MAXIMUM_EXPOSURE = 3.0
PROGRAMS = (
    Path("opt/linewatch/venv/bin/linewatch"),
    Path("usr/local/lib/linewatch/linewatch-routes"),
)
ROUTES = DEPLOY / "systemd/linewatch-routes.service"
PARTS = [unit for unit in UNITS if unit != ROUTES]


def service(unit: Path) -> dict[str, str]:
    """Return the last value of each setting in a unit's [Service]."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keeps upper case
    parser.read_string(unit.read_text())
    return dict(parser["Service"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root directory in which the programs that the units start exist."""
    root = tmp_path_factory.mktemp("root")
    for program in PROGRAMS:
        (root / program).parent.mkdir(parents=True)
        (root / program).write_text("#!/bin/sh\n")
        (root / program).chmod(0o755)
    (root / "bin").mkdir()
    shutil.copy("/bin/kill", root / "bin/kill")
    shutil.copytree("/lib/systemd/system", root / "lib/systemd/system", symlinks=True)
    (root / "etc/systemd/system").mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, root / "etc/systemd/system")
    return root


def test_there_is_a_unit_and_a_user_for_each_part() -> None:
    """Probe, server and collector each have their own."""
    parts = {"probe", "server", "collector"}
    assert {unit.stem for unit in PARTS} == {f"linewatch-{part}" for part in parts}
    for unit in PARTS:
        users = (DEPLOY / "sysusers.d" / f"{unit.stem}.conf").read_text()
        assert service(unit)["User"] == unit.stem
        assert re.search(rf"^u {unit.stem} ", users, re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_nothing_wrong(unit: Path, root: Path) -> None:
    """`systemd-analyze verify` says nothing at all."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", unit.name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_exposure_is_low(unit: Path) -> None:
    """`systemd-analyze security` gives each unit at most 3.0 of 10."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level, done.stdout
    assert float(level[1]) <= MAXIMUM_EXPOSURE


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_part_comes_back_but_not_with_a_wrong_configuration(unit: Path) -> None:
    """Any end is followed by a new start after a pause, for ever; exit code 2 is not."""
    settings = service(unit)
    assert settings["Restart"] == "always"
    assert settings["RestartPreventExitStatus"] == "2"
    assert int(settings["RestartSec"]) >= 10
    assert "StartLimitIntervalSec=0" in unit.read_text()
    assert int(settings["LimitNOFILE"]) >= 4096


def test_what_sets_routes_may_do_nothing_else() -> None:
    """The one program that runs as root has the right to set routes, and no other."""
    settings = service(ROUTES)
    assert settings["CapabilityBoundingSet"] == "CAP_NET_ADMIN"
    assert "AmbientCapabilities" not in settings
    assert "AF_INET" not in settings["RestrictAddressFamilies"].split()


def test_the_users_can_be_made(tmp_path: Path) -> None:
    """systemd-sysusers makes the users from the files, without a login shell."""
    (tmp_path / "etc").mkdir()
    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", *sorted((DEPLOY / "sysusers.d").iterdir())],
        check=True,
        timeout=60,
    )
    lines = [
        line.split(":")
        for line in (tmp_path / "etc/passwd").read_text().splitlines()
        if line.startswith("linewatch-")
    ]
    assert {line[0] for line in lines} == {unit.stem for unit in PARTS}
    assert all(line[6] == "/usr/sbin/nologin" and int(line[2]) < 1000 for line in lines)
