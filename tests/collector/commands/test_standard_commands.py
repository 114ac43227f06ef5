"""`linewatch standard list|show|check`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.errors import StandardError
from collector.reports.standards import SHIPPED
from linewatch import build


def run(folder: Path, *arguments: str, catch: bool = False) -> Result:
    """Run a command with a folder of standards, which needs no ledger."""
    configuration = folder / "config.yaml"
    configuration.write_text(f"collector: {{reports: {{standards: {folder}/own}}}}\n")
    (folder / "own").mkdir(exist_ok=True)
    words = ["standard", *arguments, "--config", str(configuration)]
    return CliRunner().invoke(build(), words, catch_exceptions=catch)


def test_the_list_says_how_many_numbers_are_unverified_or_missing(tmp_path: Path) -> None:
    """For people and for machines, with the file's place and hash."""
    said = run(tmp_path, "list").stdout
    assert "qcvn-34-2019" in said
    rows = {row["id"]: row for row in json.loads(run(tmp_path, "list", "--json").stdout)}
    assert (rows["qcvn-34-2022"]["numbers"], rows["qcvn-34-2022"]["missing"]) == (4, 4)
    assert rows["qcvn-34-2019"]["unverified"] == 4
    assert rows["ward"]["place"] == str(SHIPPED / "ward.yaml")


def test_the_folder_of_the_settings_is_looked_at(tmp_path: Path) -> None:
    """A standard of one's own is listed and shown."""
    text = (SHIPPED / "ward.yaml").read_text().replace("id: ward", "id: thach-khoi")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/thach-khoi.yaml").write_text(text)
    assert "thach-khoi, version 1" in run(tmp_path, "show", "thach-khoi").stdout


@pytest.mark.parametrize("name", ["qcvn-34-2022", "bnetza-style", "fcc-80-80"])
def test_a_standard_is_shown_with_each_number_and_how_sure_it_is(tmp_path: Path, name: str) -> None:
    """Both languages, limits in words, their sources; the primary question is marked."""
    said = run(tmp_path, "show", name).stdout
    shown = json.loads(run(tmp_path, "show", name, "--json").stdout)
    for one in shown["indicators"]:
        assert one["name"]["vi"] in said
        assert one["name"]["en"] in said
        assert f"unverified: {one['limit']['source']}" in said
    assert said.count("(primary)") == 1
    assert ("a number not known yet" in said) == (name == "qcvn-34-2022")
    assert shown["sha256"] in said


def test_shares_are_shown_as_percent(tmp_path: Path) -> None:
    """At least 80 % of the contracted speed, in 80 % of the tests."""
    said = run(tmp_path, "show", "fcc-80-80").stdout
    assert "each test: at least 80 % of the contracted speed (unverified" in said
    assert "limit: at least 80 % (unverified" in said
    assert "each test: at most 100 ms" in said


def test_a_good_file_is_called_good(tmp_path: Path) -> None:
    """With its numbers counted."""
    said = run(tmp_path, "check", str(SHIPPED / "qcvn-34-2022.yaml")).stdout
    assert "good: qcvn-34-2022, version 1" in said
    assert "4 numbers, of which 4 are missing" in said
    found = json.loads(run(tmp_path, "check", str(SHIPPED / "ward.yaml"), "--json").stdout)
    assert (found["good"], found["faults"], found["id"]) == (True, [], "ward")


def test_a_bad_file_ends_with_2_and_a_line_for_each_field(tmp_path: Path) -> None:
    """People read it on standard error, machines as JSON."""
    bad = tmp_path / "bad.yaml"
    text = (SHIPPED / "ward.yaml").read_text()
    bad.write_text(text.replace("fits: [fixed]", "fits: []").replace("version: 1", "version: x"))
    result = run(tmp_path, "check", str(bad), catch=True)
    assert isinstance(result.exception, StandardError)
    assert result.exception.exit_code == 2
    assert f"{bad}: fits: at least one is needed" in str(result.exception)
    for_machines = run(tmp_path, "check", str(bad), "--json")
    assert for_machines.exit_code == 2
    found = json.loads(for_machines.stdout)
    assert found["good"] is False
    assert len(found["faults"]) == 2


def test_a_file_is_called_as_its_standard(tmp_path: Path) -> None:
    """By its id, or with its version; another name is a fault."""
    content = (SHIPPED / "ward.yaml").read_bytes()
    for name, is_good in (("ward.yaml", True), ("ward@1.yml", True), ("ward@2.yaml", False)):
        (tmp_path / name).write_bytes(content)
        found = json.loads(run(tmp_path, "check", str(tmp_path / name), "--json").stdout)
        assert found["good"] is is_good
    (fault,) = found["faults"]
    assert fault.endswith(
        "id: is 'ward', and the file is called otherwise: call it ward.yaml, or "
        "ward@1.yaml beside other versions"
    )
