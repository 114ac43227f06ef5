"""Whether a path is ready for IPv6, and whether IPv6 is slower than IPv4 to the same far end."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, Literal

from probe.conditions.route import has_ipv6_route, ipv6_addresses, is_global_unicast
from probe.engine import MeasurementError, Order
from probe.transfer.dial import Dialer, Target
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from probe.transfer.names import NameServers, is_address, is_public_name, resolve
from protocol.constants import EMPTY
from protocol.results import FailureReport, FamilyTimes, Ipv6Readiness

TRIES: Final = 5
"""Tries of each family, by turns: the median of five stands two that a busy line delayed."""

ENOUGH: Final = 3
"""Fewer answers than this make no median worth comparing."""

SLOWER_SECONDS: Final = 0.010
"""A difference below this is none: clients that try both families side by side wait at least as
long before they give one up (RFC 8305, section 8: the least Connection Attempt Delay)."""

SLOWER_SHARE: Final = 0.2
"""Nor is one below a fifth of IPv4's time: over a long path medians of five differ by as much as
its jitter makes them."""

Family = Literal[4, 6]
_BY_TURNS: Final[tuple[Family, Family]] = (6, 4)


def ipv6_readiness(
    far_ends: Sequence[str], order: Order, names: NameServers, root: Path = Path("/")
) -> Ipv6Readiness:
    """Return how far IPv6 goes on a path; ends by the order's deadline.

    Args:
        far_ends: URLs of HTTP servers, the measurement server first.
        order: interface, deadline and the wish to stop.
        names: the path's name servers.
        root: the file system's root.
    """
    guard = Guard.of(order)
    addresses = ipv6_addresses(order.interface, root)
    has_address = any(is_global_unicast(address) for address in addresses)
    has_route = has_ipv6_route(order.interface, root) if has_address else None
    far_end, resolves = _choose(far_ends, names, guard) if has_route else (None, None)
    times: dict[Family, FamilyTimes] = {}
    failure: FailureReport | None = None
    if far_end is not None:
        times, failure = _side_by_side(far_end, order)
    ipv4, ipv6 = times.get(4), times.get(6)
    answers = True if ipv6 and ipv6.answered else None
    if answers is None and ipv4 and ipv4.answered:
        # It is there: IPv6 is what does not work.
        answers = False
    return Ipv6Readiness(
        has_address=has_address,
        has_route=has_route,
        resolves=resolves,
        far_end=far_end,
        answers=answers,
        failure=failure,
        ipv4=ipv4,
        ipv6=ipv6,
        slower=is_slower(ipv4, ipv6),
    )


def is_slower(ipv4: FamilyTimes | None, ipv6: FamilyTimes | None) -> bool | None:
    """Return whether IPv6 takes longer to connect and be answered, by more than the two bounds.

    None where either family was not answered `ENOUGH` times.
    """
    four, six = _whole_seconds(ipv4), _whole_seconds(ipv6)
    if four is None or six is None:
        return None
    return six - four > max(SLOWER_SECONDS, SLOWER_SHARE * four)


def _whole_seconds(times: FamilyTimes | None) -> float | None:
    if times is None or times.answered < ENOUGH:
        return None
    if times.connect_seconds is None or times.answer_seconds is None:
        return None
    return times.connect_seconds + times.answer_seconds


def _choose(
    far_ends: Sequence[str], names: NameServers, guard: Guard
) -> tuple[str | None, bool | None]:
    """Return a far end that has IPv6, one with a name where there is any, and `resolves`.

    A name server that tells IPv4 addresses and cannot be asked for the others is what `resolves`
    calls false: "there is none" is an answer.
    """
    without: Target | None = None
    literal: str | None = None
    for url in far_ends:
        with contextlib.suppress(MeasurementError):
            target = Target.of(url)
            if is_address(target.host):
                literal = literal or (url if ":" in target.host else None)
                continue
            without = without or target
            resolve(target.host, target.port, 6, guard, names=names)
            return url, _told(target.host, names, guard)
    if literal is not None or without is None:
        return literal, None
    return None, _told(without.host, names, guard)


def _told(host: str, names: NameServers, guard: Guard) -> bool | None:
    """Return whether the path's name servers tell a name's IPv6 address; None: it has none."""
    if not is_public_name(host):
        return None
    try:
        return True if names.ask(host, "AAAA", guard).addresses else None
    except MeasurementError:
        with contextlib.suppress(MeasurementError):
            return False if names.ask(host, "A", guard).addresses else None
    return None


def _side_by_side(url: str, order: Order) -> tuple[dict[Family, FamilyTimes], FailureReport | None]:
    """Ask a far end over both families by turns; return their times, and why IPv6 gave none.

    A try before the first one counted resolves the name. A family that fails is asked no more.
    """
    target, guard = Target.of(url), Guard.of(order)
    dialers = {family: Dialer(target, guard, order.interface, family) for family in _BY_TURNS}
    found: dict[Family, list[tuple[float, float]]] = {family: [] for family in _BY_TURNS}
    failed: dict[Family, FailureReport] = {}
    for number in range(1 + TRIES):
        for family, dialer in dialers.items():
            if family in failed:
                continue
            try:
                taken = _ask(dialer)
            except MeasurementError as error:
                failed[family] = error.report
                continue
            if number:
                found[family].append(taken)
    failure = None if found[6] else failed.get(6)
    return {family: _times(found[family]) for family in _BY_TURNS}, failure


def _ask(dialer: Dialer) -> tuple[float, float]:
    """Return the seconds until a request could be sent, and from there to its answer's head.

    What was taken off the answer (`Answer.taken_off_seconds`) is no part of either.

    Any answer of HTTP will do: what it says is the far end's business.
    """
    client = Client(dialer)
    started = time.monotonic()
    try:
        answer = client.get(dialer.target.path + EMPTY)
    finally:
        client.close()
    whole = time.monotonic() - started
    return whole - answer.seconds - answer.taken_off_seconds, answer.seconds


def _times(found: Sequence[tuple[float, float]]) -> FamilyTimes:
    return FamilyTimes(
        connect_seconds=median(connect for connect, _ in found) if found else None,
        answer_seconds=median(answer for _, answer in found) if found else None,
        asked=TRIES,
        answered=len(found),
    )
