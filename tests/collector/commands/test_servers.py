"""`linewatch server …`, as a person types it, and what probes are then told."""

import json
from pathlib import Path
from typing import Any

import pytest

from collector.commands.servers import ENGINES
from collector.ledger.database import Database
from collector.ledger.instruction import read_instruction
from collector.settings import CollectorSettings, LedgerSettings
from probe.engines import ENGINES as PROBES_ENGINES
from protocol.errors import LinewatchError
from protocol.messages import MAX_SERVERS, BackendPaths, ServerEntry
from protocol.records import Task
from tests.collector.commands.support import Registry

LISTED = {"name": "Hà Nội", "server": "//hn.example/speed", "dlURL": "get", "sponsorName": "VNIX"}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with a probe."""
    made = Registry(tmp_path).filled()
    made.run("probe", "add", "p1", "--site", "nvh-1", "--line", "l1")
    return made


def told(registry: Registry) -> dict[str, ServerEntry]:
    """Return the servers that the probe is told, in their order."""
    ledger = LedgerSettings(path=registry.ledger)
    database = Database(ledger)
    settings = CollectorSettings(ledger=ledger)
    found = database.read_now(lambda c: read_instruction(c, "p1", settings)).servers
    database.close()
    return {entry.name: entry for entry in found}


def write(folder: Path, *entries: dict[str, Any]) -> str:
    """Write a list, return its name."""
    file = folder / "servers.json"
    file.write_text(json.dumps(entries))
    return str(file)


def test_engines_are_those_that_probes_have() -> None:
    """What may be registered is what a probe measures speed with."""
    speed = {name for name, engine in PROBES_ENGINES.items() if engine.task is Task.SPEED}
    assert set(ENGINES) == speed


def test_a_server_is_added_and_mended(registry: Registry) -> None:
    """Engine and network are told to probes and can be mended; without an engine it is http."""
    registry.run("server", "add", "lab", "--url", "iperf3://192.0.2.1", "--engine", "iperf3")
    registry.run("server", "add", "hn", "--url", "http://hn.example", "--network", "VNPT Net")
    registry.run("server", "set", "hn", "--network", "VNIX", "--stamp", "hn.example:8080")
    servers = told(registry)
    assert (servers["lab"].engine, servers["lab"].network) == ("iperf3", None)
    assert (servers["hn"].engine, servers["hn"].network) == ("http", "VNIX")
    assert servers["hn"].stamp == "hn.example:8080"
    assert "VNIX" in registry.run("server", "list").stdout
    with pytest.raises(LinewatchError, match="is no server's URL"):
        registry.run("server", "set", "hn", "--url", "hn.example")


def test_the_first_that_was_registered_stays_the_first(registry: Registry, tmp_path: Path) -> None:
    """Paths that name no server keep theirs, whatever names are imported later."""
    registry.run("server", "add", "z", "--url", "http://z.example")
    registry.run("server", "import", write(tmp_path, LISTED | {"name": "a"}))
    assert list(told(registry)) == ["z", "a"]


def test_a_list_is_imported_and_can_be_again(registry: Registry, tmp_path: Path) -> None:
    """Each entry is said to be added, changed or the same; what the list does not know stays."""
    file = write(tmp_path, LISTED)
    assert "added" in registry.run("server", "import", file).stdout
    assert told(registry)["ha-noi"] == ServerEntry(
        name="ha-noi",
        url="http://hn.example/speed",
        network="VNIX",
        paths=BackendPaths.model_validate({"dlURL": "get"}),
    )
    registry.run("server", "set", "ha-noi", "--stamp", "hn.example:8080")
    assert "same" in registry.run("server", "import", file).stdout
    again = registry.run("server", "import", write(tmp_path, LISTED | {"dlURL": "data"})).stdout
    assert "changed" in again
    entry = told(registry)["ha-noi"]
    assert entry.stamp == "hn.example:8080"
    assert entry.paths is not None
    assert entry.paths.download == "data"


def test_what_an_import_cannot_use_is_named(registry: Registry, tmp_path: Path) -> None:
    """Good entries are taken, each faulty one is told, and the command does not end as if all had
    been well.
    """
    with pytest.raises(LinewatchError) as caught:
        registry.run("server", "import", write(tmp_path, LISTED, {"name": "b"}))
    assert "1 servers were taken, but not these:\n  entry 2 ('b'): it has no" in str(caught.value)
    assert list(told(registry)) == ["ha-noi"]


@pytest.mark.parametrize("text, sentence", [("{}", "no list"), (" " * 1_100_000, "longer than")])
def test_what_is_no_list_is_refused(
    registry: Registry, tmp_path: Path, text: str, sentence: str
) -> None:
    """A wrong file, and one that is not there, end with a sentence."""
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(LinewatchError, match=sentence):
        registry.run("server", "import", str(tmp_path / "wrong.json"))
    with pytest.raises(LinewatchError, match="cannot be read"):
        registry.run("server", "import", str(tmp_path / "none.json"))


def test_probes_are_never_told_more_than_they_take(registry: Registry, tmp_path: Path) -> None:
    """A list that is longer than an instruction may be is refused whole, before probes starve of
    instructions; so is one server more than that.
    """
    entries = [LISTED | {"name": f"s{number}"} for number in range(MAX_SERVERS)]
    registry.run("server", "import", write(tmp_path, *entries))
    assert len(told(registry)) == MAX_SERVERS
    registry.run("server", "import", write(tmp_path, *entries))
    for words in (
        ("server", "import", write(tmp_path, LISTED)),
        ("server", "add", "one", "--url", "http://one.example"),
    ):
        with pytest.raises(LinewatchError, match=f"at most {MAX_SERVERS}"):
            registry.run(*words)
    assert len(told(registry)) == MAX_SERVERS


def test_load_shows_what_tests_load_servers_with(registry: Registry) -> None:
    """A server's paths, tests, mean and peak beside its budget; above it is said in red."""
    registry.run("server", "add", "hn1", "--url", "http://hn1", "--budget", "500M")
    (row,) = registry.json("server", "load")
    assert row["server"] == "(the first)"
    assert row["paths"] == 1
    assert row["tests_per_day"] == 8
    assert row["budget_bits_per_second"] == 500_000_000
    assert 1.5e9 < row["peak_bits_per_second"] < 1.6e9
    told = registry.run("server", "load")
    assert "above their budgets: (the first)" in told.stderr
    assert "500 Mbit/s" in told.stdout
    assert told.exit_code == 1
    registry.run("server", "set", "hn1", "--budget", "")
    kept = registry.run("server", "load")
    assert "above" not in kept.output
    assert kept.exit_code == 0
