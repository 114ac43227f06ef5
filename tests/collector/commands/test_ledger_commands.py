"""Which ledger a command of the registry works on, and what it does where there is none."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.errors import LedgerError
from linewatch import build


def run(folder: Path, words: str) -> None:
    """Run a command with a ledger below a folder that does not exist."""
    configuration = folder / "config.yaml"
    place = folder / "new" / "ledger.sqlite"
    configuration.write_text(f"collector: {{ledger: {{path: {place}}}}}\n")
    arguments = [*words.split(), "--config", str(configuration)]
    CliRunner().invoke(build(), arguments, catch_exceptions=False)


@pytest.mark.parametrize(
    "words",
    [
        "site list",
        "probe list --json",
        "operator list",
        "carrier add vnpt --name VNPT",
        "line set l1 --plan x",
        "probe code p1",
    ],
)
def test_no_command_of_the_registry_makes_a_ledger(tmp_path: Path, words: str) -> None:
    """Where there is none, the sentence names the place and the ways out; nothing is created."""
    with pytest.raises(LedgerError) as caught:
        run(tmp_path, words)
    said = str(caught.value)
    assert f"there is no ledger at {tmp_path}/new/ledger.sqlite" in said
    assert "--config FILE or collector.ledger.path" in said
    assert "'linewatch collector run' or 'linewatch collector migrate' makes a new one" in said
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_an_empty_file_is_no_ledger(tmp_path: Path) -> None:
    """What has no tables is left as it is."""
    file = tmp_path / "new" / "ledger.sqlite"
    file.parent.mkdir()
    file.touch()
    with pytest.raises(LedgerError, match=r"there is no ledger in .*: it is empty"):
        run(tmp_path, "site add s1 --name S")
    with pytest.raises(LedgerError, match="it is empty"):
        run(tmp_path, "site list")


def test_a_place_without_a_folder_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is shown from the top: one sees in which folder one stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("collector: {ledger: {path: here/ledger.sqlite}}\n")
    with pytest.raises(LedgerError, match=f"no ledger at {tmp_path}/here/ledger.sqlite"):
        CliRunner().invoke(build(), ["site", "list"], catch_exceptions=False)


def test_a_place_that_cannot_be_looked_at_is_a_sentence(tmp_path: Path) -> None:
    """What the system refuses is said with its place, not taken for a ledger that is not there."""
    configuration = tmp_path / "config.yaml"
    configuration.write_text(f"collector: {{ledger: {{path: {tmp_path / ('x' * 300)}}}}}\n")
    arguments = ["site", "list", "--config", str(configuration)]
    with pytest.raises(LedgerError, match="xxx: cannot be looked at: File name too long"):
        CliRunner().invoke(build(), arguments, catch_exceptions=False)
