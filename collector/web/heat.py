"""The heat map of hour by day, as SVG text. Pure; see `collector.web.charts` for how it scales."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from markupsafe import Markup, escape

from collector.domain.line_state import CONTRACT_SHARE
from collector.domain.series import HourCell
from collector.domain.standing import Median
from collector.web.charts import Chart
from collector.web.i18n import GIGABIT, MEGABIT, Words, rate_unit

_HOURS = 24
_ROW_HEIGHT = 12
_CELL_HEIGHT = 10
_LABELS_HEIGHT = 20
_HEIGHT = _HOURS * _ROW_HEIGHT + _LABELS_HEIGHT
_LABEL_EVERY_DAYS = 5
_LABEL_EVERY_HOURS = 3

SHARES = (0.4, 0.6, CONTRACT_SHARE, 0.95)
"""Where the colours change, as shares of the contracted speed (or else of the highest cell).

The last is a little below the whole, as a test a hair under the contracted speed deserves no other
colour."""

_BAD_BELOW = SHARES.index(CONTRACT_SHARE)

_UNRATED = "unrated"

_WHOLE_MEGABITS_FROM = 10e6


@dataclass(frozen=True)
class HeatMap(Chart):
    """The map, and what its colours mean.

    Attributes:
        edges_bits_per_second: where the colours change, the lowest first.
        some_unrated: lower bounds leave open whether some hour was a bad one.
    """

    edges_bits_per_second: Sequence[float] = ()
    some_unrated: bool = False

    def legend(self, words: Words) -> list[tuple[str, str]]:
        """Return the class and the meaning of each colour."""
        if not self.edges_bits_per_second:
            return []
        unit = rate_unit(self.edges_bits_per_second[-1])
        whole = unit == MEGABIT and self.edges_bits_per_second[0] >= _WHOLE_MEGABITS_FROM
        edges = [words.number(one / unit, 0 if whole else 1) for one in self.edges_bits_per_second]
        between = [f"{low}–{high}" for low, high in pairwise(edges)]
        unit_text = words.text("unit_gigabits" if unit == GIGABIT else "unit_speed")
        texts = [f"< {edges[0]}", *between, f"≥ {edges[-1]} {unit_text}"]
        levels = [(f"cell h{level}", text) for level, text in enumerate(texts)]
        unrated = [(f"cell {_UNRATED}", words.text("legend_unrated"))]
        return levels + unrated * self.some_unrated


def heat_map(
    words: Words,
    cells: Mapping[tuple[date, int], HourCell],
    first: date,
    days: int,
    full_bits_per_second: float | None,
) -> HeatMap:
    """Return the map: a column for each day, a row for each local hour.

    Args:
        words: of the visitor.
        cells: what was measured; hours without any test are not in it and stay empty.
        first: the first day.
        days: how many.
        full_bits_per_second: what counts as whole; None: the highest cell.
    """
    medians = [cell.median for cell in cells.values() if cell.median]
    if not cells:
        return HeatMap(Markup(""), empty=True)
    full = full_bits_per_second or max((one.value for one in medians), default=0.0)
    edges = [share * full for share in SHARES]
    parts = []
    for (day, hour), cell in sorted(cells.items()):
        column = (day - first).days
        if 0 <= column < days:
            parts.append(_cell(words, cell, day, hour, column / days * 100, 100 / days, edges))
    title = words.text("chart_heat", days=days)
    svg = (
        f'<div class="plot-row">{_hours_scale()}'
        f'<svg class="plot heat" width="100%" height="{_HEIGHT}" role="img" '
        f'aria-labelledby="heat-t heat-d"><title id="heat-t">{escape(title)}</title>'
        f'<desc id="heat-d">{escape(words.text("heat_describe"))}</desc>'
        f"{_empty_cells(days)}{''.join(parts)}{_day_labels(words, first, days)}</svg></div>"
    )
    flagged = any(cell.flagged for cell in cells.values())
    # Every text in it is escaped.
    return HeatMap(
        Markup(svg),  # noqa: S704
        empty=not medians,
        why_empty="chart_only_flagged" if flagged else "chart_empty",
        edges_bits_per_second=edges,
        some_unrated=any(_colour(one, edges) == _UNRATED for one in medians),
    )


def _colour(median: Median, edges: Sequence[float]) -> str:
    """Return the class: no hour is coloured as a bad one by a lower bound."""
    if median.reaches(edges[_BAD_BELOW]) is None:
        return _UNRATED
    return f"h{sum(median.value >= edge for edge in edges)}"


def _cell(
    words: Words,
    cell: HourCell,
    day: date,
    hour: int,
    left: float,
    width: float,
    edges: Sequence[float],
) -> str:
    y = hour * _ROW_HEIGHT + 1
    place = {"hour": f"{hour:02}:00", "day": words.short_day(day)}
    if cell.median:
        css = _colour(cell.median, edges)
        value = words.at_least(words.speed(cell.median.value), cell.median.at_least)
        said = words.text("heat_cell", **place, value=value, count=words.number(cell.size))
    elif cell.failed:
        css, said = "only-failed", words.text("heat_failed", **place)
    else:
        css, said = "only-flagged", words.text("heat_flagged", **place)
    box = (
        f'<rect class="{css}" x="{left + width * 0.06:.2f}%" y="{y}" width="{width * 0.88:.2f}%" '
        f'height="{_CELL_HEIGHT}" rx="2"><title>{escape(said)}</title></rect>'
    )
    if css != "only-failed":
        return box
    middle_x, middle_y = f"{left + width / 2:.2f}%", y + _CELL_HEIGHT / 2
    return f'{box}<circle class="failed-dot" cx="{middle_x}" cy="{middle_y:.0f}" r="2"/>'


def _empty_cells(days: int) -> str:
    """Return a small dot for every hour, which a cell covers: what stays visible had no test."""
    columns = "".join(
        f'<line class="nothing" x1="{(column + 0.5) / days * 100:.2f}%" '
        f'x2="{(column + 0.5) / days * 100:.2f}%" y1="{_ROW_HEIGHT / 2:.0f}" '
        f'y2="{_HOURS * _ROW_HEIGHT}"/>'
        for column in range(days)
    )
    return f'<g stroke-dasharray="0.1 {_ROW_HEIGHT - 0.1:.1f}">{columns}</g>'


def _hours_scale() -> str:
    labels = "".join(
        f'<text x="40" y="{hour * _ROW_HEIGHT + 10}">{hour:02}:00</text>'
        for hour in range(0, _HOURS, _LABEL_EVERY_HOURS)
    )
    return f'<svg class="scale" width="44" height="{_HEIGHT}" aria-hidden="true">{labels}</svg>'


def _day_labels(words: Words, first: date, days: int) -> str:
    labels = ""
    for column in range(0, days, _LABEL_EVERY_DAYS):
        text = words.short_day(first + timedelta(days=column))
        at = (column + 0.5) / days * 100
        labels += f'<text x="{at:.2f}%" y="{_HEIGHT - 5}">{text}</text>'
    return labels
