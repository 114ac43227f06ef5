"""The router's counters towards the carrier (UPnP IGD), read while a test runs.

Off unless configured, and only with the extra `router`. One multicast question leaves by the
measuring interface, and only its default gateway is believed: another device that answers is not
the router of this line. Each wait is bounded; a router that does not tell is None.
"""

import asyncio
import contextlib
import ipaddress
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from probe.conditions.counters import Series
from probe.conditions.route import default_gateway, ipv4_address

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from async_upnp_client.profiles.igd import IgdDevice

SEARCH_SECONDS: Final = 2.0
"""How long a router may take to answer: what the question itself allows (UPnP 1.1, MX)."""

CALL_SECONDS: Final = 2
"""How long one request to it may take; under load some need a second."""

INTERVAL_SECONDS: Final = 1.0
"""Two small requests a second: 20 kbit/s on the site's network, none on the line."""

log = logging.getLogger(__name__)


class Routers:
    """Finds routers once and watches their counters.

    Args:
        interval_seconds: between two readings.
    """

    def __init__(self, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._interval = interval_seconds
        self._found: dict[str, str] = {}

    def watch(self, interface: str | None) -> "CounterWatch":
        """Begin to read the counters of the router behind an interface."""
        return CounterWatch(interface, self._interval, self._found)


class CounterWatch:
    """Reads one router's counters in a thread until `stop`.

    Args:
        interface: towards the router; None takes that of the default route.
        interval_seconds: between two readings.
        found: description addresses by gateway, of all watches.
    """

    def __init__(
        self, interface: str | None, interval_seconds: float, found: dict[str, str]
    ) -> None:
        self._interface = interface
        self._interval = interval_seconds
        self._found = found
        self._series = Series()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="router", daemon=True)
        self._thread.start()

    def stop(self) -> Series | None:
        """End within a few requests' time; return the readings, None where there are none."""
        self._ended.set()
        self._thread.join(SEARCH_SECONDS + 4 * CALL_SECONDS)
        return self._series if self._series.readings else None

    def _run(self) -> None:
        gateway = default_gateway(4, self._interface)
        local = ipv4_address(gateway[1]) if gateway else None
        if gateway is None or local is None:
            return
        try:
            asyncio.run(self._read(gateway[0], local))
        except ImportError:
            log.warning(
                "probe.router_counters needs the extra 'router': pip install 'linewatch[router]'"
            )
        except Exception as error:  # noqa: BLE001 - whatever a router answers undoes no test
            self._found.pop(gateway[0], None)
            log.info("the router %s does not tell its counters: %s", gateway[0], error)

    async def _read(self, gateway: str, local: str) -> None:
        # The library is large: loaded in this thread, and only where it is asked for.
        from aiohttp import ClientSession  # noqa: PLC0415

        place = self._found.get(gateway) or await _search(gateway, local)
        if place is None:
            return
        self._found[gateway] = place
        async with ClientSession() as session:
            router = await _describe(session, place)
            while not self._ended.is_set():
                await self._note(router)
                await asyncio.to_thread(self._ended.wait, self._interval)
            await self._note(router)

    async def _note(self, router: "IgdDevice") -> None:
        """Take a reading; each counter is of the middle of its request, near enough the same."""
        begun = time.monotonic()
        received = await router.async_get_total_bytes_received()
        sent = await router.async_get_total_bytes_sent()
        self._series.add((begun + time.monotonic()) / 2, received, sent)


def external_address(interface: str | None) -> str | None:
    """Return what the gateway says of its own address towards the carrier; None: it does not.

    Takes at most `SEARCH_SECONDS` and a few requests. Needs the extra `router`.
    """
    gateway = default_gateway(4, interface)
    local = ipv4_address(gateway[1]) if gateway else None
    if gateway is None or local is None:
        return None
    try:
        return asyncio.run(_ask_external(gateway[0], local))
    except ImportError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever a router answers, it is not known then
        log.info("the router %s does not tell its address: %s", gateway[0], error)
        return None


async def _ask_external(gateway: str, local: str) -> str | None:
    from aiohttp import ClientSession  # noqa: PLC0415

    place = await _search(gateway, local)
    if place is None:
        return None
    async with ClientSession() as session:
        router = await _describe(session, place)
        return await router.async_get_external_ip_address()


async def _describe(session: "ClientSession", place: str) -> "IgdDevice":
    """Return a router by where it describes itself."""
    from async_upnp_client.aiohttp import AiohttpSessionRequester  # noqa: PLC0415
    from async_upnp_client.client_factory import UpnpFactory  # noqa: PLC0415
    from async_upnp_client.profiles.igd import IgdDevice  # noqa: PLC0415

    factory = UpnpFactory(AiohttpSessionRequester(session, timeout=CALL_SECONDS), non_strict=True)
    return IgdDevice(await factory.async_create_device(place), None)


async def _search(gateway: str, local: str) -> str | None:
    """Return where the gateway describes itself; None where it does not answer."""
    from async_upnp_client.profiles.igd import IgdDevice  # noqa: PLC0415
    from async_upnp_client.search import SsdpSearchListener  # noqa: PLC0415

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
