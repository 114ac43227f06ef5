"""The section of a simulated `reach` record: what answers, and how far IPv6 goes."""

import random
from functools import cache
from typing import Any, Final

from protocol.failures import Failure
from protocol.results import FailureReport, FamilyTimes, Ipv6Readiness, Reach, ReachTarget
from simulate.registry import SERVER_ADDRESSES, SERVERS
from simulate.text import NULL, Template, failure_text, seconds_text, string
from simulate.troubles import Where

GATEWAY: Final = "192.168.1.1"
NO_ROUTE: Final = failure_text("no_route", "cannot connect: Network is unreachable")
NO_NAME: Final = failure_text("no_address", "the name has no IPv6 address")
TIMED_OUT: Final = failure_text("connect_timeout", "no connection within 5 s")
NO_GATEWAY: Final = failure_text("no_replies", "the gateway does not answer")
NO_ANSWER: Final = failure_text("no_replies", "no name server answers")

_IPV6_REASONS: Final = {
    "no_address": NO_ROUTE,
    "no_route": NO_ROUTE,
    "no_name": NO_NAME,
    "no_answer": TIMED_OUT,
}
_STEPS: Final = ("has_address", "has_route", "resolves", "answers")
_FAILING_STEP: Final = {"no_address": 0, "no_route": 1, "no_name": 2, "no_answer": 3}
_TIMES: Final = ("connect_seconds", "answer_seconds")
_TARGET_HOLES: Final = (
    "name",
    "target",
    "ip_version",
    "reached",
    "round_trip_seconds",
    "failure",
)


@cache
def _target_template() -> Template:
    sample = ReachTarget(
        name="gateway",
        target=GATEWAY,
        ip_version=None,
        reached=True,
        round_trip_seconds=None,
        failure=None,
    )
    return Template(sample, _TARGET_HOLES)


def _target(name: str, where: str, family: int | None, answer: int | str) -> str:
    """Return a target: ``answer`` is its round trip in µs, or why there is none."""
    reached = isinstance(answer, int)
    values: dict[str, Any] = {
        "name": f'"{name}"',
        "target": string(where),
        "ip_version": family or NULL,
        "reached": "true" if reached else "false",
        "round_trip_seconds": seconds_text(answer) if isinstance(answer, int) else NULL,
        "failure": NULL if isinstance(answer, int) else answer,
    }
    return _target_template().fill(values)


@cache
def _ipv6_template(state: str, server: int, cut: Where | None) -> Template:
    """Return the steps of IPv6 up to the first that fails, with holes for the times."""
    failing = _FAILING_STEP.get(state, len(_STEPS))
    if cut:
        # Without the line no name is resolved; what the device itself has is as before.
        failing = min(failing, _FAILING_STEP["no_answer" if cut == "beyond" else "no_name"])
    steps: dict[str, Any] = {
        step: None if number > failing else number < failing for number, step in enumerate(_STEPS)
    }
    if cut and cut != "beyond" and failing == _FAILING_STEP["no_name"]:
        # Nobody answered for either family: it is not known whose fault it is.
        steps["resolves"] = None
    asked = failing >= _FAILING_STEP["no_answer"]
    times = FamilyTimes(connect_seconds=0.1, answer_seconds=0.1, asked=3, answered=3)
    none = FamilyTimes(connect_seconds=None, answer_seconds=None, asked=3, answered=0)
    good = not cut and state in ("ready", "slower")
    sample = Ipv6Readiness(
        **steps,
        far_end=SERVERS[server].url if asked else None,
        failure=FailureReport(code=Failure.CONNECT_TIMEOUT, detail="no connection within 5 s")
        if asked and not good
        else None,
        ipv4=(none if cut else times) if asked else None,
        ipv6=(times if good else none) if asked else None,
        slower=state == "slower" if asked and good else None,
    )
    families = ("ipv4", "ipv6") if good else ("ipv4",)
    timed = families if asked and not cut else ()
    holes = [f"{family}.{name}" for family in timed for name in _TIMES]
    return Template(sample, holes)


def _ipv6(state: str, server: int, trip_us: int, cut: Where | None) -> str:
    slower_us = trip_us * 2 + 9_000 if state == "slower" else trip_us + 150
    values = {
        "ipv4.connect_seconds": seconds_text(trip_us),
        "ipv4.answer_seconds": seconds_text(trip_us + 400),
        "ipv6.connect_seconds": seconds_text(slower_us),
        "ipv6.answer_seconds": seconds_text(slower_us + 400),
    }
    return _ipv6_template(state, server, cut).fill(values)


@cache
def _reach_template() -> Template:
    return Template(Reach(targets=()), ("targets", "ipv6"))


def reach_text(server: int, trip_us: int, ipv6: str, cut: Where | None, dice: random.Random) -> str:
    """Return the section.

    Args:
        server: the measurement server's number in `SERVERS`.
        trip_us: the round trip to it.
        ipv6: how far the line's IPv6 goes.
        cut: where the way is cut now; None: nowhere.
        dice: for what differs from one time to the next.
    """
    away = TIMED_OUT if cut else None
    far = (server + 1) % len(SERVERS)
    far_us = trip_us + 9_000
    noise = dice.randrange(200, 900)
    nameless = cut in ("gateway", "access")
    no_ipv6 = _IPV6_REASONS.get(ipv6)
    targets = [
        _target("gateway", GATEWAY, 4, NO_GATEWAY if cut == "gateway" else noise),
        _target("dns", GATEWAY, 4, NO_ANSWER if nameless else trip_us + noise),
    ]
    for name, number, us in (("server", server, trip_us), ("ipv4", far, far_us)):
        address, other = SERVER_ADDRESSES[number][4], SERVER_ADDRESSES[number][6]
        url = SERVERS[number].url
        second = "ipv6" if name == "ipv4" else name
        targets.append(_target(name, url if cut else address, 4, away or us + noise))
        lost = no_ipv6 or away
        targets.append(_target(second, url if lost else other, 6, lost or us + noise))
    return _reach_template().fill(
        {
            "targets": f"[{','.join(targets)}]",
            "ipv6": _ipv6(ipv6, server, trip_us, cut),
        }
    )
