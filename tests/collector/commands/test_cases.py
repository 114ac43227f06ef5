"""`linewatch case …`: a complaint from its folder to its end."""

from dataclasses import replace
from pathlib import Path

import pytest

from collector.domain.findings import Verdict
from collector.errors import CaseError
from tests.collector.cases.folders import failing, write_month
from tests.collector.commands.support import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry whose carrier has an address for complaints."""
    made = Registry(tmp_path).filled()
    made.run("carrier", "set", "vnpt", "--complaint-email", "khieunai@mang.example")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a month's folder with a line that fails."""
    return write_month(tmp_path / "reports")


def refused(registry: Registry, *words: str) -> str:
    """Return why a command does nothing."""
    with pytest.raises(CaseError) as error:
        registry.run("case", *words)
    return str(error.value)


def test_a_complaint_goes_by_post_from_a_draft_to_its_end(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    """Each step is noted with its day, as what somebody did it, and the files that belong to it."""
    assert registry.json("case", "open", str(folder)) == {"case": 1, "lines": ["l1"], "files": []}
    signed = tmp_path / "12 UBND-VHXH.pdf"
    signed.write_bytes(b"%PDF signed")
    words = ["approve", "1", "--by", "signer", "--letter", str(signed), "--number", "12/UBND-VHXH"]
    assert "case 1: approved on" in registry.run("case", *words).stdout
    registry.run("case", "send", "1", "--by-post", "--on", "2/11/2026")
    registry.run("case", "acknowledge", "1", "--on", "4/11/2026", "--note", "đã nhận")
    reply = tmp_path / "trả lời.pdf"
    reply.write_bytes(b"%PDF reply")
    words = ["answer", "1", "--on", "9/11/2026", "--mended", "8/11/2026", "--file", str(reply)]
    registry.run("case", *words)
    told = registry.json("case", "show", "1")
    assert told["state"] == "answered"
    steps = [(one["step"], one["day"], one["role"]) for one in told["events"]]
    assert steps[2:] == [
        ("sent", "2026-11-02", "clerk"),
        ("acknowledged", "2026-11-04", "clerk"),
        ("answered", "2026-11-09", "clerk"),
    ]
    assert steps[1][2] == "signer"
    assert told["events"][1]["details"]["letter_number"] == "12/UBND-VHXH"
    assert told["events"][4]["details"]["mended"] == "2026-11-08"
    standing = {one["rule"]: one["standing"] for one in told["deadlines"]}
    assert standing == {"reply": "kept", "refusal": "kept", "resolution": "kept"}
    shown = registry.run("case", "show", "1").stdout
    assert "2026-11-02 sent by clerk: by post" in shown
    assert "2026-11-04 acknowledged by clerk: đã nhận" in shown
    assert "2026-11-09 answered by clerk: mended on 2026-11-08" in shown
    assert "approved by signer: letter 12/UBND-VHXH" in shown
    assert not any(one["verified"] for one in told["deadlines"])
    (number,) = (one["number"] for one in told["files"] if one["kind"] == "answer")
    registry.run("case", "save", "1", str(number), str(tmp_path / "saved.pdf"))
    assert (tmp_path / "saved.pdf").read_bytes() == b"%PDF reply"
    assert "cannot be written" in refused(
        registry, "save", "1", str(number), str(tmp_path / "saved.pdf")
    )
    registry.run("case", "escalate", "1", "--to", "Sở Khoa học và Công nghệ")
    registry.run("case", "close", "1", "--note", "xong")
    assert registry.json("case", "list") == []
    (closed,) = registry.json("case", "list", "--all")
    assert (closed["state"], closed["sent"]) == ("closed", "2026-11-02")
    (month,) = registry.json("case", "statistics", "--month", "2026-10")
    assert (month["carrier"], month["cases"], month["sent"], month["answered"]) == ("vnpt", 1, 1, 1)
    assert (month["days_to_acknowledge"], month["days_to_answer"]) == (2, 5)
    assert month["escalated"] == 1
    assert registry.json("case", "statistics", "--month", "2026-09") == []


def test_people_read_a_case_and_a_list(registry: Registry, folder: Path) -> None:
    """What is unverified stands there as such, in Vietnamese and English."""
    registry.run("case", "open", str(folder))
    registry.run("case", "approve", "1", "--unsigned", "--by", "signer")
    registry.run("case", "send", "1", "--by-post", "--on", "2/11/2026")
    shown = registry.run("case", "show", "1").stdout
    assert "case 1: VNPT, 2026-10" in shown
    assert "l1 (Nhà văn hóa số 1): qcvn-34-2019 download" in shown
    assert "chưa kiểm chứng (not verified)" in shown
    assert "letter.pdf" in shown
    listed = registry.run("case", "list").stdout
    assert "VNPT" in listed
    assert "2026-11-04" in listed
    told = registry.run("case", "statistics", "--month", "2026-10").stdout
    assert all(words in told for words in ("VNPT", "cannot be said"))
    reminded = registry.run("case", "remind").stdout
    assert "case 1 (VNPT): reply over, until 2026-11-04: no mail" in reminded
    (due, *_) = registry.json("case", "remind")
    assert (due["rule"], due["standing"], due["queued"]) == ("reply", "over", False)


def test_what_a_line_keeps_is_not_told_as_what_it_failed_by(
    registry: Registry, tmp_path: Path
) -> None:
    """A case keeps what was asked first, too, whatever came of it."""
    one = failing(indicator="availability")
    (part,) = one.parts
    (judgement,) = part.judgements
    (broken,) = judgement.findings
    kept = replace(broken, indicator="download", verdict=Verdict.PASS)
    both = replace(judgement, findings=[kept, replace(broken, is_primary=False)])
    line = replace(one, parts=[replace(part, judgements=[both])])
    registry.run("case", "open", str(write_month(tmp_path, line)))
    assert len(registry.json("case", "show", "1")["lines"][0]["findings"]) == 2
    shown = registry.run("case", "show", "1").stdout
    assert "l1 (Nhà văn hóa số 1): qcvn-34-2019 availability\n" in shown


def test_no_letter_goes_out_unsigned_by_oversight(registry: Registry, folder: Path) -> None:
    """The signed letter is named, or it is said that there is none; not both."""
    registry.run("case", "open", str(folder))
    for words in ((), ("--unsigned", "--letter", str(folder / "letter.pdf"))):
        done = registry.run("case", "approve", "1", *words)
        assert done.exit_code == 2
        assert "--letter FILE, or say --unsigned" in done.stderr
    assert registry.json("case", "show", "1")["state"] == "draft"


def test_an_approval_is_the_signers(registry: Registry, folder: Path) -> None:
    """His signature is his word, which a clerk files; a technician approves nothing."""
    registry.run("case", "open", str(folder))
    signed = ("--letter", str(folder / "letter.pdf"))
    assert "clerk cannot approve it with no signed letter" in refused(
        registry, "approve", "1", "--unsigned"
    )
    for words in (("--unsigned",), signed):
        said = refused(registry, "approve", "1", *words, "--by", "technician")
        assert "the technician cannot approve it" in said
        assert "'--by signer'" in said
    assert registry.json("case", "show", "1")["state"] == "draft"
    registry.run("case", "approve", "1", *signed)
    (opened, approved) = registry.json("case", "show", "1")["events"]
    assert (opened["step"], approved["role"]) == ("opened", "clerk")


def test_wrong_steps_and_days_are_refused(registry: Registry, folder: Path) -> None:
    """With what comes first; nothing is noted."""
    registry.run("case", "open", str(folder))
    assert "approve it first: linewatch case approve 1" in refused(registry, "send", "1")
    assert "approve it first" in refused(registry, "answer", "1")
    unsigned = ("--unsigned", "--by", "signer")
    assert "there is no case 2" in refused(registry, "approve", "2", *unsigned)
    registry.run("case", "approve", "1", *unsigned)
    assert "case 1 is not sent yet" in refused(registry, "approve", "1", *unsigned)
    assert "no mail is set up: see collector.mail.host" in refused(registry, "send", "1")
    assert "is not over" in refused(registry, "send", "1", "--by-post", "--on", "2099-01-01")
    registry.run("case", "send", "1", "--by-post", "--on", "2/11/2026")
    assert "was sent on 2026-11-02" in refused(registry, "answer", "1", "--on", "1/11/2026")
    assert "has not said that it mended anything" in refused(registry, "remeasure", "1")
    assert "cannot be read" in refused(registry, "answer", "1", "--file", "/nowhere/at/all.pdf")
    assert "keeps no file 99" in refused(registry, "save", "1", "99", str(folder / "x"))
    assert [one["step"] for one in registry.json("case", "show", "1")["events"]] == [
        "opened",
        "approved",
        "sent",
    ]
    assert registry.run("case", "send", "1", "--by-post", "--now").exit_code == 2
    assert registry.run("case", "send", "1", "--on", "2/11/2026").exit_code == 2
    assert registry.run("case", "close", "1").exit_code == 2


def test_a_complaint_about_nothing_is_not_opened(registry: Registry, tmp_path: Path) -> None:
    """And a folder that is none is named."""
    assert "has no summary.json" in refused(registry, "open", str(tmp_path))
    assert "there is no case 1" in refused(registry, "show", "1")


def test_remeasuring_says_what_is_missing_and_notes_nothing_yet(
    registry: Registry, tmp_path: Path
) -> None:
    """Of a line without any test of the month nothing can be said: the case stays answered."""
    folder = write_month(tmp_path / "reports", failing("l1"))
    registry.run("case", "open", str(folder))
    registry.run("case", "approve", "1", "--unsigned", "--by", "signer")
    registry.run("case", "send", "1", "--by-post", "--on", "2/11/2026")
    registry.run("case", "answer", "1", "--on", "3/11/2026", "--mended", "3/11/2026")
    told = registry.json("case", "remeasure", "1")
    assert told["noted"] is False
    (line,) = told["lines"]
    assert (line["outcome"], line["why"]) == ("unknown", "few_before")
    assert registry.json("case", "show", "1")["state"] == "answered"
    shown = registry.run("case", "remeasure", "1").stdout
    assert "cannot be said: too few days of the complaint's month before the mending" in shown
    assert "nothing is noted: of no line can it be said" in shown


def test_a_day_of_mending_that_cannot_be_is_refused(registry: Registry, folder: Path) -> None:
    """Before the complaint's month there was nothing to mend; a promise is no mending."""
    registry.run("case", "open", str(folder))
    registry.run("case", "approve", "1", "--unsigned", "--by", "signer")
    registry.run("case", "send", "1", "--by-post", "--on", "2/11/2026")
    answer = ["answer", "1", "--on", "3/11/2026", "--mended"]
    assert "is before the complaint's month, 2026-10" in refused(registry, *answer, "30/9/2026")
    assert "is still to come: note the answer without it" in refused(
        registry, *answer, "2099-01-01"
    )
    assert registry.json("case", "show", "1")["state"] == "sent"
    registry.run("case", *answer, "1/10/2026")
    assert registry.json("case", "show", "1")["events"][-1]["details"] == {"mended": "2026-10-01"}


def test_what_is_stored_is_what_machines_read(registry: Registry, folder: Path) -> None:
    """`case show --json` has every column of every event and file."""
    registry.run("case", "open", str(folder), "--note", "tháng 10")
    told = registry.json("case", "show", "1")
    assert told["events"][0]["note"] == "tháng 10"
    assert told["lines"][0]["findings"][0]["limit"] == 120e6
    assert {one["name"] for one in told["files"]} >= {"letter.pdf", "evidence.zip"}
