"""What the operator hands to the technician: the code, and lines to copy as they are."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.commands.codes import collector_url
from collector.ledger.registry import CODE_ALPHABET
from collector.settings import CollectorSettings, TlsSettings
from linewatch import build
from tests.collector.commands.support import Registry

TOP = Path(__file__).parent.parent.parent.parent
CODE = re.compile(rf"(?:[{CODE_ALPHABET}]{{4}}-){{3}}[{CODE_ALPHABET}]{{4}}")
ADD = ("probe", "add", "p1", "--site", "nvh-1", "--line", "l1")


def commands(said: str) -> list[list[str]]:
    """Return the words of the lines to copy."""
    return [shlex.split(line) for line in said.splitlines() if "--code" in line]


@pytest.mark.parametrize("again", [False, True])
def test_a_code_comes_with_both_lines_to_copy(tmp_path: Path, again: bool) -> None:
    """One installs a new device, one enrols an installed one; both carry the code itself."""
    registry = Registry(tmp_path, ", listen: '192.0.2.7:8000'").filled()
    said = registry.run(*ADD).stdout
    if again:
        said = registry.run("probe", "code", "p1").stdout
    install, enrol = commands(said)
    code = enrol[-1]
    assert CODE.fullmatch(code)
    arguments = ["--collector", "http://192.0.2.7:8000", "--code", code]
    assert install == ["sudo", "./deploy/install-probe.sh", *arguments]
    as_its_user = ["sudo", "-u", "linewatch-probe", "linewatch", "probe", "enrol"]
    assert enrol == [*as_its_user, "--config", "/etc/linewatch/config.yaml", *arguments]
    assert "Thiết bị mới" in said
    assert "A new device" in said
    assert "COLLECTOR" not in said


def test_an_address_that_is_not_known_is_to_be_filled_in(tmp_path: Path) -> None:
    """Behind a proxy the collector does not know its name: the lines say where it goes."""
    said = Registry(tmp_path).filled().run(*ADD).stdout
    assert [words[words.index("--collector") + 1] for words in commands(said)] == [
        "https://COLLECTOR",
        "https://COLLECTOR",
    ]
    assert "Put your collector's address there" in said


@pytest.mark.parametrize(
    "listen,url",
    [
        ("127.0.0.1:8000", "https://COLLECTOR"),
        ("localhost:8000", "https://COLLECTOR"),
        (":8000", "https://COLLECTOR"),
        ("0.0.0.0:8000", "https://COLLECTOR"),
        ("192.0.2.7:0", "https://COLLECTOR"),
        ("[2001:db8::7]:8000", "http://[2001:db8::7]:8000"),
        ("collector.example:443", "http://collector.example:443"),
    ],
)
def test_only_an_address_that_others_can_reach_is_named(listen: str, url: str) -> None:
    """Loopback, every address and any port say nothing to a device elsewhere."""
    assert collector_url(CollectorSettings(listen=listen)) == url


def test_a_collector_with_a_certificate_is_reached_by_https() -> None:
    """The scheme is that of the listener."""
    tls = TlsSettings(certificate=Path("/c.pem"), key=Path("/k.pem"))
    settings = CollectorSettings(listen="collector.example:8443", tls=tls)
    assert collector_url(settings) == "https://collector.example:8443"


def test_examples_have_the_form_of_real_codes() -> None:
    """What the technician's page and `enrol --help` show looks like what is handed out."""
    said = CliRunner().invoke(build(), ["probe", "enrol", "--help"], catch_exceptions=False).stdout
    page = (TOP / "docs/technician.md").read_text()
    examples = [re.findall(r"--code (\S+-\S+)", text) for text in (said, page)]
    assert [len(found) for found in examples] == [1, 2]
    assert [code for found in examples for code in found if not CODE.fullmatch(code)] == []


def test_the_lines_that_are_printed_are_options_that_exist(tmp_path: Path) -> None:
    """The installer and `probe enrol` know every option of the lines to copy."""
    install, enrol = commands(Registry(tmp_path).filled().run(*ADD).stdout)
    usage = (TOP / "deploy/install-probe.sh").read_text()
    known = CliRunner().invoke(build(), ["probe", "enrol", "--help"]).stdout
    assert (TOP / install[1]).is_file()
    assert [word for word in install if word.startswith("--") and f"  {word} " not in usage] == []
    assert [word for word in enrol if word.startswith("--") and f"  {word} " not in known] == []
