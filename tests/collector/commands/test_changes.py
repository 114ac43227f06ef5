"""`linewatch carrier|site|line set`, as a person types it."""

from pathlib import Path

import pytest

from protocol.errors import LinewatchError
from tests.collector.commands.support import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with one carrier, one site and one line."""
    return Registry(tmp_path).filled()


def test_only_what_is_given_changes(registry: Registry) -> None:
    """A line's download is mended; its upload, plan and technology stay; old and new are shown."""
    before = registry.json("line", "list")[0]
    said = registry.run("line", "set", "l1", "--download", "200M").stdout
    assert "contracted download: 300 Mbit/s → 200 Mbit/s" in said
    after = registry.json("line", "list")[0]
    assert after == before | {"contracted_download_bits_per_second": 200_000_000}


def test_every_mistake_in_a_line_can_be_mended(registry: Registry) -> None:
    """Technology, plan and all four speeds take new values in one command."""
    words = "line set l1 --technology cable --plan Home --download 100M --upload 50M"
    declared = ["--declared-download", "90M", "--declared-upload", "45M"]
    registry.run(*words.split(), *declared)
    line = registry.json("line", "list")[0]
    assert (line["technology"], line["plan"]) == ("cable", "Home")
    assert line["contracted_download_bits_per_second"] == 100_000_000
    assert line["contracted_upload_bits_per_second"] == 50_000_000
    assert line["declared_download_bits_per_second"] == 90_000_000
    assert line["declared_upload_bits_per_second"] == 45_000_000


def test_sites_and_carriers_are_mended_too(registry: Registry) -> None:
    """A name, a ward, an address, a place on the map; what is not given stays."""
    registry.run("site", "set", "nvh-1", "--name", "Nhà 2", "--address", "Đường 5")
    registry.run("site", "set", "nvh-1", "--latitude", "20.9", "--longitude", "106.3")
    registry.run("site", "set", "nvh-1", "--kind", "community_house")
    site = registry.json("site", "list")[0]
    assert site["kind"] == "community_house"
    registry.run("site", "set", "nvh-1", "--kind", "")
    assert registry.json("site", "list")[0]["kind"] is None
    assert (site["name"], site["ward"]) == ("Nhà 2", "Phường Thạch Khôi")
    assert (site["address"], site["latitude"], site["longitude"]) == ("Đường 5", 20.9, 106.3)
    registry.run("carrier", "set", "vnpt", "--name", "VNPT")
    assert registry.json("carrier", "list")[0]["name"] == "VNPT"


def test_an_empty_word_empties_what_need_not_be_known(registry: Registry) -> None:
    """A ward or a speed that was wrong becomes unknown, not an empty text and not zero."""
    registry.run("site", "set", "nvh-1", "--ward", "")
    registry.run("line", "set", "l1", "--upload", "")
    assert registry.json("site", "list")[0]["ward"] is None
    assert registry.json("line", "list")[0]["contracted_upload_bits_per_second"] is None


@pytest.mark.parametrize(
    "words,sentence",
    [
        (["line", "set", "l11", "--plan", "x"], "there is no line 'l11': did you mean 'l1'?"),
        (["line", "set", "zzz", "--plan", "x"], "see 'linewatch line list'"),
        (["site", "set", "nvh-11", "--ward", "x"], "did you mean 'nvh-1'?"),
        (["carrier", "set", "fpt", "--name", "x"], "see 'linewatch carrier list'"),
        (["line", "set", "l1"], "nothing to change: see 'linewatch line set --help'"),
        (["site", "set", "nvh-1", "--name", ""], "a site's name cannot be empty"),
    ],
)
def test_what_cannot_be_changed_is_a_sentence(
    registry: Registry, words: list[str], sentence: str
) -> None:
    """The refusal says what to do, and everything stays as it was."""
    kinds = ("carrier", "site", "line")
    before = [registry.json(kind, "list") for kind in kinds]
    with pytest.raises(LinewatchError) as caught:
        registry.run(*words)
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2
    assert [registry.json(kind, "list") for kind in kinds] == before


@pytest.mark.parametrize("option", ["--site", "--carrier"])
def test_a_line_keeps_its_site_and_carrier(registry: Registry, option: str) -> None:
    """They are not offered, and the help says why."""
    assert registry.run("line", "set", "l1", option, "x").exit_code == 2
    said = " ".join(registry.run("line", "set", "--help").stdout.split())
    assert "another site or carrier: a line that has records keeps both" in said
