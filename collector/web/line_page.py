"""What the page of one line shows, put together from the ledger: charts, counts, newest tests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from collector.domain.series import SpeedPoint, by_hour
from collector.ledger.queries import LineRow
from collector.ledger.series_queries import (
    families_of,
    latency_points,
    newest_tests,
    speed_points,
)
from collector.web.axes import DAYS, Frame, Period, make_frame, midnight
from collector.web.charts import Chart, idle_chart, loaded_chart, speed_chart
from collector.web.heat import HeatMap, heat_map
from collector.web.i18n import Words

HEAT_DAYS = 30
SHOWN_TESTS = 40


@dataclass(frozen=True)
class Choice:
    """What a visitor asked to see of a line.

    Attributes:
        period: how much time.
        until: the last day; None: up to now.
        ip_version: 4 or 6; None: both.
    """

    period: Period
    until: date | None
    ip_version: int | None


@dataclass(frozen=True)
class LinePage:
    """The parts of the page that follow the choice.

    Attributes:
        frame: the span of time.
        download, upload, idle, loaded: the charts.
        heat: the map of hour by day.
        counts: of the speed slots in the frame, by outcome.
        flagged: how many of the measured ones carry a flag.
        tests: the newest speed records in the frame, the newest first.
        families: the IP versions there are to choose from.
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
    families: Sequence[int]
    promise_download: int | None
    promise_upload: int | None
    promise_is_declared: bool
    last_day: date
    earlier: date
    later: date | None

    def counts_written(self, words: Words) -> dict[str, str]:
        """Return the counts as the visitor reads numbers, and ``flagged``, in brackets or empty."""
        written = {outcome: words.number(count) for outcome, count in self.counts.items()}
        flagged = words.text("counts_flagged", count=words.number(self.flagged))
        return written | {"flagged": f" {flagged}" if self.flagged else ""}


def build(connection: Connection, line: LineRow, choice: Choice, words: Words) -> LinePage:
    """Return the parts of a line's page. Reads the ledger once for each series."""
    until = _noon(choice.until, words) if choice.until else None
    frame = make_frame(choice.period, words.zone, words.now, until)
    heat_first = midnight(frame.end - timedelta(seconds=1), words.zone, 1 - HEAT_DAYS)
    month = speed_points(
        connection, line.id, min(heat_first, frame.start), frame.end, choice.ip_version
    )
    shown = [point for point in month if point.at_seconds >= frame.start_seconds]
    idle = latency_points(connection, line.id, frame.start, frame.end, choice.ip_version)
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
        flagged=sum(point.outcome == "measured" and bool(point.flags) for point in shown),
        tests=newest_tests(connection, line.id, frame.start, frame.end, SHOWN_TESTS),
        families=sorted(families_of(connection, line.id)),
        promise_download=promise_download,
        promise_upload=promise_upload,
        promise_is_declared=is_declared,
        last_day=last,
        earlier=last - timedelta(days=DAYS[choice.period]),
        later=min(later, today) if last < today else None,
    )


def _noon(day: date, words: Words) -> datetime:
    return datetime.combine(day, time(12), words.zone).astimezone(UTC)


def _counts(points: Sequence[SpeedPoint]) -> dict[str, int]:
    found = Counter(point.outcome for point in points)
    return {outcome: found[outcome] for outcome in ("measured", "failed", "skipped", "missed")}
