"""The bench of intervals and verdicts prints what it measured."""

import json

from click.testing import CliRunner

from bench.coverage import PLANS, TRUTHS, main


def test_every_plan_statistic_and_truth_has_its_row() -> None:
    """For machines, from a short run: coverage of both windows, and verdicts by one and two
    servers.
    """
    words = ["--months", "20", "--verdicts", "2", "--json"]
    found = json.loads(CliRunner().invoke(main, words, catch_exceptions=False).stdout)
    assert len(found["coverage"]) == len(PLANS) * 2 * 4
    assert len(found["days_correlated"]) == 4
    assert all(0.5 < row["corrected"] <= 1 for row in found["coverage"])
    assert [row["months"] for row in found["verdicts"]] == [2] * 2 * len(TRUTHS)


def test_people_get_tables() -> None:
    """With the standard error that the run has."""
    said = CliRunner().invoke(main, ["--months", "20", "--verdicts", "1"], catch_exceptions=False)
    assert "standard error 4.9 points" in " ".join(said.stdout.split())
    assert "evening mean 0.65" in " ".join(said.stdout.split())
