"""Who takes too much of the processor waits, and nobody else."""

import time

import pytest

from server.pace import Account, Pace
from tests.server.conftest import Client, Connect, Serve


class _Pace(Pace):
    """A pace by a clock that the test sets; waiting takes no time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []
        super().__init__(self.waits.append, lambda: self.now, lambda _: None)


def test_a_tests_requests_do_not_wait() -> None:
    """An address that takes less than a quarter of a processor never waits, however long."""
    pace = _Pace()
    for _ in range(1000):
        pace.pay("10.0.0.1", 0.02)
        pace.now += 0.1
    assert pace.waits == []


def test_too_much_is_paid_with_waiting() -> None:
    """What was taken above an eighth of a second at once takes four times as long to pay off."""
    pace = _Pace()
    pace.pay("10.0.0.1", 0.125)
    assert pace.waits == []
    pace.pay("10.0.0.1", 1.0)
    assert pace.waits == [pytest.approx(4.0)]
    pace.now += 4.5
    pace.pay("10.0.0.1", 0.125)
    assert len(pace.waits) == 1


def test_connections_of_an_address_pay_together() -> None:
    """Many connections that each take a little wait, too; another address does not."""
    pace = _Pace()
    for number in range(100):
        Account(pace, "10.0.0.1", lambda: 0.01).pay()
        Account(pace, f"10.0.1.{number}", lambda: 0.01).pay()
    assert sum(wait > 0 for wait in pace.waits) == len(pace.waits) >= 80
    assert max(pace.waits) == pytest.approx(100 * 0.01 / 0.25 - 0.5)


def test_a_thread_pays_once_and_not_for_bytes() -> None:
    """Each piece of time is paid once; what a transfer's bytes took is not paid at all."""
    pace, spent = _Pace(), [1.0]
    account = Account(pace, "10.0.0.1", lambda: spent[0])
    account.pay()
    spent[0] = 9.0
    account.forgive()
    spent[0] = 9.5
    account.pay()
    account.pay()
    assert pace.waits == [pytest.approx(1.0 / 0.25 - 0.5)] + [pytest.approx(1.5 / 0.25 - 0.5)] * 2


def test_endless_requests_wait(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that sends request upon request is held back; the metrics tell of it."""
    # On a busy machine a quarter of a processor may be more than all of the server gets.
    monkeypatch.setattr("server.pace._SHARE", 0.02)
    server = serve()
    greedy, other = connect(server), connect(server, source="127.0.0.2")
    until = time.monotonic() + 20
    while not (waited := _waited(other)) and time.monotonic() < until:
        greedy.send(b"GET /empty.php HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        for _ in range(50):
            assert greedy.answer().status == 200
    assert waited > 0


def test_transfers_do_not_wait(serve: Serve, connect: Connect) -> None:
    """Downloads and uploads as fast as they go are not held back, whatever they cost."""
    client = connect(serve())
    for _ in range(4):
        assert client.ask("/garbage.php?ckSize=128").status == 200
        assert client.ask("/empty.php", "POST", bytes(128 * 1024 * 1024)).status == 200
    assert _waited(client) == 0


def _waited(client: Client) -> float:
    text = client.ask("/metrics").body.decode()
    name = "linewatch_server_waited_seconds_total "
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))
