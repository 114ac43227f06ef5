"""The charts of latency as SVG text: idle, and while the line is loaded. Pure; see `charts`."""

from collections.abc import Callable, Sequence

from collector.domain.series import LatencyPoint, SpeedPoint, into_buckets, quantile
from collector.domain.standing import OF_LATENCY
from collector.web.axes import (
    LATENCY_BUCKET_SECONDS,
    MEDIAN_BUCKET_SECONDS,
    Frame,
    value_ticks,
)
from collector.web.charts import Chart, finish, flags_said, sorted_out, steady
from collector.web.hover import Voice
from collector.web.i18n import Words
from collector.web.plot import Plot

_ON_SCALE_SHARE = 0.98
_ON_SCALE_SHARE_OF_PEAKS = 0.9
"""A latency scale ends above this share of the values (of the buckets' 95th percentiles): one spike
must not flatten the rest. What is higher is drawn as a dash at the upper edge, and its true value
is in its title."""


def loaded_chart(frame: Frame, words: Words, points: Sequence[SpeedPoint]) -> Chart:
    """Return the chart of latency during speed tests: idle, while down- and while uploading.

    Of the tests without a flag; the others are rings, lower bounds of the rate among them.
    """
    kinds: tuple[tuple[str, Callable[[SpeedPoint], float | None]], ...] = (
        ("upload", lambda point: point.upload_latency_seconds),
        ("download", lambda point: point.download_latency_seconds),
        ("idle", lambda point: point.idle_latency_seconds),
    )
    series, flagged = {}, {}
    for css, read in kinds:
        series[css], flagged[css] = sorted_out(points, read, OF_LATENCY)
    values = [value for pairs in series.values() for _, value in pairs]
    aside = [value for pairs in flagged.values() for _, value in pairs]
    plot = Plot(frame, words, value_ticks(_top_of(values or aside) * 1e3), 1e-3)
    width = MEDIAN_BUCKET_SECONDS[frame.period]
    for css, pairs in series.items():
        # The idle line is nearly a level: its dots would only be a second, thicker line.
        if css != "idle":
            plot.rings(f"latency-{css}", flagged[css])
            plot.dots(f"latency-{css}", pairs)
    for css, pairs in series.items():
        plot.line(f"latency-{css}", steady(pairs, frame), width, lone=css == "idle")

    def say(point: SpeedPoint) -> str:
        parts = (
            ("legend_idle", point.idle_latency_seconds),
            ("legend_while_download", point.download_latency_seconds),
            ("legend_while_upload", point.upload_latency_seconds),
        )
        said = "; ".join(f"{words.text(key)} {words.latency(value)}" for key, value in parts)
        return said + flags_said(words, point)

    voice = Voice(_download_latency, say, words.latency, OF_LATENCY)
    return finish(
        plot,
        "chart_loaded",
        values,
        points,
        voice,
        flagged=len(aside),
        why_empty="chart_only_flagged" if aside else "chart_empty",
    )


def idle_chart(frame: Frame, words: Words, points: Sequence[LatencyPoint]) -> Chart:
    """Return the chart of latency with the line idle, from latency records.

    Of those that flags set aside there is a ring for each bucket: there may be thousands.
    """
    counted, flagged = sorted_out(points, _round_trip, OF_LATENCY)
    width = LATENCY_BUCKET_SECONDS[frame.period]
    buckets = into_buckets(counted, frame.start_seconds, width)
    aside = into_buckets(flagged, frame.start_seconds, width)
    top = max(
        _top_of([bucket.median for bucket in buckets or aside]),
        _top_of([bucket.p95 for bucket in buckets], _ON_SCALE_SHARE_OF_PEAKS),
    )
    plot = Plot(frame, words, value_ticks(top * 1e3), 1e-3)
    plot.rings("latency-idle", [(b.start_seconds + width / 2, b.median) for b in aside])
    plot.band("latency-idle", buckets, width)
    plot.line("latency-idle", buckets, width, lone=True)
    cut = [(b.start_seconds + width / 2, b.p95) for b in buckets if b.p95 * 1e3 > plot.ticks[-1]]
    plot.dots("latency-idle", cut)

    def say(point: LatencyPoint) -> str:
        loss = point.lost_ratio
        lost = f", {words.text('latest_loss').lower()} {words.percent(loss, 1)}" if loss else ""
        return words.latency(point.round_trip_seconds) + lost + flags_said(words, point)

    voice = Voice(_round_trip, say, words.latency, OF_LATENCY)
    return finish(
        plot,
        "chart_idle",
        [value for _, value in counted],
        points,
        voice,
        flagged=len(aside),
        why_empty="chart_only_flagged" if aside else "chart_no_latency_test",
    )


def _top_of(values: Sequence[float], share: float = _ON_SCALE_SHARE) -> float:
    """Return where a latency scale ends: above nearly all values, not above a lone spike."""
    if not values:
        return 0.0
    return quantile(sorted(values), share) * 1.1


def _download_latency(point: SpeedPoint) -> float | None:
    return point.download_latency_seconds


def _round_trip(point: LatencyPoint) -> float | None:
    return point.round_trip_seconds
