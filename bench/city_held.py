"""A city's complaints held against what was planted; what is told of them against what was done."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bench.city_cases import RULES, Diary, Filed
from bench.planted import FOUND_AT, LIMIT, ONE_SERVER, Tallies, Truth, hold, merge
from bench.verdicts import FOUND_BAR
from collector.domain.standard_file import StandardFile
from collector.reports.monthly import Month

_OUTCOMES: Final = ("better", "not_better", "unknown")
_ONE_SERVER: Final = frozenset(one.kind for one in ONE_SERVER)


@dataclass(frozen=True, slots=True)
class Complained:
    """What complaints are about, in line-months.

    Attributes:
        planted: of which something is broken that is to be found.
        found: of these those in a complaint that was sent.
        accused: in a complaint, and nothing is broken; each with its case.
    """

    planted: int
    found: int
    accused: list[str]

    @property
    def is_good(self) -> bool:
        """Return whether the bars are held."""
        return not self.accused and self.found >= FOUND_BAR * self.planted


def verdicts_of(
    diary: Diary, month: Month, files: Mapping[tuple[str, int], StandardFile]
) -> Tallies:
    """Return what a month's reports say of each kind of line."""
    lines = (line for of in diary.summaries(month) for line in of.lines)
    return merge(hold(line, diary.truths[line.id], files) for line in lines)


def complained(diary: Diary) -> Complained:
    """Return how what was sent to carriers fits to what was planted.

    Of a line that is measured to one server nothing is asked: what a complaint rests on in these
    years is the ward's standard, which asks for two.
    """
    sent = {(one.month.name, line) for one in diary.cases if one.sent for line in one.lines}
    planted = {
        (month.name, line)
        for month in diary.months
        for line, truth in diary.truths.items()
        if truth.kind not in _ONE_SERVER
        if _share(truth, month) <= FOUND_AT or _is_cut(truth)
    }
    accused = [
        f"case {one.number}: {line} ({diary.truths[line].kind}) in {one.month.name}"
        for one in diary.cases
        for line in one.lines
        if not _is_cut(truth := diary.truths[line]) and _share(truth, one.month) >= LIMIT
    ]
    return Complained(len(planted), len(planted & sent), accused)


def _share(truth: Truth, month: Month) -> float:
    return truth.share(month.first_day, month.last_day)


def _is_cut(truth: Truth) -> bool:
    return truth.cut in ("access", "beyond")


def wrong_mails(diary: Diary) -> list[str]:
    """Return which cases' complaints came twice or never, as a sentence each."""
    came = Counter(
        str(mail["Subject"]).rpartition("hồ sơ ")[2].rstrip(")") for mail in diary.mailbox.mails()
    )
    wanted = {str(one.number) for one in diary.cases}
    return [
        f"case {number}: {came[number]} mails of it came"
        for number in sorted(wanted | set(came))
        if came[number] != (number in wanted)
    ]


def wrong_statistics(diary: Diary, moment: datetime) -> list[str]:
    """Return where `case statistics` of a month tells something else than what was done."""
    found = []
    for month in diary.months:
        rows = diary.clerk.json(moment, "case", "statistics", "--month", month.name)
        told = {row["carrier"]: row for row in rows}
        done = {one.carrier: _figures(diary, one) for one in diary.cases if one.month == month}
        for carrier in sorted(set(told) | set(done)):
            said, wanted = told.get(carrier, {}), done.get(carrier, {})
            found += [
                f"statistics of {month.name}, {carrier}: {name} is {said.get(name)}, not {what}"
                for name, what in wanted.items() or [("cases", 0)]
                if said.get(name) != what
            ]
    return found


def _figures(diary: Diary, case: Filed) -> dict[str, Any]:
    """Return what is to be told of a carrier's month, which has one case."""
    way = diary.ways[case.carrier]
    outcomes = Counter(case.outcomes.values())
    late = {rule: int(way.late(rule)) for rule in RULES}
    return {
        "cases": 1,
        "states": {"closed": 1},
        "sent": 1,
        "answered": int(way.answers is not None),
        "days_to_acknowledge": way.acknowledges,
        "days_to_answer": way.answers,
        "late": late,
        "lines": {one: outcomes[one] for one in _OUTCOMES},
        "better_cases": int(bool(case.outcomes) and set(case.outcomes.values()) == {"better"}),
        "escalated": int(case.escalated),
    }


def year_of(diary: Diary, moment: datetime, *words: str) -> Mapping[str, Any]:
    """Return what `report yearly` tells of complaints.

    Args:
        diary: of months of one year.
        moment: when the report is written.
        words: of the command, besides year and folder.
    """
    year, out = str(diary.months[0].first_day.year), str(diary.folder / "years")
    named = ("report", "yearly", "--year", year, *words, "--out", out)
    made = diary.clerk.json(moment, *named)
    (place,) = (Path(one) for one in made["files"] if one.endswith(".json"))
    told: Mapping[str, Any] = json.loads(place.read_bytes())["complaints"]
    return told


def wrong_year(diary: Diary, told: Mapping[str, Any]) -> list[str]:
    """Return where a year's report tells something else of complaints than what was done."""
    done = {one.number: _case(one) for one in diary.cases}
    cases = {one["number"]: one | _outcomes(one["lines"]) for one in told["cases"]}
    wrong = [
        f"the year's case {number}: {name} is {cases.get(number, {}).get(name)}, not {what}"
        for number, case in done.items()
        for name, what in case.items()
        if cases.get(number, {}).get(name) != what
    ]
    sums = {
        "sent": len(diary.mailbox.got),
        "closed": len(done),
        "escalated": sum(one.escalated for one in diary.cases),
        "states": {"closed": len(done)},
        "differing": 0,
    }
    return wrong + [
        f"the year's {name}: {told[name]}, not {what}"
        for name, what in sums.items()
        if told[name] != what
    ]


def _outcomes(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what came of a case's lines, as it is held against what was done."""
    return {"lines": {one["line"]: one["outcome"] for one in lines}}


def _case(case: Filed) -> dict[str, Any]:
    outcomes = Counter(case.outcomes.values())
    days = {"sent_on": case.sent, "answered_on": case.answered, "closed_on": case.closed}
    return {
        "month": case.month.name,
        "state": "closed",
        "lines": {line: case.outcomes.get(line) for line in case.lines},
        **{name: day and day.isoformat() for name, day in days.items()},
        "escalated": case.escalated,
        "measured_again": outcomes["better"] + outcomes["not_better"],
        "better": outcomes["better"],
    }
