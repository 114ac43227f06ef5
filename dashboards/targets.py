"""A panel's questions as Grafana keeps them, in the language of a set."""

import re
from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants as cogvariants
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.queries import RANGE, VALUE, Metrics, Question
from dashboards.spec import Panel, Sources, Target

_IN_TABLES: Final = frozenset({"table", "map", "heat"})


class InfluxQuery(cogvariants.Dataquery):
    """A question of Grafana's InfluxDB data source, which the SDK does not know.

    Args:
        ref_id: its letter.
        source: the data source.
        text: in InfluxQL.
        alias: what its series are called.
        table: whether the answer is a table.
    """

    def __init__(
        self, ref_id: str, source: DataSourceRef, text: str, alias: str, *, table: bool
    ) -> None:
        self.ref_id = ref_id
        self._json: dict[str, object] = {
            "refId": ref_id,
            "datasource": source,
            "query": text,
            "rawQuery": True,
            "resultFormat": "table" if table else "time_series",
        }
        if alias and not table:
            self._json["alias"] = alias

    def to_json(self) -> dict[str, object]:
        """Return it as Grafana keeps it."""
        return self._json


class _Built(cogbuilder.Builder[cogvariants.Dataquery]):
    """What needs no building any more."""

    def __init__(self, query: cogvariants.Dataquery) -> None:
        self._query = query

    def build(self) -> cogvariants.Dataquery:
        return self._query


def series_source(sources: Sources) -> DataSourceRef:
    """Return the data source that the reader chose for the sinks' series."""
    return DataSourceRef(type_val=sources.series_type, uid="${series}")


def metrics_source() -> DataSourceRef:
    """Return the data source that the reader chose for `/metrics`."""
    return DataSourceRef(type_val="prometheus", uid="${metrics}")


def source_of(ask: Question, sources: Sources) -> DataSourceRef:
    """Return the data source that a question goes to."""
    return metrics_source() if isinstance(ask, Metrics) else series_source(sources)


def column_of(panel: Panel, number: int) -> str:
    """Return what a table calls the values of a question."""
    return f"{VALUE} #{letter(number)}" if len(panel.targets) > 1 else VALUE


def letter(number: int) -> str:
    """Return the letter of a panel's question."""
    return chr(ord("A") + number)


def built(
    panel: Panel, number: int, target: Target, sources: Sources
) -> cogbuilder.Builder[cogvariants.Dataquery]:
    """Return a question as the set asks it."""
    table = panel.kind in _IN_TABLES
    ask = target.ask
    if isinstance(ask, Metrics) or sources.series_type == "prometheus":
        text = ask.expression if isinstance(ask, Metrics) else ask.promql()
        query = PrometheusQuery().expr(text).ref_id(letter(number))
        query = query.datasource(source_of(ask, sources))
        query = query.instant() if ask.over == RANGE else query.range()
        query = query.format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
        return query.legend_format(_legend(target.name, "{{%s}}")) if not table else query
    text = ask.influxql(column_of(panel, number) if table else VALUE)
    alias = _legend(target.name, "[[tag_%s]]")
    return _Built(InfluxQuery(letter(number), source_of(ask, sources), text, alias, table=table))


def _legend(name: str, form: str) -> str:
    """Return a series' name with its tags as a data source writes them."""
    return re.sub(r"\{(\w+)\}", lambda found: form % found[1], name)
