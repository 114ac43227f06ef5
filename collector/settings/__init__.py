"""The `collector` section of config.yaml. Defaults are values, each with its meaning."""

from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator

from collector.settings.listening import (
    EnrolmentSettings,
    LimitSettings,
    MetricsSettings,
    TlsSettings,
    WebSettings,
    split_address,
)
from collector.settings.outgoing import (
    ADDRESS_FORM,
    CaseSettings,
    InfluxdbSettings,
    MailSettings,
    ReportSettings,
    SinkSettings,
)
from protocol.constants import DEFAULT_COLLECTOR_PORT
from protocol.messages import (
    LatencySchedule,
    ReachSchedule,
    Schedule,
    ServerEntry,
    SpeedSchedule,
    Window,
)
from protocol.settings import Section

__all__ = [
    "ADDRESS_FORM",
    "CaseSettings",
    "CollectorSettings",
    "EnrolmentSettings",
    "InfluxdbSettings",
    "LedgerSettings",
    "LimitSettings",
    "MailSettings",
    "MetricsSettings",
    "ReportSettings",
    "SinkSettings",
    "TlsSettings",
    "WebSettings",
    "split_address",
]


class LedgerSettings(Section):
    """Where the ledger is."""

    path: Path = Field(
        Path("data/collector/ledger.sqlite"), description="The SQLite file; its folder is made."
    )
    url: SecretStr | None = Field(
        None,
        description="PostgreSQL instead: postgresql://USER:PASSWORD@HOST/DATABASE, or another "
        "SQLAlchemy URL of it.",
    )
    busy_timeout_seconds: PositiveFloat = Field(
        5.0,
        description="How long a write waits for another program that holds the SQLite file, or "
        "the same rows of PostgreSQL.",
    )
    statement_timeout_seconds: PositiveFloat = Field(
        30.0, description="PostgreSQL gives up a statement of ours that takes longer."
    )
    connect_timeout_seconds: int = Field(
        5, ge=2, description="How long a connection to PostgreSQL may take."
    )
    room_bytes: PositiveInt | None = Field(
        None,
        description="How much PostgreSQL's database may take: its disk, less what else is there. "
        "null: it is not known, and nothing warns before it is full. Of SQLite it is the file's "
        "disk.",
    )
    latency_days: PositiveInt | None = Field(
        400,
        description="Latency records older than this are folded into hours, which are kept for "
        "ever; null: every record is kept as it is.",
    )


def _default_schedule() -> Schedule:
    """Return eight speed tests a day, three of them in the evening; light tasks often."""
    return Schedule(
        speed=SpeedSchedule(
            windows=(
                Window(name="night", start=time(0), end=time(7), tests=1),
                Window(name="day", start=time(7), end=time(19), tests=4),
                Window(name="evening", start=time(19), end=time(23), tests=3),
            )
        ),
        latency=LatencySchedule(every_seconds=900),
        reach=ReachSchedule(every_seconds=300),
    )


class CollectorSettings(Section):
    """The collector."""

    listen: str = Field(
        f"127.0.0.1:{DEFAULT_COLLECTOR_PORT}",
        description="HOST:PORT; an empty host is every address, port 0 any free one.",
    )
    timezone: str = Field(
        "Asia/Ho_Chi_Minh", description="The zone of schedules, pages and days of the month."
    )
    ledger: LedgerSettings = Field(LedgerSettings(), description="Where records are kept.")
    tls: TlsSettings = Field(TlsSettings(), description="TLS, where no proxy speaks it.")
    limits: LimitSettings = Field(LimitSettings(), description="Limits on what listens.")
    enrolment: EnrolmentSettings = Field(
        EnrolmentSettings(), description="How probes become known."
    )
    metrics: MetricsSettings = Field(MetricsSettings(), description="What /metrics shows.")
    web: WebSettings = Field(WebSettings(), description="The pages.")
    sinks: SinkSettings = Field(
        SinkSettings(), description="Copies of the ledger as time series elsewhere."
    )
    reports: ReportSettings = Field(ReportSettings(), description="What reports are made by.")
    mail: MailSettings = Field(MailSettings(), description="How mail is sent.")
    cases: CaseSettings = Field(CaseSettings(), description="Complaints as cases.")
    schedule: Schedule = Field(
        default_factory=_default_schedule,
        description="The plan of every path that has no plan of its own.",
    )
    servers: tuple[ServerEntry, ...] = Field(
        (), description="Measurement servers for all probes, besides those in the registry."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            msg = f"no such time zone: {name} (an example: Asia/Ho_Chi_Minh)"
            raise ValueError(msg) from None
        return name

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, text: str) -> str:
        split_address(text)
        return text
