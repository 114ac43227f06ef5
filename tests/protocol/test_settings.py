"""Reading a section of the configuration: defaults, overrides, and errors that help."""

from typing import Literal

import pytest
from pydantic import Field, SecretStr

from protocol.errors import ConfigurationError
from protocol.settings import Configuration, Section, dump


class _Limits(Section):
    per_address: int = Field(8, ge=1)


class _Path(Section):
    interface: str = "eth0"
    kind: Literal["wired", "wifi"] = "wired"


class _Server(Section):
    name: str


class _Example(Section):
    listen: str = "127.0.0.1:80"
    limits: _Limits = _Limits()
    paths: tuple[_Path, ...] = ()
    servers: tuple[_Server, ...] = ()
    password: SecretStr | None = None


def read(text: str, environ: dict[str, str] | None = None) -> _Example:
    """Return the section `example` of a text."""
    return Configuration("config.yaml", text, environ or {}).section("example", _Example)


def error_of(text: str, environ: dict[str, str] | None = None) -> str:
    """Return the message with which a text is refused; the command's exit code is 2."""
    with pytest.raises(ConfigurationError) as caught:
        read(text, environ)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("text", ["", "example:", "example: {}", "# only a comment", "other: 1"])
def test_what_is_not_given_has_its_default(text: str) -> None:
    """Defaults are values: an empty file is a good file."""
    assert read(text) == _Example()


def test_a_file_sets_what_it_names() -> None:
    """Nested values are read where they stand."""
    section = read("example: {listen: ':81', limits: {per_address: 2}, paths: [{kind: wifi}]}")
    assert (section.listen, section.limits.per_address) == (":81", 2)
    assert section.paths == (_Path(kind="wifi"),)


@pytest.mark.parametrize(
    "text, message",
    [
        ("example: {lisen: x}", "config.yaml: example.lisen: unknown key; did you mean 'listen'?"),
        (
            "example: {limits: {per_adress: 1}}",
            "config.yaml: example.limits.per_adress: unknown key; did you mean 'per_address'?",
        ),
        (
            "example: {paths: [{}, {intrface: x}]}",
            "config.yaml: example.paths.1.intrface: unknown key; did you mean 'interface'?",
        ),
        (
            "example: {limits: {zzz: 1}}",
            "config.yaml: example.limits.zzz: unknown key; known here: per_address",
        ),
        (
            "example: {limits: {per_address: 0}}",
            "config.yaml: example.limits.per_address: Input should be greater than or equal to 1",
        ),
        (
            "example: {paths: [{kind: fibre}]}",
            "config.yaml: example.paths.0.kind: Input should be 'wired' or 'wifi'",
        ),
        ("example: [1]", "config.yaml: example: a mapping of settings is needed"),
        ("- 1", "config.yaml: a mapping of sections is needed"),
    ],
)
def test_an_error_names_the_place_and_what_to_do(text: str, message: str) -> None:
    """Each mistake is told with its file, its place and the nearest right name."""
    assert error_of(text) == message


def test_all_mistakes_are_told_at_once() -> None:
    """Two mistakes are two lines."""
    assert len(error_of("example: {lisen: x, limits: {per_address: no}}").splitlines()) == 2


def test_a_file_that_is_no_yaml_is_told_so() -> None:
    """The parser's own line and column reach the reader."""
    assert "config.yaml: not valid YAML" in error_of("example: {")
    assert "line 1" in error_of("example: {")


def test_the_environment_overrides_the_file() -> None:
    """`LINEWATCH_EXAMPLE__LIMITS__PER_ADDRESS=3` wins, and is checked like the file."""
    environ = {"LINEWATCH_EXAMPLE__LIMITS__PER_ADDRESS": "3", "LINEWATCH_EXAMPLE__LISTEN": "':9'"}
    section = read("example: {limits: {per_address: 2}}", environ)
    assert (section.limits.per_address, section.listen) == (3, ":9")
    wrong = {"LINEWATCH_EXAMPLE__LIMITS__PER_ADRESS": "3"}
    told = error_of("example: {listen: ':9'}", wrong)
    assert "did you mean 'per_address'" in told
    assert told.startswith("environment, LINEWATCH_EXAMPLE__LIMITS__PER_ADRESS: ")
    both = error_of("example: {lisen: x}", wrong)
    assert both.splitlines()[1].startswith("config.yaml: example.lisen")


def test_the_environment_can_give_lists_and_odd_texts() -> None:
    """Values are YAML where they can be, plain text where not."""
    environ = {
        "LINEWATCH_EXAMPLE__PATHS": "[{interface: wlan0}]",
        "LINEWATCH_EXAMPLE__LISTEN": "a: b: c",
    }
    section = read("", environ)
    assert (section.paths[0].interface, section.listen) == ("wlan0", "a: b: c")


def test_another_sections_environment_is_left_alone() -> None:
    """A variable belongs to the section that it names."""
    assert read("", {"LINEWATCH_OTHER__LISTEN": "x", "PATH": "/bin"}) == _Example()


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("example: {listen: 8080}", "example.listen: a text is needed: put it in quotes"),
        ("example: {limits: 3}", "example.limits: a mapping of settings is needed"),
        ("example: {paths: 3}", "example.paths: a list is needed"),
        ("example: {servers: [{}]}", "example.servers.0.name: is needed here"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(text: str, sentence: str) -> None:
    """Not in the words of a library."""
    assert sentence in error_of(text)


def test_an_unknown_section_names_the_nearest() -> None:
    """A misspelt section is not silently ignored."""
    configuration = Configuration("config.yaml", "exmaple: {}")
    with pytest.raises(
        ConfigurationError, match="exmaple: unknown section; did you mean 'example'"
    ):
        configuration.check_names({"example": _Example})


def test_an_unknown_section_in_the_environment_is_told_too() -> None:
    """Only variables of the form LINEWATCH_SECTION__… are settings."""
    known = {"example": _Example}
    Configuration(None, "", {"LINEWATCH_HOME": "x", "OTHER__A": "x"}).check_names(known)
    with pytest.raises(ConfigurationError, match=r"LINEWATCH_EXAMPEL__A: .*did you mean 'example'"):
        Configuration(None, "", {"LINEWATCH_EXAMPEL__A": "x"}).check_names(known)


def test_a_secret_is_hidden_in_dumps_and_in_errors() -> None:
    """A password is neither printed by --check nor repeated in a message."""
    section = read("example: {password: hunter2}")
    assert section.password is not None
    assert section.password.get_secret_value() == "hunter2"
    assert "hunter2" not in dump(section)
    assert "hunter2" not in error_of("example: {password: [hunter2]}")


def test_a_dump_reads_back_as_it_was() -> None:
    """What --check prints can be put into the file again."""
    section = read("example: {listen: ':81', paths: [{kind: wifi}, {}]}")
    lines = "".join(f"  {line}\n" for line in dump(section).splitlines())
    assert read(f"example:\n{lines}") == section
