"""How a probe's one-time code is handed out: with the lines to copy onto the device."""

import ipaddress
import json
from typing import Final

import click

from collector.ledger.registry import NewCode
from collector.settings import CollectorSettings, split_address

UNKNOWN_URL: Final = "https://COLLECTOR"
"""Stands for the collector's address where only the proxy before it knows that."""

_AS_PROBE: Final = "sudo -u linewatch-probe"
"""The key is that user's. The configuration is named, for it may not read where one stands."""

_CONFIG: Final = "--config /etc/linewatch/config.yaml"


def collector_url(settings: CollectorSettings) -> str:
    """Return the address that probes reach the collector by, as far as its settings say."""
    host, port = split_address(settings.listen)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        unknown = host == "localhost"
    else:
        unknown = address.is_loopback or address.is_unspecified
    if unknown or port == 0:
        return UNKNOWN_URL
    scheme = "https" if settings.tls.certificate else "http"
    return f"{scheme}://{settings.listen}"


def show_code(
    probe: str, code: NewCode, settings: CollectorSettings, *, as_json: bool = False
) -> None:
    """Print a code and how it is used; or one JSON object, for machines."""
    if as_json:
        expires = code.expires_at.isoformat()
        click.echo(json.dumps({"probe": probe, "code": code.code, "expires_at": expires}))
        return
    url = collector_url(settings)
    arguments = f"--collector {url} --code {code.code}"
    click.echo(f"Mã dùng một lần của đầu đo · One-time code of the probe '{probe}'")
    click.secho(f"  {code.code}", bold=True)
    click.echo(f"Hạn dùng · Valid until {code.expires_at:%Y-%m-%d %H:%M} UTC")
    click.echo("\nThiết bị mới: cài đặt và ghi danh · A new device: install and enrol")
    click.echo(f"  sudo ./deploy/install-probe.sh {arguments}")
    click.echo("\nĐã cài phần mềm: chỉ ghi danh · Software installed already: enrol only")
    click.echo(f"  {_AS_PROBE} linewatch probe enrol {_CONFIG} {arguments}")
    if url == UNKNOWN_URL:
        click.echo(f"\nThay {url} bằng địa chỉ máy thu thập · Put your collector's address there")
