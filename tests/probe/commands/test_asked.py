"""Which far ends a command knows, besides the one that it measures to."""

from pathlib import Path

from probe.commands.asked import collector, others
from probe.identity import ENROLMENT_NAME, Enrolment, save_enrolment
from probe.instructions import InstructionKeeper
from probe.settings import ProbeSettings
from protocol.messages import ServerEntry
from tests.probe.support import NOW, instruction

NEAR = ServerEntry(name="near", url="http://near.example")
NAMED = ServerEntry(name="named", url="https://named.example")
IPERF3 = ServerEntry(name="lab", url="iperf3://lab.example", engine="iperf3")


def settings(state: Path, collector_url: str | None = None) -> ProbeSettings:
    """Return the settings of a probe that names two servers."""
    return ProbeSettings(state_directory=state, servers=(NEAR, IPERF3), collector_url=collector_url)


def enrol(state: Path) -> None:
    """Enrol a probe to which the collector has named servers, one of them known already."""
    enrolment = Enrolment(
        probe="probe-1", site="site", collector_url="http://collector.example", enrolled_at=NOW
    )
    save_enrolment(state, enrolment)
    servers = (NAMED, NEAR)
    InstructionKeeper(state, "probe-1").keep(instruction(servers=servers), None, None)


def test_an_enrolled_probe_knows_its_servers_and_its_collector(tmp_path: Path) -> None:
    """Each once; those that take any connection for a test are left alone. The settings' collector
    takes the place of the enrolment's.
    """
    enrol(tmp_path)
    assert others(settings(tmp_path)) == (NEAR.url, NAMED.url)
    assert collector(settings(tmp_path)) == "http://collector.example"
    assert collector(settings(tmp_path, "http://moved.example")) == "http://moved.example"


def test_a_device_that_is_not_enrolled_knows_what_its_settings_name(tmp_path: Path) -> None:
    """Nor does one whose state somebody else's user keeps know more."""
    assert (others(settings(tmp_path)), collector(settings(tmp_path))) == ((NEAR.url,), None)
    # Root may read whatever the mode says; a folder in the file's place nobody can.
    (tmp_path / ENROLMENT_NAME).mkdir()
    moved = settings(tmp_path, "http://moved.example")
    assert (others(moved), collector(moved)) == ((NEAR.url,), "http://moved.example")
