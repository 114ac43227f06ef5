"""The lock files: everything is pinned with hashes, nothing says where it comes from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).parents[2]
LOCKS = sorted((TOP / "requirements").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)(?: ; .+)? \\$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return each package of a lock and its version."""
    return dict(PIN.findall((TOP / "requirements" / f"{name}.txt").read_text()))


def wanted(*extras: str) -> list[Requirement]:
    """Return what pyproject.toml asks for."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def names(*extras: str) -> set[str]:
    """Return the names of what pyproject.toml asks for, normalised."""
    return {canonicalize_name(requirement.name) for requirement in wanted(*extras)}


def test_there_is_a_lock_for_each_use() -> None:
    """All of it, the probe alone or asking its router, the services of the image, and what builds
    the project.
    """
    assert {lock.stem for lock in LOCKS} == {"all", "probe", "router", "services", "build"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_is_pinned_and_hashed(lock: Path) -> None:
    """Each entry has one version and at least one SHA-256, and no address of an index."""
    text = lock.read_text()
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]
    assert "://" not in text
    assert "index" not in text


@pytest.mark.parametrize(
    "name, extras",
    [
        ("all", ("probe", "router", "server", "collector", "dev")),
        ("probe", ("probe",)),
        ("router", ("probe", "router")),
        ("services", ("server", "collector")),
    ],
)
def test_a_lock_holds_what_the_project_asks_for(name: str, extras: tuple[str, ...]) -> None:
    """A dependency that was added or raised without `make lock` is found here."""
    locked = pins(name)
    assert names(*extras) <= set(locked)
    for requirement in wanted(*extras):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked to {version}"


def test_the_locks_agree_on_every_version() -> None:
    """What the probe runs is what was tested."""
    everything = pins("all")
    for lock in LOCKS:
        for package, version in pins(lock.stem).items():
            assert everything.get(package) == version, f"{lock.name}: {package}"


def test_the_probe_installs_nothing_of_the_collector() -> None:
    """A Pi gets neither aiohttp nor SQLAlchemy nor what they need."""
    only_collector = names("collector") - names("probe")
    assert not only_collector & set(pins("probe"))
