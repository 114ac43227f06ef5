"""A line's month, sorted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.line_month import Exclusion, LatencyHour, ProbeTurn, RecordRef, Where
from collector.domain.line_state import ReachCheck
from collector.domain.month import Line, Row, SortedMonth, Speeds, sort_month
from collector.domain.outages import Reached, reach_of
from collector.domain.series import SeriesId
from collector.domain.succession import kind_of
from collector.domain.terms import Terms

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BEGIN = datetime(2026, 10, 1, tzinfo=ZONE)
MAIN = SeriesId("p1", "eth0", "http", "1", "full", 4, "ix")
STAMP = MAIN._replace(method="stamp", profile=None)
LINE = Line("vp-vnpt", "fibre", "ix", {"ix": "vnix", "near": "vnix", "far": "viettel"})
ANSWERED = ReachCheck(True, True, (True, None), True)
CUT = ReachCheck(True, False, (False, None), False)
SERVER_AWAY = ReachCheck(True, True, (True, None), False)


def speed(
    minutes: float,
    *,
    series: SeriesId = MAIN,
    outcome: str = "measured",
    failure: str = "",
    flags: str = "",
    timed: bool = True,
) -> Row[Speeds]:
    """Return a speed record so many minutes after the month's beginning."""
    measured = outcome == "measured"
    values = (3e8, 2e8, 0.004, 0.02, 0.03) if measured else (None,) * 5
    found = Speeds(RecordRef(series.probe, "c", round(minutes * 60)), *values)
    at = BEGIN + timedelta(minutes=minutes)
    return Row(at, timed, outcome, failure, flags, series, found)


def latency(minutes: float, *, series: SeriesId = STAMP, flags: str = "") -> Row[LatencyHour]:
    """Return a latency record."""
    at = BEGIN + timedelta(minutes=minutes)
    return Row(at, True, "measured", "", flags, series, LatencyHour(at, (0.01,), (0.001,), 0.0))


def reach(minutes: float, found: ReachCheck = ANSWERED, path: str = "eth0") -> Reached:
    """Return a reachability check."""
    at = BEGIN + timedelta(minutes=minutes)
    return at.timestamp(), reach_of(("p1", path), True, "measured", "", "", found)


def month(
    tests: list[Row[Speeds]],
    minutes: list[Row[LatencyHour]] | None = None,
    checks: list[Reached] | None = None,
) -> SortedMonth:
    """Return a month of these records."""
    return sort_month(LINE, "2026-10", ZONE, tests, minutes or [], checks or [])


def reasons(found: SortedMonth) -> dict[Exclusion, list[str]]:
    """Return the details of what is excluded, by reason."""
    made: dict[Exclusion, list[str]] = {}
    for one in found.excluded:
        made.setdefault(one.reason, []).append(one.detail)
    return made


def test_what_does_not_count_has_its_reason() -> None:
    """Each record is a test, a witness, or excluded with a reason and its detail; none is lost."""
    tests = [
        speed(10),
        speed(20),
        speed(30, flags="cross_traffic"),
        speed(40, flags="other_carrier"),
        speed(50, series=MAIN._replace(profile="quick")),
        speed(60, series=MAIN._replace(ip_version=6)),
        speed(70, timed=False),
        speed(80, outcome="failed", failure="server_busy"),
        speed(90, outcome="failed", failure="stalled"),
        speed(100, outcome="skipped", failure="line_busy"),
        speed(110, outcome="missed", failure="probe_off"),
        speed(120, series=MAIN._replace(server="far")),
        speed(130, series=MAIN._replace(server="near")),
    ]
    found = month(tests, checks=[reach(5 * n) for n in range(60)])
    assert found.stands
    assert found.stands.at(BEGIN) == MAIN
    assert [one.at for one in found.tests] == [tests[0].at, tests[1].at]
    assert {server: len(of) for server, of in found.witnesses.items()} == {"far": 1}
    assert reasons(found) == {
        Exclusion.FLAGGED: ["cross_traffic"],
        Exclusion.ELSEWHERE: ["other_carrier"],
        Exclusion.NOT_FULL: [""],
        Exclusion.OTHER_SERIES: ["ix", "near"],
        Exclusion.UNTIMED: [""],
        Exclusion.SERVER_FAILED: ["server_busy"],
        Exclusion.FAILED: ["stalled"],
        Exclusion.SKIPPED: ["line_busy"],
        Exclusion.MISSED: ["probe_off"],
    }


@pytest.mark.parametrize(
    "found, reason",
    [
        (ANSWERED, Exclusion.FAILED),
        (CUT, Exclusion.IN_OUTAGE),
        (SERVER_AWAY, Exclusion.SERVER_FAILED),
    ],
)
def test_a_failed_test_is_told_by_the_check_beside_it(found: ReachCheck, reason: Exclusion) -> None:
    """In an outage it is the outage's, while the server alone was away it is the server's."""
    tests = [speed(10), speed(61, outcome="failed", failure="connect_timeout")]
    checks = [reach(5 * n) for n in range(12)] + [reach(60, found)]
    checks += [reach(65 + 5 * n) for n in range(12)]
    assert list(reasons(month(tests, checks=checks))) == [reason]


def test_a_lower_bound_counts_with_its_rates_alone() -> None:
    """Its latencies may have waited for the device, and are no values of the line."""
    found = month([speed(10), speed(20, flags="interface_speed")])
    first, second = found.tests
    assert (first.at_least, first.idle_latency_seconds) == (False, 0.004)
    assert (second.at_least, second.download_bits_per_second) == (True, 3e8)
    assert second.idle_latency_seconds is second.download_latency_seconds is None
    assert second.upload_latency_seconds is None


def test_latency_and_checks_are_of_the_main_series_way() -> None:
    """What another path of the probe measured says nothing of the wired line."""
    over_wifi = STAMP._replace(path="wlan0")
    minutes = [latency(1), latency(2, flags="cross_traffic"), latency(3, series=over_wifi)]
    checks = [reach(5 * n) for n in range(12)]
    checks += [reach(5 * n, CUT, path="wlan0") for n in range(12)]
    found = month([speed(10)], minutes, checks)
    assert [one.at for one in found.latency] == [minutes[0].at]
    assert list(reasons(found)) == [Exclusion.FLAGGED, Exclusion.OTHER_SERIES]
    assert len(found.checks) == 12
    assert found.part(date(2026, 10, 1), date(2026, 10, 31), Terms()).outages == []


def test_folded_hours_are_excluded_with_all_their_records() -> None:
    """An hour that was flagged counts as many records as were folded into it."""
    hour = latency(0, flags="wifi")
    folded = hour._replace(found=hour.found._replace(records=60))
    (one,) = month([speed(10)], [latency(61), folded]).excluded
    assert (one.reason, one.records, one.record) == (Exclusion.FLAGGED, 60, None)


def test_a_line_without_any_test_has_no_series_and_keeps_its_outages() -> None:
    """Nothing measured is nothing judged; the way that was watched most tells of outages."""
    checks = [reach(5 * n, CUT if 3 <= n < 6 else ANSWERED) for n in range(12)]
    found = month([], checks=[*checks, reach(61, path="wlan0")])
    part = found.part(date(2026, 10, 1), date(2026, 10, 31), Terms())
    assert found.stands is None
    assert part.server is None
    assert [one.where for one in part.outages] == [Where.ACCESS]
    assert part.watched_seconds == 55 * 60


def test_parts_have_their_own_days_and_terms() -> None:
    """A local day belongs to one part, with everything that was measured on it."""
    tests = [speed(60 * hour) for hour in range(0, 31 * 24, 3)]
    checks = [reach(30 * n, CUT if n == 700 else ANSWERED) for n in range(31 * 48)]
    found = month(tests, [latency(60 * 24 * 20)], checks)
    before, after = Terms(plan="Home 1"), Terms(plan="Home 2")
    first = found.part(date(2026, 10, 1), date(2026, 10, 14), before)
    second = found.part(date(2026, 10, 15), date(2026, 10, 31), after)
    assert (len(first.tests), len(second.tests)) == (14 * 8, 17 * 8)
    assert {one.at.date().day for one in first.tests} == set(range(1, 15))
    assert (first.terms, second.terms) == (before, after)
    assert (len(first.latency), len(second.latency)) == (0, 1)
    assert (len(first.outages), len(second.outages)) == (0, 1)
    assert (first.server, first.network) == ("ix", "vnix")


KINDS = st.sampled_from(
    [
        speed(1),
        speed(1, flags="cross_traffic"),
        speed(1, flags="server_limited"),
        speed(1, flags="wifi"),
        speed(1, flags="path_changed"),
        speed(1, series=MAIN._replace(profile="quick"), flags="early_stopped"),
        speed(1, series=MAIN._replace(server="far")),
        speed(1, series=MAIN._replace(path="wlan0"), flags="wifi"),
        speed(1, outcome="failed", failure="stalled"),
        speed(1, outcome="skipped", failure="line_busy"),
        speed(1, outcome="missed", failure="probe_off", timed=False),
        speed(1, timed=False),
    ]
)


@given(st.lists(KINDS, max_size=40))
def test_every_record_ends_in_one_place(kinds: list[Row[Speeds]]) -> None:
    """Whatever comes together: each record is counted once, and what counts is of one series."""
    rows = []
    for number, row in enumerate(kinds):
        at = BEGIN + timedelta(hours=number)
        named = row.found._replace(record=RecordRef("p1", "c", number))
        rows.append(row._replace(at=at, found=named))
    found = month(rows)
    kept = [one.record for one in found.tests]
    kept += [one.record for of in found.witnesses.values() for one in of]
    kept += [one.record for one in found.excluded if one.record]
    assert Counter(kept) == Counter(row.found.record for row in rows)
    by_record = {row.found.record: row for row in rows}
    for test in found.tests:
        row = by_record[test.record]
        assert found.stands
        assert row.series == found.stands.at(row.at)
        assert (row.outcome, row.timed, row.series.profile) == ("measured", True, "full")
        assert row.flags in ("", "server_limited")


def test_servers_of_unknown_networks_are_no_witnesses() -> None:
    """Two servers may stand side by side: without both networks nobody knows that they do not."""
    unknown = replace(LINE, networks={"ix": "vnix"})
    tests = [speed(10), speed(20), speed(30, series=MAIN._replace(server="far"))]
    found = sort_month(unknown, "2026-10", ZONE, tests, [], [])
    assert found.witnesses == {}
    assert reasons(found) == {Exclusion.OTHER_SERIES: ["far"]}


# --- A probe that was replaced -------------------------------------------------------------------

NEW = MAIN._replace(probe="p2", path="end0")
NEW_STAMP = STAMP._replace(probe="p2", path="end0")
WAY, NEW_WAY = ("p1", "eth0"), ("p2", "end0")
DAY = 24 * 60
CHANGE = 14 * DAY
"""The first minute of the 15th, when the new probe begins."""


def checks_of(way: tuple[str, str], minutes: Iterable[int], found: ReachCheck) -> list[Reached]:
    """Return a probe's checks at some minutes of the month."""
    says = reach_of(way, True, "measured", "", "", found)
    return [((BEGIN + timedelta(minutes=at)).timestamp(), says) for at in minutes]


def failed(minutes: float, code: str, series: SeriesId = MAIN) -> Row[Speeds]:
    """Return a speed test that failed."""
    return speed(minutes, series=series, outcome="failed", failure=code)


def replaced(dice: Random | None = None) -> SortedMonth:
    """Return a month whose probe was replaced on the 14th; the old one was switched on again in a
    workshop on the 20th, where it wrote what it had missed and found no cable.
    """
    tests = [speed(at) for at in range(600, 13 * DAY, 360)]
    tests += [speed(at, series=NEW) for at in range(CHANGE, 31 * DAY, 360)]
    far, new_far = (one._replace(server="far") for one in (MAIN, NEW))
    tests += [speed(60, series=far), speed(CHANGE + 30, series=new_far)]
    tests += [failed(19 * DAY, "interface_missing"), failed(19 * DAY + 9, "interface_missing", far)]
    tests += [speed(15 * DAY, outcome="missed", failure="probe_off")]
    tests += [failed(25 * DAY + 1, "stalled", NEW)]
    minutes = [latency(at) for at in range(30, 13 * DAY, 60)]
    minutes += [latency(at, series=NEW_STAMP) for at in range(CHANGE + 30, 31 * DAY, 60)]
    minutes += [latency(20 * DAY)]
    cut = range(5 * DAY, 5 * DAY + 120)
    good = [at for at in range(0, 13 * DAY, 5) if at not in cut]
    checks = checks_of(WAY, good, ANSWERED) + checks_of(WAY, cut[::5], CUT)
    checks += checks_of(WAY, range(20 * DAY, 21 * DAY, 5), CUT)
    checks += checks_of(NEW_WAY, range(CHANGE - 60, 31 * DAY, 5), ANSWERED)
    if dice:
        for records in (tests, minutes, checks):
            dice.shuffle(records)
    return month(tests, minutes, sorted(checks))


def test_a_replaced_probe_leaves_a_whole_month() -> None:
    """Both probes' tests, witnesses, latency and checks count, each in its time; what the old one
    tells from the workshop does not.
    """
    found = replaced()
    part = found.part(date(2026, 10, 1), date(2026, 10, 31), Terms())
    since = BEGIN + timedelta(minutes=CHANGE)
    assert part.probes == [ProbeTurn(*WAY, None), ProbeTurn(*NEW_WAY, since)]
    assert part.kind == kind_of(MAIN)
    assert {one.record.probe for one in part.tests if one.at < since} == {"p1"}
    assert {one.record.probe for one in part.tests if one.at >= since} == {"p2"}
    assert len({one.at.date() for one in part.tests}) == 30
    (witness,) = part.witnesses
    assert [one.record.probe for one in witness.tests] == ["p1", "p2"]
    assert len({one.at.date() for one in part.latency}) == 30
    (outage,) = part.outages
    assert (outage.begins_at.day, outage.shortest_seconds) == (6, 115 * 60)
    assert part.watched_seconds == (13 * DAY - 5 + 17 * DAY - 5) * 60
    assert reasons(found) == {
        Exclusion.MISSED: ["probe_off"],
        Exclusion.OTHER_SERIES: ["interface_missing", "interface_missing", "ix"],
        Exclusion.FAILED: ["stalled"],
    }


def test_parts_name_the_probes_of_their_days() -> None:
    """Each part of a month that is divided says which probe it was measured by."""
    found = replaced()
    first, second, both = (
        found.part(date(2026, 10, begin), date(2026, 10, end), Terms())
        for begin, end in ((1, 14), (15, 31), (10, 20))
    )
    assert first.probes == [ProbeTurn(*WAY, None)]
    assert second.probes == [ProbeTurn(*NEW_WAY, None)]
    assert [one.probe for one in both.probes] == ["p1", "p2"]


@given(st.integers(0, 2**32))
@settings(max_examples=10)
def test_the_order_of_a_months_records_changes_nothing(seed: int) -> None:
    """What counts is the same in whatever order records come."""
    first, again = replaced(), replaced(Random(seed))
    assert sorted(again.tests) == list(first.tests)
    assert again.stands == first.stands
    assert Counter(again.excluded) == Counter(first.excluded)
    assert sorted(again.latency) == list(first.latency)


def test_a_month_of_failures_is_watched_by_both_probes() -> None:
    """A dead line whose probe was replaced in vain is out all month."""
    tests = [failed(at, "connect_timeout") for at in range(60, 13 * DAY, 360)]
    tests += [failed(at, "connect_timeout", NEW) for at in range(CHANGE, 31 * DAY, 360)]
    checks = checks_of(WAY, range(0, 14 * DAY, 5), CUT)
    checks += checks_of(NEW_WAY, range(CHANGE, 31 * DAY, 5), CUT)
    found = month(tests, [], checks)
    part = found.part(date(2026, 10, 1), date(2026, 10, 31), Terms())
    (outage,) = part.outages
    assert outage.where is Where.ACCESS
    assert outage.shortest_seconds == (31 * DAY - 5) * 60
    assert set(reasons(found)) == {Exclusion.IN_OUTAGE}


def test_one_way_alone_is_compared_with_itself() -> None:
    """Where a single way is asked for, the probe with more days stands for all of it."""
    tests = [speed(at) for at in range(0, 13 * DAY, 360)]
    tests += [speed(at, series=NEW) for at in range(CHANGE, 31 * DAY, 360)]
    found = sort_month(LINE, "2026-10", ZONE, tests, [], [], one_way=True)
    assert {one.record.probe for one in found.tests} == {"p2"}
