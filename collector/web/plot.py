"""What charts are made of: the layers of a plot, its scale, grid, labels and row of marks. Pure.

See `collector.web.charts` for how a picture without a fixed width is laid out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from collector.domain.series import Bucket
from collector.domain.standing import middle
from collector.web.axes import WIDTH, Frame, Period, tick_digits, time_ticks
from collector.web.i18n import Words

PLOT_HEIGHT = 190
_MARKS_HEIGHT = 14
_LABELS_HEIGHT = 20
HEIGHT = PLOT_HEIGHT + _MARKS_HEIGHT + _LABELS_HEIGHT
_HEADROOM = 8
"""Pixels above the highest gridline, for its label and for marks of what is cut off."""

_STEM = 8
"""Pixels of the line on a lower bound, whose dot is 5 across."""

_LABEL_EDGE_PERCENT = 3.0
_GAP_BUCKETS = 2.5
"""A line is broken where it would bridge more than this many of its usual steps."""

_FEW_DOTS = 40
"""So few dots are drawn larger: faint ones are for a month's thousands, and would not be seen."""

MARK_SHAPES = {"failed": "v10", "missed": "m0 3v4", "skipped": "m0 5v1"}
"""The marks under the plot: what failed is tall, what was missed is short."""


class Mark(NamedTuple):
    """A slot that gave no value, for the row under the plot."""

    at_seconds: float
    kind: str


@dataclass
class Plot:
    """What is being drawn: its scales, and the layers so far, the lowest first.

    Attributes:
        cut_off: a value is above the scale.
        bounds: how many values are marked as lower bounds.
    """

    frame: Frame
    words: Words
    ticks: Sequence[float]
    unit: float
    layers: list[str] = field(default_factory=list)
    cut_off: bool = False
    bounds: int = 0

    def across(self, at_seconds: float) -> str:
        """Return where a moment is on the data layer, as written in a path."""
        return f"{self.frame.across(at_seconds):.1f}"

    def height_of(self, value: float) -> float:
        """Return where a value (base unit) is, in pixels from the top, cut at the upper edge."""
        share = min(1.0, value / self.unit / self.ticks[-1])
        return _HEADROOM + (PLOT_HEIGHT - _HEADROOM) * (1 - share)

    def dots(self, css: str, values: Iterable[tuple[float, float]]) -> None:
        """Draw each value as a dot, or as a dash at the edge where it is above the scale."""
        top = self.ticks[-1] * self.unit
        # Written out here, not by the helpers: a month has thousands of dots.
        across, room = self.frame.across, PLOT_HEIGHT - _HEADROOM
        inside, above = [], []
        for at, value in values:
            if value > top:
                above.append(f"M{across(at):.1f} {_HEADROOM - 5}h.01")
            else:
                y = _HEADROOM + room * (1 - value / top)
                inside.append(f"M{across(at):.1f} {y:.1f}h.01")
        if inside:
            few = " few" if len(inside) <= _FEW_DOTS else ""
            self.layers.append(f'<path class="dots{few} {css}" d="{"".join(inside)}"/>')
        if above:
            self.cut_off = True
            self.layers.append(f'<path class="above {css}" d="{"".join(above)}"/>')

    def rings(self, css: str, values: Sequence[tuple[float, float]]) -> None:
        """Draw each value as a ring: a dot, and a smaller one in the paper's colour on it."""
        path = "".join(f"M{self.across(at)} {self.height_of(v):.1f}h.01" for at, v in values)
        if path:
            self.layers.append(f'<path class="dots ring {css}" d="{path}"/>')
            self.layers.append(f'<path class="dots hole" d="{path}"/>')

    def stems(self, css: str, values: Sequence[tuple[float, float]]) -> None:
        """Mark values as lower bounds: a short line from each dot upwards."""
        path = "".join(
            f"M{self.across(at)} {self.height_of(value):.1f}v-{_STEM}" for at, value in values
        )
        if path:
            self.bounds += len(values)
            self.layers.append(f'<path class="stem {css}" d="{path}"/>')

    def line(
        self, css: str, buckets: Sequence[Bucket], width_seconds: float, *, lone: bool = False
    ) -> None:
        """Draw the buckets' medians as a line that is broken where buckets are absent.

        Args:
            css: the series' class.
            buckets: in the order of time.
            width_seconds: of a bucket.
            lone: a median without a neighbour is a dot; needless where each value has its own.
        """
        runs = _runs(
            [(bucket.start_seconds + width_seconds / 2, bucket.median) for bucket in buckets],
            max(width_seconds, _usual_distance(buckets)) * _GAP_BUCKETS,
        )
        path = "".join(
            "M" + "L".join(f"{self.across(at)} {self.height_of(value):.1f}" for at, value in run)
            for run in runs
            if len(run) > 1
        )
        if path:
            self.layers.append(f'<path class="line {css}" d="{path}"/>')
        if lone:
            dots = "".join(
                f"M{self.across(run[0][0])} {self.height_of(run[0][1]):.1f}h.01"
                for run in runs
                if len(run) == 1
            )
            if dots:
                self.layers.append(f'<path class="dots few {css}" d="{dots}"/>')

    def band(self, css: str, buckets: Sequence[Bucket], width_seconds: float) -> None:
        """Draw the span from each bucket's lowest value to its 95th percentile."""
        path = "".join(
            f"M{self.across(bucket.start_seconds)} {self.height_of(bucket.p95):.1f}"
            f"H{self.across(bucket.start_seconds + width_seconds)}"
            f"V{self.height_of(bucket.low) + 0.5:.1f}"
            f"H{self.across(bucket.start_seconds)}z"
            for bucket in buckets
        )
        if path:
            self.layers.append(f'<path class="band {css}" d="{path}"/>')

    def reference(self, value: float | None) -> None:
        """Draw a level that the values are compared with."""
        if value is not None:
            y = f"{self.height_of(value):.1f}"
            self.layers.append(f'<path class="reference" d="M0 {y}H{WIDTH:.0f}"/>')


def _usual_distance(buckets: Sequence[Bucket]) -> float:
    """Return the median distance of neighbouring buckets in seconds; 0 where there are none."""
    distances = sorted(
        after.start_seconds - bucket.start_seconds for bucket, after in pairwise(buckets)
    )
    return middle(distances) if distances else 0.0


def _runs(
    points: Sequence[tuple[float, float]], gap_seconds: float
) -> list[list[tuple[float, float]]]:
    """Return the points as unbroken runs; neighbours further apart than the gap are parted."""
    if not points:
        return []
    runs = [[points[0]]]
    for before, point in pairwise(points):
        if point[0] - before[0] > gap_seconds:
            runs.append([])
        runs[-1].append(point)
    return runs


def scale(plot: Plot) -> str:
    """Return the labels of the value axis, in a narrow picture of their own."""
    digits = tick_digits(plot.ticks)
    labels = "".join(
        f'<text x="40" y="{plot.height_of(tick * plot.unit) + 4:.1f}">'
        f"{plot.words.number(tick, digits)}</text>"
        for tick in plot.ticks
    )
    return f'<svg class="scale" width="44" height="{HEIGHT}" aria-hidden="true">{labels}</svg>'


def grid(plot: Plot) -> str:
    """Return the lines behind the data, at the labels of both axes."""
    lines = "".join(
        f'<line class="{"axis" if tick == 0 else "grid"}" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
        for tick in plot.ticks
        for y in (f"{plot.height_of(tick * plot.unit):.1f}",)
    )
    for tick in time_ticks(plot.frame, plot.words.zone):
        percent = plot.frame.across(tick.at.timestamp()) / WIDTH * 100
        if percent > 0:
            lines += (
                f'<line class="grid" x1="{percent:.2f}%" x2="{percent:.2f}%" '
                f'y1="{_HEADROOM}" y2="{PLOT_HEIGHT}"/>'
            )
    return lines


def time_labels(plot: Plot) -> str:
    """Return the labels of the time axis."""
    labels = ""
    y = HEIGHT - 5
    half_day = 0.5 if plot.frame.period is Period.WEEK else 0.0
    for index, tick in enumerate(time_ticks(plot.frame, plot.words.zone)):
        at = tick.at.timestamp() + half_day * 86400
        percent = plot.frame.across(at) / WIDTH * 100
        if percent < _LABEL_EDGE_PERCENT:
            anchor, percent = ' class="first"', 0.0
        elif percent > 100 - _LABEL_EDGE_PERCENT:
            anchor, percent = ' class="last"', 100.0
        else:
            # Seven dates are too many for a phone: the style sheet hides every second one there.
            anchor = ' class="between"' if half_day and index % 2 else ""
        text = plot.words.short_day(tick.at) if tick.is_day else plot.words.clock(tick.at)
        labels += f'<text x="{percent:.2f}%" y="{y}"{anchor}>{text}</text>'
    return labels


def marks_row(frame: Frame, marks: Sequence[Mark]) -> str:
    """Return the row of marks under the plot."""
    paths = ""
    for kind, shape in MARK_SHAPES.items():
        path = "".join(
            f"M{frame.across(mark.at_seconds):.1f} 0{shape}" for mark in marks if mark.kind == kind
        )
        if path:
            paths += f'<path class="mark {kind}" d="{path}"/>'
    return (
        f'<svg y="{PLOT_HEIGHT + 2}" width="100%" height="10" viewBox="0 0 {WIDTH:.0f} 10" '
        f'preserveAspectRatio="none">{paths}</svg>'
    )
