"""A file of evidence, made once for all tests that read it or change copies of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.settings import LedgerSettings
from tests.collector.conftest import NewLedger
from tests.collector.evidence import made


@contextlib.contextmanager
def opened(settings: LedgerSettings) -> Iterator[Database]:
    """Yield a ledger's database."""
    database = Database(settings)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield an empty ledger."""
    with opened(new_ledger()) as found:
        yield found


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return the evidence of carrier A's October, and the seq of a test that counts in it."""
    folder = tmp_path_factory.mktemp("evidence")
    with opened(LedgerSettings(path=folder / "ledger.sqlite")) as found:
        migrate(found)
        made.fill(found)
        counting = made.counting(found, "a")
        return made.write(found, folder / "evidence.zip"), counting[len(counting) // 2]


@pytest.fixture
def evidence(troubled: tuple[Path, int]) -> Path:
    """Return a file of one line in one chain, with trouble. Nobody changes it."""
    return troubled[0]


@pytest.fixture
def counting_seq(troubled: tuple[Path, int]) -> int:
    """Return the seq of a speed test in it that counts, in the middle of the month."""
    return troubled[1]


@pytest.fixture
def members(evidence: Path) -> made.Members:
    """Return the members of that file, to be changed."""
    return made.unpacked(evidence)


@pytest.fixture(scope="session")
def small_evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return evidence of two days of one line without trouble, which takes no time to check."""
    folder = tmp_path_factory.mktemp("small")
    with opened(LedgerSettings(path=folder / "ledger.sqlite")) as found:
        migrate(found)
        made.fill(found, made.SINGLE)
        return made.write(found, folder / "evidence.zip", carrier=None)
