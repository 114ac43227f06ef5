"""The rules on name servers, IPv4, IPv6 and double NAT."""

from collections.abc import Mapping

import pytest

from probe.acceptance.finding import Result
from probe.acceptance.network import Translation, dns, ipv4, ipv6, translated
from protocol.failures import Failure
from protocol.results import FailureReport, FamilyTimes, Ipv6Readiness, ReachTarget


@pytest.mark.parametrize(
    "answers,result",
    [
        ({"192.168.1.1": 0.004}, Result.OK),
        ({"192.168.1.1": 0.004, "8.8.8.8": None}, Result.WARN),
        ({"192.168.1.1": None}, Result.MEND),
        ({}, Result.MEND),
    ],
)
def test_name_servers_answer(answers: Mapping[str, float | None], result: Result) -> None:
    """One that is silent costs seconds at each question; without any nothing is found."""
    assert dns(answers).result is result


def target(name: str, *, reached: bool, code: Failure | None = None) -> ReachTarget:
    """Return a target of the reach check, over IPv4."""
    return ReachTarget.model_validate(
        {
            "name": name,
            "target": "192.0.2.7",
            "ip_version": 4,
            "reached": reached,
            "round_trip_seconds": 0.01 if reached else None,
            "failure": None
            if reached
            else FailureReport(code=code or Failure.CONNECT_TIMEOUT, detail="-"),
        }
    )


ROUTER = target("gateway", reached=True)
NO_ROUTER = target("gateway", reached=False)


@pytest.mark.parametrize(
    "targets,result",
    [
        ([ROUTER, target("server", reached=True)], Result.OK),
        ([NO_ROUTER, target("server", reached=True)], Result.OK),
        ([ROUTER], Result.OK),
        ([ROUTER, target("server", reached=False)], Result.MEND),
        ([ROUTER, target("server", reached=False, code=Failure.NO_ADDRESS)], Result.OK),
        ([NO_ROUTER], Result.UNKNOWN),
        ([target("gateway", reached=False, code=Failure.NO_ROUTE)], Result.MEND),
        ([], Result.MEND),
    ],
)
def test_ipv4_leads_out(targets: list[ReachTarget], result: Result) -> None:
    """A router may ignore pings where the server is reached; a server out of reach is mended."""
    assert ipv4(targets).result is result


def readiness(*, address: bool, answers: bool | None) -> Ipv6Readiness:
    """Return how far IPv6 goes."""
    times = FamilyTimes(asked=5, answered=5, connect_seconds=0.01, answer_seconds=0.01)
    return Ipv6Readiness(
        has_address=address,
        has_route=True if address else None,
        resolves=True if address else None,
        far_end="http://speed.example/" if address else None,
        answers=answers,
        failure=None,
        ipv4=times if address else None,
        ipv6=times if answers else None,
        slower=False if answers else None,
    )


@pytest.mark.parametrize(
    "found,result",
    [
        (readiness(address=True, answers=True), Result.OK),
        (readiness(address=True, answers=False), Result.WARN),
        (readiness(address=False, answers=None), Result.WARN),
        (None, Result.UNKNOWN),
    ],
)
def test_ipv6_is_told_and_hinders_nothing(found: Ipv6Readiness | None, result: Result) -> None:
    """Many lines have none: that is for the carrier, not for the technician to mend."""
    assert ipv6(found).result is result


@pytest.mark.parametrize(
    "reading,result,word",
    [
        (Translation("192.168.1.9", ("192.168.1.1", "27.68.0.1")), Result.OK, "27.68.0.1"),
        (Translation("192.168.1.9", ("192.168.1.1", "10.0.0.1")), Result.WARN, "10.0.0.1"),
        (Translation("192.168.1.9", ("192.168.1.1", "100.70.0.1")), Result.WARN, "CGNAT"),
        (Translation("192.168.1.9", ("192.168.1.1", None)), Result.UNKNOWN, "UPnP"),
        (Translation("192.168.1.9", external="27.68.1.2", seen="27.68.1.2"), Result.OK, "27."),
        (Translation("192.168.1.9", external="192.168.100.2"), Result.WARN, "192.168.100.2"),
        (Translation("192.168.1.9", external="100.64.3.4"), Result.WARN, "CGNAT"),
        (Translation("192.168.1.9", external="27.68.1.2", seen="27.68.9.9"), Result.WARN, "27."),
        (Translation("100.64.1.2"), Result.WARN, "CGNAT"),
        (Translation("27.68.1.2"), Result.OK, "27.68.1.2"),
        # What the router says of itself counts more than who answers behind it.
        (
            Translation("192.168.1.9", ("192.168.1.1", "10.0.0.1"), external="27.68.1.2"),
            Result.OK,
            "27.68.1.2",
        ),
        (Translation(None), Result.UNKNOWN, "IPv4"),
    ],
)
def test_a_second_translation_is_told_and_the_carriers_apart(
    reading: Translation, result: Result, word: str
) -> None:
    """Two private hops, or a router whose own outer address is not the one that is seen."""
    finding = translated(reading)
    assert finding.result is result
    assert word in finding.said.vi
    assert word in finding.said.en
