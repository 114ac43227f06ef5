"""What becomes of an acceptance test's result, and what the command refuses at once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import linewatch
from probe.acceptance import run
from probe.acceptance.acceptance import Acceptance
from probe.acceptance.run import Site
from probe.ceiling import read_ceiling
from probe.commands.accept import keep
from probe.errors import BelowContractError
from protocol.errors import ConfigurationError
from tests.probe.acceptance.test_show import BAD, GOOD


def test_certified_rates_are_kept_where_that_is_wanted(tmp_path: Path) -> None:
    """Every later measurement over that interface reads them."""
    assert keep(GOOD, tmp_path, wanted=False) is False
    assert read_ceiling(tmp_path, "eth0") is None
    assert keep(GOOD, tmp_path, wanted=True) is True
    assert read_ceiling(tmp_path, "eth0") == GOOD.ceiling


def test_what_has_to_be_mended_leaves_an_earlier_certificate_alone(tmp_path: Path) -> None:
    """A test that failed says nothing about rates."""
    keep(GOOD, tmp_path, wanted=True)
    assert keep(BAD, tmp_path, wanted=True) is None
    assert read_ceiling(tmp_path, "eth0") == GOOD.ceiling


def test_a_folder_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    """The minute is not lost in a traceback: the sentence names the agent's user."""
    with pytest.raises(ConfigurationError, match="as the agent's user"):
        keep(GOOD, tmp_path / "none", wanted=True)


@pytest.mark.parametrize(
    "arguments,sentence",
    [
        (["--page", "page.docx"], "must end in .html or .txt"),
        (["--server", "ftp://host"], "must begin with http"),
    ],
)
def test_what_cannot_work_is_refused_before_the_minute(arguments: list[str], sentence: str) -> None:
    """A page of no known kind, or an address of no server, is told at once."""
    done = CliRunner().invoke(linewatch.build(), ["probe", "accept", *arguments])
    assert isinstance(done.exception, ConfigurationError)
    assert sentence in str(done.exception)


@pytest.mark.parametrize("contract,code", [("850/1000", 0), ("300/1500", 11), ("1000", 11)])
def test_the_exit_code_tells_a_certificate_below_the_contract(
    contract: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that is certified for 850 and 1234 Mbit/s: each direction is held against its own
    promise, and one that is below ends the command with a code of its own, after its JSON.
    """
    monkeypatch.setattr(run, "accept", lambda site: replace(GOOD, contract=site.contract))
    arguments = ["probe", "accept", "--json", "--no-save", "--contract", contract]
    done = CliRunner().invoke(linewatch.build(), arguments)
    below = [
        name for name, each in json.loads(done.stdout)["contract"].items() if not each["certified"]
    ]
    assert bool(below) == bool(code)
    if code:
        assert isinstance(done.exception, BelowContractError)
        assert done.exception.exit_code == code
    else:
        assert done.exit_code == 0


def test_the_network_is_looked_at_with_all_known_far_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with the reference server alone, which may stand on the desk."""
    sites: list[Site] = []

    def note(site: Site) -> Acceptance:
        sites.append(site)
        return GOOD

    monkeypatch.setattr(run, "accept", note)
    (tmp_path / "config.yaml").write_text(
        f"probe: {{state_directory: '{tmp_path}', collector_url: 'http://collector.example'}}\n"
    )
    arguments = ["--config", str(tmp_path / "config.yaml"), "--server", "http://192.0.2.1"]
    CliRunner().invoke(linewatch.build(), ["probe", "accept", "--json", "--no-save", *arguments])
    assert [site.others for site in sites] == [("http://collector.example",)]


def test_a_contract_that_is_no_rate_is_refused_at_once() -> None:
    """With the sentence that says how one is written."""
    done = CliRunner().invoke(linewatch.build(), ["probe", "accept", "--contract", "300Mbps"])
    assert done.exit_code != 0
    assert "like 300 or 300/100" in done.output
