"""The router's counters towards the carrier (UPnP IGD), read while a test runs.

Off unless configured, and only with the extra `router`. One multicast question leaves by the
measuring interface, and only its default gateway is believed: another device that answers is not
the router of this line. All of it is bounded, in time and in bytes (`probe.conditions.igd`); a
router that does not tell is None.
"""

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from probe.conditions.counters import Series
from probe.conditions.route import default_gateway, ipv4_address

if TYPE_CHECKING:
    from async_upnp_client.profiles.igd import IgdDevice

EXCHANGE_SECONDS: Final = 8.0
"""How long finding a router, its description and a first answer may take, all together: a second or
two for most; the description of each service is a request of its own."""

READING_SECONDS: Final = 4.0
"""How long one reading, two requests, may take."""

_STOP_SECONDS: Final = max(EXCHANGE_SECONDS, 2 * READING_SECONDS) + 2.0
"""How long the thread may take to end: the finding, or a reading under way and the last one; and
what loads the library and closes its session."""

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
        """End with a last reading; return all of them, None where there are none.

        A router that is found only after the stop is not read: one reading tells no growth. Takes
        the rest of the finding, or of a reading and one more: at most `_STOP_SECONDS`.
        """
        self._ended.set()
        self._thread.join(_STOP_SECONDS)
        # A copy: should the thread be stuck in spite of its deadlines, it adds nothing to this.
        readings = list(self._series.readings)
        return Series(readings) if readings else None

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
            log.info("the router %s does not tell its counters: %r", gateway[0], error)

    async def _read(self, gateway: str, local: str) -> None:
        # The library is large: loaded in this thread, and only where it is asked for.
        from probe.conditions import igd  # noqa: PLC0415

        async with igd.open_session() as session:
            async with asyncio.timeout(EXCHANGE_SECONDS):
                place = self._found.get(gateway) or await igd.search(gateway, local)
                if place is None:
                    return
                self._found[gateway] = place
                router = await igd.describe(session, place)
            while not self._ended.is_set():
                await self._note(router)
                await asyncio.to_thread(self._ended.wait, self._interval)
            if self._series.readings:
                await self._note(router)

    async def _note(self, router: "IgdDevice") -> None:
        """Take a reading; each counter is of the middle of its request, near enough the same."""
        begun = time.monotonic()
        async with asyncio.timeout(READING_SECONDS):
            received = await router.async_get_total_bytes_received()
            sent = await router.async_get_total_bytes_sent()
        self._series.add((begun + time.monotonic()) / 2, received, sent)


def external_address(interface: str | None) -> str | None:
    """Return what the gateway says of its own address towards the carrier; None: it does not.

    Takes at most `EXCHANGE_SECONDS`. Needs the extra `router`.
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
        log.info("the router %s does not tell its address: %r", gateway[0], error)
        return None


async def _ask_external(gateway: str, local: str) -> str | None:
    from probe.conditions import igd  # noqa: PLC0415

    async with asyncio.timeout(EXCHANGE_SECONDS), igd.open_session() as session:
        place = await igd.search(gateway, local)
        if place is None:
            return None
        router = await igd.describe(session, place)
        return await router.async_get_external_ip_address()
