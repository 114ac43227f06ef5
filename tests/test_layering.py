"""Who may import whom, and which code does no I/O: the table of docs/developer.md.

The imports are read from the source (ast), so nothing has to run for a breach to be found.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PARTS = ("protocol", "probe", "server", "collector", "simulate", "dashboards")

MAY_IMPORT = {
    "protocol": {"protocol"},
    "probe": {"probe", "protocol"},
    "server": {"server", "protocol"},
    "collector": {"collector", "protocol"},
    "simulate": {"simulate", "probe", "protocol"},
    "dashboards": {"dashboards"},
}
"""The parts of this project that each part's code may import."""

PURE = ("protocol", "collector/domain", "probe/slots")
"""Code that does no I/O, reads no clock and draws no random number that it was not given."""

PURE_MODULES = {
    "abc",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "string",
    "struct",
    "types",
    "unicodedata",
    "urllib.parse",
    "typing",
    "zoneinfo",
    "cryptography",
    "jwt",
    "numpy",
    "pydantic",
    "yaml",
    "protocol",
    "collector.domain",
    "probe.slots",
}
"""What pure code may import; anything else is a breach until it stands here."""

CLOCKS_AND_CHANCE = {
    "open",
    "input",
    "print",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "date.today",
    "datetime.date.today",
    "Ed25519PrivateKey.generate",
    "random.SystemRandom",
}
"""Calls that pure code may not make although their module is allowed."""

RANDOM_FROM_A_SEED = "random.Random"
"""The only name of `random` that pure code may use: a generator made from a seed it was given."""

NUMPY_FROM_A_SEED = "np.random.PCG64"
"""The same of numpy's: the stream of bits, which stays as it is from version to version."""


SEEDED = {"Random", RANDOM_FROM_A_SEED, NUMPY_FROM_A_SEED}


def sources(place: str) -> list[Path]:
    """Return the Python files of a folder or a file; none if it does not exist."""
    path = TOP / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each import's line and module, with what it takes from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide who imports whom"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of names, and nothing for other expressions."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def breaches_of_layers(part: str, tree: ast.AST) -> list[str]:
    """Return the imports of other parts that a part may not make."""
    return [
        f"line {line}: {part} imports {module}"
        for line, module in imports(tree)
        if (top := module.partition(".")[0]) in PARTS and top not in MAY_IMPORT[part]
    ]


def breaches_of_purity(tree: ast.AST) -> list[str]:
    """Return what pure code may not import or call."""
    found = [
        f"line {line}: imports {module}"
        for line, module in imports(tree)
        if not any(module == good or module.startswith(f"{good}.") for good in PURE_MODULES)
        or (module.startswith("random.") and module != RANDOM_FROM_A_SEED)
        or module.startswith("numpy.random")
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            of_random = name.startswith(
                ("random.", "np.random.", "numpy.random.")
            ) and name not in {RANDOM_FROM_A_SEED, NUMPY_FROM_A_SEED}
            unseeded = name in SEEDED and not node.args
            if name in CLOCKS_AND_CHANCE or of_random or unseeded:
                found.append(f"line {node.lineno}: calls {name}")
    return found


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_protocol_and_itself_only(part: str) -> None:
    """Probe, server and collector import protocol, never each other; protocol imports none."""
    found = [
        f"{path.relative_to(TOP)}: {breach}"
        for path in sources(part)
        for breach in breaches_of_layers(part, ast.parse(path.read_text()))
    ]
    assert sources(part)
    assert found == []


@pytest.mark.parametrize("place", PURE)
def test_pure_code_does_no_io_and_reads_no_clock(place: str) -> None:
    """What decides can be tested with values alone."""
    found = [
        f"{path.relative_to(TOP)}: {breach}"
        for path in sources(place)
        for breach in breaches_of_purity(ast.parse(path.read_text()))
    ]
    assert sources(place)
    assert found == []


def test_inside_the_collector_pure_code_imports_no_adapter() -> None:
    """The collector's domain knows nothing of ledger, API or pages."""
    allowed = ("collector.domain", "protocol")
    found = [
        f"{path.name}: {module}"
        for path in sources("collector/domain")
        for _, module in imports(ast.parse(path.read_text()))
        if module.startswith(("collector.", "probe.", "server.")) and not module.startswith(allowed)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code, breaches",
    [
        ("import socket", 1),
        ("from os import environ", 1),
        ("from pathlib import Path", 1),
        ("import sqlite3, time", 2),
        ("from random import choice", 1),
        ("import random\nrandom.random()", 1),
        ("import random\nrandom.Random()", 1),
        ("import random\nrandom.Random(7).random()", 0),
        ("import numpy as np\nnp.random.default_rng(7)", 1),
        ("import numpy as np\nnp.random.PCG64()", 1),
        ("import numpy as np\nnp.random.PCG64(7).random_raw()", 0),
        ("from numpy.random import PCG64", 1),
        ("from datetime import datetime\ndatetime.now()", 1),
        ("import datetime\ndatetime.datetime.now()", 1),
        ("from datetime import datetime\ndatetime.fromisoformat('2026-01-01')", 0),
        ("open('x')", 1),
        ("import requests", 1),
    ],
)
def test_the_rule_of_purity_finds_what_it_should(code: str, breaches: int) -> None:
    """The test above is not hollow: it finds sockets, files, clocks and chance."""
    assert len(breaches_of_purity(ast.parse(code))) == breaches


def test_the_rule_of_layers_finds_what_it_should() -> None:
    """An import of another part is found in any form."""
    code = "import probe\nfrom server.settings import X\nfrom protocol import chain\nimport json"
    assert len(breaches_of_layers("collector", ast.parse(code))) == 2


PAPERS = ("collector.papers", "typst", "docx", "pypdf", "openpyxl", "xlsxwriter")
"""What makes papers for people: a library of it that is missing or broken stops a report alone."""


def test_a_serving_collector_needs_nothing_that_makes_papers() -> None:
    """Ingest, pages, sinks and mail start and read the rules of cases without any of it."""
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({PAPERS!r}))\n"
        "import collector.app, collector.commands.run, collector.serving\n"
        "import collector.cases.running, collector.sinks.running, collector.web.routes\n"
        "from collector.cases import composing, calendar\n"
        "print(len(calendar.rules()), *composing.ORDER)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {"letter.pdf", "evidence.zip"} < set(done.stdout.split())


@pytest.mark.parametrize(
    "part, foreign",
    [
        ("probe", ("collector", "server", "aiohttp", "sqlalchemy", "alembic", "jinja2", "argon2")),
        ("server", ("collector", "probe", "aiohttp", "sqlalchemy", "apscheduler")),
        ("collector", ("probe", "server", "apscheduler", "simulate")),
        ("simulate", ("collector", "server", "apscheduler", "sqlalchemy")),
    ],
)
def test_a_parts_commands_load_nothing_of_another(part: str, foreign: tuple[str, ...]) -> None:
    """A device with `linewatch[probe]` alone runs: nothing of another part is imported there."""
    program = (
        "import importlib, sys, linewatch\n"
        "def places(table):\n"
        "    for _, target in table.values():\n"
        "        yield from [target] if isinstance(target, str) else places(target)\n"
        f"names = {{p.partition(':')[0] for p in places(linewatch.COMMANDS)}}\n"
        f"[importlib.import_module(n) for n in sorted(names) if n.startswith({part + '.'!r})]\n"
        f"print(*sorted({set(foreign)!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
