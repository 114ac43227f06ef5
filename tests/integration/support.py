"""Real processes of this project in a test's own folder, on free ports, stopped or killed cleanly.

    with start_server(folder) as server, start_collector(folder) as collector:
        ...
        collector.process.kill()              # as a power cut would
    with start_collector(folder) as again:    # the same ledger, a new port
        ...

Each part keeps its state below ``folder``; started again there it goes on with what it finds.
"""

import base64
import itertools
import json
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bench.processes import LINEWATCH, Process, running
from protocol.chain import Link, Seal, check_seal, follow

COMMAND_SECONDS = 60
"""The longest that a command which is waited for may take."""

_LISTENING = r"(?:listening on|Status page:) (https?://\S+)"
"""What a part says once it is ready; the probe's address is that of its own page."""


def verified_chains(folder: Path) -> dict[str, list[Link]]:
    """Return the links of each chain in ``folder``/ledger.sqlite, by the chain's name.

    Raises:
        ChainError: a chain is not whole from its first record, or one of its seals is not good.
        AssertionError: a chain has no seal over its last record.
    """
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        lines = connection.execute("SELECT chain, line FROM records ORDER BY chain, seq").fetchall()
        seals = connection.execute(
            "SELECT probe_id, chain, seq, hash, signature, public_key FROM seals"
        ).fetchall()
    chains = {
        chain: follow(bytes(line) for _, line in group)
        for chain, group in itertools.groupby(lines, key=lambda row: row[0])
    }
    for probe, chain, seq, own, signature, key in seals:
        public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
        sealed = Seal(
            seal="ed25519", probe=probe, chain=chain, seq=seq, hash=own, signature=signature
        )
        check_seal(public_key, sealed, chains[chain][seq])
    for chain, links in chains.items():
        assert links[0].seq == 0
        assert max(seq for _, of, seq, *_ in seals if of == chain) == links[-1].seq
    return chains


@dataclass(frozen=True, slots=True)
class Part:
    """A running server, collector or probe.

    Attributes:
        process: to stop, kill and read; its log is ``process.log``.
        url: where it listens, without a slash at its end.
        configuration: the file that it was started with.
    """

    process: Process
    url: str
    configuration: Path


def start_server(
    folder: Path, *, port: int = 0, settings: Mapping[str, Any] | None = None
) -> AbstractContextManager[Part]:
    """Run a measurement server on loopback until the block ends.

    Args:
        folder: where its configuration and its log are.
        port: to listen on; 0 takes a free one.
        settings: of the section `server`, over the test's defaults.
    """
    section = {"listen": f"127.0.0.1:{port}", **(settings or {})}
    return _start("server", ["server", "run"], folder, section)


def start_collector(
    folder: Path, *, port: int = 0, settings: Mapping[str, Any] | None = None
) -> AbstractContextManager[Part]:
    """Run a collector on loopback until the block ends; its ledger is ``folder``/ledger.sqlite.

    Arguments are those of `start_server`, for the section `collector`.
    """
    section = collector_section(folder, port, settings)
    return _start("collector", ["collector", "run"], folder, section)


def start_probe(
    folder: Path, *, collector_url: str | None = None, settings: Mapping[str, Any] | None = None
) -> AbstractContextManager[Part]:
    """Run a probe's agent until the block ends; its state is ``folder``/probe.

    Args:
        folder: where its state, its configuration and its log are.
        collector_url: the collector; None takes the one that the probe was enrolled with.
        settings: of the section `probe`, over the test's defaults.
    """
    section = probe_section(folder, collector_url, settings)
    return _start("probe", ["probe", "run"], folder, section)


def register_probe(folder: Path, collector: Part, probe: str = "pi-1") -> None:
    """Make a probe known: a site, a line of an example carrier, the probe, and its one-time code.

    The probe is the one whose state is ``folder``/probe; another probe needs another folder, and
    may join the same collector.

    Raises:
        AssertionError: a command failed; says what it printed.
    """
    registry = collector.configuration
    if not json.loads(_done(registry, "carrier", "list", "--json")):
        _done(registry, "carrier", "add", "vnpt", "--name", "VNPT")
    site, line = f"site-{probe}", f"line-{probe}"
    _done(registry, "site", "add", site, "--name", "Nhà văn hóa")
    service = ["--carrier", "vnpt", "--technology", "fibre"]
    _done(registry, "line", "add", line, "--site", site, *service)
    added = _done(registry, "probe", "add", probe, "--site", site, "--line", line, "--json")
    code = json.loads(added)["code"]
    enrol = ["probe", "enrol", "--collector", collector.url, "--code", code]
    _done(_configure(folder, "enrol", {"probe": probe_section(folder)}), *enrol)


def collector_section(
    folder: Path, port: int = 0, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the section `collector` that `start_collector` uses."""
    ledger = {"path": str(folder / "ledger.sqlite")}
    return {"listen": f"127.0.0.1:{port}", "ledger": ledger, **(settings or {})}


def probe_section(
    folder: Path, collector_url: str | None = None, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the section `probe` that `start_probe` uses."""
    state = {"state_directory": str(folder / "probe"), "status": {"port": 0}}
    return state | {"collector_url": collector_url} | dict(settings or {})


def command(
    folder: Path, arguments: Sequence[str], **sections: Mapping[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run a `linewatch` command to its end with these sections as its configuration.

    The exit code is the caller's to judge.
    """
    return _run(_configure(folder, "command", sections), arguments)


def _run(configuration: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINEWATCH, *arguments, "--config", str(configuration)],
        check=False,
        cwd=configuration.parent,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )


def _done(configuration: Path, *arguments: str) -> str:
    """Run a command that must succeed; return what it printed."""
    done = _run(configuration, arguments)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


@contextmanager
def _start(
    name: str, arguments: Sequence[str], folder: Path, section: Mapping[str, Any]
) -> Iterator[Part]:
    path = _configure(folder, name, {name: section})
    with running(name, [LINEWATCH, *arguments, "--config", str(path)], folder) as process:
        url = process.wait_for(_LISTENING).group(1).rstrip("/")
        yield Part(process, url, path)


def _configure(folder: Path, name: str, sections: Mapping[str, Mapping[str, Any]]) -> Path:
    path = folder / f"{name}.yaml"
    tree = {section: dict(settings) for section, settings in sections.items()}
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path
