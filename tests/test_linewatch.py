"""The command: its help, its version, `--check`, and errors that say what to do."""

import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import linewatch

TOP = Path(__file__).parent.parent


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, in a folder of its own."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "linewatch"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )


def leaves(
    table: linewatch.Commands, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each command's words and the place of its code."""
    for name, (_, target) in table.items():
        if isinstance(target, str):
            yield (*above, name), target
        else:
            yield from leaves(target, (*above, name))


LEAVES = list(leaves(linewatch.COMMANDS))


def test_the_version_is_the_one_of_the_project(tmp_path: Path) -> None:
    """`--version` says what pyproject.toml says."""
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    done = run("--version", folder=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, f"linewatch, version {version}")


def test_help_lists_every_command(tmp_path: Path) -> None:
    """`--help` needs no part to be loaded, and names them all."""
    done = run("--help", folder=tmp_path)
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in linewatch.COMMANDS)


@pytest.mark.parametrize("words, place", LEAVES, ids=[" ".join(words) for words, _ in LEAVES])
def test_every_command_of_the_table_exists_and_explains_itself(
    words: tuple[str, ...], place: str
) -> None:
    """Each entry leads to a command whose --help has an example and the common options."""
    module, _, name = place.partition(":")
    assert isinstance(getattr(importlib.import_module(module), name), click.Command)
    result = CliRunner().invoke(linewatch.build(), [*words, "--help"])
    assert result.exit_code == 0, result.output
    assert "--config" in result.output
    assert "--check" in result.output
    beyond_usage = " ".join(result.output.partition("\n\n")[2].split())
    assert "linewatch " + " ".join(words) in beyond_usage, "an example is missing"


def test_a_misspelt_command_is_an_error_that_names_it(tmp_path: Path) -> None:
    """An unknown command ends with click's own code and sentence."""
    done = run("mesure", folder=tmp_path)
    assert done.returncode == 2
    assert "mesure" in done.stderr


def test_check_prints_every_section_and_ends_well(tmp_path: Path) -> None:
    """`--check` without a file checks the defaults."""
    done = run("server", "run", "--check", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(f"{name}:" in done.stdout for name in linewatch.SECTIONS)
    assert done.stderr.strip() == "defaults: good"


def test_check_takes_the_file_that_lies_beside(tmp_path: Path) -> None:
    """config.yaml in the working directory is found, and named."""
    (tmp_path / "config.yaml").write_text("server: {name: here}\n")
    done = run("server", "run", "--check", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "name: here" in done.stdout
    assert done.stderr.strip() == "config.yaml: good"


@pytest.mark.parametrize(
    "text, message",
    [
        ("server: {nam: x}", "server.nam: unknown key; did you mean 'name'?"),
        ("sever: {name: x}", "sever: unknown section; did you mean 'server'?"),
        ("server: {limits: {tests: 0}}", "server.limits.tests: Input should be greater"),
        ("server: [", "not valid YAML"),
        ("collector: {timezone: Mars/Base}", "collector.timezone: "),
        ("probe: {spool: {maximum_bytes: 5}}", "probe.spool.maximum_bytes: Input should be"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    """Exit code 2, and a sentence on standard error that names file, place and remedy."""
    place = tmp_path / "wrong.yaml"
    place.write_text(text)
    done = run("collector", "run", "--config", str(place), "--check", folder=tmp_path)
    assert done.returncode == 2
    assert f"{place}: " in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_section_stops_every_command(tmp_path: Path) -> None:
    """Not only --check: a command that ran with the defaults instead would do harm quietly."""
    ledger = tmp_path / "ledger.sqlite"
    (tmp_path / "config.yaml").write_text(f"colector: {{ledger: {{path: {ledger}}}}}\n")
    done = run("collector", "migrate", folder=tmp_path)
    assert done.returncode == 2
    assert "colector: unknown section; did you mean 'collector'?" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A configuration that was named must be there."""
    done = run("server", "run", "--config", "nowhere.yaml", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == "linewatch: nowhere.yaml: no such file"


def test_the_environment_reaches_every_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`LINEWATCH_SERVER__LIMITS__TESTS` overrides the file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEWATCH_SERVER__LIMITS__TESTS", "7")
    result = CliRunner().invoke(linewatch.build(), ["server", "run", "--check"])
    assert result.exit_code == 0, result.output
    assert "tests: 7" in result.output


@pytest.mark.parametrize(
    "words, part, library",
    [
        (["collector", "run"], "collector", "sqlalchemy"),
        (["probe", "run"], "probe", "apscheduler"),
        (["server", "run"], "server", "h11"),
    ],
)
def test_a_part_that_is_not_installed_is_told_how_to_get(
    tmp_path: Path, words: list[str], part: str, library: str
) -> None:
    """Where a part's libraries are missing, the error names what to install."""
    program = f"import sys; sys.modules[{library!r}] = None; import linewatch; linewatch.main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"needs the {part} part" in done.stderr
    assert f"pip install 'linewatch[{part}]'" in done.stderr
    assert "Traceback" not in done.stderr
