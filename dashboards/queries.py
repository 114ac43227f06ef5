"""Questions to the series that sinks write, in PromQL and in InfluxQL, and to `/metrics`.

A question is written once and asked in two languages, so that both sets of dashboards show the
same. docs/series.md has the names. Points are rare (a speed test every few hours), so each question
gathers over a window: a step of the chart, or all that is shown. A value stands at the beginning of
its step: PromQL's windows would end there, so it looks that far ahead.
"""

from dataclasses import dataclass
from typing import Final, Literal

Statistic = Literal["median", "mean", "sum", "last"]

STEP: Final = "$__interval"
"""A step of the chart, as Grafana chooses it."""

RANGE: Final = "$__range"
"""All that is shown: one value for each group."""

HOUR: Final = "1h"

VALUE: Final = "Value"
"""The column of the values in a table; with several questions it is `Value #A` and so on."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A condition on a tag.

    Attributes:
        name: of the tag.
        value: that it has; may name a variable.
        pattern: ``value`` is a regular expression for all of it.
    """

    name: str
    value: str
    pattern: bool = False

    def promql(self) -> str:
        """Return it as a matcher."""
        return f'{self.name}{"=~" if self.pattern else "="}"{self.value}"'

    def influxql(self) -> str:
        """Return it as a condition.

        A variable stands in a regular expression always: Grafana escapes its value wherever the
        question has slashes on both sides of it, which an exact comparison would not find.
        """
        if self.pattern or "$" in self.value:
            return f'"{self.name}" =~ /^({self.value})$/'
        return f"\"{self.name}\" = '{self.value}'"


def among(name: str, value: str) -> Tag:
    """Return the condition that a tag fits a regular expression."""
    return Tag(name, value, pattern=True)


RATES: Final = among("counts_as", "line|at_least")
"""What a median of rates takes: the line's own results, and lower bounds with their value."""

OWN: Final = Tag("counts_as", "line")
"""What latency, its variation, loss and reachability take."""


@dataclass(frozen=True, slots=True)
class Series:
    """A question to what sinks write.

    A median is that of series' medians: each probe, path, server, family and method has one vote,
    however often it measures. A mean is that of all points.

    Attributes:
        measurement: without `linewatch_`.
        field: of the measurement.
        statistic: of a window.
        where: conditions, all of them.
        by: the tags that make groups.
        over: the window: `STEP`, `RANGE` or `HOUR`.
        per: a field that each series' value is divided by: a contracted rate.
        below: count the groups' members whose value is less than this.
        member: the tag of what is counted then.
    """

    measurement: str
    field: str
    statistic: Statistic
    where: tuple[Tag, ...] = ()
    by: tuple[str, ...] = ()
    over: str = STEP
    per: str | None = None
    below: float | None = None
    member: str = "line"

    @property
    def names(self) -> set[tuple[str, str]]:
        """The measurements and fields that it reads."""
        fields = [self.field, self.per] if self.per else [self.field]
        return {(f"linewatch_{self.measurement}", field) for field in fields}

    def promql(self) -> str:
        """Return it for a server that a sink fills, of standard functions only."""
        if self.statistic == "mean":
            parts = (
                self._gathered("sum", self._window(f"{how}_over_time", self.field))
                for how in ("sum", "count")
            )
            return " / ".join(parts)
        if self.statistic == "sum":
            return self._gathered("sum", self._window("sum_over_time", self.field))
        if self.statistic == "last":
            return self._gathered("max", self._window("last_over_time", self.field))
        inner = self._window("quantile_over_time", self.field, "0.5, ")
        if self.per:
            inner = f"{inner} / {self._window('last_over_time', self.per)}"
        if self.below is None:
            return self._gathered("quantile", inner, "0.5, ")
        each = self._gathered("quantile", inner, "0.5, ", (*self.by, self.member))
        return self._gathered("count", f"{each} < {self.below}")

    def _window(self, function: str, field: str, before: str = "") -> str:
        matchers = ",".join(tag.promql() for tag in self.where)
        selector = f"linewatch_{self.measurement}_{field}{{{matchers}}}"
        ahead = "" if self.over == RANGE else f" offset -{self.over}"
        return f"{function}({before}{selector}[{self.over}]{ahead})"

    def _gathered(
        self, function: str, inner: str, before: str = "", by: tuple[str, ...] | None = None
    ) -> str:
        names = ", ".join(self.by if by is None else by)
        return f"{function}{f' by ({names}) ' if names else ' '}({before}{inner})".replace(
            "  ", " "
        )

    def influxql(self, column: str = VALUE) -> str:
        """Return it for an InfluxDB; ``column`` is what the answer's values are called."""
        source = f'"linewatch_{self.measurement}"'
        if self.statistic in {"mean", "sum"}:
            function = self.statistic.upper()
            return self._select(f'{function}("{self.field}")', column, source, self.by)
        function, outer = ("LAST", "MAX") if self.statistic == "last" else ("MEDIAN", "MEDIAN")
        if self.per:
            each = self._of_ratios(source)
        else:
            each = self._select(f'{function}("{self.field}")', "each", source, ("*",))
        if self.below is None:
            return self._select(f'{outer}("each")', column, f"({each})", self.by, nested=True)
        groups = (*self.by, self.member)
        inner = self._select(f'{outer}("each")', "one", f"({each})", groups, nested=True)
        condition = f'"one" < {self.below}'
        return self._select(
            'COUNT("one")', column, f"({inner})", self.by, nested=True, more=condition
        )

    def _of_ratios(self, source: str) -> str:
        """Return the question for each series' median ratio.

        The ratio is each point's: InfluxDB 1 loses groups where a question within another divides
        two gathered values.
        """
        where = " AND ".join([*(tag.influxql() for tag in self.where), "$timeFilter"])
        ratio = f'"{self.field}" / "{self.per}" AS "ratio"'
        points = f"SELECT {ratio} FROM {source} WHERE {where} GROUP BY *"  # noqa: S608 - our own words
        return self._select('MEDIAN("ratio")', "each", f"({points})", ("*",), nested=True)

    def _select(
        self,
        what: str,
        column: str,
        source: str,
        by: tuple[str, ...],
        *,
        nested: bool = False,
        more: str = "",
    ) -> str:
        conditions = [] if nested else [tag.influxql() for tag in self.where]
        where = " AND ".join([*conditions, *([more] if more else []), "$timeFilter"])
        groups = [name if name == "*" else f'"{name}"' for name in by]
        fill = ""
        if self.over != RANGE:
            groups.insert(0, f"time({self.over})")
            fill = " fill(none)"
        grouped = f" GROUP BY {', '.join(groups)}{fill}" if groups else ""
        return f'SELECT {what} AS "{column}" FROM {source} WHERE {where}{grouped}'  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Metrics:
    """A question to what `/metrics` of the collectors says, in PromQL in both sets.

    Several collectors of one ledger say the same of it, each as its own instance: what is of the
    ledger is gathered by `max`, what is of a process by `sum`.

    Attributes:
        expression: in PromQL.
        over: `STEP` for a chart; `RANGE` for the newest value.
    """

    expression: str
    over: str = STEP


Question = Series | Metrics
