"""The docs say what the code does: nothing without its line, no table out of date, no dead link."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import yaml

import linewatch
from docs import make_tables
from probe import identity
from probe.commands.asked import AS_THE_AGENT
from probe.engine import Engine
from probe.engines import ENGINES
from protocol.constants import RECORDS_PATH
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.settings import Configuration
from tests.collector.device import Device
from tests.integration.support import register_probe, start_collector

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
PAGES = [TOP / "README.md", TOP / "CHANGELOG.md", TOP / "deploy/README.md", *DOCS.glob("*.md")]


def page(name: str) -> str:
    """Return a page of docs/."""
    return (DOCS / f"{name}.md").read_text()


def blocks(name: str, language: str) -> list[str]:
    """Return a page's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page(name), re.DOTALL | re.MULTILINE)


def test_there_is_a_page_for_each_reader() -> None:
    """Official, technician, carrier, operator, developer; and the method."""
    readers = {"official", "technician", "carrier", "operator", "developer", "method"}
    assert readers <= {path.stem for path in DOCS.glob("*.md")}


def test_tables_and_the_example_are_up_to_date() -> None:
    """What `python -m docs.make_tables` would write is what stands there."""
    stale = [path.name for path, text in make_tables.files().items() if path.read_text() != text]
    assert stale == []


def test_the_developer_finds_every_part_and_every_bench() -> None:
    """docs/developer.md names each package of the collector and each `make bench-...`."""
    (row,) = re.findall(r"^\| `collector/` \|(.+)$", page("developer"), re.MULTILINE)
    packages = {f"{path.parent.name}/" for path in (TOP / "collector").glob("*/__init__.py")}
    assert set(re.findall(r"`(\w+/)`", row)) >= packages
    benches = re.findall(r"^(bench-\w+):", (TOP / "Makefile").read_text(), re.MULTILINE)
    told = re.findall(r"^ {4}make (bench-\w+) ", page("developer"), re.MULTILINE)
    assert sorted(told) == sorted(benches)


def test_the_readme_leads_to_every_page() -> None:
    """Each page of docs/ is linked from README.md, itself or, in another language, beside it."""
    linked = set(re.findall(r"\(docs/([\w.]+)\.md", (TOP / "README.md").read_text()))
    assert {path.stem.removesuffix(".en") for path in DOCS.glob("*.md")} <= linked


@pytest.mark.parametrize("section", linewatch.SECTIONS)
def test_every_setting_has_its_line_for_the_operator_and_in_the_example(section: str) -> None:
    """Each setting stands in docs/operator.md with its full name, and in config.yaml."""
    example = (TOP / "config.yaml").read_text().partition(f"\n{section}:")[2]
    operator = page("operator")
    for setting in make_tables.settings(make_tables.sections()[section], section):
        assert f"| `{setting.path}` |" in operator
        assert re.search(rf"\b{setting.path.rpartition('.')[2]}:", example), setting.path


def test_the_example_is_the_defaults() -> None:
    """config.yaml loads, and changes nothing."""
    configuration = Configuration("config.yaml", (TOP / "config.yaml").read_text())
    configuration.check_names(make_tables.sections())
    for name, model in make_tables.sections().items():
        assert configuration.section(name, model) == model()


def test_the_examples_in_comments_load_too() -> None:
    """Every commented example of config.yaml is valid where it stands."""
    text = re.sub(
        r"^( *)(\w+): (\[\]|null)\n\1# An example:\n((?:\1# .*\n)+?)(?=\1# [A-Z]|\1?\w|\n|\Z)",
        lambda found: re.sub(rf"(?m)^{found[1]}# ", found[1], found[4]),
        (TOP / "config.yaml").read_text(),
        flags=re.MULTILINE,
    )
    configuration = Configuration("config.yaml", text)
    changed = {
        name: configuration.section(name, model) for name, model in make_tables.sections().items()
    }
    assert yaml.safe_load(text)["probe"]["paths"][0]["name"] == "eth0"
    assert all(changed[name] != model() for name, model in make_tables.sections().items())


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_is_explained_to_the_carrier(failure: Failure) -> None:
    """A failure code in a dossier can be looked up."""
    assert f"| `{failure.value}` |" in page("carrier")


@pytest.mark.parametrize("flag", Flag)
def test_every_flag_is_explained_and_has_its_rule(flag: Flag) -> None:
    """A flag's meaning is on the carrier's page, its rule on the method's."""
    assert f"| `{flag.value}` |" in page("carrier")
    assert f"| `{flag.value}` |" in page("method")


@pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))
def test_every_engine_has_its_method_defined(engine: Engine) -> None:
    """Each engine's name and version head a section of docs/method.md."""
    assert f"\n## `{engine.name}`, version {engine.version}: " in page("method")


def _verify(folder: Path) -> str:
    """Run the two blocks of docs/carrier.md in a folder; return all they print."""
    done = ""
    python, bash = blocks("carrier", "python"), blocks("carrier", "bash")
    assert len(python) == len(bash) == 1
    for command in ([sys.executable, "-W", "ignore", "-c", python[0]], ["bash", "-c", bash[0]]):
        ran = subprocess.run(
            command,
            cwd=folder,
            env={
                **os.environ,
                "PUBLIC_KEY": json.loads((folder / "key.json").read_text())["public_key"],
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        done += ran.stdout + ran.stderr
    return done


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """A folder with the golden chain, its seal and its key."""
    for name in ("chain.ndjson", "seal.json", "key.json"):
        shutil.copy(TOP / "tests/data" / name, tmp_path)
    return tmp_path


def test_a_carrier_can_verify_with_what_the_page_says(evidence: Path) -> None:
    """The commands of docs/carrier.md verify a good chain and its seal."""
    said = _verify(evidence)
    assert "8 records, chain whole" in said
    assert "Signature Verified Successfully" in said


def test_a_carrier_finds_what_was_changed(evidence: Path) -> None:
    """A rate improved by one digit is found, with its line."""
    chain = (evidence / "chain.ndjson").read_bytes()
    (evidence / "chain.ndjson").write_bytes(chain.replace(b"300000000.0", b"310000000.0", 1))
    assert "line 2: this line or the one before it was changed" in _verify(evidence)


def test_a_carrier_finds_a_forged_seal(evidence: Path) -> None:
    """A seal over other content does not verify."""
    seal = (evidence / "seal.json").read_text()
    (evidence / "seal.json").write_text(seal.replace('"seq":7', '"seq":8'))
    said = _verify(evidence)
    assert "the seal is over another record" in said
    assert "Verified Successfully" not in said


async def _deliver_with_an_invalid_line(probe_state: Path, collector_url: str) -> Device:
    """Deliver a chain of five whose third link is no valid record; return what made it."""
    device = Device("pi-1", identity.load(probe_state, collector_url).key)
    began = datetime.now(UTC) - timedelta(hours=2)
    device.fill(2, began)
    odd = device.record(began) | {"surprise": 1, "speed": None}
    device.lines.append(json.dumps(odd).encode())
    device.fill(2, began + timedelta(minutes=20))
    headers = {"Authorization": f"Bearer {device.token()}"}
    url, body = collector_url + RECORDS_PATH, device.batch()
    async with aiohttp.request("POST", url, data=body, headers=headers) as answer:
        assert (await answer.json())["stored"] == 4
    return device


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the block of docs/operator.md takes out of the ledger of a real collector."""
    folder = tmp_path_factory.mktemp("evidence")
    truth = folder / "truth"
    with start_collector(folder) as collector:
        register_probe(folder, collector)
        arguments = [str(folder / "probe"), collector.url, str(truth), "0.02"]
        recorder = [sys.executable, str(TOP / "tests/integration/recorder.py"), *arguments]
        with subprocess.Popen(recorder, cwd=TOP, stdout=subprocess.DEVNULL) as recording:
            ends = time.monotonic() + 60
            while time.monotonic() < ends and not (truth.exists() and truth.stat().st_size > 1500):
                time.sleep(0.1)
            recording.terminate()
        odd = asyncio.run(_deliver_with_an_invalid_line(folder / "probe", collector.url))
    program = blocks("operator", "python")
    assert len(program) == 1
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program[0], folder / "ledger.sqlite", "pi-1"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    taken = {}
    for said in done.stdout.splitlines():
        out = folder / said.partition(":")[0]
        (out / "key.json").write_text(json.dumps({"public_key": said.split()[-1]}))
        taken[out] = (out / "chain.ndjson").read_bytes().splitlines()
    assert min(taken.values(), key=len) == odd.lines
    assert {len(lines) for lines in taken.values()} == {5, len(truth.read_text().splitlines())}
    return list(taken)


def test_a_carrier_can_verify_what_an_operator_hands_over(handed_over: list[Path]) -> None:
    """Out of a ledger by docs/operator.md, verified by docs/carrier.md: nothing of ours needed."""
    assert len(handed_over) == 2
    for folder in handed_over:
        said = _verify(folder)
        assert "records, chain whole" in said
        assert "Signature Verified Successfully" in said


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TOP)))
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    """Files, folders, pictures and headings that are linked to exist."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        place, _, heading = target.partition("#")
        if "://" in place:
            continue
        file = (path.parent / place).resolve() if place else path
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
            assert heading in anchors, target


def test_the_readme_opens_with_the_purpose_then_the_two_commands() -> None:
    """One sentence, the two commands, the picture, then where each reader goes on."""
    text = (TOP / "README.md").read_text()
    places = [
        text.index(part)
        for part in ("make demo", "make test", "docs/images/overview.png", "docs/official.md")
    ]
    assert places == sorted(places)
    for name in ("official", "technician", "carrier", "operator", "developer", "method"):
        assert f"docs/{name}.md" in text


@pytest.mark.parametrize("name", ["official", "technician"])
def test_pages_for_people_on_site_are_vietnamese(name: str) -> None:
    """The official's and the technician's pages are in Vietnamese, with its diacritics."""
    text = page(name)
    marked = len(
        re.findall(r"[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", text)
    )
    assert marked > len(text) / 10


def test_the_technicians_two_pages_say_the_same() -> None:
    """Commands, codes, numbers of rows and headings are the same in Vietnamese and English."""

    def facts(text: str) -> list[object]:
        commands = re.findall(r"^ {4,}(\S.*?)(?: {2,}#.*)?$", text, re.MULTILINE)
        rows = len(re.findall(r"^[|]", text, re.MULTILINE))
        headings = len(re.findall(r"^#", text, re.MULTILINE))
        return [commands, sorted(re.findall(r"`([^`]+)`", text)), rows, headings]

    assert facts(page("technician")) == facts(page("technician.en"))


def test_the_technician_is_told_how_to_measure_as_the_agents_user() -> None:
    """The page's command is the one that the command itself names where it may not read."""
    assert f"\n    {AS_THE_AGENT}\n" in page("technician")
