"""What a dashboard is made of, whichever language it asks in."""

from dataclasses import dataclass
from typing import Final, Literal

from dashboards.queries import Metrics, Question
from dashboards.words import COUNT, PLAIN, Steps, Text

Kind = Literal["chart", "bars", "stat", "table", "map", "history", "heat"]

WHOLE_WIDTH: Final = 24


@dataclass(frozen=True, slots=True)
class Target:
    """One question of a panel.

    Attributes:
        ask: the question.
        name: what its series are called; `{tag}` stands for a tag. In a table: of the column.
        unit, steps: of a table's column.
        colour: of its series; None: Grafana's choice.
        bare: its series are points without a line.
    """

    ask: Question
    name: str = ""
    unit: str = COUNT
    steps: Steps = PLAIN
    colour: str | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """From a table's row to another dashboard.

    Attributes:
        column: the tag that is clicked.
        to: the dashboard, whose variable of the tag's name takes its value.
        keep: variables that go along.
    """

    column: str
    to: str
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel.

    Attributes:
        kind: how it is drawn.
        about: what the reader has to know, in both languages.
        width, height: in Grafana's grid, which is 24 wide.
        unit, steps: of its values.
        least: the shortest step: no shorter than results come.
        stacked: series stand on each other.
        keys: a table's columns that are tags, with their titles. The first is what it joins by.
        both: a table shows only what every question answers.
        order: the question that a table is sorted by.
        falling: sorted from the greatest on.
        most: how many rows of a table are shown.
        ways: from a table's rows.
        low_is_good: of a heat map's colours.
        nothing: what stands where there is no answer.
    """

    title: Text
    kind: Kind
    targets: tuple[Target, ...]
    about: Text | None = None
    width: int = 12
    height: int = 8
    unit: str = COUNT
    steps: Steps = PLAIN
    least: str | None = None
    stacked: bool = False
    keys: tuple[tuple[str, Text], ...] = ()
    both: bool = False
    order: int = 0
    falling: bool = False
    most: int | None = None
    ways: tuple[Way, ...] = ()
    low_is_good: bool = False
    nothing: str = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """A heading, and the panels below it."""

    title: Text
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the panels.

    Attributes:
        name: of the variable, which is that of the tag.
        many: several may be chosen, and all.
        within: variables of which the choice narrows this one's.
        health: its values are read from `/metrics`.
    """

    name: str
    title: Text
    many: bool = True
    within: tuple[str, ...] = ()
    health: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard.

    Attributes:
        name: in its file's name and its address.
        alerts: which alerts are drawn into its charts, in PromQL.
        begins: the beginning of what is shown at first.
    """

    name: str
    title: Text
    about: Text
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    alerts: str
    begins: str = "now-7d"
    refresh: str = "5m"

    @property
    def panels(self) -> list[Panel]:
        """All panels."""
        return [panel for row in self.rows for panel in row.panels]


@dataclass(frozen=True, slots=True)
class Sources:
    """The data sources of a set: the sinks' series, and what scrapes `/metrics`.

    Attributes:
        name: of the set, and of its folder.
        series_type: of the data source of the series.
        series_uid: as the provisioning calls it.
        series_title: as above, for people.
    """

    name: Literal["promql", "influxql"]
    series_type: str
    series_uid: str
    series_title: str


SETS: Final = (
    Sources("promql", "prometheus", "linewatch-victoriametrics", "VictoriaMetrics"),
    Sources("influxql", "influxdb", "linewatch-influxdb", "InfluxDB"),
)

METRICS_UID: Final = "linewatch-prometheus"
METRICS_TITLE: Final = "Prometheus"


def uid(sources: Sources, name: str) -> str:
    """Return a dashboard's name in addresses; Grafana takes 40 letters."""
    return f"linewatch-{sources.name}-{name}"


def needs(panel: Panel) -> set[str]:
    """Return what a panel's questions go to: `series`, `metrics`."""
    return {"metrics" if isinstance(target.ask, Metrics) else "series" for target in panel.targets}
