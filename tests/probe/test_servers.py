"""Which server a slot goes to, and what speaks with it."""

import pytest

from probe.engine import Engine
from probe.servers import NoServerError, Servers, choose_server
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.records import Task
from tests.probe.support import ENGINES, SERVER, never, path, slot


def engine(name: str) -> Engine:
    """Return an engine for speed that measures nothing."""
    return Engine(name, "7", Task.SPEED, 60.0, never)


PLAIN = ServerEntry(name="plain", url="http://plain.example")
IPERF3 = ServerEntry(name="fast", url="iperf3://fast.example", engine="iperf3")
OOKLA = ServerEntry(name="ookla", url="https://www.speedtest.net/", engine="ookla")
STRANGE = ServerEntry(name="strange", url="http://strange.example", engine="morse")
BY_NAME = {"iperf3": engine("iperf3"), "ookla": engine("ookla")}
SERVERS = Servers(ENGINES, BY_NAME)


def test_a_task_without_turns_always_has_the_same_server() -> None:
    """Latency goes to the first server with a reflector, if any names one; reach to the first."""
    for task in (Task.SPEED, Task.REACH):
        assert choose_server(task, [PLAIN, SERVER]) == PLAIN
    assert choose_server(Task.LATENCY, [PLAIN, SERVER]) == SERVER
    assert choose_server(Task.LATENCY, [PLAIN]) == PLAIN
    assert choose_server(Task.SPEED, []) is None


def test_a_paths_servers_come_first() -> None:
    """Where a path names servers, latency and reach ask its main one, not the list's first."""
    assert choose_server(Task.REACH, [PLAIN, SERVER], ["server", "plain"]) == SERVER
    assert choose_server(Task.LATENCY, [PLAIN, SERVER], ["plain"]) == SERVER
    assert choose_server(Task.REACH, [PLAIN, SERVER], ["gone"]) == PLAIN


def test_a_service_of_others_is_never_asked_unasked() -> None:
    """No task goes to Ookla's servers because they stand first, nor because nothing else does; a
    server of another engine is used where there is no usual one.
    """
    assert choose_server(Task.REACH, [OOKLA, IPERF3, PLAIN]) == PLAIN
    assert choose_server(Task.REACH, [OOKLA]) is None
    assert choose_server(Task.SPEED, [IPERF3]) == IPERF3


def test_a_slot_goes_to_the_server_whose_turn_it_is() -> None:
    """The server is found by its name, and the engine that speaks with it measures."""
    there = path(servers=("fast", "plain"))
    for server in (IPERF3, PLAIN):
        found = SERVERS.assign(slot(server=server.name), there, [PLAIN, IPERF3])
        assert (found.server, found.engine.name) == (server, server.engine)


def test_without_turns_a_slot_goes_to_the_first_server() -> None:
    """A path that names no servers is measured as ever."""
    assert SERVERS.assign(slot(), path(), [PLAIN, SERVER]).server == PLAIN
    assert SERVERS.assign(slot(Task.LATENCY), path(), [PLAIN, SERVER]).server == SERVER


@pytest.mark.parametrize(
    "name, code, told",
    [
        ("gone", Failure.NO_SERVER, "'gone', which is not in the list"),
        ("strange", Failure.NO_SERVER, "needs 'morse', which is not here"),
        ("ookla", Failure.TERMS_NOT_ACCEPTED, "accepted Ookla's terms"),
    ],
)
def test_a_server_that_cannot_be_used_is_told(name: str, code: Failure, told: str) -> None:
    """An unknown server, one whose engine this software lacks, and one whose service's terms were
    not accepted end a slot by name; never is another server measured in their place.
    """
    known = [PLAIN, STRANGE, OOKLA]
    with pytest.raises(NoServerError, match=told) as caught:
        SERVERS.assign(slot(server=name), path(servers=(name, "plain")), known)
    assert caught.value.code is code


def test_accepted_terms_open_the_service() -> None:
    """With the terms accepted its engine measures."""
    accepted = Servers(ENGINES, BY_NAME, ookla_terms_accepted=True)
    assert accepted.assign(slot(server="ookla"), path(), [OOKLA]).engine.name == "ookla"


def test_a_list_helps_where_no_server_is_known() -> None:
    """A list's servers are found by name, and one is chosen among them where nothing else is
    known; they are no server for latency, whose reflector nobody named.
    """
    listed = Servers(ENGINES, BY_NAME, listed=(PLAIN, SERVER))
    assert listed.assign(slot(server="plain"), path(servers=("plain",)), []).server == PLAIN
    found = listed.assign(slot(), path(), [])
    assert (found.server, found.candidates) == (None, (PLAIN, SERVER))
    assert listed.assign(slot(), path(), [IPERF3]).server == IPERF3
    with pytest.raises(NoServerError):
        listed.assign(slot(Task.LATENCY), path(), [])


def test_a_slot_that_did_not_run_names_what_was_planned() -> None:
    """The record of a slot that was skipped or missed has the method of its server's engine."""
    assert SERVERS.engine(slot(server="fast", engine="iperf3")).name == "iperf3"
    assert SERVERS.engine(slot()) is ENGINES[Task.SPEED]
    assert SERVERS.engine(slot(server="strange", engine="morse")) is ENGINES[Task.SPEED]
