"""A month in which probes were replaced, from their records to the carrier's own check: the line
that is broken is found, and one that is not is not accused, not even by a probe that is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from collector.ledger.database import Database
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.settings import LedgerSettings
from protocol.messages import LatencySchedule, ReachSchedule, Schedule
from simulate import USUAL, Fleet, FleetPlan
from simulate.registry import Probe, probe_of, registry_file
from simulate.stories import Group
from tests.collector.commands.support import Registry
from tests.collector.fleet_ledger import store

OLD_PLAN = FleetPlan(
    probes=24,
    days=13,
    seed=5,
    trouble=0.0,
    schedule=Schedule(
        speed=USUAL.speed,
        latency=LatencySchedule(every_seconds=43_200),
        reach=ReachSchedule(every_seconds=3_600),
    ),
    stories=(
        Group(kind="evening", lines=12, carrier="a", evening=(0.5, 0.6)),
        Group(kind="clean", lines=12, carrier="a", evening=(0.92, 0.96)),
    ),
)
"""Up to the 13th."""

NEW_PLAN = replace(OLD_PLAN, days=17, start=date(2026, 10, 15))
"""From the 15th on: what the new probes measure, each on a line like the old one's."""

SLOW, GOOD = range(12), range(12, 24)


@dataclass(frozen=True)
class Replaced:
    """What a carrier got.

    Attributes:
        lines: the summary's, by what happened on them.
        probes: the old and the new one of each.
    """

    registry: Registry
    folder: Path
    lines: Mapping[str, dict[str, Any]]
    probes: Mapping[str, tuple[str, str]]


def twins(old: range, new: range, taken: set[int]) -> tuple[Probe, Probe]:
    """Return two probes of different lines on which the same is promised."""
    for one in sorted(set(old) - taken):
        for other in sorted(set(new) - taken - {one}):
            first, second = probe_of(OLD_PLAN, one), probe_of(OLD_PLAN, other)
            if first.lines[0].offer == second.lines[0].offer and first.server == second.server:
                taken |= {one, other}
                return first, second
    raise AssertionError("no two lines are alike")


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Replaced:
    """Return a month of three lines whose probes were replaced on the 14th."""
    folder = tmp_path_factory.mktemp("replaced")
    taken: set[int] = set()
    pairs = {
        "slow": twins(SLOW, SLOW, taken),
        "good": twins(GOOD, GOOD, taken),
        "good, new probe slow": twins(GOOD, SLOW, taken),
    }
    registry = Registry(folder)
    database = Database(LedgerSettings(path=registry.ledger))
    content = registry_of(pairs.values())
    with database.write() as connection:
        import_registry(connection, content, datetime(2026, 9, 1, tzinfo=UTC))
    keys = {one.id: one.public_key or "" for one in content.probes}
    for plan, which in ((OLD_PLAN, 0), (NEW_PLAN, 1)):
        fleet = Fleet(plan, [pair[which].number for pair in pairs.values()])
        store(database, fleet, keys, fleet.batches())
    database.close()
    words = ("--month", "2026-10", "--standard", "qcvn-34-2019", "--jobs", "1")
    done = registry.run("report", "monthly", *words, "--out", str(folder / "out"))
    assert done.exit_code == 0, done.output
    made = folder / "out" / "2026-10" / "a"
    told = {one["id"]: one for one in json.loads((made / "summary.json").read_bytes())["lines"]}
    return Replaced(
        registry,
        made,
        {name: told[old.lines[0].id] for name, (old, _) in pairs.items()},
        {name: (old.id, new.id) for name, (old, new) in pairs.items()},
    )


def registry_of(pairs: Any) -> RegistryFile:
    """Return a registry in which the second probe of each pair measures the first one's line."""
    content = registry_file(OLD_PLAN)
    kept = {old.lines[0].id for old, _ in pairs}
    place = {new.id: old for old, new in pairs} | {old.id: old for old, _ in pairs}
    content["lines"] = [one for one in content["lines"] if one["id"] in kept]
    content["probes"] = [one for one in content["probes"] if one["id"] in place]
    for row in content["probes"]:
        line = place[row["id"]].lines[0].id
        row["site"] = place[row["id"]].site["id"]
        row["paths"] = [{**path, "line": line} for path in row["paths"]]
    return RegistryFile.model_validate_json(json.dumps(content))


def primary(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said to the first question on a line."""
    (part,) = line["parts"]
    ((found,),) = (
        [one for one in said["findings"] if one["is_primary"]] for said in part["judgements"]
    )
    return dict(found)


def failed(line: Mapping[str, Any]) -> list[str]:
    """Return what fails of a line."""
    (part,) = line["parts"]
    findings = (one for said in part["judgements"] for one in said["findings"])
    return [one["indicator"] for one in findings if one["verdict"] == "fail"]


def test_the_broken_line_is_found_by_both_probes_together(replaced: Replaced) -> None:
    """Neither has the twenty days that a verdict asks for; all that they measured has thirty."""
    found = primary(replaced.lines["slow"])
    assert (found["verdict"], found["days"]) == ("fail", 30)


def test_the_good_line_keeps_its_contract(replaced: Replaced) -> None:
    """A probe that is replaced breaks nothing."""
    line = replaced.lines["good"]
    assert (primary(line)["verdict"], failed(line)) == ("pass", [])


def test_a_slow_new_probe_accuses_nobody(replaced: Replaced) -> None:
    """Where a line is slow since its probe was replaced, nothing is said against it."""
    line = replaced.lines["good, new probe slow"]
    assert (primary(line)["verdict"], failed(line)) == ("not_enough_data", [])


def test_it_is_said_which_probe_measured_when(replaced: Replaced) -> None:
    """In the summary and on the line's page of the annex, with how many tests of each count."""
    text = " ".join(page.extract_text() for page in PdfReader(replaced.folder / "annex.pdf").pages)
    text = " ".join(text.split())
    for name, line in replaced.lines.items():
        (part,) = line["parts"]
        old, new = part["probes"]
        assert (old["probe"], new["probe"]) == replaced.probes[name]
        assert (old["since"], new["since"][:10]) == (None, "2026-10-15")
        assert old["tests"] + new["tests"] == part["tests"]
        assert min(old["tests"], new["tests"]) > 40
        assert part["ip_version"] == 4
        assert part["watched_seconds"] > 28 * 86_400
        since = datetime.fromisoformat(new["since"])
        assert (
            f"{old['probe']} (eth0), {old['tests']} lần đo; từ {since:%d/%m/%Y %H:%M} "
            f"{new['probe']} (eth0), {new['tests']} lần đo"
        ) in text
    assert text.count("The probe was replaced in these days") == 3


def test_the_carrier_finds_the_same(replaced: Replaced) -> None:
    """The evidence's own check makes every number of both probes anew."""
    done = replaced.registry.run("evidence", "verify", str(replaced.folder / "evidence.zip"))
    assert done.exit_code == 0, done.output
