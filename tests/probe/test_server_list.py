"""The list file that the settings or a person name."""

import logging
from pathlib import Path

import pytest

from probe.server_list import MAX_LIST_BYTES, read_list
from protocol.errors import ConfigurationError

GOOD = '{"name": "a", "server": "//a.example"}'


def test_servers_are_read_and_faults_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What can be used is used; what cannot be is said, with the file's name."""
    file = tmp_path / "servers.json"
    file.write_text(f'[{GOOD}, {{"name": "b"}}]')
    with caplog.at_level(logging.WARNING):
        assert [entry.url for entry in read_list(file)] == ["http://a.example"]
    assert "servers.json: entry 2 ('b'): it has no server address" in caplog.text
    assert read_list(None) == ()


@pytest.mark.parametrize(
    "text, told",
    [
        ("no", "it is not JSON"),
        ("[]", "the list is empty"),
        ('[{"name": "b"}]', "no server in it can be used: entry 1"),
        (" " * (MAX_LIST_BYTES + 1), "longer than a list of servers may be"),
    ],
)
def test_a_file_without_servers_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """A wrong file ends with its name and what is wrong with it."""
    file = tmp_path / "servers.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"servers.json: .*{told}"):
        read_list(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """So does one that is not there."""
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_list(tmp_path / "none.json")
