"""What goes out: copies of the ledger, reports, complaints and their mail."""

import re
from datetime import date
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from protocol.settings import Section

ADDRESS_FORM: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
"""An e-mail address as every mail server takes it: nothing in it ends a line or a field."""


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
        description="The address under which the folder of cases' large files is published "
        "(collector.cases.files): a file that is not attached is named as LINK/SHA256.zip.",
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
    files: Path | None = Field(
        None,
        description="A folder for files of cases that are too large for the ledger, evidence above "
        "all; null: case-files beside collector.ledger.path.",
    )
