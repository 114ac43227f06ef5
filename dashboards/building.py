"""Panels as Grafana's own types, by its SDK."""

import re

from grafana_foundation_sdk.builders import common, geomap, stat, statushistory, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId

from dashboards.spec import Panel, Sources, Target
from dashboards.tables import heat_of, map_of, table_of, thresholds
from dashboards.targets import built, source_of
from dashboards.words import GREY, PLAIN

Builder = timeseries.Panel | stat.Panel | table.Panel | geomap.Panel | statushistory.Panel


def panel_of(panel: Panel, sources: Sources) -> Builder:
    """Return a panel of a set, with its questions."""
    made = _drawn(panel, sources)
    made = made.title(str(panel.title)).unit(panel.unit).thresholds(thresholds(panel.steps))
    made = made.span(panel.width).height(panel.height)
    made = made.no_value(panel.nothing).datasource(source_of(panel.targets[0].ask, sources))
    if panel.about:
        made = made.description(f"{panel.about.vi}\n\n{panel.about.en}")
    if panel.least:
        made = made.interval(panel.least)
    for number, target in enumerate(panel.targets):
        made = made.with_target(built(panel, number, target, sources))
    return made


def _drawn(panel: Panel, sources: Sources) -> Builder:
    if panel.kind == "table":
        return table_of(panel, sources)
    if panel.kind == "map":
        return map_of(panel, sources)
    if panel.kind == "heat":
        return heat_of(panel)
    if panel.kind == "stat":
        return _stat()
    return _history() if panel.kind == "history" else _chart(panel)


def _chart(panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel()
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    made = made.legend(legend.placement(LegendPlacement.BOTTOM).show_legend(show_legend=True))
    made = made.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    made = made.show_points(VisibilityMode.AUTO).point_size(5).line_width(1)
    made = made.axis_soft_min(0)
    if panel.kind == "bars":
        made = made.draw_style(GraphDrawStyle.BARS).fill_opacity(70).line_width(0)
    if panel.stacked:
        made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if panel.steps != PLAIN:
        style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        made = made.thresholds_style(style)
    for target in panel.targets:
        made = _styled(made, target)
    return made


def _styled(made: timeseries.Panel, target: Target) -> timeseries.Panel:
    """Give a question's series its colour and form."""
    properties: list[DynamicConfigValue] = []
    if target.colour:
        mode = {"mode": "fixed", "fixedColor": target.colour}
        properties.append(DynamicConfigValue(id_val="color", value=mode))
    if target.bare:
        properties += [
            DynamicConfigValue(id_val="custom.drawStyle", value="points"),
            DynamicConfigValue(id_val="custom.pointSize", value=4 if target.colour == GREY else 7),
        ]
    if not properties:
        return made
    pattern = re.sub(r"\\\{\w+\\\}", ".*", re.escape(target.name)).replace("/", r"\/")
    return made.override_by_regexp(f"/^{pattern}$/", properties)


def _stat() -> stat.Panel:
    made = stat.Panel().color_mode(BigValueColorMode.VALUE)
    made = made.graph_mode(BigValueGraphMode.NONE)
    calculated = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)
    made = made.color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
    return made.reduce_options(calculated)


def _history() -> statushistory.Panel:
    made = statushistory.Panel().show_value(VisibilityMode.NEVER).row_height(0.9).per_page(40)
    return made.color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
