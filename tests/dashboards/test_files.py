"""The files of the dashboards: what the code makes, whole, and consistent in themselves."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.making import files
from tests.dashboards.committed import (
    FOLDER,
    NAMES,
    SETS,
    TOP,
    panels,
    read,
    targets,
    used,
    variables,
)

GRAFANAS_OWN = {
    "__all",
    "__interval",
    "__range",
    "__rate_interval",
    "__url_time_range",
    "__data",
    "timeFilter",
}

SAME_IN_BOTH = {"IPv6", "Wi-Fi"}
"""Titles that need no second language."""

OF_THE_SOURCE = {"titleFormat", "textFormat", "tagKeys", "step"}
"""What Grafana's Prometheus source reads of an annotation, and the schema of all sources lacks."""

EVERY = pytest.mark.parametrize("language", SETS)
EACH = pytest.mark.parametrize("name", NAMES)


def test_the_committed_files_are_what_the_code_makes() -> None:
    """`make dashboards` would change nothing, and there is no file that no dashboard makes."""
    made = files()
    found = {
        str(path.relative_to(FOLDER)): path.read_text()
        for language in SETS
        for path in (FOLDER / language).iterdir()
    }
    assert set(made) == set(found) == {f"{one}/{name}.json" for one in SETS for name in NAMES}
    stale = [path for path in made if made[path] != found[path]]
    assert stale == [], "make dashboards"


@EVERY
@EACH
def test_a_file_fits_grafanas_schema(language: str, name: str) -> None:
    """The SDK's models, which are made from Grafana's schema, read all of it and write it again."""
    register_default_plugins()
    board = read(language, name)
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    assert {re.sub(r".*/", "", place) for place in lost(board, again)} == OF_THE_SOURCE


def lost(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Yield where something of ours is not in theirs; what they add are their defaults."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from lost(value, theirs.get(key), f"{place}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs, strict=True):
            yield from lost(one, other, place)
    elif ours != theirs:
        yield place


def test_the_schema_is_that_of_the_grafana_that_reads_it() -> None:
    """The SDK's version is that of the image in compose.yaml."""
    sdk = version("grafana-foundation-sdk").rpartition("!")[2]
    compose = yaml.safe_load((TOP / "deploy/compose.yaml").read_text())
    assert compose["services"]["grafana"]["image"].rpartition(":")[2] == sdk
    assert {read(one, name)["schemaVersion"] for one in SETS for name in NAMES} == {
        Dashboard().schema_version
    }


@EVERY
@EACH
def test_panels_have_numbers_of_their_own_and_do_not_overlap(language: str, name: str) -> None:
    """Each cell of the grid, which is 24 wide, belongs to one panel at most."""
    board = read(language, name)
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in board["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


@EVERY
@EACH
def test_every_variable_that_is_used_is_there(language: str, name: str) -> None:
    """In questions, links, alerts and other variables; and none is there for nothing."""
    board = read(language, name)
    mentioned = used(json.dumps(board)) - GRAFANAS_OWN
    # The choice of the series' source is kept on the way through a dashboard that needs none.
    assert mentioned | {"series"} == set(variables(board))


@EACH
def test_influxql_compares_with_a_choice_by_regular_expression_alone(name: str) -> None:
    """Grafana escapes a choice where slashes stand around it, and a question has some elsewhere:
    compared as it is, a line with a hyphen in its name would never be found.
    """
    for target in targets(read("influxql", name)):
        if not target.metrics:
            assert not re.search(r"= '\$", target.text), target.where


@EVERY
def test_every_link_leads_to_a_dashboard_that_takes_what_it_brings(language: str) -> None:
    """Its address exists in the same set, and each value goes to a variable there."""
    boards = {read(language, name)["uid"]: read(language, name) for name in NAMES}
    assert len(boards) == len(NAMES)
    followed = 0
    for board in boards.values():
        assert {link["url"] for link in board["links"]} == {
            f"/d/{uid}" for uid in boards if uid != board["uid"]
        }
        assert all(link["includeVars"] and link["keepTime"] for link in board["links"])
        for url in re.findall(r'"url": "(/d/[^"]+\?[^"]+)"', json.dumps(board)):
            uid, _, asked = url.removeprefix("/d/").partition("?")
            brought = {one.partition("=")[0].removeprefix("var-") for one in asked.split("&")}
            brought = {re.sub(r"^\$\{(\w+):queryparam\}$", r"\1", one) for one in brought}
            assert brought - {"${__url_time_range}"} <= set(variables(boards[uid])), url
            assert {"series", "metrics", "${__url_time_range}"} <= brought
            followed += 1
    assert followed > 10


@EACH
def test_both_sets_show_the_same(name: str) -> None:
    """Only questions, their source and addresses differ: not titles, places, units, colours."""

    def shown(language: str) -> list[dict[str, Any]]:
        found = []
        for panel in read(language, name)["panels"]:
            same = {
                key: value for key, value in panel.items() if key not in {"targets", "datasource"}
            }
            same["questions"] = len(panel.get("targets", []))
            found.append(json.loads(json.dumps(same).replace(f"linewatch-{language}-", "")))
        return found

    assert shown("promql") == shown("influxql")


@EVERY
@EACH
def test_whatever_has_a_title_has_it_in_both_languages(language: str, name: str) -> None:
    """Vietnamese first, English beside it; explanations too."""
    board = read(language, name)
    titles = [board["title"], *(panel["title"] for panel in board["panels"])]
    titles += [one["label"] for one in board["templating"]["list"]]
    assert [title for title in titles if " / " not in title and title not in SAME_IN_BOTH] == []
    texts = [board["description"], *(panel.get("description", "\n\n") for panel in panels(board))]
    assert all("\n\n" in text for text in texts)


@EVERY
@EACH
def test_every_panel_says_its_unit_and_colours(language: str, name: str) -> None:
    """A number without a unit, or a colour without a rule, says nothing."""
    for panel in panels(read(language, name)):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"], panel["title"]
        assert defaults["thresholds"]["steps"], panel["title"]
