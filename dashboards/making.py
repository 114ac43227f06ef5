"""Whole dashboards by the SDK: variables, links, alerts, panels in their places."""

from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard as DashboardBuilder
from grafana_foundation_sdk.builders.dashboard import (
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
)
from grafana_foundation_sdk.builders.dashboard import Row as RowBuilder
from grafana_foundation_sdk.cog.builder import Builder as AnyBuilder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from dashboards.boards import BOARDS
from dashboards.building import panel_of
from dashboards.spec import (
    METRICS_TITLE,
    METRICS_UID,
    SETS,
    WHOLE_WIDTH,
    Dashboard,
    Sources,
    Variable,
    uid,
)
from dashboards.tables import ZONE
from dashboards.targets import metrics_source, series_source
from dashboards.words import RED, Text

FOLDER: Final = Path(__file__).parent

ALL: Final = ".*"
"""What a variable is while all is chosen; it fits what has no such tag too."""


class _Annotation(models.AnnotationQuery):
    """An annotation, with what the SDK's model lacks: what it is called, and what it says."""

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {
            "titleFormat": "{{alertname}}",
            "textFormat": "{{line}} {{carrier}} {{ward}} {{probe}} {{sink}}",
            "tagKeys": "severity",
            "step": "60s",
        }


class _Built(AnyBuilder[models.AnnotationQuery]):
    """What needs no building any more."""

    def __init__(self, annotation: models.AnnotationQuery) -> None:
        self._annotation = annotation

    def build(self) -> models.AnnotationQuery:
        return self._annotation


def files() -> dict[str, str]:
    """Return every file of both sets: its path below this folder, and its text."""
    return {
        f"{sources.name}/{board.name}.json": text_of(board, sources)
        for sources in SETS
        for board in BOARDS
    }


def text_of(board: Dashboard, sources: Sources) -> str:
    """Return a dashboard as Grafana reads it."""
    made = made_of(board, sources).build()
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return encoder.encode(made) + "\n"


def made_of(board: Dashboard, sources: Sources) -> DashboardBuilder:
    """Return a dashboard of a set."""
    made = (
        DashboardBuilder(f"Linewatch: {board.title}")
        .uid(uid(sources, board.name))
        .description(f"{board.about.vi}\n\n{board.about.en}")
        .tags(["linewatch", sources.name])
        .timezone(ZONE)
        .time(board.begins, "now")
        .refresh(board.refresh)
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
        .annotation(_Built(_alerts(board)))
        .links([_link(other, sources) for other in BOARDS if other is not board])
    )
    made = made.with_variable(
        _source("series", Text("Chuỗi số liệu", "Series"), sources.series_type).current(
            _chosen(sources.series_title, sources.series_uid)
        )
    )
    made = made.with_variable(
        _source("metrics", Text("Chỉ số máy thu thập", "Metrics"), "prometheus").current(
            _chosen(METRICS_TITLE, METRICS_UID)
        )
    )
    for variable in board.variables:
        made = made.with_variable(_variable(variable, sources))
    return _placed(made, board, sources)


def _placed(made: DashboardBuilder, board: Dashboard, sources: Sources) -> DashboardBuilder:
    """Put each row's panels from the left to the right, and into the next line where full."""
    number, top = 0, 0
    for row in board.rows:
        number += 1
        heading = RowBuilder(str(row.title)).id(number)
        made = made.with_row(heading.grid_pos(models.GridPos(h=1, w=WHOLE_WIDTH, x=0, y=top)))
        left, top, tallest = 0, top + 1, 0
        for panel in row.panels:
            if left + panel.width > WHOLE_WIDTH:
                left, top, tallest = 0, top + tallest, 0
            number += 1
            place = models.GridPos(h=panel.height, w=panel.width, x=left, y=top)
            made = made.with_panel(panel_of(panel, sources).id(number).grid_pos(place))
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
    return made


def _source(name: str, title: Text, kind: str) -> DatasourceVariable:
    return DatasourceVariable(name).label(str(title)).type(kind)


def _chosen(text: str, value: str) -> models.VariableOption:
    return models.VariableOption(selected=True, text=text, value=value)


def _variable(variable: Variable, sources: Sources) -> QueryVariable:
    made = (
        QueryVariable(variable.name)
        .label(str(variable.title))
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(variable.many)
        .include_all(variable.many)
    )
    if variable.many:
        made = made.all_value(ALL).current(
            models.VariableOption(selected=True, text=["All"], value=["$__all"])
        )
    prometheus = variable.health or sources.series_type == "prometheus"
    made = made.datasource(metrics_source() if variable.health else series_source(sources))
    return made.query(_labels_query(variable) if prometheus else _tags_query(variable))


def _measurement(variable: Variable) -> str:
    """Return the measurement whose points have the tag: those of reach have no server of theirs."""
    return "linewatch_speed" if variable.name in {"path", "family", "server"} else "linewatch_reach"


def _labels_query(variable: Variable) -> dict[str, object]:
    matchers = ",".join(f'{name}=~"${name}"' for name in variable.within)
    metric = "linewatch_line_info" if variable.health else f"{_measurement(variable)}_records"
    selector = f"{metric}{{{matchers}}}" if matchers else metric
    text = f"label_values({selector}, {variable.name})"
    return {"query": text, "refId": "PrometheusVariableQueryEditor-VariableQuery"}


def _tags_query(variable: Variable) -> str:
    conditions = " AND ".join(f'"{name}" =~ /^(${name})$/' for name in variable.within)
    where = f" WHERE {conditions}" if conditions else ""
    return f'SHOW TAG VALUES FROM "{_measurement(variable)}" WITH KEY = "{variable.name}"{where}'


def _link(other: Dashboard, sources: Sources) -> AnyBuilder[models.DashboardLink]:
    return (
        DashboardLink(str(other.title))
        .type(models.DashboardLinkType.LINK)
        .icon("dashboard")
        .url(f"/d/{uid(sources, other.name)}")
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _alerts(board: Dashboard) -> models.AnnotationQuery:
    """Return the rules' alerts that fired, as far as they are the dashboard's."""
    return _Annotation(
        name=str(Text("Cảnh báo", "Alerts")),
        datasource=metrics_source(),
        enable=True,
        icon_color=RED,
        expr=board.alerts,
    )


def write() -> None:
    """Write every file; what no dashboard makes any more goes."""
    made = files()
    for sources in SETS:
        (FOLDER / sources.name).mkdir(exist_ok=True)
        for old in (FOLDER / sources.name).glob("*.json"):
            if str(old.relative_to(FOLDER)) not in made:
                old.unlink()
    for path, text in made.items():
        (FOLDER / path).write_text(text)
