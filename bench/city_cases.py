"""What becomes of a city's complaints, by the commands, at moments of the year, beside the truth.

A month that is over is reported; where a line of a carrier fails a case is opened, approved and
sent by SMTP. The carrier takes it up, answers and says that it mended, or does not, as its `Way`
says; the lines are measured again, and the case is closed. What comes of it is held against what
was planted on the lines and against the carrier's way; each thing that is not as it has to be is
a sentence in `Diary.wrong`.
"""

import heapq
import time as clocks
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.clerk import Clerk, files_of, flipped, numbered_letter, working_day, wrong_files
from bench.planted import Truth
from collector.errors import CaseError
from collector.reports.monthly import Month
from collector.reports.summary import Summary, from_json
from simulate.plan import ZONE
from tests.collector.cases.mail_server import Mailbox

LETTER: Final = "letter.docx"
EVIDENCE: Final = "evidence.zip"
RULES: Final = {"reply": 2, "refusal": 5, "resolution": 20}
"""Working days behind the day of sending, as docs/method.md has them."""

TRULY_BETTER: Final = 1.1
"""What is planted is a mend from a tenth of what was before on."""

_EARLY: Final = 6
_WAIT: Final = 22
_AGAIN: Final = 14
_MOST_TIMES: Final = 3
"""Days behind a mending until somebody asks first, and asks in earnest; then each fortnight."""

_REFUSED_EACH: Final = 4
"""Of so many mails one is put off by its server at first."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a carrier deals with complaints, in working days behind the day of sending; None: never.

    Attributes:
        claims: the day on which it says that it mended, by the month of the complaint; of others
            it is the day before the answer.
    """

    acknowledges: int | None
    answers: int | None
    claims: Mapping[str, date] = field(default_factory=dict)

    def late(self, rule: str) -> bool:
        """Return whether a carrier breaks a rule."""
        done = self.answers if rule == "resolution" else self.acknowledges
        return done is None or done > RULES[rule]


@dataclass(slots=True)
class Filed:
    """A case of the year.

    Attributes:
        lines: that it complains about.
        tried: how often it was measured again.
        outcomes: of the lines, as the case has them noted.
        attached: whether its evidence went in the mail; else its address.
    """

    number: int
    carrier: str
    month: Month
    lines: Sequence[str]
    sent: date | None = None
    answered: date | None = None
    mended: date | None = None
    closed: date | None = None
    escalated: bool = False
    tried: int = 0
    outcomes: dict[str, str] = field(default_factory=dict)
    attached: bool = False


@dataclass(slots=True)
class Diary:
    """A clerk's diary: what is done when, and what comes of it.

    Attributes:
        clerk: who does it.
        folder: for reports and papers.
        mailbox: of the carriers' server.
        truths: of the lines.
        ways: of the carriers.
        months: to be reported.
        words: of `report monthly`, besides month and folder.
        wrong: what is not as it has to be.
        cases: all that were opened.
        mends: lines measured again, by kind, whether they were mended, and what was said.
        seconds: that each month's reports took.
        flips: changed bytes of evidence that were found.
        put_off: mails that the server did not take at first.
    """

    clerk: Clerk
    folder: Path
    mailbox: Mailbox
    truths: Mapping[str, Truth]
    ways: Mapping[str, Way]
    months: Sequence[Month]
    words: Sequence[str]
    wrong: list[str] = field(default_factory=list)
    cases: list[Filed] = field(default_factory=list)
    mends: Counter[tuple[str, bool, str]] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    flips: int = 0
    put_off: int = 0
    _plans: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    @property
    def reports(self) -> Path:
        """Where the months' folders are."""
        return self.folder / "out"

    def run(self) -> datetime:
        """Live through all of it; return the moment behind."""
        for month in self.months:
            day = working_day(month.next_day + timedelta(1), 0)
            self._at(day, 8, partial(self._report, month=month))
        moment = datetime.combine(self.months[0].first_day, time(), ZONE)
        # Ends: a month has one case of each carrier, and a case so many steps at most.
        while self._plans:
            moment, _, do = heapq.heappop(self._plans)
            do(moment)
        return moment + timedelta(1)

    def _at(self, day: date, hour: int, do: Callable[[datetime], None]) -> None:
        heapq.heappush(
            self._plans, (datetime.combine(day, time(hour), ZONE), next(self._order), do)
        )

    # --- Until it is sent ------------------------------------------------------------------------

    def _report(self, moment: datetime, month: Month) -> None:
        words = ("report", "monthly", "--month", month.name, *self.words)
        began = clocks.monotonic()
        told = self.clerk.json(moment, *words, "--out", str(self.reports))
        self.seconds[month.name] = clocks.monotonic() - began
        for one in told:
            if one["lines"]["fail"]:
                self._open(moment + timedelta(hours=1), month, Path(one["folder"]))

    def summaries(self, month: Month) -> Iterator[Summary]:
        """Yield what was written of a month's carriers."""
        for place in sorted((self.reports / month.name).glob("*/summary.json")):
            yield from_json(place.read_bytes())

    def _open(self, moment: datetime, month: Month, folder: Path) -> None:
        told = self.clerk.json(moment, "case", "open", str(folder))
        case = Filed(told["case"], folder.name, month, told["lines"])
        self.cases.append(case)
        number = str(case.number)
        approve = ("case", "approve", number, "--by", "signer", "--number", f"{case.number}")
        if any(one.carrier == case.carrier for one in self.cases[:-1]):
            self.clerk.run(moment, *approve, "--unsigned")
        else:
            # One letter of each carrier goes all the way that letters go.
            own = self.folder / f"case-{number}"
            letter = numbered_letter(folder / LETTER, number, moment.date(), own)
            self.clerk.run(moment, *approve, "--letter", str(letter))
        self._send(moment + timedelta(hours=1), case, folder)

    def _send(self, moment: datetime, case: Filed, folder: Path) -> None:
        number, had = str(case.number), len(self.mailbox.got)
        if case.number % _REFUSED_EACH == 1:
            self.mailbox.said = ["451 4.3.0 come back later"]
            self.put_off += 1
            self._refused(moment, "tries again", "case", "send", number, "--now")
            moment += timedelta(hours=1)
        self.clerk.run(moment, "case", "send", number, "--now")
        case.sent = moment.date()
        self._refused(moment, "was sent already", "case", "send", number, "--now")
        if len(self.mailbox.got) != had + 1:
            self.wrong.append(f"case {number}: {len(self.mailbox.got) - had} mails")
            return
        mail = self.mailbox.mails()[-1]
        kept = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
        signed = self.folder / f"case-{number}" / "cong-van.pdf"
        if signed.is_file():
            kept[signed.name] = signed.read_bytes()
        self.wrong += [f"case {number}: {one} of its mail" for one in wrong_files(mail, kept)]
        attached, said = files_of(mail)
        if EVIDENCE not in said:
            self.wrong.append(f"case {number}: no evidence in its mail")
        case.attached = EVIDENCE in attached
        self._prove(case, kept[EVIDENCE])
        self._expect(moment, case)

    def _refused(self, moment: datetime, why: str, *words: str) -> None:
        """Do what has to be refused, with these words."""
        try:
            self.clerk.run(moment, *words)
        except CaseError as error:
            if why in str(error):
                return
            said = str(error)
        else:
            said = "nothing"
        self.wrong.append(f"{' '.join(words)}: said {said!r}, not {why!r}")

    def _prove(self, case: Filed, evidence: bytes) -> None:
        """Let the carrier verify what it got, and somebody change one byte of it."""
        file = self.folder / f"case-{case.number}.zip"
        file.write_bytes(evidence)
        if not self.clerk.is_good(file):
            self.wrong.append(f"case {case.number}: its evidence is not good")
        place = Random(f"flip {case.number}").randrange(len(evidence))  # noqa: S311 - a place
        file.write_bytes(flipped(evidence, place))
        if self.clerk.is_good(file):
            self.wrong.append(f"case {case.number}: byte {place} of its evidence was changed")
        else:
            self.flips += 1
        file.unlink()

    # --- What the carrier does -------------------------------------------------------------------

    def _expect(self, moment: datetime, case: Filed) -> None:
        sent, way = moment.date(), self.ways[case.carrier]
        told = self.clerk.json(moment, "case", "show", str(case.number))["deadlines"]
        due = {one["rule"]: date.fromisoformat(one["due"]) for one in told}
        if due != {rule: working_day(sent, days) for rule, days in RULES.items()}:
            self.wrong.append(f"case {case.number}: sent on {sent}, due {due}")
        if way.acknowledges is not None:
            day = working_day(sent, way.acknowledges)
            self._at(day, 15, partial(self._note, case=case, step="acknowledge"))
        if way.answers is not None:
            day = working_day(sent, way.answers)
            self._at(day, 16, partial(self._answer, case=case))
        else:
            last = working_day(sent, RULES["resolution"])
            self._at(last, 9, partial(self._look, case=case))
            self._at(working_day(last, 1), 9, partial(self._look, case=case))

    def _note(self, moment: datetime, case: Filed, step: str, *words: str) -> None:
        self.clerk.run(moment, "case", step, str(case.number), *words)

    def _answer(self, moment: datetime, case: Filed) -> None:
        today = moment.date()
        claimed = self.ways[case.carrier].claims.get(case.month.name, today - timedelta(1))
        reply = self.folder / "tra-loi.txt"
        reply.write_text(f"Khắc phục ngày {claimed:%d/%m/%Y}.\n", encoding="utf-8")
        case.answered = case.answered or today
        words = ("case", "answer", str(case.number), "--file", str(reply))
        if claimed > today:
            self._refused(moment, "still to come", *words, "--mended", claimed.isoformat())
            self.clerk.run(moment, *words)
            self._at(working_day(claimed, 0), 9, partial(self._answer, case=case))
            return
        self.clerk.run(moment, *words, "--mended", claimed.isoformat())
        case.mended = claimed
        counted = max(claimed, case.month.last_day)
        if today <= counted + timedelta(_EARLY):
            self._at(counted + timedelta(_EARLY), 9, partial(self._too_early, case=case))
        day = max(today + timedelta(1), counted + timedelta(_WAIT))
        self._at(day, 9, partial(self._again, case=case))

    def _look(self, moment: datetime, case: Filed) -> None:
        """Look whether a deadline is over that nobody kept: on its last day it is not."""
        over = [
            one["rule"]
            for one in self.clerk.json(moment, "case", "remind")
            if (one["case"], one["standing"]) == (case.number, "over")
        ]
        assert case.sent is not None  # noqa: S101 - looked at since
        is_over = moment.date() > working_day(case.sent, RULES["resolution"])
        if ("resolution" in over) is not is_over:
            self.wrong.append(f"case {case.number}: on {moment.date()} over: {over}")
        if is_over:
            self._note(moment, case, "escalate", "--to", "Sở Khoa học và Công nghệ")
            case.escalated = True
            self._at(
                moment.date() + timedelta(30), 9, partial(self._close, case=case, note="chuyển Sở")
            )

    # --- Measured again --------------------------------------------------------------------------

    def _too_early(self, moment: datetime, case: Filed) -> None:
        told = self.clerk.json(moment, "case", "remeasure", str(case.number))
        if told["noted"] or {one["outcome"] for one in told["lines"]} != {"unknown"}:
            self.wrong.append(f"case {case.number}: told on {moment.date()}, of too few days")

    def _again(self, moment: datetime, case: Filed) -> None:
        told = self.clerk.json(moment, "case", "remeasure", str(case.number))
        case.tried += 1
        if not told["noted"] and case.tried < _MOST_TIMES:
            day = moment.date() + timedelta(_AGAIN)
            self._at(day, 9, partial(self._again, case=case))
            return
        if told["noted"]:
            case.outcomes = {one["line"]: one["outcome"] for one in told["lines"]}
        for one in told["lines"]:
            self._hold(moment, case, one)
        day = working_day(moment.date(), 1)
        note = "đã đo lại" if told["noted"] else "không đủ số liệu để so sánh"
        self._at(day, 9, partial(self._close, case=case, note=note))

    def _hold(self, moment: datetime, case: Filed, told: Mapping[str, Any]) -> None:
        """Hold what is said of a line against what it carried before and after."""
        assert case.mended is not None  # noqa: S101 - it was asked since
        truth = self.truths[told["line"]]
        first, last = max(case.mended, case.month.last_day) + timedelta(1), self.months[-1].last_day
        last = min(last, moment.date() - timedelta(1))
        if first > last:
            # Nobody measured any more.
            self.mends[truth.kind, False, "not measured"] += 1
            return
        before_end = min(case.month.last_day, case.mended - timedelta(1))
        before = truth.share(case.month.first_day, before_end)
        truly = truth.share(first, last) >= TRULY_BETTER * before
        self.mends[truth.kind, truly, told["outcome"]] += 1
        if truly is not (told["outcome"] == "better"):
            mended = "mended" if truly else "not mended"
            where = f"case {case.number}: {told['line']}"
            self.wrong.append(f"{where} ({truth.kind}) was {mended}, said: {told['outcome']}")

    def _close(self, moment: datetime, case: Filed, note: str) -> None:
        self._note(moment, case, "close", "--note", note)
        case.closed = moment.date()
        state = self.clerk.json(moment, "case", "show", str(case.number))["state"]
        if state != "closed":
            self.wrong.append(f"case {case.number}: closed, and is {state}")
