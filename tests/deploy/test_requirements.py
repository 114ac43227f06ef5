"""The lock files: everything is pinned with hashes, nothing says where it comes from."""

import re
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
LOCKS = sorted((TOP / "requirements").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)(?: ; .+)? \\$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return each package of a lock and its version."""
    return dict(PIN.findall((TOP / "requirements" / f"{name}.txt").read_text()))


def wanted(*extras: str) -> set[str]:
    """Return the packages that pyproject.toml asks for, normalised."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {re.split(r"[\[<>=!~; ]", line)[0].lower().replace("_", "-") for line in lines}


def test_there_is_a_lock_for_each_use() -> None:
    """All of it, the probe alone, the services of the image, and what builds the project."""
    assert {lock.stem for lock in LOCKS} == {"all", "probe", "services", "build"}


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
        ("all", ("probe", "server", "collector", "dev")),
        ("probe", ("probe",)),
        ("services", ("server", "collector")),
    ],
)
def test_a_lock_holds_what_the_project_asks_for(name: str, extras: tuple[str, ...]) -> None:
    """A dependency that was added without `make lock` is found here."""
    assert wanted(*extras) <= set(pins(name))


def test_the_locks_agree_on_every_version() -> None:
    """What the probe runs is what was tested."""
    everything = pins("all")
    for lock in LOCKS:
        for package, version in pins(lock.stem).items():
            assert everything.get(package) == version, f"{lock.name}: {package}"


def test_the_probe_installs_nothing_of_the_collector() -> None:
    """A Pi gets neither aiohttp nor SQLAlchemy nor what they need."""
    only_collector = wanted("collector") - wanted("probe")
    assert not only_collector & set(pins("probe"))
