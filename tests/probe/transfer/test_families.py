"""How long a far end takes over one address family."""

import time

from probe.transfer.dial import Dialer, Target
from probe.transfer.families import _ask
from probe.transfer.guard import Guard
from tests.probe.far_end import Handler, answer, plain_backend


def test_what_the_server_spent_itself_is_no_time_of_connecting() -> None:
    """Of 0.3 s until an answer, 0.25 s of them the server's own by its word, neither the connecting
    nor the round trip has those 0.25 s.
    """

    def late(request: Handler) -> None:
        time.sleep(0.3)
        answer(request, b"", headers={"Server-Timing": "linewatch;dur=250.000"})

    with plain_backend({"empty.php": late}) as url:
        started = time.monotonic()
        connecting, answering = _ask(Dialer(Target.of(url), Guard(started + 20)))
        whole = time.monotonic() - started
    assert 0 < connecting <= whole - answering - 0.25
    assert answering >= 0.05
