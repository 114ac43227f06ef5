"""Lists of the registry as people read them: on a terminal of 80 letters, narrower, and piped."""

import json
import re
from datetime import UTC, datetime

import pytest

from collector.commands.tables import show

LONG = "nvh-thach-khoi-to-dan-pho-1"
ROW = {
    "id": "nvh-to-1",
    "site_id": LONG,
    "name": "Nhà văn hóa Tổ dân phố số 1 [bold]",
    "contracted_download_bits_per_second": 300_000_000,
    "last_seen_at": datetime(2026, 11, 21, 8, 30, 59, 123456, tzinfo=UTC),
    "revoked_at": None,
}
COLUMNS = list(ROW)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let rich take the output for a terminal of 80 letters; COLUMNS sets another width."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing of the environment make the output look like a terminal."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines that were printed, without colours."""
    said = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    return [line.rstrip() for line in said.splitlines()]


@pytest.mark.usefixtures("terminal")
def test_a_terminals_width_is_kept_and_keys_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and times are folded at 80 letters; what is copied into a command never is."""
    show([ROW], COLUMNS, as_json=False)
    lines = shown(capsys)
    assert 70 < max(map(len, lines)) <= 80
    assert re.search(rf"^nvh-to-1 +{LONG} ", "\n".join(lines), re.MULTILINE)
    words = " ".join(lines).split()
    assert {"id", "site", "name", "down", "seen", "2026-11-21", "08:30", "–"} <= set(words)
    assert "site_id" not in words


def test_a_terminal_too_narrow_for_a_table_gets_paragraphs(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each value has a line of its own, with what it is before it."""
    terminal.setenv("COLUMNS", "50")
    show([ROW, ROW], COLUMNS, as_json=False)
    lines = shown(capsys)
    assert lines[: len(COLUMNS) + 1] == [
        "id:              nvh-to-1",
        f"site:            {LONG}",
        "name:            Nhà văn hóa Tổ dân phố số 1 [bold]",
        "down:            300 Mbit/s",
        "last seen (UTC): 2026-11-21 08:30",
        "revoked (UTC):   –",
        "",
    ]
    assert len(lines) == 2 * (len(COLUMNS) + 1)


@pytest.mark.usefixtures("pipe")
def test_what_is_piped_is_as_wide_as_it_needs_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    """A row is one line, whatever the terminal's width, so that grep and sort see all of it."""
    show([ROW | {"id": "x" * 64, "name": "a b " * 100}], COLUMNS, as_json=False)
    head, _, row = shown(capsys)
    assert re.split(r" {2,}", head) == [
        "id",
        "site",
        "name",
        "down",
        "last seen (UTC)",
        "revoked (UTC)",
    ]
    assert re.split(r" {2,}", row) == [
        "x" * 64,
        LONG,
        ("a b " * 100).strip(),
        "300 Mbit/s",
        "2026-11-21 08:30",
        "–",
    ]


@pytest.mark.usefixtures("pipe")
def test_marks_of_a_terminal_in_a_name_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A name is text: [bold] in it is no command to the terminal."""
    show([ROW], COLUMNS, as_json=False)
    assert "số 1 [bold]" in shown(capsys)[2]


@pytest.mark.usefixtures("terminal")
def test_machines_read_every_column_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has the stored names, whole numbers and times with their zone, and no colours."""
    show([ROW], ["id"], as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert row == ROW | {"last_seen_at": "2026-11-21T08:30:59+00:00"}
