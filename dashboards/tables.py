"""Tables, maps and heat maps: panels whose answers are joined by Grafana's transformations."""

from typing import Any, Final

from grafana_foundation_sdk.builders import common, geomap, table
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)

from dashboards.queries import VALUE
from dashboards.spec import Panel, Sources, Way, uid
from dashboards.targets import column_of
from dashboards.words import PLAIN, Steps, Text

ZONE: Final = "Asia/Ho_Chi_Minh"
"""Contracts, evenings and months are local."""

_MARKER_SIZE: Final = 8
_KEPT_VARIABLES: Final = ("series", "metrics")


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Return colours as the SDK takes them."""
    return (
        ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for value, colour in steps])
    )


def table_of(panel: Panel, sources: Sources) -> table.Panel:
    """Return a table: a row for each value of its first key, a column for each question."""
    made = table.Panel().transformations(_joined(panel))
    for name, title in panel.keys:
        made = made.override_by_name(name, _of_key(panel, name, title, sources))
    for number, target in enumerate(panel.targets):
        properties = [
            DynamicConfigValue(id_val="displayName", value=target.name),
            DynamicConfigValue(id_val="unit", value=target.unit),
            DynamicConfigValue(id_val="thresholds", value=thresholds(target.steps).build()),
        ]
        if target.steps != PLAIN:
            cell = {"type": "color-text"}
            properties.append(DynamicConfigValue(id_val="custom.cellOptions", value=cell))
        made = made.override_by_name(column_of(panel, number), properties)
    return made


def _of_key(panel: Panel, name: str, title: Text, sources: Sources) -> list[DynamicConfigValue]:
    """Return how a column of tags is called, and where its values lead."""
    properties = [DynamicConfigValue(id_val="displayName", value=str(title))]
    ways = [_way(way, sources) for way in panel.ways if way.column == name]
    if ways:
        properties.append(DynamicConfigValue(id_val="links", value=ways))
    return properties


def _joined(panel: Panel) -> list[DataTransformerConfig]:
    """Return what makes one table of several answers, sorted and cut."""
    # Each answer has a time of its own, of which the join would make columns.
    without = {"exclude": {"pattern": "^Time$"}}
    steps = [DataTransformerConfig(id_val="filterFieldsByName", options=without)]
    many = len(panel.targets) > 1
    if many:
        mode = "inner" if panel.both else "outer"
        options: dict[str, Any] = {"byField": panel.keys[0][0], "mode": mode}
        steps.append(DataTransformerConfig(id_val="joinByField", options=options))
    columns = [column_of(panel, number) for number in range(len(panel.targets))]
    order = [name for name, _ in panel.keys] + columns
    options = {
        "excludeByName": {},
        "indexByName": {name: place for place, name in enumerate(order)},
        "renameByName": {},
    }
    steps.append(DataTransformerConfig(id_val="organize", options=options))
    if panel.kind == "table":
        sort = {"field": columns[panel.order], "desc": panel.falling}
        options = {"fields": {}, "sort": [sort]}
        steps.append(DataTransformerConfig(id_val="sortBy", options=options))
    if panel.most:
        options = {"limitField": panel.most}
        steps.append(DataTransformerConfig(id_val="limit", options=options))
    return steps


def _way(way: Way, sources: Sources) -> dict[str, str]:
    kept = "".join(f"&${{{name}:queryparam}}" for name in (*_KEPT_VARIABLES, *way.keep))
    url = (
        f"/d/{uid(sources, way.to)}?var-{way.column}=${{__data.fields.{way.column}:percentencode}}"
        f"{kept}&${{__url_time_range}}"
    )
    return {"title": f"→ {way.to}", "url": url}


def map_of(panel: Panel, sources: Sources) -> geomap.Panel:
    """Return a map: the first two questions are latitude and longitude, the third is the colour."""
    latitude, longitude, colour = (column_of(panel, number) for number in range(3))
    place = common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS)
    place = place.latitude(latitude).longitude(longitude)
    style = {
        "size": {"fixed": _MARKER_SIZE},
        "color": {"field": colour},
        "opacity": 0.8,
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
    }
    layer = common.MapLayerOptions().type("markers").name(str(panel.title)).location(place)
    layer = layer.config({"showLegend": True, "style": style}).tooltip(tooltip=True)
    made = geomap.Panel().transformations(_joined(panel))
    made = made.view(geomap.MapViewConfig().id("fit").all_layers(all_layers=True).padding(10))
    made = made.basemap(common.MapLayerOptions().type("default").name("Basemap")).layers([layer])
    for name, title in panel.keys:
        made = made.override_by_name(name, _of_key(panel, name, title, sources))
    for number, target in enumerate(panel.targets):
        properties = [
            DynamicConfigValue(id_val="displayName", value=target.name),
            DynamicConfigValue(id_val="unit", value=target.unit),
        ]
        made = made.override_by_name(column_of(panel, number), properties)
    return made


def heat_of(panel: Panel) -> table.Panel:
    """Return hours by days: of each moment an hour and a day are made, then a matrix."""
    rows = "hour\\day"
    # Square brackets hold what is no part of the moment: the result is JSON, which is then read.
    moment = '[{"day":"]DD/MM[","hour":"]HH[h"}]'
    columns = {"columnField": "day", "rowField": "hour", "valueField": "reading"}
    columns["emptyValue"] = "null"
    # InfluxDB's values bring a name along, which every column of the matrix would have.
    bare = {
        "mode": "binary",
        "alias": "reading",
        "binary": {
            "left": {"matcher": {"id": "byName", "options": VALUE}},
            "operator": "*",
            "right": {"fixed": "1"},
        },
        "replaceFields": False,
    }
    options: tuple[tuple[str, dict[str, Any]], ...] = (
        ("calculateField", bare),
        (
            "formatTime",
            {"timeField": "Time", "outputFormat": moment, "timezone": ZONE, "useTimezone": True},
        ),
        ("extractFields", {"source": "Time", "format": "json", "replace": False}),
        ("groupingToMatrix", columns),
        ("sortBy", {"fields": {}, "sort": [{"field": rows, "desc": False}]}),
    )
    steps = [DataTransformerConfig(id_val=name, options=option) for name, option in options]
    scale = "continuous-GrYlRd" if panel.low_is_good else "continuous-RdYlGr"
    # A step is an hour, however many there are; Prometheus' own limit is 11,000.
    made = table.Panel().transformations(steps).max_data_points(10_000)
    made = made.color_scheme(FieldColor().mode(FieldColorModeId(scale))).decimals(0)
    made = made.override_by_regexp(
        r"/^\d\d\/\d\d$/",
        [
            DynamicConfigValue(
                id_val="custom.cellOptions", value={"type": "color-background", "mode": "basic"}
            )
        ],
    )
    return made.override_by_name(rows, [DynamicConfigValue(id_val="custom.width", value=60)])
