"""Which other server stands beside the one that is measured to."""

from collections.abc import Sequence

from probe.transfer.dial import Target
from protocol.constants import DEFAULT_ENGINE
from protocol.messages import ServerEntry


def neighbour_of(server: ServerEntry | None, known: Sequence[ServerEntry]) -> ServerEntry | None:
    """Return the neighbour of a server: always the same; None where there is none.

    The first that names a reflector, is another machine and stands in another network, as far as
    the networks are known; else the first without regard to the network. What two servers of one
    network share would be taken for the line's.
    """
    if server is None:
        return None
    others = [
        each
        for each in known
        if each.engine == DEFAULT_ENGINE and each.stamp is not None and _host(each) != _host(server)
    ]
    elsewhere = [each for each in others if each.network != server.network]
    return next(iter(elsewhere or others), None)


def _host(entry: ServerEntry) -> str:
    return (entry.stamp or Target.of(entry.url).authority).rpartition(":")[0]
