"""The dashboards' files as they are committed, read as Grafana would."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).parents[2]
FOLDER: Final = TOP / "dashboards"
SETS: Final = ("promql", "influxql")
NAMES: Final = ("city", "ward", "line", "carrier", "readiness", "fleet", "collector")

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)(?:[:.][^}]*)?\}|(\w+))")


@dataclass(frozen=True)
class Target:
    """A question of a panel.

    Attributes:
        where: for messages.
        metrics: it goes to what scrapes `/metrics`, not to the series.
        table: its answer is a table.
        newest: one value is asked for, not a chart.
        text: in PromQL or InfluxQL.
    """

    where: str
    metrics: bool
    table: bool
    newest: bool
    text: str


def read(language: str, name: str) -> dict[str, Any]:
    """Return a dashboard."""
    found: dict[str, Any] = json.loads((FOLDER / language / f"{name}.json").read_text())
    return found


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that are no headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def targets(board: dict[str, Any]) -> Iterator[Target]:
    """Yield every question of every panel."""
    for panel in panels(board):
        for target in panel["targets"]:
            metrics = target["datasource"]["uid"] == "${metrics}"
            text = target.get("expr") or target["query"]
            yield Target(
                where=where(board, panel, target),
                metrics=metrics,
                table="table" in {target.get("format"), target.get("resultFormat")},
                newest=target.get("instant", "time(" not in text),
                text=text,
            )


def where(board: dict[str, Any], panel: dict[str, Any], target: dict[str, Any]) -> str:
    """Return what a question is called in messages."""
    return f"{board['uid']} {panel['id']}{target['refId']}: {panel['title']}"


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what can be chosen, by name."""
    return {one["name"]: one for one in board["templating"]["list"]}


def used(text: str) -> set[str]:
    """Return the names of the variables in a text, Grafana's own (`__interval` …) too."""
    return {braced or bare for braced, bare in _VARIABLE.findall(text)}


def filled_in(text: str, values: dict[str, str]) -> str:
    """Return a text with its variables' values; one without a value fails."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], text)
