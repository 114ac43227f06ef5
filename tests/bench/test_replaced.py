"""The bench of months whose probe was replaced prints what it measured, and nobody is accused."""

import json

from click.testing import CliRunner

from bench.replaced import CHANGES, Change, main, said


def test_every_change_has_its_row() -> None:
    """For machines, and for people as a table."""
    words = ["--months", "2"]
    found = json.loads(CliRunner().invoke(main, [*words, "--json"], catch_exceptions=False).stdout)
    assert [row["months"] for row in found] == [2] * len(CHANGES)
    table = CliRunner().invoke(main, words, catch_exceptions=False).stdout
    assert table.count("False") + table.count("True") == len(CHANGES)


def test_a_broken_line_is_found_and_a_new_probe_accuses_nobody() -> None:
    """Of thirty months each: both probes' halves find what one probe would, and a new one that is
    slow from the second week on takes hardly any good line with it.
    """
    broken = said(Change(0.65, 0.65, 15, broken=True), 30, 7)
    assert broken.fails == broken.fails_as_of_one == 30
    good = said(Change(0.85, 0.85, 15, broken=False), 30, 7)
    assert (good.fails, good.passes) == (0, 30)
    doubted = said(Change(0.9, 0.6, 6, broken=False), 30, 7)
    assert doubted.fails <= 1 < doubted.fails_as_of_one
