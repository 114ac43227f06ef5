"""Lines with stories: what is planted is in the records, in the probe's forms and by its rules."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from statistics import fmean

import pytest
from click.testing import CliRunner

from linewatch import build
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.messages import ReachSchedule, Schedule
from protocol.records import RECORD, Outcome, ReachRecord, SpeedRecord
from simulate import USUAL, Fleet, FleetPlan
from simulate.folder import begin_folder, read_plan
from simulate.plan import ZONE, midnight
from simulate.planting import story_of
from simulate.registry import Line
from simulate.stories import Group, StoryError, read_stories
from tests.simulate.fleets import AnyRecord, as_written_by_models, flags_by_rules, is_tombstone

CHANGE = date(2026, 10, 8)
STORIES = (
    Group(kind="good", lines=1),
    Group(kind="evening", lines=1, evening=(0.5, 0.6)),
    Group(kind="mended", lines=1, evening=(0.5, 0.6), mended_on=CHANGE, claimed_on=CHANGE),
    Group(kind="raised", lines=1, plan_on=CHANGE, plan_factor=2.0),
    Group(kind="sold", lines=1, plan_on=CHANGE, plan_factor=2.0, delivered=False),
    Group(kind="wifi", lines=1, wifi="alone"),
    Group(kind="beside", lines=1, wifi="beside"),
    Group(kind="limited", lines=1, server="limited"),
    Group(kind="refuses", lines=1, server="refuses"),
    Group(kind="slow", lines=1, server="slow"),
    Group(kind="power", lines=1, cut="power", cuts=6),
    Group(kind="gateway", lines=1, cut="gateway", cuts=6),
    Group(kind="access", lines=1, cut="access", cuts=6),
    Group(kind="beyond", lines=1, cut="beyond", cuts=6),
)
PLAN = FleetPlan(
    probes=15,
    days=14,
    seed=3,
    schedule=Schedule(speed=USUAL.speed, latency=None, reach=ReachSchedule(every_seconds=3600)),
    trouble=0.0,
    stories=STORIES,
)
PLACE = {group.kind: number for number, group in enumerate(STORIES)}


@cache
def written() -> tuple[Fleet, tuple[bytes, ...]]:
    """Return the fleet and all its lines, made once."""
    fleet = Fleet(PLAN)
    return fleet, tuple(line for batch in fleet.batches() for line in batch.lines)


@cache
def by_kind() -> dict[str, list[AnyRecord]]:
    """Return the records of each kind of line."""
    fleet, lines = written()
    kinds = {probe.id: STORIES[probe.number].kind for probe in fleet.probes() if probe.story}
    found: dict[str, list[AnyRecord]] = defaultdict(list)
    for line in lines:
        record = RECORD.validate_json(line)
        if record.probe in kinds:
            found[kinds[record.probe]].append(record)
    return dict(found)


def shares(kind: str, *, evening: bool, server: int = 0) -> Iterator[tuple[date, float]]:
    """Yield the days and the downloads of unflagged tests, of what the line was first sold as."""
    probe = list(written()[0].probes())[PLACE[kind]]
    contracted = probe.lines[0].contracted
    assert contracted
    for record in by_kind()[kind]:
        if not isinstance(record, SpeedRecord) or record.flags or not record.started_at:
            continue
        if record.server != probe.ways[0].path.servers[server]:
            continue
        at = record.started_at.astimezone(ZONE)
        if record.speed and record.speed.download and evening == (19 <= at.hour < 23):
            yield at.date(), record.speed.download.bits_per_second / contracted[0]


def test_every_line_is_what_the_models_would_write() -> None:
    """Also with outages at every place of the way and servers that are the limit."""
    for line in written()[1]:
        assert not is_tombstone(line)
        assert as_written_by_models(line) == line
        record = RECORD.validate_json(line)
        assert flags_by_rules(record) == set(record.flags), record


def test_the_evening_is_as_planted() -> None:
    """The mean of a line's evenings is what its story says; its other hours are as promised."""
    for kind in ("good", "evening"):
        story = story_of(PLAN, PLACE[kind])
        assert story
        assert fmean(share for _, share in shares(kind, evening=True)) == pytest.approx(
            story.evening, rel=0.04
        )
        night = [share for _, share in shares(kind, evening=False)]
        assert fmean(night) > 0.85 * story.share


def test_what_is_mended_is_good_from_that_day_on() -> None:
    """Before the day its evenings are broken, from it on they are not."""
    found = list(shares("mended", evening=True))
    assert fmean(share for day, share in found if day < CHANGE) < 0.65
    assert fmean(share for day, share in found if day >= CHANGE) > 0.85


def test_another_plan_is_carried_or_only_sold() -> None:
    """A plan of twice the speed is in the registry from its day on; the line carries it or not."""
    for kind, carried in (("raised", 2.0), ("sold", 1.0)):
        found = list(shares(kind, evening=True))
        before = fmean(share for day, share in found if day < CHANGE)
        after = fmean(share for day, share in found if day >= CHANGE)
        assert after / before == pytest.approx(carried, rel=0.15)
        (row,) = (
            line
            for line, probe in zip(
                written()[0].registry()["lines"], written()[0].probes(), strict=False
            )
            if probe.number == PLACE[kind]
        )
        first, second = row["terms"]
        assert second["valid_from"] == CHANGE.isoformat()
        name = "contracted_download_bits_per_second"
        assert second[name] == 2 * first[name]
        story = story_of(PLAN, PLACE[kind])
        assert story
        last = story.evenings(PLAN.start, PLAN.days_of()[-1])[-1]
        assert last.share == pytest.approx(story.evening * carried / 2)


@pytest.mark.parametrize("kind, shares_of_two", [("wifi", (1, 1)), ("beside", (1, 2))])
def test_tests_over_wifi_say_so(kind: str, shares_of_two: tuple[int, int]) -> None:
    """All of a line that has Wi-Fi alone, half of one that has both."""
    tests = [one for one in by_kind()[kind] if isinstance(one, SpeedRecord) and one.speed]
    flagged = [one for one in tests if Flag.WIFI in one.flags]
    assert len(flagged) / len(tests) == pytest.approx(shares_of_two[0] / shares_of_two[1], abs=0.05)


def test_a_servers_trouble_is_its_own() -> None:
    """The first server's evenings are low and flagged, refused, or low without a flag; the second
    server's are the line's.
    """
    evenings: dict[str, list[SpeedRecord]] = {}
    for kind in ("limited", "refuses", "slow"):
        second = [share for _, share in shares(kind, evening=True, server=1)]
        assert fmean(second) > 0.85
        probe = list(written()[0].probes())[PLACE[kind]]
        evenings[kind] = [
            one
            for one in by_kind()[kind]
            if isinstance(one, SpeedRecord)
            and one.server == probe.ways[0].path.servers[0]
            and one.outcome is not Outcome.SKIPPED
            and one.started_at
            and 19 <= one.started_at.astimezone(ZONE).hour < 23
        ]
        assert len(evenings[kind]) > 10
    assert all(Flag.SERVER_LIMITED in one.flags for one in evenings["limited"])
    assert all(one.failure is not None for one in evenings["refuses"])
    busy = [one.failure and one.failure.code for one in evenings["refuses"]]
    assert busy.count(Failure.SERVER_BUSY) > 10
    assert fmean(share for _, share in shares("slow", evening=True)) < 0.7


@pytest.mark.parametrize("where", ["gateway", "access", "beyond"])
def test_reach_tells_where_the_way_is_cut(where: str) -> None:
    """In a planted outage the checks find what is before the cut, and nothing behind it."""
    story = story_of(PLAN, PLACE[where])
    assert story
    cut_off = 0
    for record in by_kind()[where]:
        if not isinstance(record, ReachRecord) or not record.reach or not record.started_at:
            continue
        at = record.started_at.timestamp()
        is_cut = any(one.start <= at < one.end for one in story.cuts)
        found = {one.name: one.reached for one in record.reach.targets if one.ip_version == 4}
        assert found["gateway"] == (not is_cut or where != "gateway")
        assert found["dns"] == (not is_cut or where == "beyond")
        assert found["ipv4"] == found["server"] == (not is_cut)
        cut_off += is_cut
    assert cut_off > 6


def test_power_is_cut_when_it_is_planted() -> None:
    """Slots of a planted power cut are missed; no others are."""
    story = story_of(PLAN, PLACE["power"])
    assert story
    for record in by_kind()["power"]:
        moment = record.slot.timestamp()
        is_cut = any(one.start <= moment < one.end for one in story.cuts)
        assert (record.outcome is Outcome.MISSED) == is_cut


def test_a_fleet_says_what_it_has_planted(tmp_path: Path) -> None:
    """Each line's story is in the list of what was planted; the folder's plan keeps the groups."""
    told = json.loads(json.dumps(Fleet(PLAN).truth()))["planted"]["stories"]
    assert [one["kind"] for one in told] == [group.kind for group in STORIES]
    assert told[PLACE["mended"]]["claimed_on"] == CHANGE.isoformat()
    assert [one["from"] for one in told[PLACE["mended"]]["evenings"]] == [
        PLAN.start.isoformat(),
        CHANGE.isoformat(),
    ]
    begin_folder(tmp_path / "fleet", Fleet(PLAN))
    assert read_plan(tmp_path / "fleet") == PLAN
    assert story_of(PLAN, len(STORIES)) is None


def test_cuts_lie_within_the_months_that_they_are_planted_in() -> None:
    """Each calendar month has its own; none begins before the fleet or reaches into another day."""
    plan = FleetPlan(
        1, 91, 1, date(2026, 9, 1), stories=(Group(kind="a", lines=1, cut="access", cuts=2),)
    )
    story = story_of(plan, 0)
    assert story
    months = [datetime.fromtimestamp(one.start, ZONE).month for one in story.cuts]
    assert months == [9, 9, 10, 10, 11, 11]
    for one in story.cuts:
        begins = midnight(plan.start) + (one.start - midnight(plan.start)) // 86400 * 86400
        assert begins <= one.start < one.end < begins + 86400


def test_a_file_of_stories_is_read(tmp_path: Path) -> None:
    """By the command, too: so many probes as it has lines, and its truth names their kinds."""
    file = tmp_path / "city.yaml"
    file.write_text("- {kind: clean, lines: 2}\n- {kind: evening, lines: 1, evening: [0.4, 0.6]}\n")
    assert [group.kind for group in read_stories(file)] == ["clean", "evening"]
    truth = tmp_path / "truth.json"
    words = ["simulate", "--stories", str(file), "--days", "1", "--start", "2026-10-01"]
    more = ["--reach-seconds", "7200", "--latency-seconds", "14400", "--truth", str(truth)]
    done = CliRunner().invoke(build(), [*words, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    stories = json.loads(truth.read_text())["planted"]["stories"]
    assert [one["kind"] for one in stories] == ["clean", "clean", "evening"]
    done = CliRunner().invoke(build(), [*words, "--probes", "2"])
    assert "--stories has 3 lines: --probes must be so many" in " ".join(done.output.split())


@pytest.mark.parametrize(
    "content, message",
    [
        ("- {kind: a}", "0.lines: Field required"),
        ("- {kind: a, lines: 1, evning: [0.4, 0.6]}", "0.evning: Extra inputs"),
        ("- {kind: a, lines: 1, evening: [0.6, 0.4]}", "evening: the lower end first"),
        ("- {kind: a, lines: 1, share: [0.8, 0.9]}", "no evening is better than"),
        ("- {kind: a, lines: 1, cut_hours: [1, 20]}", "0.cut_hours.1: Input should be less"),
        ("kind: a", "all of it: Input should be a valid tuple"),
        ("[", "is no YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(tmp_path: Path, content: str, message: str) -> None:
    """Each fault is named with its place; a file that is not there, too."""
    file = tmp_path / "city.yaml"
    file.write_text(content)
    with pytest.raises(StoryError) as refused:
        read_stories(file)
    assert message in str(refused.value)
    assert str(file) in str(refused.value)
    with pytest.raises(StoryError, match="cannot be read"):
        read_stories(tmp_path / "none.yaml")


def test_a_group_may_say_whose_its_lines_are() -> None:
    """Nothing else of them is drawn otherwise than where the dice say it."""

    def lines(carrier: str | None) -> list[Line]:
        groups = (Group.model_validate({"kind": "some", "lines": 12, "carrier": carrier}),)
        plan = FleetPlan(probes=12, days=1, seed=3, start=date(2026, 10, 1), stories=groups)
        return [line for probe in Fleet(plan).probes() for line in probe.lines]

    drawn, told = lines(None), lines("d")
    assert {one.carrier.id for one in told} == {"d"}
    assert {one.carrier.id for one in drawn} > {"d"}
    assert [one.offer for one in told] == [one.offer for one in drawn]
