"""Paths and IPv6 readiness on a probe with two uplinks, in network namespaces."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from probe.transfer.families import ENOUGH, SLOWER_SECONDS, SLOWER_SHARE, is_slower
from protocol.results import FamilyTimes, Ipv6Readiness
from tests.probe.paths.uplinks import TOP, Uplinks, address, uplinks, wait_for

ROUTES = str(TOP / "deploy/linewatch-routes")

BY_A = {
    "IPv4": ["a", "192.0.2.1", "198.51.100.2"],
    "IPv6": ["a", "2001:db8:f::1", "2001:db8:a::2"],
}
BY_B = {
    "IPv4": ["b", "192.0.2.2", "203.0.113.2"],
    "IPv6": ["b", "2001:db8:f::2", "2001:db8:b::2"],
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uplinks]:
    """Return a probe with two uplinks."""
    with uplinks(tmp_path_factory.mktemp("uplinks")) as made:
        yield made


def check_paths(lines: Uplinks, *how: str) -> None:
    """Each path's test goes by its own line, to the address that its own name server gave."""
    found = json.loads(lines.python("tests.probe.paths.measure", "paths", *how))
    for interface, expected, router in (
        ("up0", BY_A, "198.51.100.1"),
        ("up1", BY_B, "203.0.113.1"),
    ):
        path = found[interface]
        assert {family: path[family] for family in expected} == expected
        assert (path["targets"]["gateway"], path["targets"]["dns"]) == (router, router)
        assert path["readiness"] == "ready"


def test_each_path_leaves_by_its_own_line(lines: Uplinks) -> None:
    """Bytes, names, gateway and both families of a path go by its interface, though the system's
    only name server and its better route are the other line's.
    """
    check_paths(lines)


def rules(lines: Uplinks) -> list[str]:
    """Return the probe's rules of both families that are neither the kernel's own."""
    found = []
    for family in ("-4", "-6"):
        words = ["ip", "-json", family, "rule", "show"]
        done = subprocess.run(lines.inside("probe", words), capture_output=True, check=True)
        found += [rule["src"] for rule in json.loads(done.stdout) if rule["priority"] == 20200]
    return sorted(found)


BOTH = ["198.51.100.2", "2001:db8:a::2", "2001:db8:b::2", "203.0.113.2"]


def test_routes_by_source_carry_a_path_without_the_right_to_its_interface(lines: Uplinks) -> None:
    """Where the system does not let the probe bind to an interface, its address does, with the
    routes that deploy/ sets: they follow what comes and goes, and one uplink needs none.
    """
    watching = subprocess.Popen(lines.inside("probe", [ROUTES, "--watch"]), stderr=subprocess.PIPE)
    try:
        assert wait_for(lambda: rules(lines) == BOTH), rules(lines)
        check_paths(lines, "refused")
        lines.ip("probe", "link set up1 down")
        assert wait_for(lambda: rules(lines) == []), rules(lines)
        lines.ip("probe", "address flush dev up1")
        address(lines, "b")
        assert wait_for(lambda: rules(lines) == BOTH), rules(lines)
        again = subprocess.run(lines.inside("probe", [ROUTES]), capture_output=True, check=False)
        assert (again.returncode, again.stderr) == (0, b"")
    finally:
        watching.terminate()
        _, said = watching.communicate(timeout=10)
        # With one uplink left, the program takes all of it away again.
        lines.ip("probe", "link set up1 down")
        subprocess.run(lines.inside("probe", [ROUTES]), check=True)
    assert said == b""


@pytest.fixture(scope="module")
def readiness(lines: Uplinks) -> dict[str, Any]:
    """Return what reach finds in each state that the first line's IPv6 is brought to."""
    found: dict[str, Any] = json.loads(lines.python("tests.probe.paths.measure", "ipv6"))
    return found


@pytest.mark.parametrize(
    "state", ["ready", "slower", "no_name", "no_answer", "no_route", "no_address", "unknown"]
)
def test_ipv6_readiness_names_the_first_step_that_fails(
    readiness: dict[str, Any], state: str
) -> None:
    """IPv6 that works, is late, has no names, is swallowed on its way, has no route or only an
    address of the house, and a far end without IPv6, are each told apart.
    """
    found = Ipv6Readiness.model_validate(readiness[state]["ipv6"])
    assert found.state == state
    assert found.answers is {"ready": True, "slower": True, "no_answer": False}.get(state)
    assert (found.failure is None) == (state != "no_answer")
    assert found.slower is {"ready": False, "slower": True}.get(state)


def test_both_families_are_timed_side_by_side(readiness: dict[str, Any]) -> None:
    """The record holds how long each family took; one that is swallowed leaves the other whole."""
    for state, answered in (("slower", (5, 5)), ("no_answer", (5, 0))):
        found = readiness[state]["ipv6"]
        assert (found["ipv4"]["answered"], found["ipv6"]["answered"]) == answered
        assert found["ipv4"]["connect_seconds"] > 0
    assert readiness["slower"]["ipv6"]["ipv6"]["answer_seconds"] >= 0.06
    assert readiness["no_answer"]["ipv6"]["ipv6"]["connect_seconds"] is None


def test_a_far_end_that_is_away_says_nothing_of_ipv6(readiness: dict[str, Any]) -> None:
    """Where the far end answers over neither family, whether IPv6 works is not known."""
    found = Ipv6Readiness.model_validate(readiness["refused"]["ipv6"])
    assert (found.state, found.answers) == ("unknown", None)
    assert found.failure is not None


def test_the_targets_of_a_family_that_is_missing_fail_with_its_reason(
    readiness: dict[str, Any],
) -> None:
    """Without IPv6 the server over IPv6 has no route; over IPv4 it is reached as before."""
    targets = {
        one["ip_version"]: one
        for one in readiness["no_address"]["targets"]
        if one["name"] == "server"
    }
    assert targets[4]["reached"]
    assert targets[6]["failure"]["code"] == "no_route"


def times(seconds: float, answered: int = ENOUGH) -> FamilyTimes:
    """Return a family's times."""
    half = seconds / 2
    return FamilyTimes(connect_seconds=half, answer_seconds=half, asked=5, answered=answered)


@pytest.mark.parametrize(
    "four, six, slower",
    [
        (0.010, 0.010 + SLOWER_SECONDS * 0.99, False),
        (0.010, 0.010 + SLOWER_SECONDS * 1.01, True),
        (0.200, 0.200 * (1 + SLOWER_SHARE * 0.99), False),
        (0.200, 0.200 * (1 + SLOWER_SHARE * 1.01), True),
        (0.200, 0.010, False),
    ],
)
def test_slower_needs_both_bounds(four: float, six: float, *, slower: bool) -> None:
    """A difference counts above 10 ms and above a fifth, and only in one direction."""
    assert is_slower(times(four), times(six)) is slower


def test_too_few_answers_compare_nothing() -> None:
    """With too few answers of a family it is not known which one is slower."""
    assert is_slower(times(0.01, ENOUGH - 1), times(0.5)) is None
    assert is_slower(times(0.01), times(0.5, ENOUGH - 1)) is None
    assert is_slower(None, times(0.5)) is None
