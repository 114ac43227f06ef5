"""The engine `reach` with targets on loopback: answering, refusing, silent."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.engine import Order
from probe.engines.reach import ReachEngine
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.results import Reach, ReachTarget


@contextmanager
def listener() -> Iterator[int]:
    """Accept TCP connections on both families of loopback; yield the port."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        yield listening.getsockname()[1]


@contextmanager
def name_server(
    *, answers: bool, is_answer: bool = True, code: int = 0, seen: list[bytes] | None = None
) -> Iterator[int]:
    """Be a name server on loopback that answers with a code, with its question, or is silent;
    what it is asked goes into ``seen``.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.05)
        ended = threading.Event()

        def run() -> None:
            while not ended.is_set():
                try:
                    query, sender = listening.recvfrom(512)
                except TimeoutError:
                    continue
                if seen is not None:
                    seen.append(query)
                if answers:
                    flags = bytes((0x81 if is_answer else 0x01, 0x80 | code))
                    listening.sendto(query[:2] + flags + query[4:], sender)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def tree(root: Path, resolv_conf: str, gateway: str = "0100007F") -> Path:
    """Make the files that say where gateway and name servers are; the gateway is loopback."""
    (root / "proc/net").mkdir(parents=True)
    (root / "etc").mkdir()
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
    route = f"lo\t00000000\t{gateway}\t0003\t0\t0\t0\t00000000\n" if gateway else ""
    (root / "proc/net/route").write_text(head + route)
    (root / "etc/resolv.conf").write_text(resolv_conf)
    return root


def targets_of(engine: ReachEngine, url: str | None, *others: str) -> tuple[ReachTarget, ...]:
    """Return what the engine says of each target; without a server where ``url`` is None."""
    entry = None if url is None else ServerEntry(name="near", url=url)
    order = Order(server=entry, others=others, deadline=time.monotonic() + 10)
    measured = engine.measure(order)
    assert measured.failure is None
    assert isinstance(measured.section, Reach)
    return measured.section.targets


def asked(engine: ReachEngine, url: str) -> dict[str, ReachTarget]:
    """Return what the engine says of each target, the server's by its family."""
    return {
        f"server{target.ip_version}" if target.name == "server" else target.name: target
        for target in targets_of(engine, url)
    }


@pytest.mark.parametrize("host,family,other", [("127.0.0.1", 4, 6), ("[::1]", 6, 4)])
def test_a_working_line_reaches_what_is_there(
    tmp_path: Path, host: str, family: int, other: int
) -> None:
    """Gateway, name server and the server's own family answer, each with its round trip; the
    family that it has no address of is told as such.
    """
    with listener() as port, name_server(answers=True) as dns:
        engine = ReachEngine(tree(tmp_path, "nameserver 127.0.0.1\n"), dns)
        targets = asked(engine, f"http://{host}:{port}/")
    absent = targets.pop(f"server{other}")
    assert absent.failure is not None
    assert absent.failure.code is Failure.NO_ADDRESS
    assert [name for name, target in targets.items() if not target.reached] == []
    assert all(target.round_trip_seconds is not None for target in targets.values())
    assert set(targets) == {"gateway", "dns", f"server{family}"}


def test_a_dead_line_is_told_target_by_target(tmp_path: Path) -> None:
    """Each target says by itself why it was not reached; the measurement itself is whole."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with name_server(answers=False) as dns:
        engine = ReachEngine(tree(tmp_path, "nameserver 127.0.0.1\n", gateway=""), dns)
        targets = asked(engine, f"http://127.0.0.1:{port}/")
    codes = {name: target.failure.code for name, target in targets.items() if target.failure}
    assert codes == {
        "gateway": Failure.NO_ROUTE,
        "dns": Failure.NO_REPLIES,
        "server4": Failure.REFUSED,
        "server6": Failure.NO_ADDRESS,
    }
    assert all(target.round_trip_seconds is None for target in targets.values())


@pytest.mark.parametrize(
    "is_answer, code, failure",
    [
        (True, 3, None),
        (True, 2, Failure.BAD_ANSWER),
        (True, 5, Failure.BAD_ANSWER),
        (False, 0, Failure.NO_REPLIES),
    ],
)
def test_only_a_name_servers_real_answer_counts(
    tmp_path: Path, *, is_answer: bool, code: int, failure: Failure | None
) -> None:
    """'No such name' is an answer; an error, or the question sent back, is none."""
    with listener() as port, name_server(answers=True, is_answer=is_answer, code=code) as dns:
        engine = ReachEngine(tree(tmp_path, "nameserver 127.0.0.1\n"), dns)
        target = asked(engine, f"http://localhost:{port}/")["dns"]
    assert target.reached is (failure is None)
    assert (target.failure.code if target.failure else None) is failure
    if failure is Failure.BAD_ANSWER and target.failure:
        assert target.failure.detail.endswith(f"error {code}")


def test_a_dead_server_is_told_from_a_dead_line(tmp_path: Path) -> None:
    """Other far ends are asked beside the server, each over both families, and not too many; those
    that do not speak HTTP are left out.
    """
    with socket.socket() as taken, listener() as port:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        others = [dead, *(f"http://{host}:{port}/" for host in ("127.0.0.1", "[::1]", "127.0.0.2"))]
        others.insert(1, "iperf3://127.0.0.1:5201")
        others.append(f"http://127.0.0.3:{port}/")
        targets = targets_of(ReachEngine(tree(tmp_path, "", gateway="")), dead, *others)
    reached = {(target.name, target.ip_version) for target in targets if target.reached}
    assert reached == {("ipv4", 4), ("ipv6", 6)}
    beyond = [(target.name, target.ip_version) for target in targets[2:]]
    assert beyond == [("server", 4), ("server", 6), *[("ipv4", 4), ("ipv6", 6)] * 3]


def test_the_collector_is_a_far_end_too(tmp_path: Path) -> None:
    """Where no server is known, a living line shows by the collector."""
    with listener() as port:
        collector = f"http://127.0.0.1:{port}/"
        order = Order(server=None, collector=collector, deadline=time.monotonic() + 10)
        section = ReachEngine(tree(tmp_path, "", gateway="")).measure(order).section
    assert isinstance(section, Reach)
    reached = {(each.name, each.target) for each in section.targets if each.reached}
    assert reached == {("ipv4", "127.0.0.1")}


def test_the_name_that_is_asked_for_is_nowhere_remembered(tmp_path: Path) -> None:
    """A router may answer from its memory while its line is dead, so each name is a new one."""
    queries: list[bytes] = []
    with name_server(answers=True, seen=queries) as dns, listener() as port:
        for folder in ("a", "b"):
            engine = ReachEngine(tree(tmp_path / folder, "nameserver 127.0.0.1\n"), dns)
            assert asked(engine, f"http://localhost:{port}/")["dns"].reached
    names = [query[12:-4] for query in queries]
    assert len(set(names)) == 2
    assert all(name.endswith(b"\x09localhost\0") for name in names)


def test_without_a_server_the_name_is_below_another_far_end(tmp_path: Path) -> None:
    """A resolver would answer for localhost by itself, however dead the line is."""
    queries: list[bytes] = []
    with name_server(answers=True, seen=queries) as dns:
        engine = ReachEngine(tree(tmp_path, "nameserver 127.0.0.1\n"), dns)
        targets = targets_of(engine, None, "http://collector.invalid:1/")
    assert {target.name for target in targets} == {"gateway", "dns", "ipv4", "ipv6"}
    (query,) = queries
    assert query.endswith(b"\x09collector\x07invalid\0\0\x01\0\x01")


def test_without_a_name_server_the_record_says_so(tmp_path: Path) -> None:
    """A device without a name server is told apart from one whose server is silent."""
    with listener() as port:
        targets = asked(ReachEngine(tree(tmp_path, "")), f"http://localhost:{port}/")
    failure = targets["dns"].failure
    assert failure is not None
    assert failure.code is Failure.NO_SERVER


def test_a_stopping_agent_gets_its_answer(tmp_path: Path) -> None:
    """A cancelled order ends as probe_stopping, not as a dead line."""
    order = Order(server=None, deadline=time.monotonic() + 10)
    order.cancelled.set()
    measured = ReachEngine(tree(tmp_path, "", gateway="")).measure(order)
    assert measured.failure is not None
    assert measured.failure.code is Failure.PROBE_STOPPING
