"""The far ends of the tests: what was written is read back in one form, whichever server has it."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from collector.settings import InfluxdbSettings
from collector.sinks.series import FLAGS_MEASUREMENT, MEASUREMENTS
from tests.services import Service, fetch, influxdb, influxql, samples, victoria_metrics

_NAMES = (*(one.name for one in MEASUREMENTS.values()), FLAGS_MEASUREMENT)
_DATABASES = itertools.count()


@dataclass(frozen=True)
class Identity:
    """What a point is told by: two with the same are one."""

    measurement: str
    tags: frozenset[tuple[str, str]]
    milliseconds: int

    def tag(self, name: str) -> str | None:
        """Return a tag's value."""
        return dict(self.tags).get(name)


Points = dict[Identity, dict[str, float]]
"""Each point's fields."""


class Store(Protocol):
    """A place at a real server that nothing is in yet."""

    def settings(self, **others: Any) -> InfluxdbSettings:
        """Return a sink's settings for it."""

    def points(self) -> Points:
        """Return all that is in it."""


@dataclass
class InVictoria:
    """A VictoriaMetrics; made empty."""

    service: Service

    def settings(self, **others: Any) -> InfluxdbSettings:
        """Return a sink's settings for it."""
        return InfluxdbSettings(**{"name": "victoria", "url": self.service.url, **others})

    def points(self) -> Points:
        """Return all that is in it; fails if any sample is there twice."""
        self.service.flush()
        found: Points = {}
        for labels, times, values in samples(self.service.url, '{__name__=~"linewatch_.*"}'):
            name = labels.pop("__name__")
            measurement = next((one for one in _NAMES if name.startswith(f"{one}_")), None)
            if measurement is None:
                continue  # what a sink asks whether anything is taken with
            for moment, value in zip(times, values, strict=True):
                identity = Identity(measurement, frozenset(labels.items()), moment)
                fields = found.setdefault(identity, {})
                assert name not in fields
                fields[name.removeprefix(f"{measurement}_")] = value
        return found

    def empty(self) -> None:
        """Delete all that is in it."""
        asked = {"match[]": '{__name__=~"linewatch_.*"}'}
        fetch(f"{self.service.url}/api/v1/admin/tsdb/delete_series", asked)


@dataclass
class InInflux:
    """A database of an InfluxDB 1.x; made empty."""

    service: Service
    database: str = field(default_factory=lambda: f"linewatch{next(_DATABASES)}")
    policy: str = ""

    def __post_init__(self) -> None:
        influxql(self.service.url, f"CREATE DATABASE {self.database} {self.policy}")

    def settings(self, **others: Any) -> InfluxdbSettings:
        """Return a sink's settings for it."""
        own = {"name": "influx", "url": self.service.url, "version": 1, "bucket": self.database}
        return InfluxdbSettings(**{**own, **others})

    def points(self) -> Points:
        """Return all that is in it."""
        found: Points = {}
        for name in _NAMES:
            query = f'SELECT * FROM "{name}" GROUP BY *'  # noqa: S608 - a name of our own
            for series in influxql(self.service.url, query, self.database):
                tags = frozenset((k, v) for k, v in series["tags"].items() if v)
                for moment, *values in series["values"]:
                    fields = dict(zip(series["columns"][1:], values, strict=True))
                    found[Identity(name, tags, moment)] = {
                        column: value for column, value in fields.items() if value is not None
                    }
        return found

    def types(self) -> dict[tuple[str, str], str]:
        """Return the type of each field of each measurement."""
        found = influxql(self.service.url, "SHOW FIELD KEYS", self.database)
        return {(one["name"], key): kind for one in found for key, kind in one["values"]}


@contextmanager
def both(folder: Path) -> Iterator[tuple[Service, Service]]:
    """Run both servers until the block ends."""
    with victoria_metrics(folder / "victoria") as one, influxdb(folder / "influx") as other:
        yield one, other
