"""Which server stands beside another."""

import pytest

from probe.neighbour import neighbour_of
from protocol.messages import ServerEntry


def entry(name: str, stamp: str | None = None, network: str | None = None) -> ServerEntry:
    """Return a server on a host of its own name."""
    return ServerEntry(name=name, url=f"http://{name}.example:8080", stamp=stamp, network=network)


MAIN = entry("main", "main.example:8080", "one")


@pytest.mark.parametrize(
    "others,chosen",
    [
        ([], None),
        ([entry("silent")], None),
        ([entry("twin", "main.example:9000", "two")], None),
        ([entry("near", "near.example:8080", "one")], "near"),
        (
            [entry("near", "near.example:8080", "one"), entry("far", "far.example:862", "two")],
            "far",
        ),
    ],
)
def test_the_neighbour_is_another_machine_of_another_network_if_there_is_one(
    others: list[ServerEntry], chosen: str | None
) -> None:
    """One without a reflector, or on the same machine, tells nothing."""
    found = neighbour_of(MAIN, [MAIN, *others])
    assert (found.name if found else None) == chosen


def test_without_a_server_there_is_no_neighbour() -> None:
    """A slot without a server has none beside it."""
    assert neighbour_of(None, [MAIN]) is None
