"""The `collector` section of config.yaml. Defaults are values, each with its meaning."""

import re
from datetime import date, time
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    IPvAnyAddress,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from protocol.constants import DEFAULT_COLLECTOR_PORT, MAX_BATCH_BYTES
from protocol.messages import (
    LatencySchedule,
    ReachSchedule,
    Schedule,
    ServerEntry,
    SpeedSchedule,
    Window,
)
from protocol.settings import Section

ADDRESS_FORM: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
"""An e-mail address as every mail server takes it: nothing in it ends a line or a field."""


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


class TlsSettings(Section):
    """TLS; without it a proxy in front has to speak it. Both files or none."""

    certificate: Path | None = Field(None, description="The certificate chain, PEM.")
    key: Path | None = Field(None, description="The private key, PEM.")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            msg = "certificate and key are needed together"
            raise ValueError(msg)
        return self


class LimitSettings(Section):
    """What one request, one address and all of them together may take."""

    connections: PositiveInt = Field(4096, description="Open connections in all.")
    connections_per_address: PositiveInt = Field(
        256, description="Open connections of one address (IPv6: of one /64)."
    )
    idle_seconds: PositiveFloat = Field(
        30.0,
        description="A connection that brought no whole request header for so long is closed.",
    )
    request_seconds: PositiveFloat = Field(
        60.0, description="A request's body has to be there after this."
    )
    answer_seconds: PositiveFloat = Field(
        40.0,
        description="A probe is asked to come again (503) where the ledger has not answered after "
        "this; longer than a statement may take.",
    )
    minimum_bytes_per_second: PositiveInt = Field(
        1024, description="A body that comes more slowly than this is refused."
    )
    body_bytes: int = Field(
        64 * 1024 * 1024,
        ge=MAX_BATCH_BYTES,
        description="Bodies that are held at once, unpacked, until they are checked; above it: "
        "503. At least the largest batch.",
    )
    body_bytes_per_probe: int = Field(
        2 * MAX_BATCH_BYTES,
        ge=MAX_BATCH_BYTES,
        description="Of these, the bodies of one probe: a batch, and what is left of one whose "
        "connection broke; above it: 429.",
    )
    queued_bytes: PositiveInt = Field(
        64 * 1024 * 1024, description="Records waiting for the disk; above it: 503."
    )
    group_bytes: PositiveInt = Field(
        8 * 1024 * 1024, description="Records that are written in one transaction."
    )
    retry_after_seconds: PositiveInt = Field(
        30, description="What a 503, and a 429 to a probe, ask to wait."
    )
    trusted_proxies: tuple[IPvAnyAddress, ...] = Field(
        (),
        description="Proxies in front: their X-Forwarded-For is believed, and the limit of "
        "connections of one address is not for them.",
    )
    verifying_threads: PositiveInt = Field(2, description="Threads that check batches.")
    verifying_processes: NonNegativeInt = Field(
        0,
        description="Processes that check batches instead, each on a core of its own and with some "
        "80 MB; for more than 1000 records a second.",
    )


class EnrolmentSettings(Section):
    """How probes become known."""

    code_hours: PositiveInt = Field(72, description="How long a one-time code is valid.")
    wrong_codes_per_address: PositiveInt = Field(
        10, description="Wrong codes in ten minutes, of one address (IPv6: of one /64)."
    )
    wrong_codes: PositiveInt = Field(200, description="Wrong codes in ten minutes, in all.")


class MetricsSettings(Section):
    """What `/metrics` shows."""

    latest_hours: PositiveFloat = Field(
        6.0, description="A line's latest value is shown until it is this old."
    )
    token: SecretStr | None = Field(
        None,
        description="Whoever has it may read /metrics (Bearer); without one only programs on "
        "this machine may.",
    )
    cache_seconds: PositiveFloat = Field(
        5.0, description="Answers within this time are computed once."
    )
    wait_seconds: PositiveFloat = Field(
        0.25,
        description="How long an answer waits for newer figures before it is the last one, made "
        "ahead a moment ago: those of a large fleet take seconds.",
    )


class InfluxdbSettings(Section):
    """One sink: a server that takes InfluxDB's line protocol."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Its name in the ledger, for ever: another name is another sink, filled from "
        "the beginning.",
    )
    url: str = Field(description="Where it listens, without /api/v2/write or /write.")
    version: Literal[1, 2] = Field(
        2,
        description="2: the write API of InfluxDB 2 and 3, InfluxDB 1.8 and VictoriaMetrics; "
        "1: that of an InfluxDB before 1.8.",
    )
    token: SecretStr | None = Field(
        None, description="What it asks for; of version 1, and of InfluxDB 1.8: USER:PASSWORD."
    )
    org: str = Field("", description="The organisation, of InfluxDB 2.")
    bucket: str = Field(
        "linewatch",
        description="Where to; of InfluxDB 1 the database, or DATABASE/POLICY. VictoriaMetrics "
        "has none.",
    )
    ca: Path | None = Field(
        None, description="The authority of its certificate, PEM; null: those of the system."
    )
    timeout_seconds: PositiveFloat = Field(
        10.0, description="How long one request may take, the answer included."
    )

    @field_validator("url")
    @classmethod
    def _plain_address(cls, text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = "an address is needed, for example http://victoriametrics.example:8428"
            raise ValueError(msg)
        if "@" in parts.netloc or parts.query or parts.fragment:
            msg = "user, password and token do not belong into the address: see token"
            raise ValueError(msg)
        return text


class SinkSettings(Section):
    """Copies of the ledger as time series."""

    influxdb: tuple[InfluxdbSettings, ...] = Field(
        (), description="InfluxDB 1, 2 and 3, VictoriaMetrics: each entry is a sink of its own."
    )

    @model_validator(mode="after")
    def _each_its_name(self) -> Self:
        names = [one.name for one in self.influxdb]
        if len(set(names)) != len(names):
            msg = "two sinks have the same name"
            raise ValueError(msg)
        return self


class WebSettings(Section):
    """The pages."""

    session_hours: PositiveInt = Field(12, description="An operator's login ends after this.")
    public: bool = Field(
        True, description="The pages without login show lines and their results, no addresses."
    )


class ReportSettings(Section):
    """What reports are made by."""

    standards: Path | None = Field(
        None,
        description="A folder of standards of your own, a YAML file each, beside those that are "
        "shipped ('linewatch standard list').",
    )


class MailSettings(Section):
    """How mail is sent: complaints to carriers, reminders to wards' clerks."""

    host: str | None = Field(None, description="The SMTP server; null: no mail is sent.")
    port: int = Field(587, ge=1, le=65535, description="Its port; that of TLS at once is 465.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls: it must offer it; tls: TLS at once; none: plain, to a server on "
        "this machine alone.",
    )
    ca: Path | None = Field(
        None, description="The authority of its certificate, PEM; null: those of the system."
    )
    username: str | None = Field(None, description="Name to log in with; null: no login.")
    password: SecretStr | None = Field(None, description="Its password.")
    sender: str | None = Field(
        None, description="The address that mail is from, which answers go to."
    )
    attachment_bytes: PositiveInt = Field(
        10 * 1024 * 1024,
        description="Files of a complaint are attached up to so much in all; others are linked.",
    )
    link: str | None = Field(
        None,
        description="The address under which the folder of reports is published: a file that is "
        "too large is named as LINK/MONTH/CARRIER/FILE, with its SHA-256.",
    )
    timeout_seconds: PositiveFloat = Field(
        60.0, le=300, description="How long one step of the talk with the server may take."
    )
    give_up_hours: PositiveFloat = Field(
        72.0, description="A mail is tried for so long; then it is shown as given up."
    )

    @field_validator("sender")
    @classmethod
    def _an_address(cls, text: str | None) -> str | None:
        if text is not None and not ADDRESS_FORM.fullmatch(text):
            msg = "an e-mail address is needed, for example do-kiem@phuong.example"
            raise ValueError(msg)
        return text

    @field_validator("link")
    @classmethod
    def _a_link(cls, text: str | None) -> str | None:
        if text is not None and urlsplit(text).scheme not in {"http", "https"}:
            msg = "an address is needed, for example https://reports.example/linewatch"
            raise ValueError(msg)
        return text

    @model_validator(mode="after")
    def _whole_and_safe(self) -> Self:
        if (self.username is None) != (self.password is None):
            msg = "username and password are needed together"
            raise ValueError(msg)
        if self.host is not None and self.sender is None:
            msg = "sender is needed with host: the address that mail is from"
            raise ValueError(msg)
        if self.security == "none" and self.host not in (None, "localhost", "127.0.0.1", "::1"):
            msg = "security none is for a server on this machine: take starttls or tls"
            raise ValueError(msg)
        return self


class CaseSettings(Section):
    """Complaints as cases."""

    days_off: tuple[date, ...] = Field(
        (),
        description="Days off in Viet Nam that the calendar of this version does not know yet: "
        "deadlines are counted in working days.",
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


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT; an IPv6 host stands in brackets, none is every address.

    Raises:
        ValueError: it is not of that form.
    """
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not port.isascii() or not port.isdigit():
        msg = f"HOST:PORT is needed, not {text!r} (examples: 127.0.0.1:8000, :8000)"
        raise ValueError(msg)
    if int(port) > 65535:  # noqa: PLR2004 - the largest port
        msg = f"no such port: {port}"
        raise ValueError(msg)
    return host or "::", int(port)
