"""A fleet as a whole: the same from the same seed, chains that hold, a truth that adds up."""

import json
from collections import Counter
from dataclasses import replace

from protocol import chain
from simulate import Fleet, FleetPlan, rhythm
from simulate.plan import midnight
from tests.simulate.fleets import SMALL, TROUBLED, troubled


def _bodies(plan: FleetPlan, numbers: list[int] | None = None) -> list[bytes]:
    return [batch.body for batch in Fleet(plan, numbers).batches()]


def test_the_same_plan_gives_the_same_bytes() -> None:
    """Batches are byte for byte the same, seals included; another seed shares none of them."""
    first = _bodies(SMALL)
    assert first
    assert first == _bodies(SMALL)
    assert not {*first} & {*_bodies(replace(SMALL, seed=5))}


def test_a_fleet_can_be_made_in_parts() -> None:
    """Two processes that share a fleet's numbers make what one makes."""
    assert sorted(_bodies(SMALL)) == sorted(_bodies(SMALL, [1]) + _bodies(SMALL, [0, 2]))


def test_a_longer_fleet_begins_with_the_same_probes() -> None:
    """More probes leave those before them as they are: a bench may grow."""
    assert sorted(_bodies(SMALL)) == sorted(_bodies(replace(SMALL, probes=5), [0, 1, 2]))


def test_every_chain_and_seal_holds() -> None:
    """Each batch follows the one before it in its chain and is sealed by its probe's key; chains
    that begin anew are among them.
    """
    fleet, batches = troubled()
    keys = fleet.keys()
    heads: dict[tuple[str, str], chain.Link] = {}
    for batch in batches:
        lines, seal = chain.split_batch(batch.body)
        assert tuple(lines) == batch.lines
        assert len(lines) <= TROUBLED.batch_records
        links = chain.follow(lines)
        chain.check_seal(keys[batch.probe].public_key(), seal, links[-1])
        assert (links[0].probe, links[0].chain, links[0].seq) == (
            batch.probe,
            batch.chain,
            batch.first_seq,
        )
        before = heads.get((batch.probe, batch.chain))
        if before:
            chain.check_follows(before, links[0], 1)
        else:
            assert links[0].seq == 0
        heads[batch.probe, batch.chain] = links[-1]
        assert batch.sent_at > midnight(TROUBLED.start)
    told = {
        (probe, name): (head.next_seq - 1, head.last_hash)
        for probe, truth in fleet.truths.items()
        for name, head in truth.chains.items()
    }
    assert told == {place: (link.seq, link.hash) for place, link in heads.items()}
    assert len(told) > TROUBLED.probes


def test_the_truth_counts_what_was_written() -> None:
    """Records by probe, task and outcome, tombstones and untimed ones are those of the lines."""
    fleet, batches = troubled()
    counted: Counter[tuple[str, str]] = Counter()
    for batch in batches:
        for line in map(json.loads, batch.lines):
            outcome = f"{line['task']} {line['outcome']}" if "outcome" in line else "tombstone"
            counted[line["probe"], outcome] += 1
            counted[line["probe"], "untimed"] += line.get("clock", {}).get("source") == "none"
    for name, truth in fleet.truth()["probes"].items():
        for outcome, count in truth["outcomes"].items():
            assert counted[name, outcome] == count
        assert counted[name, "tombstone"] == truth["tombstones"]
        assert counted[name, "untimed"] == truth["untimed"]
        total = sum(truth["outcomes"].values()) + truth["tombstones"]
        assert total == truth["records"] <= truth["planned"]


def test_the_truth_says_what_is_planted_as_json() -> None:
    """Outages, power cuts and breaches are told with their lines, probes and moments."""
    told = json.loads(json.dumps(Fleet(TROUBLED).truth()))
    planted = told["planted"]
    assert {each["scope"] for each in planted["outages"]} == {"line", "ward"}
    assert all(each["lines"] for each in planted["outages"])
    assert planted["power_cuts"]
    assert planted["breaches"]
    assert told["plan"]["start"] == "2026-10-01"


def test_a_fleet_without_trouble_measures_every_slot() -> None:
    """Nothing is planted: no outage, no power cut, no tombstone, one chain for each probe."""
    fleet = Fleet(FleetPlan(probes=4, days=2, seed=1, schedule=rhythm(4, 3600, 3600), trouble=0.0))
    assert list(fleet.batches())
    told = fleet.truth()
    assert not any(told["planted"].values())
    for truth in told["probes"].values():
        assert truth["records"] == truth["planned"]
        assert len(truth["chains"]) == 1
        assert not truth["tombstones"]
