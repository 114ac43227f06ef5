"""What all tests share: the `--long` option, and which of them run beside each other."""

import fcntl
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[1]

ALONE: Final = (
    "tests/bench/",
    "tests/integration/test_acceptance.py",
    "tests/integration/test_measure.py",
    "tests/integration/test_shaped_line.py",
    "tests/integration/test_staged_flags.py",
)
"""Where tests hold rates and times: as if each were marked `alone`."""


def pytest_configure() -> None:
    """Let programs that tests start hear Ctrl-C: a background job of a shell is started deaf to it,
    and would hand that down.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`."""
    parser.addoption(
        "--long", action="store_true", help="also run the long versions of the fault tests"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests that run alone last, and deselect those marked `long` unless `--long` is given:
    they are not skipped tests.
    """
    items.sort(key=_is_alone)
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test wait for its turn before its time begins: alone, or beside those that may."""
    with (TOP / "pyproject.toml").open("rb") as all_processes_have_it:
        fcntl.flock(all_processes_have_it, fcntl.LOCK_EX if _is_alone(item) else fcntl.LOCK_SH)
        return (yield)


def _is_alone(item: pytest.Item) -> bool:
    return item.nodeid.startswith(ALONE) or item.get_closest_marker("alone") is not None
