"""The alert rules: when they fire, that they speak of metrics that there are, and their docs."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dashboards.boards import BOARDS
from dashboards.queries import Metrics

TOP = Path(__file__).parents[2]
RULES = TOP / "dashboards/alerts.yml"
CASES = TOP / "dashboards/alerts_test.yml"
OPERATOR = (TOP / "docs/operator.md").read_text()


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    """Run promtool beside the rules."""
    program = shutil.which("promtool") or str(TOP / "build/promtool")
    return subprocess.run(
        [program, *words], check=False, capture_output=True, text=True, cwd=RULES.parent
    )


def rules() -> list[dict[str, Any]]:
    """Return the rules."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_rule_fires_when_it_shall_and_not_before() -> None:
    """The cases of `alerts_test.yml`, run by Prometheus' own tool."""
    checked = promtool("check", "rules", RULES.name)
    assert checked.returncode == 0, checked.stderr
    done = promtool("test", "rules", CASES.name)
    assert done.returncode == 0, done.stderr + done.stdout


def test_every_rule_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """Also one that is only ever silent, or always there, would pass a test without both."""
    fires: dict[str, set[bool]] = {}
    for test in yaml.safe_load(CASES.read_text())["tests"]:
        for case in test["alert_rule_test"]:
            fires.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
    # Of those whose other series in the same case stays silent the case itself is the second.
    both = {"DiskFilling", "ProbeBacklog"}
    for rule in rules():
        assert fires[rule["alert"]] == ({True} if rule["alert"] in both else {True, False})


def test_rules_speak_of_metrics_that_the_collector_has() -> None:
    """A metric that is renamed would leave its alert silent for ever."""
    known = set(re.findall(r"^\| `(linewatch_\w+)` \|", OPERATOR, re.MULTILINE))
    for rule in rules():
        used = set(re.findall(r"\blinewatch_\w+", rule["expr"]))
        assert used <= known, rule["alert"]
        assert used or "up{" in rule["expr"]


OF_A_PROCESS = ("writer", "housekeeping", "body", "bodies", "connections", "request")
"""Of `linewatch_collector_…`: what docs/ledger.md says that is summed; all else is the ledger's."""


def gathered_by(expression: str) -> Iterator[tuple[str, str]]:
    """Yield each metric of the ledger with what gathers it first: sum, max …; '': nothing does."""
    opened: list[str] = []
    words = re.finditer(r"\b(\w+)(?: by \([^)]*\))? ?\(|[()]|\blinewatch_\w+", expression)
    for word in words:
        if word[0] == ")":
            opened.pop()
        elif word[0].endswith("("):
            opened.append(word[1] or "")
        elif not re.match(rf"linewatch_(collector_({'|'.join(OF_A_PROCESS)})|sink_fail)", word[0]):
            gathering = [one for one in opened if one in {"sum", "count", "avg", "max", "min"}]
            yield word[0], gathering[-1] if gathering else ""


def test_what_collectors_say_of_one_ledger_is_never_added_up() -> None:
    """In no rule and in no panel: two collectors would tell twice as much."""
    asked = [(rule["alert"], rule["expr"]) for rule in rules()]
    asked += [
        (board.name, target.ask.expression)
        for board in BOARDS
        for panel in board.panels
        for target in panel.targets
        if isinstance(target.ask, Metrics)
    ]
    found = [(name, *one) for name, expression in asked for one in gathered_by(expression)]
    assert len(found) > 30
    assert [one for one in found if one[2] in {"sum", "count"}] == []


def test_every_alert_is_said_in_both_languages_and_explained() -> None:
    """Vietnamese first, English beside it, a severity that means something, a line in the docs."""
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "summary_en", "description"}
        assert rule["annotations"]["summary"] != rule["annotations"]["summary_en"]
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert f"| `{rule['alert']}` |" in OPERATOR
