"""What the page of one line shows, put together from the ledger: charts, counts, newest tests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from collector.domain.pairs import Difference, differences, pair_up
from collector.domain.series import (
    LatencyPoint,
    SeriesId,
    SpeedPoint,
    by_hour,
    main_series,
    of_series,
    seen_in,
)
from collector.domain.standing import Median, Standing, median_of
from collector.ledger.bookkeeping import series_of
from collector.ledger.queries import LineOverview
from collector.ledger.series_queries import (
    latency_points,
    newest_tests,
    paired_points,
    speed_points,
)
from collector.web.axes import DAYS, Frame, Period, make_frame, midnight
from collector.web.charts import Chart, speed_chart
from collector.web.heat import HeatMap, heat_map
from collector.web.i18n import Words
from collector.web.latency_charts import idle_chart, loaded_chart

HEAT_DAYS = 30
SHOWN_TESTS = 40


@dataclass(frozen=True)
class Choice:
    """What a visitor asked to see of a line.

    Attributes:
        period: how much time.
        until: the last day; None: up to now.
        series: the key of a series; None: the main one.
    """

    period: Period
    until: date | None
    series: str | None


@dataclass(frozen=True)
class SeriesRow:
    """A series of the frame beside the others, with medians. None: it has none.

    Attributes:
        series: which one.
        shown: whether the page's charts are of it.
        main: whether it stands for the line.
        counted, measured, failed: how many tests.
        idle_latency_seconds: of those of them that are no lower bounds.
    """

    series: SeriesId
    shown: bool
    main: bool
    counted: int
    measured: int
    failed: int
    download_bits_per_second: Median | None
    upload_bits_per_second: Median | None
    idle_latency_seconds: Median | None


@dataclass(frozen=True)
class LinePage:
    """The parts of the page that follow the choice.

    Attributes:
        frame: the span of time.
        download, upload, idle, loaded: the charts.
        heat: the map of hour by day.
        counts: of the speed slots in the frame, by outcome.
        flagged: how many of the measured ones do not count.
        tests: the newest speed records in the frame, of all series, the newest first.
        total: how many there are.
        series: those of the frame that measured anything, the main one first.
        shown: the one that charts and counts are of; None where there is none.
        pairs: what other ways than the wired one add, over the month up to the frame's end.
        promise_download, promise_upload: what the charts compare with, bits per second, or None.
        promise_is_declared: the level is the carrier's declared speed: none is contracted.
        last_day: the last local day in the frame.
        earlier, later: the last days of the neighbouring pages; ``later`` is None at the newest.
    """

    frame: Frame
    download: Chart
    upload: Chart
    idle: Chart
    loaded: Chart
    heat: HeatMap
    counts: Mapping[str, int]
    flagged: int
    tests: Sequence[Mapping[Any, Any]]
    total: int
    series: Sequence[SeriesRow]
    shown: SeriesId | None
    pairs: Sequence[Difference]
    promise_download: int | None
    promise_upload: int | None
    promise_is_declared: bool
    last_day: date
    earlier: date
    later: date | None

    @property
    def many_probes(self) -> bool:
        """Whether the series are of more than one probe, so that each has to say of which."""
        return len({row.series.probe for row in self.series}) > 1

    def counts_written(self, words: Words) -> dict[str, str]:
        """Return the counts as the visitor reads numbers, and ``flagged``, in brackets or empty."""
        written = {outcome: words.number(count) for outcome, count in self.counts.items()}
        flagged = words.text("counts_flagged", count=words.number(self.flagged))
        return written | {"flagged": f" {flagged}" if self.flagged else ""}


def build(connection: Connection, found: LineOverview, choice: Choice, words: Words) -> LinePage:
    """Return the parts of a line's page. Reads the ledger once for each task."""
    line = found.line
    until = _noon(choice.until, words) if choice.until else None
    frame = make_frame(choice.period, words.zone, words.now, until)
    heat_first = midnight(frame.end - timedelta(seconds=1), words.zone, 1 - HEAT_DAYS)
    everything = speed_points(connection, line.id, min(heat_first, frame.start), frame.end)
    main = _main(everything, found.series)
    series = _chosen(everything, choice.series) or main
    month = of_series(everything, series)
    shown = [point for point in month if point.at_seconds >= frame.start_seconds]
    idle = _beside(latency_points(connection, line.id, frame.start, frame.end), series)
    is_declared = line.contracted_download_bits_per_second is None
    promise_download = (
        line.contracted_download_bits_per_second or line.declared_download_bits_per_second
    )
    promise_upload = line.contracted_upload_bits_per_second or line.declared_upload_bits_per_second
    last = (frame.end - timedelta(seconds=1)).astimezone(words.zone).date()
    today = words.local(words.now).date()
    later = last + timedelta(days=DAYS[choice.period])
    return LinePage(
        frame=frame,
        download=speed_chart(frame, words, shown, "download", promise_download),
        upload=speed_chart(frame, words, shown, "upload", promise_upload),
        idle=idle_chart(frame, words, idle),
        loaded=loaded_chart(frame, words, shown),
        heat=heat_map(
            words,
            by_hour(month, words.zone),
            heat_first.astimezone(words.zone).date(),
            HEAT_DAYS,
            promise_download,
        ),
        counts=_counts(shown),
        flagged=sum(point.outcome == "measured" and not point.standing.counts for point in shown),
        tests=[
            {**row, "series": series_of(row)}
            for row in newest_tests(connection, line.id, frame.start, frame.end, SHOWN_TESTS)
        ],
        total=sum(point.at_seconds >= frame.start_seconds for point in everything),
        series=_series_rows(everything, frame, series, main),
        shown=series,
        pairs=differences(pair_up(paired_points(connection, line.id, heat_first, frame.end))),
        promise_download=promise_download,
        promise_upload=promise_upload,
        promise_is_declared=is_declared,
        last_day=last,
        earlier=last - timedelta(days=DAYS[choice.period]),
        later=min(later, today) if last < today else None,
    )


def _main(points: Sequence[SpeedPoint], of_line: SeriesId | None) -> SeriesId | None:
    """Return the line's main series, or where the time has nothing of it, the time's own."""
    if any(point.series == of_line for point in points):
        return of_line
    return main_series(seen_in(points))


def _chosen(points: Sequence[SpeedPoint], key: str | None) -> SeriesId | None:
    if key is None:
        return None
    return next((point.series for point in points if point.series.key == key), None)


def _beside(points: Sequence[LatencyPoint], series: SeriesId | None) -> list[LatencyPoint]:
    """Return the latency series that goes with one of speed: the same path and family."""
    if series is None:
        return of_series(points, main_series(seen_in(points)))
    way, families = (series.probe, series.path), (series.ip_version, None)
    its = [p for p in points if (p.probe, p.path) == way and p.ip_version in families]
    return of_series(its, main_series(seen_in(its)))


def _series_rows(
    points: Sequence[SpeedPoint], frame: Frame, shown: SeriesId | None, main: SeriesId | None
) -> list[SeriesRow]:
    # By what they have in common, as it was read: there are thousands of points.
    by_series: dict[tuple[object, ...], list[SpeedPoint]] = {}
    for point in points:
        if point.at_seconds >= frame.start_seconds:
            by_series.setdefault(point[-7:], []).append(point)
    rows = []
    for its in by_series.values():
        counts = Counter(point.outcome for point in its)
        if not counts["measured"]:
            continue
        series = its[0].series
        counted = [point for point in its if point.standing.counts]
        # All of a Wi-Fi path's results say that they are; shown are those that say nothing else.
        shown_of = counted or [point for point in its if point.standing is Standing.WIFI]
        bounds = [point.standing is Standing.AT_LEAST for point in shown_of]
        rows.append(
            SeriesRow(
                series,
                series == shown,
                series == main,
                len(counted),
                counts["measured"],
                counts["failed"],
                median_of(zip((p.download_bits_per_second for p in shown_of), bounds, strict=True)),
                median_of(zip((p.upload_bits_per_second for p in shown_of), bounds, strict=True)),
                median_of(
                    (p.idle_latency_seconds, False)
                    for p, is_bound in zip(shown_of, bounds, strict=True)
                    if not is_bound
                ),
            )
        )
    return sorted(rows, key=lambda row: (not row.main, -row.measured, row.series.key))


def _noon(day: date, words: Words) -> datetime:
    return datetime.combine(day, time(12), words.zone).astimezone(UTC)


def _counts(points: Sequence[SpeedPoint]) -> dict[str, int]:
    found = Counter(point.outcome for point in points)
    return {outcome: found[outcome] for outcome in ("measured", "failed", "skipped", "missed")}
