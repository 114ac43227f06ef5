"""`linewatch collector remove-month`."""

from pathlib import Path

import pytest

from collector.errors import LedgerError
from tests.collector.commands.support import Registry


def test_a_month_is_removed_where_it_is_meant(tmp_path: Path) -> None:
    """It asks first, says how many records left, and takes nothing but a month that is over."""
    registry = Registry(tmp_path)
    refused = registry.run("collector", "remove-month", "2026-01", "--yes")
    assert refused.exit_code == 2
    assert "--without-archive" in refused.stderr
    words = ("collector", "remove-month", "--without-archive")
    asked = registry.run(*words, "2026-01", given="n\n")
    assert asked.exit_code == 1
    assert "Remove every record that came in 2026-01?" in asked.output
    done = registry.run(*words, "2026-01", "--yes")
    assert done.output == "0 records of 2026-01 left the ledger\n"
    assert registry.run(*words, "January", "--yes").exit_code == 2
    with pytest.raises(LedgerError, match="is not over"):
        registry.run(*words, "2999-01", "--yes")
