"""The series databases that tests start are real, empty at first, and keep what they were given."""

import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.services import (
    Service,
    influxdb,
    influxql,
    prometheus,
    promql,
    samples,
    victoria_metrics,
)

MOMENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
POINT = f"room,floor=1 warm=21.5 {int(MOMENT.timestamp())}000"


def _send(service: Service, path: str) -> None:
    url = f"{service.url}{path}"
    with urllib.request.urlopen(url, POINT.encode(), 10) as answer:  # noqa: S310 - loopback
        assert answer.status == 204


def test_victoria_metrics_keeps_what_it_took(tmp_path: Path) -> None:
    """What was written is read by PromQL and whole, also after a new start on the same port."""
    with victoria_metrics(tmp_path) as series:
        assert samples(series.url, '{__name__!=""}') == []
        _send(series, "/api/v2/write?bucket=b&org=o&precision=ms")
        series.flush()
        found = promql(series.url, "room_warm", MOMENT + timedelta(seconds=1))
        assert found[0]["value"][1] == "21.5"
    with victoria_metrics(tmp_path, port=series.port) as again:
        assert again.url == series.url
        ((_, times, values),) = samples(again.url, "room_warm")
        assert (times, values) == ([int(MOMENT.timestamp()) * 1000], [21.5])


def test_influxdb_keeps_what_it_took(tmp_path: Path) -> None:
    """What was written is read by InfluxQL, also after a new start on the same port."""
    with influxdb(tmp_path) as series:
        influxql(series.url, "CREATE DATABASE b")
        _send(series, "/write?db=b&precision=ms")
    with influxdb(tmp_path, port=series.port) as again:
        assert again.url == series.url
        found = influxql(again.url, "SELECT warm FROM room GROUP BY floor", "b")
        assert found[0]["values"] == [[int(MOMENT.timestamp()) * 1000, 21.5]]
        assert found[0]["tags"] == {"floor": "1"}


def test_prometheus_answers(tmp_path: Path) -> None:
    """It answers queries, at a moment and over a range."""
    with prometheus(tmp_path) as series:
        assert promql(series.url, "vector(1)")[0]["value"][1] == "1"
        over = (MOMENT - timedelta(minutes=2), 60)
        (found,) = promql(series.url, "vector(1)", MOMENT, over=over)
        assert len(found["values"]) == 3
