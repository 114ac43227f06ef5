"""A carrier's networks, from lists as they are found."""

import pytest

from collector.domain.prefixes import PrefixError, parse_prefixes
from protocol.messages import MAX_CARRIER_PREFIXES


def texts(lines: str, *systems: int) -> list[str]:
    """Return the networks of a list as text."""
    return [str(network) for network in parse_prefixes(lines.splitlines(), systems)]


def test_a_list_of_ones_own_is_joined() -> None:
    """Comments and empty lines are left out, neighbours and parts join, IPv4 stands first."""
    found = texts(
        "# VNPT\n\n2001:db8::/32\n203.0.113.0/25  # Hà Nội\n203.0.113.128/25\n"
        "203.0.113.7/32\n198.51.100.0/24\n2001:db8:7::/48\n"
    )
    assert found == ["198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]


@pytest.mark.parametrize(
    "lines",
    [
        "203.0.113.0/24 AS64500\n198.51.100.0/24 64501\n",
        "203.0.113.0\t24\t64500\n198.51.100.0\t24\t64501\n",
        "% riswhoisdump\n64500\t203.0.113.0/24\t310\n64501\t198.51.100.0/24\t9\n",
        "203.0.113.0\t24\t64502_64500\n198.51.100.0\t24\t64501\n",
        "203.0.113.0\t24\t64500,64502\n198.51.100.0\t24\t64501\n",
    ],
)
def test_lists_with_systems_give_what_is_asked_for(lines: str) -> None:
    """Only networks that the AS announces, alone or with others, in each known form."""
    assert texts(lines, 64500) == ["203.0.113.0/24"]
    assert texts(lines, 64500, 64501) == ["198.51.100.0/24", "203.0.113.0/24"]


@pytest.mark.parametrize(
    "lines,systems,said",
    [
        ("203.0.113.0/24\nnonsense\n", (), "line 2: 'nonsense'"),
        ("203.0.113.1/24\n", (), "line 1: 203.0.113.1/24 has host bits set"),
        ("a b c d\n", (), "line 1: 'a b c d' is no network"),
        ("0.0.0.0/0\n", (), "line 1: 0.0.0.0/0 is too wide"),
        ("::/0\n", (), "too wide"),
        ("# nothing\n", (), "the list has no network"),
        ("203.0.113.0/24 64500\n", (), "say which with --asn"),
        ("203.0.113.0/24\n", (64500,), "names no AS"),
        ("203.0.113.0/24 64500\n", (64501,), "no network of AS 64501"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    lines: str, systems: tuple[int, ...], said: str
) -> None:
    """A list that cannot be used changes nothing, and says why."""
    with pytest.raises(PrefixError, match=said.replace("'", ".")):
        texts(lines, *systems)


def test_more_than_a_probe_takes_is_refused() -> None:
    """Networks that join do not count; more than the bound is said with its number."""
    apart = [f"10.{n // 128}.{n % 128 * 2}.0/24" for n in range(MAX_CARRIER_PREFIXES + 1)]
    with pytest.raises(PrefixError, match=f"has {MAX_CARRIER_PREFIXES + 1} networks"):
        parse_prefixes(apart)
    assert len(parse_prefixes(apart[:-1])) == MAX_CARRIER_PREFIXES
