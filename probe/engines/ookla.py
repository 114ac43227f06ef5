"""Speed with a server of Ookla's network: found with speedtest-cli, measured by our own transfer.

speedtest-cli's library asks speedtest.net for its configuration and its list of servers; all that
follows is the method `http`, on the paths that Ookla's servers have. speedtest-cli's own transfer
is not used: its Python loops are what limits it on a small device.

What the library does wrong is kept inside this file: it is imported late, as it takes hold of
standard output; its calls have no end of their own, so that they run in a thread with a limit; and
each of its exceptions becomes a failure of the closed list.
"""

import contextlib
import io
import ipaddress
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from probe.engine import MeasurementError, Order
from probe.engines.http import HttpEngine
from probe.failure import classify
from probe.transfer.bind import interface_address
from probe.transfer.choice import NEAREST, Picked, choose
from probe.transfer.guard import Guard, start
from protocol.constants import OOKLA_ENGINE
from protocol.failures import Failure
from protocol.messages import ServerEntry

HTTP_VERSION: Final = "2"
"""The version of `http` that this method's version 2 goes on with, once it has a server; version 1
went on with `http`'s version 1. Raise both where `http` changes: a test holds it."""

SERVICE: Final = "https://www.speedtest.net/"
"""A server's address that means: the nearest of Ookla's servers."""

SERVICE_SECONDS: Final = 25.0
"""Time allowed for the configuration and the list: two answers, each from one of a few places."""

STEP_SECONDS: Final = 8
"""What the library may wait for one connection or one read."""

_SERVICE_HOSTS: Final = frozenset({"speedtest.net", "www.speedtest.net"})
_NUMBER: Final = re.compile(r"/server/([0-9]{1,9})/?")
_BUSY: Final = frozenset({429, 503})

REFUSAL: Final = (
    "Ookla's servers are used only by who has accepted Ookla's terms: read them at "
    "https://www.speedtest.net/about/terms (as far as is known, personal and non-commercial use "
    "only: check before use), then say --accept-ookla-terms, or probe.ookla.accept_terms: true"
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the service said: servers, nearest on the map first, and the address it saw."""

    servers: tuple[Mapping[str, Any], ...]
    public_address: str | None


def pick(order: Order, guard: Guard) -> Picked:
    """Return the server that an order's URL means, within `SERVICE_SECONDS` and the choice's time.

    `SERVICE` means the nearest: of the five nearest on the map, the one that answers soonest.
    `SERVICE` + ``server/NUMBER`` means that server. Any other URL is that of a server's upload, or
    of the folder it stands in; then nobody else is asked.

    Raises:
        MeasurementError: `TERMS_NOT_ACCEPTED`, or why no server was found.
    """
    if not order.ookla_terms_accepted:
        raise MeasurementError(Failure.TERMS_NOT_ACCEPTED, REFUSAL)
    server = order.server
    if server is None:
        raise MeasurementError(Failure.NO_SERVER, "no server of Ookla's was given")
    parts = urlsplit(server.url)
    if parts.hostname not in _SERVICE_HOSTS:
        return Picked(server.model_copy(update={"engine": OOKLA_ENGINE}))
    named = _NUMBER.fullmatch(parts.path)
    number = int(named[1]) if named else None
    found = _ask(lambda source: _find(number, source), order, guard)
    entries = tuple(filter(None, map(_entry, found.servers)))
    if not entries:
        wanted = "" if number is None else f" with the number {number}"
        raise MeasurementError(Failure.NOT_A_SERVER, f"speedtest.net named no server{wanted}")
    address = _of_family(found.public_address, order)
    if number is not None:
        # What the plan calls it stays: its series is that of one server.
        chosen = entries[0].model_copy(update={"name": server.name})
        return Picked(chosen, public_address=address)
    return replace(choose(entries, order, guard), public_address=address)


OOKLA: Final = HttpEngine(pick=pick)
"""The engine: the method `http` towards the server that was picked."""


def _find(number: int | None, source_address: str | None) -> _Found:
    """Ask the service by its library. Raises whatever the library raises."""
    library = _library()
    session = library.Speedtest(source_address=source_address, timeout=STEP_SECONDS, secure=True)
    session.get_servers([] if number is None else [number])
    nearest = session.get_closest_servers(limit=NEAREST)
    return _Found(tuple(nearest), session.config["client"].get("ip"))


def _library() -> Any:  # noqa: ANN401 - it has no types
    """Import the library without letting it take standard output.

    It would open descriptor 1 a second time, and close it when it is dropped (2.1.3).
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import speedtest  # noqa: PLC0415 - only this engine needs it
    except ImportError:
        raise MeasurementError(
            Failure.LOCAL_RESOURCE,
            "speedtest-cli is not installed: pip install 'linewatch[ookla]'",
        ) from None
    return speedtest


def _ask(find: Callable[[str | None], _Found], order: Order, guard: Guard) -> _Found:
    """Run the library in a thread; it is left behind when the time is over."""
    answer: queue.SimpleQueue[_Found | Exception] = queue.SimpleQueue()
    source = _source_address(order)

    def work() -> None:
        try:
            answer.put(find(source))
        except Exception as error:  # noqa: BLE001 - the library raises anything; it is translated
            answer.put(error)

    start(threading.Thread(target=work, name="speedtest.net", daemon=True))
    until = time.monotonic() + SERVICE_SECONDS
    while time.monotonic() < until:
        guard.check()
        try:
            result = answer.get(timeout=guard.slice_until(until))
        except queue.Empty:
            continue
        if isinstance(result, Exception):
            raise _translate(result)
        return result
    raise MeasurementError(
        Failure.DEADLINE, f"speedtest.net did not answer within {SERVICE_SECONDS:.0f} s"
    )


def _source_address(order: Order) -> str | None:
    """Return the address to ask from: the library cannot leave by an interface's name."""
    if order.interface is None:
        return None
    family = socket.AF_INET6 if order.family == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6
    with contextlib.suppress(OSError):  # the test itself will say what is wrong with it
        return interface_address(order.interface, family)
    return None


def _translate(error: Exception) -> MeasurementError:
    """Return what the library raised as a failure of the closed list."""
    from urllib.error import HTTPError, URLError  # noqa: PLC0415 - loads what no other test needs

    # ConfigRetrievalError and ServersRetrievalError carry what urllib raised as their argument.
    causes = [each for each in error.args if isinstance(each, Exception)]
    cause = causes[0] if causes else error
    if isinstance(cause, MeasurementError):
        return cause
    if isinstance(cause, HTTPError):
        code = Failure.SERVER_BUSY if cause.code in _BUSY else Failure.BAD_ANSWER
        return MeasurementError(code, f"speedtest.net answered {cause.code} {cause.reason}")
    if isinstance(cause, URLError) and isinstance(cause.reason, Exception):
        cause = cause.reason
    if isinstance(cause, socket.gaierror):
        return classify(cause, "resolve", "www.speedtest.net")
    if isinstance(cause, OSError):
        return classify(cause, "connect", "www.speedtest.net")
    if type(error).__name__ == "NoMatchedServers":
        return MeasurementError(
            Failure.NOT_A_SERVER, "speedtest.net gave no list with a server of that number"
        )
    said = str(error) or type(error).__name__
    return MeasurementError(Failure.BAD_ANSWER, f"speedtest.net's answer is of no use: {said}")


def _entry(server: Mapping[str, Any]) -> ServerEntry | None:
    """Return a server of the list as an entry; None where it lacks what an entry needs."""
    try:
        return ServerEntry(
            name=f"{OOKLA_ENGINE}-{server['id']}",
            url=server["url"],
            engine=OOKLA_ENGINE,
            network=f"{server.get('sponsor', '')} ({server.get('name', '')})"[:500],
        )
    except (KeyError, ValidationError):
        return None


def _of_family(address: str | None, order: Order) -> str | None:
    """Return the address that the service saw, where the test has the same address family."""
    try:
        same = ipaddress.ip_address(address or "").version == order.family
    except ValueError:
        return None
    return address if same else None
