"""The bench of a city's year, on three months of it: from probes' records to closed complaints."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import pytest

from bench.city_cases import Diary, Way
from bench.city_held import Complained, wrong_mails, wrong_statistics, wrong_year
from bench.city_year import WAYS, YEAR, Told, diary_of, fleet_of, live
from bench.clerk import DAYS_OFF, files_of, flipped, working_day, wrong_files
from bench.planted import LIMIT, merge
from bench.verdicts import STANDARDS, totals
from collector.cases.calendar import vietnam
from protocol.messages import LatencySchedule, ReachSchedule, Schedule
from simulate import USUAL, Fleet, FleetPlan
from simulate.plan import ZONE
from simulate.stories import Group
from tests.collector.cases import mail_server

pytestmark = pytest.mark.timeout(420)
"""A minute of one core, which others may be busy on."""

MENDED = date(2024, 3, 1)
CLAIMED = {"claimed_on": MENDED, "evening": (0.45, 0.6), "carrier": "a"}
STORIES = (
    Group.model_validate({"kind": "mended", "lines": 1, "mended_on": MENDED, **CLAIMED}),
    Group.model_validate({"kind": "pretended", "lines": 1, **CLAIMED}),
    Group(kind="clean-evening-dip", lines=1, carrier="a", evening=(0.85, 0.95)),
    Group(kind="evening", lines=1, carrier="b", evening=(0.4, 0.7)),
    Group(kind="wifi-alone", lines=1, carrier="b", wifi="alone"),
    Group(kind="server-slow", lines=1, carrier="c", server="slow"),
    Group(kind="server-refuses", lines=1, carrier="c", server="refuses"),
    Group(kind="cut-gateway", lines=1, carrier="c", cut="gateway"),
    Group(kind="cut-access", lines=1, carrier="d", cut="access"),
)
PLAN = FleetPlan(
    probes=sum(one.lines for one in STORIES),
    days=91,
    seed=5,
    start=date(2024, 1, 1),
    schedule=Schedule(
        speed=USUAL.speed,
        latency=LatencySchedule(every_seconds=43_200),
        reach=ReachSchedule(every_seconds=7_200),
    ),
    stories=STORIES,
)
BY_CARRIER = {
    "a": Way(1, 10, {"2024-01": MENDED, "2024-02": MENDED}),
    "b": Way(4, 24),
    "c": Way(1, 10),
    "d": Way(None, None),
}


class Lived(NamedTuple):
    """Three months that were lived through."""

    diary: Diary
    told: list[Told]
    complained: Complained


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Return what came of the months, lived through once for all tests."""
    folder = tmp_path_factory.mktemp("year")
    with mail_server.serving(folder) as server:
        diary = diary_of(folder, Fleet(PLAN), server, BY_CARRIER, "--jobs", "1")
        yield Lived(diary, *live(diary))


def test_what_was_planted_is_complained_about_and_nobody_else(lived: Lived) -> None:
    """By verdicts and by complaints: who keeps the contract, or only looks as if he did not, gets
    no mail.
    """
    whole = merge(one.tallies for one in lived.told)
    for name in STANDARDS:
        of_all = totals(whole, name)
        assert (of_all.accused, of_all.planted) == ([], 11)
        assert of_all.found == of_all.planted
    assert lived.complained == Complained(planted=11, found=11, accused=[])
    assert {one.carrier for one in lived.diary.cases} == {"a", "b", "d"}


def test_nothing_on_the_way_came_out_otherwise_than_it_was_done(lived: Lived) -> None:
    """Mails once each with what they say is in them, evidence good and no byte of it changed
    unseen, days, statistics, the year's report.
    """
    assert lived.diary.wrong == []
    assert len(lived.diary.mailbox.got) == len(lived.diary.cases) == lived.diary.flips == 9
    assert lived.diary.put_off == 3


def test_a_mend_is_better_and_a_pretence_is_not(lived: Lived) -> None:
    """In both complaints that the carrier answered by the same word, and nowhere else."""
    assert lived.diary.mends["mended", True, "better"] == 2
    assert lived.diary.mends["pretended", False, "not_better"] == 2
    assert not [key for key in lived.diary.mends if key[1] is not (key[2] == "better")]


def test_days_of_a_complaint_go_round_tet(lived: Lived) -> None:
    """January's was sent on the Friday before: a carrier has until 8 March, and who never answers
    is taken to the authority on the working day behind it.
    """
    (case,) = (
        one for one in lived.diary.cases if (one.carrier, one.month.name) == ("d", "2024-01")
    )
    told = lived.diary.clerk.registry.json("case", "show", str(case.number))
    due = {one["rule"]: one["due"] for one in told["deadlines"]}
    assert due == {"reply": "2024-02-06", "refusal": "2024-02-16", "resolution": "2024-03-08"}
    days = {one["step"]: one["day"] for one in told["events"]}
    assert (days["sent"], days["escalated"]) == ("2024-02-02", "2024-03-11")


def test_the_calendar_knows_the_days_off_of_the_year() -> None:
    """As they were announced: each, and no other from Monday to Friday."""
    calendar, day = vietnam(), date(2024, 1, 1)
    while day < date(2025, 4, 1):
        assert calendar.is_working(day) == (working_day(day, 0) == day), day
        day += timedelta(1)
    assert date(2024, 2, 14) in DAYS_OFF


def test_what_comes_out_otherwise_is_told(lived: Lived) -> None:
    """A mail that came twice or never, another outcome than the ledger has, a file that changed on
    its way.
    """
    diary = lived.diary
    mails, first = list(diary.mailbox.got), diary.cases[0]
    many = len(mails)
    diary.mailbox.got = [*mails[1:], mails[-1]]
    assert wrong_mails(diary) == [
        "case 1: 0 mails of it came",
        f"case {many}: 2 mails of it came",
    ]
    diary.mailbox.got = mails
    first.outcomes["another"] = "better"
    assert wrong_statistics(diary, datetime(2024, 6, 3, tzinfo=ZONE))
    sums = {"sent": many, "closed": many, "escalated": 3, "states": {"closed": many}}
    told = wrong_year(diary, {"cases": [], **sums, "differing": 1})
    assert told[-1] == "the year's differing: 1, not 0"
    assert {f"the year's case {one.number}: lines is None" for one in diary.cases} == {
        one.partition(",")[0] for one in told if ": lines is" in one
    }
    del first.outcomes["another"]
    assert wrong_statistics(diary, datetime(2024, 6, 3, tzinfo=ZONE)) == []
    mail = diary.mailbox.mails()[0]
    kept, _ = files_of(mail)
    assert wrong_files(mail, kept) == []
    assert wrong_files(mail, {**kept, "evidence.zip": flipped(kept["evidence.zip"], 4)}) == [
        "evidence.zip"
    ]


def test_a_year_is_a_calendar_year_of_every_kind_of_line() -> None:
    """From its first of January on, leap years too; what changes does so on the first of July, and
    who mends and who pretends is one carrier.
    """
    fleet = fleet_of(YEAR, 1, 1)
    assert (fleet.plan.start, fleet.plan.days) == (date(2024, 1, 1), 366)
    assert fleet.plan.probes == 58
    stories = json.loads(json.dumps(fleet.truth()))["planted"]["stories"]
    claims = [one for one in stories if one["claimed_on"] == "2024-07-01"]
    assert {one["kind"] for one in claims} == {"mended", "pretended"}
    assert {one["line"][-1] for one in claims} == {"a"}
    assert max(one["evenings"][0]["share"] for one in claims) < LIMIT
    assert set(WAYS["a"].claims.values()) == {date(2024, 7, 1)}
