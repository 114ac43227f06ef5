"""Charts as SVG text: pure functions from data to markup.

Why not a chart library: what there is for server-rendered SVG (pygal, matplotlib) writes styles and
scripts into the picture, which the pages' Content-Security-Policy forbids, scales its letters with
the picture, so that they cannot be read on a phone, and cannot draw a failed test as a mark on the
time axis. What is left to do by hand is little: two scales, a path, a row of marks.

A chart has no fixed width. Places across are percentages, or coordinates of a stretched data layer
(0 to `axes.WIDTH`) whose strokes do not stretch; heights and letters are pixels. Colours come from
the style sheet by class, so that they follow light and dark. What the pointer rests on answers with
``<title>``: no script.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from collector.domain.series import Bucket, LatencyPoint, SpeedPoint, into_buckets
from collector.domain.standing import OF_RATES, Standing, middle
from collector.web.axes import (
    HOVER_SECONDS,
    MEDIAN_BUCKET_SECONDS,
    WIDTH,
    Frame,
    value_ticks,
)
from collector.web.hover import P, Voice, hover_strips
from collector.web.i18n import GIGABIT, MEGABIT, Words, rate_unit
from collector.web.plot import (
    HEIGHT,
    MARK_SHAPES,
    PLOT_HEIGHT,
    Mark,
    Plot,
    grid,
    marks_row,
    scale,
    time_labels,
)

_FEW_SHARE = 1 / 3
"""A median line leaves out buckets with fewer tests than this share of the usual: the few tests of
a day that was mostly missed may all be of its evening, and would look like a change of the line."""

_BOUNDS = frozenset({Standing.AT_LEAST})


@dataclass(frozen=True)
class Chart:
    """A chart, ready for the page.

    Attributes:
        svg: the scale and the plot; empty where there is nothing at all to draw.
        empty: no value in the period (there may be marks of failures).
        why_empty: the key of the sentence that says so.
        unit: the key of what the scale is in.
        marks: the kinds of marks in the row under the plot, `above` for what is cut off, and
            `at_least` for lower bounds.
    """

    svg: Markup
    empty: bool
    marks: tuple[str, ...] = ()
    why_empty: str = "chart_empty"
    unit: str = "unit_latency"

    def marks_legend(self, words: Words) -> list[tuple[str, str]]:
        """Return the class and the meaning of the marks that the chart has."""
        return [(kind, words.text(f"legend_{kind}")) for kind in self.marks]


def speed_chart(
    frame: Frame,
    words: Words,
    points: Sequence[SpeedPoint],
    direction: str,
    promise_bits_per_second: float | None,
) -> Chart:
    """Return the chart of one direction's speed.

    Args:
        frame: the span of time.
        words: of the visitor.
        points: speed records within the frame, in the order of time.
        direction: ``download`` or ``upload``.
        promise_bits_per_second: drawn as a level; None draws none.
    """
    rate_of = _download if direction == "download" else _upload
    counted, flagged = sorted_out(points, rate_of, OF_RATES)
    bounds, _ = sorted_out(points, rate_of, _BOUNDS)
    highest = max([value for _, value in (*counted, *flagged)] + [promise_bits_per_second or 0.0])
    unit = rate_unit(value_ticks(highest / MEGABIT)[-1] * MEGABIT)
    plot = Plot(frame, words, value_ticks(highest / unit), unit)
    width = MEDIAN_BUCKET_SECONDS[frame.period]
    plot.reference(promise_bits_per_second)
    plot.rings(direction, flagged)
    plot.dots(direction, counted)
    plot.stems(direction, bounds)
    plot.line(direction, steady(counted, frame), width)

    def say(point: SpeedPoint) -> str:
        rate = words.speed(rate_of(point))
        return words.at_least(rate, point.standing is Standing.AT_LEAST) + flags_said(words, point)

    voice = Voice(rate_of, say, words.speed, OF_RATES)
    values = [value for _, value in counted]
    why_empty = "chart_only_flagged" if flagged else "chart_empty"
    chart = finish(
        plot,
        f"chart_{direction}",
        values,
        points,
        voice,
        flagged=len(flagged),
        why_empty=why_empty,
    )
    return replace(chart, unit="unit_gigabits" if unit == GIGABIT else "unit_speed")


def flags_said(words: Words, point: SpeedPoint | LatencyPoint) -> str:
    """Return the names of a point's flags, to go on behind its value."""
    return "".join(f", {words.text(f'flag_name_{flag}')}" for flag in point.flags.split())


Values = list[tuple[float, float]]
"""Pairs of moment and value."""


def sorted_out(
    points: Sequence[P], read: Callable[[P], float | None], wanted: AbstractSet[Standing]
) -> tuple[Values, Values]:
    """Return the measured values whose standing is wanted, and the others."""
    found: Values = []
    others: Values = []
    for point in points:
        value = read(point)
        if point.outcome == "measured" and value is not None:
            (found if point.standing in wanted else others).append((point.at_seconds, value))
    return found, others


def _download(point: SpeedPoint) -> float | None:
    return point.download_bits_per_second


def _upload(point: SpeedPoint) -> float | None:
    return point.upload_bits_per_second


def steady(values: Sequence[tuple[float, float]], frame: Frame) -> list[Bucket]:
    """Return the buckets of a median line, without those of too few tests to be one."""
    width = MEDIAN_BUCKET_SECONDS[frame.period]
    buckets = into_buckets(values, frame.start_seconds, width)
    if not buckets:
        return []
    usual = middle(sorted(bucket.size for bucket in buckets))
    return [bucket for bucket in buckets if bucket.size >= usual * _FEW_SHARE]


def finish(
    plot: Plot,
    name: str,
    values: Sequence[float],
    points: Sequence[P],
    voice: Voice[P],
    *,
    flagged: int = 0,
    why_empty: str = "chart_empty",
) -> Chart:
    """Return the chart: scale at the left, then grid, layers, marks, labels and strips.

    Args:
        plot: with its layers drawn.
        name: of its texts.
        values: what its description sums up.
        points: everything of the period, measured or not.
        voice: how values are said.
        flagged: values that are drawn, but not summed up.
        why_empty: the key of what is said where there is nothing to sum up.
    """
    marks = [
        Mark(point.at_seconds, point.outcome) for point in points if point.outcome != "measured"
    ]
    empty = not values and not flagged
    if empty and not marks:
        return Chart(Markup(""), empty=True, why_empty=why_empty)
    words = plot.words
    title = words.text(name)
    description = _describe(plot, values, marks, voice.write) if values else words.text(why_empty)
    if plot.bounds:
        description += f" {words.text('chart_some_at_least', count=words.number(plot.bounds))}"
    svg = (
        f'<div class="plot-row">{scale(plot)}'
        f'<svg class="plot" width="100%" height="{HEIGHT}" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(description)}</desc>'
        f"{grid(plot)}"
        f'<svg width="100%" height="{PLOT_HEIGHT}" viewBox="0 0 {WIDTH:.0f} {PLOT_HEIGHT}" '
        f'preserveAspectRatio="none">{"".join(plot.layers)}</svg>'
        f"{marks_row(plot.frame, marks)}{time_labels(plot)}"
        f"{hover_strips(plot.frame, words, points, HOVER_SECONDS[plot.frame.period], voice)}"
        "</svg></div>"
    )
    # Everything in it was written above or escaped there and in `hover`.
    kinds: tuple[str, ...] = tuple(
        kind for kind in MARK_SHAPES if any(mark.kind == kind for mark in marks)
    )
    if plot.cut_off:
        kinds = ("above", *kinds)
    if plot.bounds:
        kinds = ("at_least", *kinds)
    return Chart(Markup(svg), empty=empty, marks=kinds, why_empty=why_empty)  # noqa: S704


def _describe(
    plot: Plot, values: Sequence[float], marks: Sequence[Mark], write: Callable[[float], str]
) -> str:
    words = plot.words
    ordered = sorted(values)
    return words.text(
        "chart_describe",
        count=words.number(len(ordered)),
        start=words.moment(plot.frame.start),
        end=words.moment(plot.frame.end),
        low=write(ordered[0]),
        median=write(middle(ordered)),
        high=write(ordered[-1]),
        failed=words.number(sum(mark.kind == "failed" for mark in marks)),
        missed=words.number(sum(mark.kind == "missed" for mark in marks)),
    )
