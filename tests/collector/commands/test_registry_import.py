"""`linewatch registry import`, on a real ledger: a whole registry at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.errors import LinewatchError
from simulate import Fleet
from tests.collector.commands.support import Registry
from tests.simulate.fleets import SMALL

CONTENT = Fleet(SMALL).registry()


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return an empty registry."""
    return Registry(tmp_path)


def _file(folder: Path, **changes: Any) -> str:
    path = folder / "fleet.json"
    path.write_text(json.dumps(CONTENT | changes))
    return str(path)


def test_a_simulated_fleet_can_be_imported(registry: Registry, tmp_path: Path) -> None:
    """Everything is there afterwards as the file has it, probes enrolled by their keys."""
    said = registry.run("registry", "import", _file(tmp_path), "--apply").stdout
    assert f"probes: {SMALL.probes} added, 0 there already" in said
    for what in ("carrier", "site", "line", "probe", "server"):
        names = {row["id"] for row in registry.json(what, "list")}
        assert names == {row.get("id") or row["name"] for row in CONTENT[f"{what}s"]}
    assert all(row["enrolled_at"] for row in registry.json("probe", "list"))


def test_importing_again_adds_only_what_is_new(registry: Registry, tmp_path: Path) -> None:
    """What was mended since stays mended, and a longer file adds its own rows."""
    registry.run("registry", "import", _file(tmp_path, probes=CONTENT["probes"][:1]), "--apply")
    registry.run("carrier", "set", "a", "--name", "Mended")
    said = registry.run("registry", "import", _file(tmp_path), "--apply").stdout
    assert f"probes: {SMALL.probes - 1} added, 1 there already" in said
    assert "carriers: 0 added, 4 there already" in said
    assert registry.json("carrier", "list")[0]["name"] == "Mended"


@pytest.mark.parametrize(
    "changes,sentence",
    [
        ({"sites": []}, "there is no site 's4-00000-site', which a row of 'lines' names"),
        ({"carriers": CONTENT["carriers"] * 2}, "the file has carrier 'a' twice"),
        ({"lines": [{"id": "l"}]}, "lines.0.site: Field required"),
        ({"lnes": []}, "lnes: Extra inputs"),
        (
            {"probes": [CONTENT["probes"][0], CONTENT["probes"][0] | {"id": "copy"}]},
            "two probes have the same key",
        ),
    ],
)
def test_a_file_that_does_not_fit_adds_nothing(
    registry: Registry, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    """It is said in a sentence what is wrong, and the registry stays empty."""
    with pytest.raises(LinewatchError, match=sentence):
        registry.run("registry", "import", _file(tmp_path, **changes), "--apply")
    assert registry.json("carrier", "list") == []
    assert registry.json("probe", "list") == []
