"""A large text is written by another process; it says the same."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.beside import done_beside
from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.metrics import ledger_text
from collector.metrics.ledger_text import LedgerText, Shown, Text, write_text
from collector.settings import LedgerSettings, MetricsSettings
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@contextlib.asynccontextmanager
async def texts_of(database: Database, shown: Shown) -> AsyncIterator[LedgerText]:
    """Make texts of a ledger, each of them large, for the time of a block."""
    settings = MetricsSettings(cache_seconds=0.001, wait_seconds=60)
    texts = LedgerText(database, shown, settings, lambda: NOW, large_bytes=1)
    running = asyncio.create_task(texts.run())
    try:
        yield texts
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@ON_BOTH
async def test_a_large_text_is_that_of_another_process(
    new_ledger: NewLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the same, byte for byte, as one written here; the first one is written here."""
    asked: list[object] = []

    async def beside(seconds: float, work: Callable[..., Text], *arguments: object) -> Text:
        asked.append(work)
        return await done_beside(seconds, work, *arguments)

    monkeypatch.setattr(ledger_text, "done_beside", beside)
    shown = Shown(new_ledger(), 3600.0, 10**12)
    with contextlib.closing(Database(shown.ledger)) as database:
        fill_registry(database, NOW)
        here = write_text(database, shown, NOW)
        assert b"linewatch_line_info{" in here.plain
        async with texts_of(database, shown) as texts:
            assert await texts.current() == here
            assert asked == []
            await asyncio.sleep(0.01)
            assert await texts.current() == here
            assert asked


async def test_where_the_other_process_fails_the_text_is_written_here(
    new_ledger: NewLedger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that cannot be had costs time, not the metrics; the log says why."""

    async def nothing(*arguments: object) -> Text:
        del arguments
        raise LedgerError("no process to be had")

    monkeypatch.setattr(ledger_text, "done_beside", nothing)
    shown = Shown(new_ledger(), 3600.0, None)
    with contextlib.closing(Database(shown.ledger)) as database:
        fill_registry(database, NOW)
        async with texts_of(database, shown) as texts:
            await texts.current()
            await asyncio.sleep(0.01)
            assert b"linewatch_line_info{" in (await texts.current()).plain
    assert "no process to be had" in caplog.text


def test_a_ledger_that_cannot_be_read_has_no_figures(tmp_path: Path) -> None:
    """It counts as not readable, and says nothing else."""
    shown = Shown(LedgerSettings(path=tmp_path / "none.db"), 3600.0, None)
    with contextlib.closing(Database(shown.ledger)) as database:
        text = write_text(database, shown, NOW).plain.decode()
    assert "linewatch_collector_ledger_readable 0.0" in text
    assert "linewatch_line_info" not in text
