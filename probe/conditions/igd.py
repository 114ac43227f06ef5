"""A router as UPnP has it (Internet Gateway Device): found, described, asked, within bounds.

Needs the extra `router`, a large library: import this module only where a router is to be asked.
"""

import asyncio
import contextlib
import ipaddress
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from async_upnp_client.client import UpnpRequester
from async_upnp_client.client_factory import UpnpFactory
from async_upnp_client.const import HttpRequest, HttpResponse
from async_upnp_client.exceptions import UpnpCommunicationError, UpnpConnectionTimeoutError
from async_upnp_client.profiles.igd import IgdDevice
from async_upnp_client.search import SsdpSearchListener

SEARCH_SECONDS: Final = 2.0
"""How long a router may take to answer: what the question itself allows (UPnP 1.1, MX)."""

CALL_SECONDS: Final = 2.0
"""How long one request to it may take; under load some need a second. The library's own limit for
an action is 30 s (UPnP 1.1, 3.2.2), longer than a test."""

MOST_BYTES: Final = 4_000_000
"""What all answers of one router together may hold. A description is some 50 kB, a reading of both
counters 1 kB: room for the readings of a long test, none to fill a small device's memory."""


class Requester(UpnpRequester):
    """Asks one router, and follows it nowhere else: the library refuses services at other hosts.

    Args:
        session: as `open_session` makes it.
    """

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._left = MOST_BYTES

    async def async_http_request(self, http_request: HttpRequest) -> HttpResponse:
        """Make a request, within `CALL_SECONDS`.

        Raises:
            UpnpCommunicationError: no answer, or too much of it.
        """
        try:
            return await self._ask(http_request)
        except TimeoutError as error:
            raise UpnpConnectionTimeoutError(repr(error)) from error
        except ClientError as error:
            raise UpnpCommunicationError(repr(error)) from error

    async def _ask(self, asked: HttpRequest) -> HttpResponse:
        body = bytearray()
        async with self._session.request(
            asked.method,
            asked.url,
            headers={**asked.headers, "Accept-Encoding": "identity"},
            data=asked.body,
            timeout=ClientTimeout(total=CALL_SECONDS),
            allow_redirects=False,
        ) as answer:
            async for part in answer.content.iter_any():
                self._left -= len(part)
                if self._left < 0:
                    raise UpnpCommunicationError(f"answers of more than {MOST_BYTES} bytes")
                body += part
            return HttpResponse(answer.status, answer.headers, body.decode(errors="replace"))


def open_session() -> ClientSession:
    """Return a session for `Requester`: a connection for each request, nothing unpacked."""
    # Some routers close a connection that waits for the next reading, others go on counting it.
    return ClientSession(connector=TCPConnector(force_close=True), auto_decompress=False)


async def describe(session: ClientSession, place: str) -> IgdDevice:
    """Return a router by where it describes itself.

    Takes as many requests as the description names services: the caller sets the deadline.

    Raises:
        UpnpError: it does not describe itself well.
    """
    factory = UpnpFactory(Requester(session), non_strict=True)
    return IgdDevice(await factory.async_create_device(place), None)


async def search(gateway: str, local: str) -> str | None:
    """Return where a gateway describes itself; None where it does not within `SEARCH_SECONDS`.

    One multicast question leaves by the interface of the address ``local``, and only the gateway's
    answer is taken: another device that answers is not the router of this line.
    """
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def take(headers: Any) -> None:  # noqa: ANN401 - the library's own mapping
        place = str(headers.get("location", ""))
        if _host(place) == ipaddress.ip_address(gateway) and not answer.done():
            answer.set_result(place)

    listeners = [
        SsdpSearchListener(
            async_callback=take,
            search_target=kind,
            timeout=round(SEARCH_SECONDS),
            source=(local, 0),
        )
        for kind in IgdDevice.DEVICE_TYPES
    ]
    try:
        for listener in listeners:
            await listener.async_start()
            listener.async_search()
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(answer, SEARCH_SECONDS)
        return None
    finally:
        for listener in listeners:
            listener.async_stop()


def _host(place: str) -> object:
    try:
        return ipaddress.ip_address(urlsplit(place).hostname or "")
    except ValueError:
        return None
