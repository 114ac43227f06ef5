"""`linewatch line set --since`, `line history`, `ward …`, `person …`, as a person types them."""

from pathlib import Path

import pytest

from protocol.errors import LinewatchError
from tests.collector.commands.support import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with one carrier, one site and one line of 300 Mbit/s."""
    return Registry(tmp_path).filled()


def test_a_new_contract_leaves_the_old_one_its_days(registry: Registry) -> None:
    """The list shows what holds today, the history both; what was recorded stays, too."""
    words = ["line", "set", "l1", "--download", "500M", "--plan", "Home 500", "--since"]
    said = registry.run(*words, "5/10/2026").stdout
    assert said.startswith("line 'l1' changed from 2026-10-05 on:")
    assert "plan: – → Home 500" in said
    first, second = registry.json("line", "history", "l1")
    assert (first["until"], second["from"]) == ("2026-10-04", "2026-10-05")
    assert first["contracted_download_bits_per_second"] == 300_000_000
    assert second["contracted_download_bits_per_second"] == 500_000_000
    assert second["contracted_upload_bits_per_second"] == 1_500_000_000
    said = registry.run("line", "set", "l1", "--plan", "Home 400", "--since", "2026-09-01").stdout
    assert "from 2026-09-01 on until 2026-10-04, as other terms follow" in said
    assert [row["plan"] for row in registry.json("line", "history", "l1")] == [
        None,
        "Home 400",
        "Home 500",
    ]
    recorded = registry.json("line", "history", "l1", "--all")
    assert [row["plan"] for row in recorded] == [None, "Home 500", "Home 400"]
    assert all(row["recorded_at"] for row in recorded)
    shown = registry.run("line", "history", "l1").stdout
    assert shown.splitlines()[0].split()[:2] == ["from", "until"]


def test_terms_of_a_day_to_come_are_not_shown_yet(registry: Registry) -> None:
    """The list of lines goes on with today's."""
    registry.run("line", "set", "l1", "--download", "500M", "--since", "2099-01-01")
    assert registry.json("line", "list")[0]["contracted_download_bits_per_second"] == 300_000_000


def test_all_of_a_contract_can_be_registered(registry: Registry) -> None:
    """Number, day, payer and the least speeds; an empty word empties them."""
    words = "line add l2 --site nvh-1 --carrier vnpt --technology fibre --contract-number HĐ-7"
    more = "--contract-since 1/3/2025 --minimum-download 50M --minimum-upload 20M --payer UBND"
    registry.run(*words.split(), *more.split())
    (terms,) = registry.json("line", "history", "l2")
    assert (terms["contract_number"], terms["contract_since"]) == ("HĐ-7", "2025-03-01")
    assert (terms["minimum_download_bits_per_second"], terms["payer"]) == (50_000_000, "UBND")
    registry.run("line", "set", "l2", "--payer", "", "--contract-since", "")
    (mended,) = registry.json("line", "history", "l2")
    assert (mended["payer"], mended["contract_since"]) == (None, None)
    assert mended["contract_number"] == "HĐ-7"


@pytest.mark.parametrize(
    "words,sentence",
    [
        ("line set l1 --since 2026-10-05", "nothing to change"),
        ("line set l1 --technology cable --since 2026-10-05", "--since is about the contract"),
        ("line history l11", "did you mean 'l1'?"),
        ("person add an --ward tk --role signer --name An", "there is no ward 'tk'"),
        ("person remove an", "there is no person 'an'"),
        ("ward set tk --name x", "there is no ward 'tk'"),
    ],
)
def test_what_does_not_fit_is_a_sentence(registry: Registry, words: str, sentence: str) -> None:
    """It says what to do, and ends with code 2."""
    with pytest.raises(LinewatchError) as caught:
        registry.run(*words.split())
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_day_that_is_none_is_refused(registry: Registry) -> None:
    """With the two ways to write one."""
    done = registry.run("line", "set", "l1", "--plan", "x", "--since", "31/2/2026")
    assert done.exit_code == 2
    assert "write 5/10/2026 or 2026-10-05" in done.stderr


def test_a_ward_has_a_letterhead_and_its_sites_follow_its_name(registry: Registry) -> None:
    """Another ward cannot have its name, as sites go by it."""
    registry.run("ward", "add", "tk", "--name", "Phường Thạch Khôi", "--place", "Thạch Khôi")
    registry.run("ward", "set", "tk", "--name", "Phường Mới", "--letter-code", "UBND-VHXH")
    (ward,) = registry.json("ward", "list")
    assert (ward["name"], ward["place"]) == ("Phường Mới", "Thạch Khôi")
    assert registry.json("site", "list")[0]["ward"] == "Phường Mới"
    with pytest.raises(LinewatchError, match="ward 'tk' has the name"):
        registry.run("ward", "add", "tm", "--name", "Phường Mới")


def test_a_person_is_registered_mended_and_removed(registry: Registry) -> None:
    """Who has left is gone; a ward that somebody stands for stays."""
    registry.run("ward", "add", "tk", "--name", "Phường Thạch Khôi")
    registry.run("person", "add", "an", "--ward", "tk", "--role", "signer", "--name", "An")
    registry.run("person", "set", "an", "--title", "CHỦ TỊCH", "--signs-for", "TM. UBND")
    (person,) = registry.json("person", "list")
    assert (person["role"], person["title"], person["signs_for"]) == (
        "signer",
        "CHỦ TỊCH",
        "TM. UBND",
    )
    registry.run("person", "remove", "an")
    assert registry.json("person", "list") == []
