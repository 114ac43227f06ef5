"""The agent as a whole: from instruction to delivered records, its page, its end."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client.parser import text_string_to_metric_families

from probe.agent import LOCK_NAME, Agent, World
from probe.clock import Clock
from probe.errors import AgentRunningError, IdentityError, NoPathError
from probe.identity import Identity
from probe.instructions import INSTRUCTION_NAME
from probe.page import render
from probe.settings import ProbeSettings
from probe.status import MAX_CONNECTIONS
from probe.status_models import AgentStatus
from probe.words import FAILURES, FLAGS, NOT_APPLICABLE
from protocol.errors import ConfigurationError
from protocol.failures import Failure
from protocol.flags import MEANINGS as FLAG_MEANINGS
from protocol.flags import Flag
from protocol.model import encode
from protocol.records import RECORD, Outcome, Task
from protocol.results import FailureReport, FamilyTimes, Ipv6Readiness, Reach, ReachTarget
from tests.probe.fault_collector import FaultCollector, Reply, fault_collector
from tests.probe.support import (
    ENGINES,
    NOW,
    SERVER,
    Device,
    FastClock,
    Takes,
    instruction,
    path,
    plan,
    slot,
    taken,
    wait_until,
)

KEY = Ed25519PrivateKey.generate()


def settings_of(directory: Path, **changes: object) -> ProbeSettings:
    """Return settings with a free port and short pauses."""
    return ProbeSettings.model_validate(
        {
            "state_directory": directory / "state",
            "status": {"port": 0},
            "uplink": {"deliver_seconds": 0.1, "retry_minimum_seconds": 0.1},
            **changes,
        }
    )


def make_agent(
    settings: ProbeSettings, url: str, clock: Clock | None = None, take: Takes | None = None
) -> Agent:
    """Return an agent of probe-1."""
    identity = Identity("probe-1", "Nhà văn hóa <Tổ 5>", url, KEY)
    return Agent(settings, identity, World(clock or Device().clock(), ENGINES, take or Takes()))


@contextmanager
def running(agent: Agent) -> Iterator[Agent]:
    """Run an agent until the block ends."""
    agent.start()
    thread = threading.Thread(target=agent.run)
    thread.start()
    try:
        yield agent
    finally:
        agent.stop()
        thread.join()


@pytest.fixture
def collector() -> Iterator[FaultCollector]:
    """Return a running collector that knows an instruction."""
    with fault_collector(KEY).running() as made:
        made.now = lambda: NOW
        made.instruction = Reply(200, encode(instruction()), headers={"ETag": '"v1"'})
        yield made


def get(agent: Agent, resource: str) -> tuple[int, str]:
    """Return status and text of a resource of the agent's page."""
    host, port = agent.status.url.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", resource)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def values(agent: Agent) -> dict[tuple[str, ...], float]:
    """Return the metrics: (name, label values …) → value."""
    return {
        (sample.name.removeprefix("linewatch_probe_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(get(agent, "/metrics")[1])
        for sample in family.samples
    }


def test_hours_in_seconds_every_slot_delivered_once_and_equations_hold(
    tmp_path: Path, collector: FaultCollector
) -> None:
    """On a fast clock: every slot ends as one record at the collector, in one chain, and both
    conservation laws hold while it runs.
    """
    clock = FastClock(NOW, 600)
    collector.now = clock.now
    dense = path(schedule=plan(tests=144, latency=600))
    collector.instruction = Reply(200, encode(instruction(dense)))
    agent = make_agent(settings_of(tmp_path), collector.url, clock)
    with running(agent):
        assert wait_until(lambda: clock.now() > NOW + timedelta(minutes=40), 8)
        assert wait_until(lambda: agent.parts.spool.fill().records == 0)
        found = values(agent)
    records = [RECORD.validate_json(collector.lines[place]) for place in collector.order]
    keys = [(r.task, r.slot) for r in records]
    assert len(keys) == len(set(keys)) > 10
    assert {r.task for r in records} == set(Task)
    assert [seq for _, seq in collector.order] == list(range(len(records)))
    slots = sum(value for key, value in found.items() if key[0] == "slots_total")
    assert slots == found["spool_appended_total",]
    assert (
        found["spool_found_records",] + found["spool_appended_total",]
        == found["spool_acknowledged_total",] + found["spool_records",]
    )
    assert found["delivered_records_total", "stored"] == found["spool_acknowledged_total",]


def test_measurement_on_demand_is_a_record_like_any_other(
    tmp_path: Path, collector: FaultCollector
) -> None:
    """`measure_now` waits for the first instruction, measures the first path, and its record is
    delivered.
    """
    take = Takes()
    with running(make_agent(settings_of(tmp_path), collector.url, take=take)) as agent:
        taken = agent.measure_now(5)
        assert taken is not None
        assert taken.outcome is Outcome.MEASURED
        assert wait_until(lambda: len(collector.order) == 1)
    record = RECORD.validate_json(collector.lines[collector.order[0]])
    assert (record.task, record.slot, record.path) == (Task.SPEED, NOW, "eth0")
    (_, order) = take.orders[0]
    assert order.server is not None
    # What a living line reaches besides the server: reach asks it too.
    assert (order.others, order.collector) == ((order.server.url,), collector.url)


def test_without_instruction_measuring_on_demand_says_why(tmp_path: Path) -> None:
    """Without any instruction, the sentence names the collector's problem and the way out."""
    with running(make_agent(settings_of(tmp_path), "http://localhost:1")) as agent:
        assert wait_until(lambda: agent.parts.uplink.state.reachable is False)
        with pytest.raises(NoPathError, match=r"Connection refused.*probe\.paths"):
            agent.measure_now(0.1)


def test_kept_instruction_is_followed_while_the_collector_is_away(
    tmp_path: Path, collector: FaultCollector
) -> None:
    """The last instruction is followed after a restart without the collector, and asked for by its
    ETag.
    """
    with running(make_agent(settings_of(tmp_path), collector.url)) as agent:
        assert wait_until(lambda: agent.parts.planner.kept is not None)
    with running(make_agent(settings_of(tmp_path), "http://localhost:1")) as agent:
        assert agent.report().instructed
        assert agent.report().paths[0].name == "eth0"
    collector.instruction = Reply(304)
    with running(make_agent(settings_of(tmp_path), collector.url)):
        assert wait_until(lambda: collector.requests[-1].headers.get("if-none-match") == '"v1"')


def test_damaged_instruction_file_is_asked_for_anew(
    tmp_path: Path, collector: FaultCollector
) -> None:
    """A kept instruction that is damaged is no reason not to start."""
    state = tmp_path / "state"
    state.mkdir()
    (state / INSTRUCTION_NAME).write_text('{"half')
    with running(make_agent(settings_of(tmp_path), collector.url)) as agent:
        assert wait_until(lambda: agent.parts.planner.kept is not None)


def test_own_plan_is_used_until_the_first_instruction(
    tmp_path: Path, collector: FaultCollector
) -> None:
    """Paths of the configuration are measured until the collector's first instruction."""
    own = {"name": "own", "schedule": plan().model_dump(mode="json")}
    settings = settings_of(tmp_path, paths=[own])
    with running(make_agent(settings, "http://localhost:1")) as agent:
        assert [p.name for p in agent.report().paths] == ["own"]
    with running(make_agent(settings, collector.url)) as agent:
        assert wait_until(lambda: [p.name for p in agent.report().paths] == ["eth0"])
    wrong = settings_of(tmp_path / "other", paths=[own], timezone="Mars/Olympus")
    with pytest.raises(ConfigurationError, match=r"probe\.timezone.*Mars/Olympus"):
        make_agent(wrong, "http://localhost:1")


def test_second_agent_on_the_same_state_is_refused(tmp_path: Path) -> None:
    """Two agents never work in one state directory; after the first ended, the next may."""
    settings = settings_of(tmp_path)
    with (
        running(make_agent(settings, "http://localhost:1")),
        pytest.raises(AgentRunningError, match="another agent works here already"),
    ):
        make_agent(settings, "http://localhost:1")
    with running(make_agent(settings, "http://localhost:1")):
        assert (settings.state_directory / LOCK_NAME).exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(IdentityError, match=r"probe\.state_directory"):
        make_agent(settings_of(tmp_path / "file"), "http://localhost:1")


def test_stop_in_the_middle_of_a_measurement_is_quick_and_recorded(
    tmp_path: Path, collector: FaultCollector
) -> None:
    """Asked to stop, an agent in the middle of a test ends within seconds; the slot is skipped."""
    take = Takes(seconds=60)
    agent = make_agent(settings_of(tmp_path), collector.url, take=take)
    with running(agent):
        thread = threading.Thread(target=agent.measure_now, args=(5,))
        thread.start()
        assert wait_until(lambda: len(take.orders) == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    thread.join()
    with running(make_agent(settings_of(tmp_path), collector.url)):
        assert wait_until(lambda: len(collector.order) == 1)
    record = RECORD.validate_json(collector.lines[collector.order[0]])
    assert record.failure is not None
    assert (record.outcome, record.failure.code) == (Outcome.SKIPPED, Failure.PROBE_STOPPING)


def test_page_tells_state_in_words_with_the_line_down(tmp_path: Path) -> None:
    """The page works without any network: what was measured, what failed and why, what waits,
    Vietnamese and English, nothing loaded from elsewhere, and names are escaped.
    """
    settings = settings_of(
        tmp_path, paths=[path().model_dump(mode="json")], servers=[SERVER.model_dump()]
    )
    take = Takes(failure=Failure.CONNECT_TIMEOUT)
    with running(make_agent(settings, "http://localhost:1", take=take)) as agent:
        assert agent.measure_now(1)
        assert wait_until(lambda: agent.parts.uplink.state.reachable is False)
        status, page = get(agent, "/")
        assert status == 200
        for text in (
            "Nhà văn hóa &lt;Tổ 5&gt;",
            "Không đo được",
            FAILURES[Failure.CONNECT_TIMEOUT],
            "No connection to the server within the time allowed.",
            "Không kết nối được",
            "Not reachable",
            "Records waiting",
            "synchronised by the system",
            "Lần tới",
        ):
            assert text in page
        assert "src=" not in page
        assert "href=" not in page
        assert get(agent, "/status.json")[0] == 200
        assert AgentStatus.model_validate_json(get(agent, "/status.json")[1]).backlog.records == 1
        assert get(agent, "/elsewhere")[0] == 404
        assert ("download_bits_per_second", "eth0") not in values(agent)


def test_page_shows_results(tmp_path: Path, collector: FaultCollector) -> None:
    """What was measured is on the page and in the metrics."""
    with running(make_agent(settings_of(tmp_path), collector.url)) as agent:
        assert agent.measure_now(5)
        assert wait_until(lambda: len(collector.order) == 1)
        page = get(agent, "/")[1]
        assert "100,0 Mbit/s" in page
        assert "Kết nối được" in page
        assert values(agent)["download_bits_per_second", "eth0"] == 1e8


NO_IPV6 = ReachTarget(
    name="server",
    target="http://127.0.0.1:8080",
    ip_version=6,
    reached=False,
    round_trip_seconds=None,
    failure=FailureReport(code=Failure.NO_ADDRESS, detail="it is no IPv6 address"),
)


SLOW_IPV6 = Ipv6Readiness(
    has_address=True,
    has_route=True,
    resolves=True,
    far_end="http://speed.example/",
    answers=True,
    failure=None,
    ipv4=FamilyTimes(connect_seconds=0.01, answer_seconds=0.01, asked=5, answered=5),
    ipv6=FamilyTimes(connect_seconds=0.03, answer_seconds=0.03, asked=5, answered=5),
    slower=True,
)


def test_page_shows_flags_and_targets_of_the_last_results(tmp_path: Path) -> None:
    """A flag is on the page with its code and its words in both languages; a slot that measured
    nothing has none, whatever its record was flagged with. What was reached has its name in both
    languages, and a server without IPv6 is no failure of IPv6; how far that goes is said in words
    and in the metrics.
    """
    settings = settings_of(tmp_path, paths=[path().model_dump(mode="json")])
    agent = make_agent(settings, "http://localhost:1")
    clock = Device().clock()
    try:
        agent.start()
        for task in Task:
            found = replace(taken(ENGINES[task], clock), flags=(Flag.DEVICE_POWER,))
            if isinstance(found.section, Reach):
                targets = (*found.section.targets, NO_IPV6)
                section = Reach(targets=targets, ipv6=SLOW_IPV6)
                found = replace(found, section=section, flags=())
            agent.parts.journal.record(slot(task), found)
        report = agent.report()
        metrics = get(agent, "/metrics")[1]
    finally:
        agent.stop()
    assert 'linewatch_probe_ipv6_ready{path="eth0",state="slower"} 1.0' in metrics
    flags = {task.task: task.flags for task in report.paths[0].tasks}
    assert flags == {Task.SPEED: (Flag.DEVICE_POWER,), Task.LATENCY: (), Task.REACH: ()}
    page = render(report)
    for text in (
        "Cờ · Flag",
        "<code>device_power</code>",
        FLAGS[Flag.DEVICE_POWER],
        escape(FLAG_MEANINGS[Flag.DEVICE_POWER]),
        "Bộ định tuyến · Gateway (192.0.2.1): <b>✓</b>",
        "sẵn sàng, nhưng chậm hơn IPv4 · ready, but slower than IPv4 (IPv6 60,0 ms; IPv4 20,0 ms)",
        f"Máy chủ đo, IPv6 · Server, IPv6 (http://127.0.0.1:8080): <b>{NOT_APPLICABLE}</b>",
    ):
        assert text in page
    assert "✗" not in page


def test_page_is_not_held_up_by_idle_visitors(tmp_path: Path) -> None:
    """More connections than are handled at once are closed, and the page answers again after."""
    with running(make_agent(settings_of(tmp_path), "http://localhost:1")) as agent:
        host, port = agent.status.url.removeprefix("http://").rstrip("/").split(":")
        idle = [socket.create_connection((host, int(port)), 5) for _ in range(MAX_CONNECTIONS)]

        def refused() -> bool:
            with suppress(OSError, http.client.HTTPException):
                get(agent, "/")
                return False
            return True

        assert wait_until(refused)
        for connection in idle:
            connection.close()
        assert wait_until(lambda: not refused())


def test_taken_port_is_a_sentence(tmp_path: Path) -> None:
    """A status port in use is said with the setting's name, and the state is not held."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = settings_of(tmp_path, status={"port": taken.getsockname()[1]})
        for _ in range(2):
            with pytest.raises(AgentRunningError, match=r"set probe\.status\.port"):
                make_agent(settings, "http://localhost:1")


def test_every_failure_has_its_words() -> None:
    """Each failure has a meaning in Vietnamese."""
    assert set(FAILURES) == set(Failure)
