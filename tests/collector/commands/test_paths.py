"""`linewatch probe path`, as a person types it, and what the probe is then asked to do."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.ledger.database import Database
from collector.ledger.instruction import read_instruction
from collector.settings import CollectorSettings, LedgerSettings
from linewatch import build
from protocol.errors import LinewatchError
from protocol.messages import MeasuredPath, ReachSchedule, Schedule

OWN = Schedule(speed=None, latency=None, reach=ReachSchedule(every_seconds=60))


class Registry:
    """A ledger with a probe, and the command."""

    def __init__(self, folder: Path) -> None:
        self.ledger = LedgerSettings(path=folder / "ledger.sqlite")
        self._configuration = folder / "config.yaml"
        self._configuration.write_text(f"collector: {{ledger: {{path: {self.ledger.path}}}}}\n")
        self.run("collector migrate")
        self.run("carrier add vnpt --name VNPT")
        self.run("site add s1 --name S")
        self.run("line add l1 --site s1 --carrier vnpt --technology fibre")
        self.run("line add l2 --site s1 --carrier vnpt --technology 5g")
        self.run("probe add p1 --site s1 --line l1")

    def run(self, words: str) -> None:
        """Run a command that succeeds, or raise."""
        arguments = [*words.split(), "--config", str(self._configuration)]
        result = CliRunner().invoke(build(), arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output

    def paths(self, probe: str = "p1") -> dict[str, MeasuredPath]:
        """Return the paths that a probe is asked to measure."""
        database = Database(self.ledger)
        settings = CollectorSettings(ledger=self.ledger)
        found = database.read_now(lambda c: read_instruction(c, probe, settings)).paths
        database.close()
        return {path.name: path for path in found}


@pytest.fixture
def known(tmp_path: Path) -> Registry:
    """Return a registry with one probe."""
    return Registry(tmp_path)


def test_a_path_is_added_and_set_anew(known: Registry, tmp_path: Path) -> None:
    """The second time its values take the place of the first ones; others are left alone."""
    plan = tmp_path / "plan.json"
    plan.write_text(OWN.model_dump_json())
    known.run(
        "probe path p1 wwan0 --line l2 --interface wwan0 --family 6 --family 4 "
        f"--monthly-gigabytes 1.5 --schedule {plan}"
    )
    path = known.paths()["wwan0"]
    assert (path.line, path.interface, path.families) == ("l2", "wwan0", (4, 6))
    assert (path.monthly_data_budget_bytes, path.schedule) == (1_500_000_000, OWN)
    known.run("probe path p1 wwan0 --line l1")
    path = known.paths()["wwan0"]
    assert (path.line, path.interface, path.families) == ("l1", None, (4,))
    assert path.monthly_data_budget_bytes is None
    assert path.schedule != OWN
    assert known.paths()["default"].line == "l1"


def test_a_path_names_its_servers(known: Registry) -> None:
    """The servers of a path are told to the probe in the order that was given, also where the probe
    was registered with them; set anew without them it has the first of all again.
    """
    for name in ("hn", "hp", "lab"):
        known.run(f"server add {name} --url http://{name}.example")
    known.run("probe path p1 eth0 --line l1 --server hp --server hn --server hp")
    assert known.paths()["eth0"].servers == ("hp", "hn")
    known.run("probe path p1 eth0 --line l1")
    assert known.paths()["eth0"].servers == ()
    known.run("probe add p2 --site s1 --line l2 --server lab --server hn")
    assert known.paths("p2")["default"].servers == ("lab", "hn")


@pytest.mark.parametrize(
    "words,sentence",
    [
        ("p2 eth0", "there is no probe 'p2'"),
        ("p1 eth0 --line l9", "there is no line 'l9'"),
        ("p1 eth0 --server gone", "there is no server 'gone'"),
        ("p1 eth0 --schedule /no/such/file", "cannot be read"),
    ],
)
def test_a_path_that_does_not_fit_is_a_sentence(known: Registry, words: str, sentence: str) -> None:
    """The refusal says what is wrong, and no path is added."""
    with pytest.raises(LinewatchError, match=sentence):
        known.run(f"probe path {words}")
    assert set(known.paths()) == {"default"}


def test_a_plan_that_is_none_names_its_place(known: Registry, tmp_path: Path) -> None:
    """The sentence names the file and the field."""
    plan = tmp_path / "plan.json"
    plan.write_text('{"speed": null, "latency": {"every_seconds": 1}, "reach": null}')
    with pytest.raises(LinewatchError, match=r"plan\.json: latency\.every_seconds"):
        known.run(f"probe path p1 eth0 --schedule {plan}")


def test_a_path_knows_the_networks_of_its_lines_carrier(known: Registry, tmp_path: Path) -> None:
    """What the registry has of the carrier goes with the paths of its lines, until it is forgotten;
    a path without a line has none.
    """
    known.run("probe path p1 wlan0")
    networks = tmp_path / "networks.txt"
    networks.write_text("203.0.113.0/25\n203.0.113.128/25\n2001:db8::/32\n")
    known.run(f"carrier prefixes vnpt {networks}")
    found = {name: list(map(str, path.carrier_prefixes)) for name, path in known.paths().items()}
    assert found == {"default": ["203.0.113.0/24", "2001:db8::/32"], "wlan0": []}
    known.run("carrier prefixes vnpt --forget")
    assert all(path.carrier_prefixes == () for path in known.paths().values())


def test_a_list_that_cannot_be_used_changes_nothing(known: Registry, tmp_path: Path) -> None:
    """Its first fault is said with the file and the line."""
    networks = tmp_path / "networks.txt"
    networks.write_text("203.0.113.0/24\n0.0.0.0/0\n")
    with pytest.raises(LinewatchError, match=r"networks.txt: line 2: 0.0.0.0/0 is too wide"):
        known.run(f"carrier prefixes vnpt {networks}")
    with pytest.raises(LinewatchError, match="give a FILE"):
        known.run("carrier prefixes vnpt")
    assert known.paths()["default"].carrier_prefixes == ()


def test_wifi_is_set_beside_the_cable(known: Registry) -> None:
    """A path beside another takes its line, and the probe is asked for it."""
    known.run("probe path p1 wlan0 --interface wlan0 --beside default")
    asked = known.paths()["wlan0"]
    assert (asked.beside, asked.line, asked.interface) == ("default", "l1", "wlan0")
    known.run("probe path p1 wlan0 --interface wlan0 --line l2")
    assert known.paths()["wlan0"].beside is None


@pytest.mark.parametrize(
    "words, sentence",
    [
        ("wlan0 --beside eth9", "has no other path 'eth9'"),
        ("default --beside default", "has no other path 'default'"),
        ("wlan0 --beside default --line l2", "both need the same line"),
        ("wlan1 --beside wlan9", "name that one"),
        ("default --beside eth1", "beside 'default' itself"),
        ("default --line l2", "is measured beside 'default'"),
    ],
)
def test_what_cannot_be_compared_is_not_set_beside(
    known: Registry, words: str, sentence: str
) -> None:
    """A pair is two paths of one line, of which one stands by itself."""
    known.run("probe path p1 eth1 --line l1")
    known.run("probe path p1 wlan9 --beside default")
    before = known.paths()
    with pytest.raises(LinewatchError, match=sentence):
        known.run(f"probe path p1 {words}")
    assert known.paths() == before
