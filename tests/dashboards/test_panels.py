"""Every question of every panel, put to real engines that a simulated fleet has filled."""

import re
from typing import Any

import pytest
import yaml

from collector.sinks.series import FLAGS_MEASUREMENT, FLAGS_TAGS, MEASUREMENTS, RECORDS_FIELD, TAGS
from tests.dashboards.asking import Answer, asked, choices, of_metrics, values_of
from tests.dashboards.committed import (
    NAMES,
    SETS,
    TOP,
    filled_in,
    panels,
    read,
    targets,
    variables,
    where,
)
from tests.dashboards.engines import Engines
from tests.services import promql

pytestmark = pytest.mark.timeout(300)
"""The first test waits until a fleet is in three servers: seconds, but many on a busy machine."""

EVERY = pytest.mark.parametrize("language", SETS)
EACH = pytest.mark.parametrize("name", NAMES)

ALL_TAGS = {*TAGS, *FLAGS_TAGS}

OWN_WORDS = {"Value", "each", "one", "ratio"}
"""What InfluxQL's questions call their columns."""


@EVERY
@EACH
def test_every_question_is_answered(engines: Engines, language: str, name: str) -> None:
    """No engine refuses one, and each finds something, for some line, ward or carrier at least."""
    board = read(language, name)
    possible = list(choices(engines, language, board))
    asking = list(targets(board))
    empty = [
        target.where
        for target in asking
        if not any(asked(engines, language, target, values) for values in possible)
    ]
    assert len(asking) > 10
    assert empty == []


@EACH
def test_both_languages_answer_the_same(engines: Engines, name: str) -> None:
    """The same groups at the same times with the same values: each question has one meaning."""
    compared = 0
    boards = {language: read(language, name) for language in SETS}
    possible = {language: list(choices(engines, language, boards[language])) for language in SETS}
    assert possible["promql"] == possible["influxql"]
    for one, other in zip(*(targets(boards[language]) for language in SETS), strict=True):
        if one.metrics:
            assert one.text == other.text
            continue
        for values in possible["promql"]:
            answer = asked(engines, "promql", one, values)
            if answer:
                assert_same(answer, asked(engines, "influxql", other, values), one.where)
                compared += 1
                break
    assert compared or name == "collector"


def assert_same(one: Answer, other: Answer, question: str) -> None:
    """Fail where two answers differ."""
    assert set(one) == set(other), question
    for key, points in one.items():
        assert points == pytest.approx(other[key], rel=1e-9), f"{question}: {dict(key)}"


@EACH
def test_what_is_of_metrics_is_answered_by_prometheus_too(engines: Engines, name: str) -> None:
    """By one that scrapes a collector, as well as by a VictoriaMetrics with two of them; and where
    the newest value is asked for, two collectors of one ledger count no more than one.
    """
    board = read("promql", name)
    possible = list(choices(engines, "promql", board))
    for target in targets(board):
        if not target.metrics:
            continue
        answers = (
            (of_metrics(engines, target, values, engines.prometheus.url), values)
            for values in possible
        )
        found = next(((answer, values) for answer, values in answers if answer), None)
        assert found, target.where
        if target.newest:
            of_two = of_metrics(engines, target, found[1], engines.victoria.url)
            assert set(of_two) == set(found[0]), target.where
            for key, points in of_two.items():
                assert points == pytest.approx(found[0][key], rel=0.01), target.where


@EVERY
def test_questions_name_only_what_somebody_writes(language: str) -> None:
    """Each measurement, field, tag and metric stands in the tables of docs/series.md and of
    `/metrics`; a renamed one would leave a panel empty without a word.
    """
    metrics = documented_metrics()
    for name in NAMES:
        for target in targets(read(language, name)):
            if target.metrics:
                named = set(re.findall(r"\blinewatch_\w+", target.text))
                families = {re.sub(r"_(bucket|count|sum)$", "", one) for one in named}
                assert families, target.where
                assert families <= metrics, target.where
            elif language == "promql":
                named = set(re.findall(r"\blinewatch_\w+", target.text))
                assert named, target.where
                assert named <= {f"{one}_{field}" for one, field in fields()}, target.where
                assert promql_tags(target.text) <= ALL_TAGS, target.where
            else:
                quoted = set(re.findall(r'"([^"]+)"', target.text))
                quoted = {one for one in quoted if one.partition(" #")[0] not in OWN_WORDS}
                (measurement,) = {one for one in quoted if one.startswith("linewatch_")}
                known = {field for one, field in fields() if one == measurement}
                assert quoted - {measurement} <= known | ALL_TAGS, target.where


def fields() -> set[tuple[str, str]]:
    """Return measurements and fields by the table of docs/series.md."""
    found, measurement = set(), ""
    table = (TOP / "docs/series.md").read_text().partition("<!-- fields -->")[2]
    for row in re.findall(r"^\|(.*?)\| `(\w+)` \|", table, re.MULTILINE):
        measurement = (re.findall(r"`(\w+)`", row[0]) or [measurement])[0]
        found.add((measurement, row[1]))
    written = {(one.name, field.name) for one in MEASUREMENTS.values() for field in one.fields}
    assert found >= written | {(FLAGS_MEASUREMENT, RECORDS_FIELD)}
    return found


def documented_metrics() -> set[str]:
    """Return the collector's metrics by the table of docs/operator.md."""
    page = (TOP / "docs/operator.md").read_text()
    table = page.partition("<!-- metrics:collector -->")[2].partition("<!-- end -->")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def promql_tags(text: str) -> set[str]:
    """Return the labels that a question matches or groups by."""
    matched = set(re.findall(r'[{,](\w+)=~?"', text))
    grouped = {
        name.strip() for names in re.findall(r"\bby \(([^)]*)\)", text) for name in names.split(",")
    }
    return matched | grouped


@EVERY
@EACH
def test_legends_and_columns_name_tags_that_the_answer_has(
    engines: Engines, language: str, name: str
) -> None:
    """A series called by a tag that its question does not group by would be called nothing."""
    board = read(language, name)
    values = list(choices(engines, language, board))
    for panel, target in ((p, t) for p in panels(board) for t in p["targets"]):
        legend = target.get("legendFormat", target.get("alias", ""))
        named = set(re.findall(r"\{\{(\w+)\}\}|\[\[tag_(\w+)\]\]", legend))
        named = {one or other for one, other in named}
        if not named:
            continue
        (question,) = (one for one in targets(board) if one.where == where(board, panel, target))
        answers = (asked(engines, language, question, one) for one in values)
        answer = next(filter(None, answers))
        tags = {tag for key in answer for tag, _ in key}
        assert named <= tags | {"instance"}, question.where


@EVERY
@EACH
def test_alerts_are_drawn_where_they_belong(engines: Engines, language: str, name: str) -> None:
    """Prometheus' own series of what fires; a ward's, carrier's or line's page shows its own."""
    board = read(language, name)
    values = next(choices(engines, language, board))
    (annotation,) = board["annotations"]["list"]
    text = filled_in(annotation["expr"], values)
    found = [one["metric"] for one in promql(engines.prometheus.url, text, engines.scraped_at)]
    assert found
    if name in {"carrier", "line"}:
        assert {one[name] for one in found} == {values[name]}
    if name == "ward":
        asked_for = f'linewatch_line_info{{ward="{values["ward"]}"}}'
        here = promql(engines.prometheus.url, asked_for, engines.scraped_at)
        sites = {one["metric"]["site"] for one in here}
        assert {one["site"] for one in found if "site" in one} == sites
        assert {one["ward"] for one in found if "site" not in one} == {values["ward"]}
        assert {"LineDown", "ProbeSilent"} <= {one["alertname"] for one in found}


def test_every_alert_is_drawn_somewhere() -> None:
    """Each rule of alerts.yml fits a dashboard's pattern, and no pattern fits none of them."""
    rules = yaml.safe_load((TOP / "dashboards/alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in rules for rule in group["rules"]}
    patterns = {
        pattern
        for name in NAMES
        for names in re.findall(
            r'alertname=~"([^"]+)"', read("promql", name)["annotations"]["list"][0]["expr"]
        )
        for pattern in names.split("|")
    }
    fitting = {
        pattern: {one for one in alerts if re.fullmatch(pattern, one)} for pattern in patterns
    }
    assert all(fitting.values()), fitting
    assert set().union(*fitting.values()) == alerts


@EVERY
def test_choices_narrow_each_other(engines: Engines, language: str) -> None:
    """A line's page offers the lines of the chosen ward and carrier alone, and its own paths."""
    choosing = variables(read(language, "line"))
    wards = values_of(engines, language, choosing["ward"], {})
    everywhere: dict[str, Any] = {"ward": ".*", "carrier": ".*"}
    lines = values_of(engines, language, choosing["line"], everywhere)
    parts = [
        values_of(engines, language, choosing["line"], everywhere | {"ward": ward})
        for ward in wards
    ]
    assert len(wards) == 2
    assert sorted(line for part in parts for line in part) == lines
    for line in lines:
        assert values_of(engines, language, choosing["path"], {"line": line})
