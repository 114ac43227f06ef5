"""The dashboards' questions, put to the real engines as Grafana would put them."""

import json
import math
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from tests.dashboards.committed import Target, filled_in, variables
from tests.dashboards.engines import BEGINS, STEP, UNTIL, Engines
from tests.services import fetch, promql

Answer = dict[frozenset[tuple[str, str]], dict[int | None, float]]
"""Each series' values by where their window begins, in milliseconds; None: of all that is shown."""

ALL: Final = ".*"
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = 60


def asked(engines: Engines, language: str, target: Target, values: dict[str, str]) -> Answer:
    """Return what an engine answers; whatever is no number is left out.

    Args:
        engines: the engines.
        language: of the set.
        target: the question.
        values: of the dashboard's variables.
    """
    if target.metrics:
        return of_metrics(engines, target, values, engines.victoria.url)
    if language == "promql":
        return _of_victoria(engines, target, values)
    return _of_influx(engines, target, values)


def of_metrics(engines: Engines, target: Target, values: dict[str, str], url: str) -> Answer:
    """Return what a server that scraped `/metrics` answers."""
    text = filled_in(target.text, values | {"__rate_interval": "1m", "__interval": "15s"})
    at = engines.scraped_at
    over = None if target.newest else (at - timedelta(seconds=_MINUTE), 15)
    return _plain(promql(url, text, at, over=over))


def _of_victoria(engines: Engines, target: Target, values: dict[str, str]) -> Answer:
    step = _HOUR if "[1h]" in target.text else STEP
    own = {"__interval": _hours(STEP), "__range": _hours(UNTIL - BEGINS)}
    text = filled_in(target.text, values | own)
    over = None if target.newest else (BEGINS, int(step.total_seconds()))
    return _plain(promql(engines.victoria.url, text, UNTIL, over=over))


def _of_influx(engines: Engines, target: Target, values: dict[str, str]) -> Answer:
    begins, until = (f"{int(moment.timestamp() * 1000)}ms" for moment in (BEGINS, UNTIL))
    own = {"__interval": _hours(STEP), "timeFilter": f"time >= {begins} and time <= {until}"}
    found: Answer = {}
    for series in engines.influxql(filled_in(target.text, values | own)):
        (_, column) = series["columns"]
        assert column.startswith("Value")
        key = frozenset((name, tag) for name, tag in series.get("tags", {}).items() if tag)
        points = {
            None if target.newest else moment: float(value)
            for moment, value in series["values"]
            if value is not None
        }
        if points:
            found[key] = points
    return found


def _plain(series: list[dict[str, Any]]) -> Answer:
    """Return PromQL's answer."""
    found: Answer = {}
    for one in series:
        key = frozenset((name, tag) for name, tag in one["metric"].items() if name != "__name__")
        points = [one["value"]] if "value" in one else one["values"]
        numbers = {
            None if "value" in one else round(moment * 1000): float(value)
            for moment, value in points
            if math.isfinite(float(value))
        }
        if numbers:
            found[key] = numbers
    return found


def _hours(span: timedelta) -> str:
    return f"{span // _HOUR}h"


def choices(engines: Engines, language: str, board: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what the variables of a dashboard can be, each one's values by its own query.

    Where all may be chosen, all is.
    """
    names = [one for one in variables(board).values() if one["type"] == "query"]
    yield from _choose(engines, language, names, {})


def _choose(
    engines: Engines, language: str, left: list[dict[str, Any]], chosen: dict[str, str]
) -> Iterator[dict[str, str]]:
    if not left:
        yield chosen
        return
    found = values_of(engines, language, left[0], chosen)
    assert found, left[0]["query"]
    for value in [ALL] if left[0]["multi"] else found:
        yield from _choose(engines, language, left[1:], chosen | {left[0]["name"]: value})


def values_of(
    engines: Engines, language: str, variable: dict[str, Any], chosen: dict[str, str]
) -> list[str]:
    """Return the values that a variable's query finds."""
    query = variable["query"]
    if not isinstance(query, dict):
        series = engines.influxql(filled_in(query, chosen))
        return sorted({value for one in series for _, value in one["values"]})
    read = re.fullmatch(r"label_values\((.+), (\w+)\)", filled_in(query["query"], chosen))
    assert read, query
    health = variable["datasource"]["uid"] == "${metrics}"
    assert health or language == "promql"
    begins, ends = (
        (engines.scraped_at - timedelta(hours=1), engines.scraped_at) if health else (BEGINS, UNTIL)
    )
    place = f"{engines.victoria.url}/api/v1/label/{read[2]}/values"
    window = {"match[]": read[1], "start": begins.timestamp(), "end": ends.timestamp()}
    found: list[str] = json.loads(fetch(place, window))["data"]
    return sorted(found)
