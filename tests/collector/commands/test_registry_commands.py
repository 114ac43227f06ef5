"""The registry's commands, as a person types them, on a real ledger file."""

from pathlib import Path

import pytest

from protocol.errors import LinewatchError
from tests.collector.commands.support import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with one carrier, one site and one line."""
    return Registry(tmp_path).filled()


def test_what_was_added_is_listed(registry: Registry) -> None:
    """Names keep their diacritics, and speeds are stored in bits per second."""
    assert registry.json("carrier", "list")[0]["name"] == "VNPT Hải Phòng"
    assert registry.json("site", "list")[0]["ward"] == "Phường Thạch Khôi"
    line = registry.json("line", "list")[0]
    assert line["contracted_download_bits_per_second"] == 300_000_000
    assert line["contracted_upload_bits_per_second"] == 1_500_000_000
    assert "300 Mbit/s" in registry.run("line", "list").stdout


@pytest.mark.parametrize(
    "words,sentence",
    [
        ("carrier add vnpt --name again", "there is a carrier 'vnpt' already"),
        (
            "line add l2 --site nvh-2 --carrier vnpt --technology fibre",
            "there is no site 'nvh-2': did you mean 'nvh-1'?",
        ),
        ("probe add p1 --site elsewhere --line l1", "add it with 'linewatch site add'"),
        ("probe add p1 --site nvh-1 --line l11", "there is no line 'l11': did you mean 'l1'?"),
        ("probe add p1 --site nvh-1", "give either --line, or --path"),
        ("probe revoke p9", "there is no probe 'p9'"),
        ("server add s --url ftp://x", "is no server's URL"),
    ],
)
def test_what_does_not_fit_is_a_sentence(registry: Registry, words: str, sentence: str) -> None:
    """A refused command says what is wrong and what to do, and changes nothing."""
    with pytest.raises(LinewatchError, match=r".") as caught:
        registry.run(*words.split())
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2
    assert registry.json("probe", "list") == []


@pytest.mark.parametrize(
    "speed,meant",
    [
        ("300", "300M"),
        ("1.5", "1.5M"),
        ("300000000", "300M"),
        ("20k", "20M"),
        ("300 bit/s", "300M"),
    ],
)
def test_a_speed_without_a_unit_or_below_any_line_is_refused(
    registry: Registry, speed: str, meant: str
) -> None:
    """A forgotten letter is not taken for a very slow line: what was meant is named."""
    words = "line add l2 --site nvh-1 --carrier vnpt --technology fibre --download"
    result = registry.run(*words.split(), speed)
    assert result.exit_code == 2
    assert f"did you mean {meant}?" in result.stderr
    assert len(registry.json("line", "list")) == 1


def test_what_was_understood_is_said(registry: Registry) -> None:
    """The answer to `add` repeats speeds and names as they are stored now."""
    words = "line add l2 --site nvh-1 --carrier vnpt --technology fibre"
    said = registry.run(*words.split(), "--download", "300M", "--upload", "0.2G").stdout
    assert "line 'l2' added: 300 Mbit/s down, 200 Mbit/s up" in said
    unknown = registry.run(*words.replace("l2", "l3").split()).stdout
    assert "line 'l3' added: no speed known" in unknown
    site = registry.run("site", "add", "s2", "--name", "Nhà 2", "--ward", "Tân Hưng").stdout
    assert "site 's2' added: Nhà 2, Tân Hưng" in site


@pytest.mark.parametrize("speed", ["fast", "-3M", "0", "0M", "300MB", "1e9"])
def test_a_speed_that_is_none_is_refused(registry: Registry, speed: str) -> None:
    """The refusal shows how a speed is written."""
    words = "line add l2 --site nvh-1 --carrier vnpt --technology fibre --download"
    result = registry.run(*words.split(), speed)
    assert result.exit_code == 2
    assert "write 300M for 300 Mbit/s" in result.stderr


def test_a_probe_gets_a_code_once_and_a_new_one_voids_it(registry: Registry) -> None:
    """Each code is new, and is printed for machines with its time of expiry."""
    first = registry.json("probe", "add", "p1", "--site", "nvh-1", "--line", "l1")
    second = registry.json("probe", "code", "p1")
    assert first["probe"] == second["probe"] == "p1"
    assert first["code"] != second["code"]
    assert len(first["code"].replace("-", "")) == 16


def test_a_revoked_probe_gets_no_code(registry: Registry) -> None:
    """A device that lost its trust needs a new name."""
    registry.run("probe", "add", "p1", "--site", "nvh-1", "--line", "l1")
    registry.run("probe", "revoke", "p1")
    assert registry.json("probe", "list")[0]["revoked_at"] is not None
    with pytest.raises(LinewatchError, match="was revoked"):
        registry.run("probe", "code", "p1")


def test_an_operators_password_is_not_stored(registry: Registry, tmp_path: Path) -> None:
    """Neither the list nor the ledger's file holds the password in the clear."""
    secret = "rất-bí-mật-2026"
    registry.run("operator", "add", "an", "--password-stdin", given=f"{secret}\n")
    assert registry.json("operator", "list")[0]["name"] == "an"
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.sqlite*"))
    assert secret.encode() not in stored
    registry.run("operator", "remove", "an")
    assert registry.json("operator", "list") == []


def test_a_short_password_is_refused(registry: Registry) -> None:
    """A password that can be guessed is none."""
    with pytest.raises(LinewatchError, match="at least 10 characters"):
        registry.run("operator", "add", "an", "--password-stdin", given="short\n")


def test_without_a_terminal_the_password_is_not_asked_for(registry: Registry) -> None:
    """In a script the way by standard input is named; nothing is read, nobody is added."""
    with pytest.raises(LinewatchError) as caught:
        registry.run("operator", "add", "an", given="rất-bí-mật-2026\n" * 2)
    assert "'linewatch operator add an --password-stdin < FILE'" in str(caught.value)
    assert caught.value.exit_code == 2
    assert registry.json("operator", "list") == []


@pytest.mark.parametrize("name", ["NVH-2", "nvh_2.b", "2", "a" * 64])
def test_a_name_of_plain_letters_is_taken(registry: Registry, name: str) -> None:
    """Capitals, digits, dot, dash and underscore are good."""
    assert registry.run("site", "add", name, "--name", "Nhà 2").exit_code == 0
    assert name in [site["id"] for site in registry.json("site", "list")]


@pytest.mark.parametrize("name", ["Nhà 1", "nhà", "a b", ".a", "_a", "a/b", "", "a" * 65])
def test_a_name_of_other_signs_is_refused(registry: Registry, name: str) -> None:
    """The refusal says all of the rule: letters, accents, the first sign, the length."""
    result = registry.run("site", "add", name, "--name", "Nhà 2")
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "letters A-Z and a-z without accents, digits, dot, dash and underscore" in said
    assert "begins with a letter or digit, and has at most 64 of them" in said
    assert [site["id"] for site in registry.json("site", "list")] == ["nvh-1"]
