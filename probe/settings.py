"""The section `probe` of config.yaml."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from protocol.constants import DEFAULT_STATUS_PORT
from protocol.messages import MeasuredPath, ServerEntry
from protocol.settings import Section


class StatusSettings(Section):
    """The agent's own page, `status.json` and metrics."""

    host: str = Field("127.0.0.1", description="Address that the status page listens on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        DEFAULT_STATUS_PORT, description="Port of the status page; 0 takes any free one."
    )


class SpoolSettings(Section):
    """The durable queue of records that the collector has not accepted yet."""

    maximum_bytes: Annotated[int, Field(ge=1024 * 1024)] = Field(
        512 * 1024 * 1024,
        description="Size of the queue above which the least valuable records give way.",
    )


class UplinkSettings(Section):
    """How records travel to the collector."""

    deliver_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        15.0, description="How often new records are delivered."
    )
    instruction_seconds: Annotated[float, Field(gt=0, le=86400)] = Field(
        300.0, description="How often the collector is asked for a new instruction."
    )
    retry_minimum_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        2.0, description="Shortest pause after the collector did not answer."
    )
    retry_maximum_seconds: Annotated[float, Field(gt=0, le=86400)] = Field(
        900.0, description="Longest pause after the collector did not answer."
    )
    connect_seconds: Annotated[float, Field(gt=0, le=120)] = Field(
        10.0, description="Time allowed for connecting to the collector, TLS included."
    )
    request_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        60.0, description="Time allowed for one whole request to the collector."
    )


class OoklaSettings(Section):
    """The engine `ookla`, which uses servers and a service of others."""

    accept_terms: bool = Field(
        False,
        description="You have read Ookla's terms of use and they allow what you do with its "
        "servers; without it the engine `ookla` refuses.",
    )


class ProbeSettings(Section):
    """The probe on a site."""

    state_directory: Path = Field(
        Path("/var/lib/linewatch/probe"),
        description="Where the probe keeps its key, its identity, its instruction and its spool.",
    )
    collector_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+",
        description="The collector's address; null takes the one the probe was enrolled with.",
    )
    ca_file: Path | None = Field(
        None,
        description="A file of certificate authorities (PEM) to trust instead of the system's.",
    )
    servers: tuple[ServerEntry, ...] = Field(
        (),
        description="Measurement servers for `linewatch measure`, and for the agent until the "
        "collector names its own.",
    )
    server_list: Path | None = Field(
        None,
        description="A list of servers in LibreSpeed's JSON format: paths may name them, and the "
        "nearest is measured to where no server is known.",
    )
    timezone: str = Field(
        "Asia/Ho_Chi_Minh",
        description="The zone of the schedule's days, until the collector names one.",
    )
    paths: tuple[MeasuredPath, ...] = Field(
        (),
        description="Paths and their schedules, used until the collector's first instruction; "
        "empty waits for it.",
    )
    ookla: OoklaSettings = Field(OoklaSettings(), description="Servers of Ookla's network.")
    router_counters: bool = Field(
        False,
        description="Whether to ask the router by UPnP what it carries beside a speed test; needs "
        "the extra `router` and UPnP switched on there.",
    )
    status: StatusSettings = Field(StatusSettings(), description="The agent's own page.")
    spool: SpoolSettings = Field(SpoolSettings(), description="The queue of records.")
    uplink: UplinkSettings = Field(UplinkSettings(), description="The way to the collector.")
