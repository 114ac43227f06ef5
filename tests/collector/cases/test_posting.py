"""What is put into the outbox: complaints, and reminders of deadlines, once each."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from collector.cases import opening
from collector.cases.calendar import vietnam
from collector.cases.opening import open_from
from collector.cases.posting import find_due, queue_complaint, queue_reminders, withdraw_complaint
from collector.domain.cases.steps import Role, Step
from collector.domain.findings import Verdict
from collector.errors import CaseError
from collector.ledger import cases, outbox, registry, schema
from collector.ledger.database import Database
from collector.ledger.large_files import LargeFiles, beside
from collector.settings import MailSettings
from tests.collector.cases.conftest import NOW
from tests.collector.cases.folders import FILES, LARGE, failing, material, write_month
from tests.collector.conftest import ON_BOTH

SETTINGS = MailSettings(host="mail.example", sender="do-kiem@phuong.example")
DAY = timedelta(days=1)


def refused(ledger: Database, settings: MailSettings = SETTINGS) -> str:
    """Return why case 1's complaint is not queued; the outbox stays as it was."""
    before = ledger.read_now(outbox.counts)
    with pytest.raises(CaseError) as error, ledger.write() as connection:
        queue_complaint(connection, 1, settings, LARGE, Role.CLERK, NOW)
    assert ledger.read_now(outbox.counts) == before
    return str(error.value)


@ON_BOTH
def test_a_complaint_waits_once(approved: Database) -> None:
    """A second time it is said that it waits, and how it went so far."""
    with approved.write() as connection:
        queue_complaint(connection, 1, SETTINGS, LARGE, Role.CLERK, NOW)
    assert "case 1 is in the outbox already (0 attempts)" in refused(approved)
    with approved.write() as connection:
        outbox.take(connection, "one", NOW)
        outbox.note_failed(connection, "complaint/1", "one", "450 later", NOW)
    assert "(1 attempts, the last: 450 later)" in refused(approved)


def test_what_is_linked_is_there_by_then(
    ledger: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the ledger has is put where it is linked; a mail that links what nobody has is none."""
    monkeypatch.setattr(opening, "MAX_FILE_BYTES", len(FILES["annex.pdf"]))
    folder = write_month(tmp_path / "reports")
    large = beside(folder.parent)
    with ledger.write() as connection:
        open_from(connection, material(folder), Role.CLERK, "", NOW)
        cases.add_event(connection, 1, Step.APPROVED, at=NOW, day=NOW.date(), role=Role.SIGNER)
        kept = {one.name: one for one in cases.read_files(connection, 1)}
    linking = SETTINGS.model_copy(
        update={"link": "https://reports.example", "attachment_bytes": len(FILES["letter.pdf"])}
    )
    evidence, data = (kept[name] for name in ("evidence.zip", "data.xlsx"))
    assert (evidence.is_kept, data.is_kept) == (False, True)
    place = large.find(evidence.sha256, evidence.name)
    assert place is not None
    assert large.find(data.sha256, data.name) is None
    hidden = place.rename(tmp_path / "hidden")
    with pytest.raises(CaseError, match=r"evidence\.zip is not in .*put the file") as error:
        queued(ledger, linking, large)
    assert f"as {place.name}, or close the case" in str(error.value)
    hidden.rename(place)
    body = queued(ledger, linking, large).body
    for one in (evidence, data):
        found = large.find(one.sha256, one.name)
        assert found is not None
        assert f"https://reports.example/{found.name}" in body
        assert found.read_bytes() == (folder / one.name).read_bytes()


def queued(ledger: Database, settings: MailSettings, large: LargeFiles) -> outbox.Mail:
    """Return case 1's complaint, as it is put into the outbox."""
    with ledger.write() as connection:
        return queue_complaint(connection, 1, settings, large, Role.CLERK, NOW)


@ON_BOTH
def test_what_went_by_post_is_not_sent_unless_it_is_being_sent(approved: Database) -> None:
    """Until its lease ends nobody knows whether a server took it; no mail is nothing to stop."""
    with approved.write() as connection:
        withdraw_complaint(connection, 1, NOW)
        queue_complaint(connection, 1, SETTINGS, LARGE, Role.CLERK, NOW)
        outbox.take(connection, "one", NOW)
    with (
        pytest.raises(CaseError, match="case 1: its mail is being sent just now"),
        approved.write() as connection,
    ):
        withdraw_complaint(connection, 1, NOW)
    with approved.write() as connection:
        withdraw_complaint(connection, 1, NOW + outbox.LEASE + DAY)
        assert outbox.take(connection, "two", NOW + 2 * DAY) is None


def test_what_is_missing_is_said(ledger: Database, approved: Database) -> None:
    """A server, an address of the carrier, an approval."""
    assert "no mail is set up: see collector.mail.host" in refused(approved, MailSettings())
    with ledger.write() as connection:
        registry.change(connection, schema.carriers, "vnpt", {"complaint_email": "a b@c"})
    assert "carrier 'vnpt' has no e-mail for complaints" in refused(approved)
    with ledger.write() as connection:
        cases.add_event(connection, 1, Step.SENT, at=NOW, day=NOW.date(), role=Role.CLERK)
    assert "case 1 was sent already: it is sent" in refused(approved)


def sent(ledger: Database) -> None:
    """Note that case 1 was sent today."""
    with ledger.write() as connection:
        cases.add_event(connection, 1, Step.SENT, at=NOW, day=NOW.date(), role=Role.CLERK)


@ON_BOTH
def test_each_deadline_is_reminded_of_when_it_is_near_and_when_it_is_over(
    approved: Database,
) -> None:
    """Once each, to the ward's clerk, however often it is asked; noted in the case."""
    sent(approved)
    told = []
    for day in range(9):
        for _ in range(2):
            with approved.write() as connection:
                new = queue_reminders(connection, vietnam(), SETTINGS, NOW + day * DAY)
            told += [(day, one.deadline.rule.id, one.deadline.standing.value) for one in new]
    # Monday the 2nd of November: two working days end on the 4th, five on the 9th.
    assert told == [
        (1, "reply", "near"),
        (3, "reply", "over"),
        (4, "refusal", "near"),
        (8, "refusal", "over"),
    ]
    mails = approved.read_now(lambda c: outbox.of_case(c, 1))
    assert {tuple(one.recipients) for one in mails} == {("van.thu@phuong.example",)}
    assert len({one.message_id for one in mails}) == 4
    events = approved.read_now(lambda c: cases.read_case(c, 1)).events
    assert [one.step for one in events].count(Step.REMINDED) == 4


def test_only_clerks_of_wards_whose_lines_failed_are_reminded(
    ledger: Database, tmp_path: Path
) -> None:
    """Of a month of three wards; the third's line keeps what was promised."""
    lines = [
        replace(one, site=replace(one.site, ward=ward))
        for one, ward in (
            (failing("l1"), "Thạch Khôi"),
            (failing("l2"), "Tân Hưng"),
            (failing("l3", Verdict.PASS), "Lê Thanh Nghị"),
        )
    ]
    folder = write_month(tmp_path, *lines, ward=None)
    with ledger.write() as connection:
        for ward, name in (("th", "Tân Hưng"), ("ltn", "Lê Thanh Nghị"), ("x", "Không Dính")):
            registry.add(connection, schema.wards, {"id": ward, "name": name}, NOW)
            clerk = {"id": ward, "ward_id": ward, "role": "clerk", "name": "Không Tên"}
            registry.add(
                connection, schema.persons, clerk | {"email": f"{ward}@phuong.example"}, NOW
            )
        open_from(connection, material(folder), Role.CLERK, "", NOW)
        cases.add_event(connection, 1, Step.APPROVED, at=NOW, day=NOW.date(), role=Role.SIGNER)
    sent(ledger)
    (due,) = ledger.read_now(lambda c: find_due(c, vietnam(), NOW + DAY))
    assert set(due.recipients) == {"van.thu@phuong.example", "th@phuong.example"}


@ON_BOTH
def test_what_is_sent_again_goes_where_it_belongs_now(approved: Database) -> None:
    """As the same mail where nothing changed; to another address it is another one."""
    found = []
    for address in ("khieunai@mang.example", "khieunai@mang.example", "moi@mang.example"):
        with approved.write() as connection:
            registry.change(connection, schema.carriers, "vnpt", {"complaint_email": address})
            queued = queue_complaint(connection, 1, SETTINGS, LARGE, Role.CLERK, NOW)
            assert outbox.take(connection, "one", NOW)
            outbox.note_given_up(connection, "complaint/1", "one", "550 no such user")
        assert queued.state == outbox.WAITING
        assert queued.recipients == [address]
        found.append(queued.message_id)
    assert found[0] == found[1] != found[2]
    other = SETTINGS.model_copy(update={"sender": "khac@phuong.example"})
    with approved.write() as connection:
        queued = queue_complaint(connection, 1, other, LARGE, Role.CLERK, NOW)
    assert queued.sender == "khac@phuong.example"
    assert queued.message_id not in found


def test_an_answer_ends_reminders(approved: Database) -> None:
    """What was answered is waited for no more; what was closed neither."""
    sent(approved)
    with approved.write() as connection:
        cases.add_event(connection, 1, Step.ANSWERED, at=NOW, day=NOW.date(), role=Role.CLERK)
    assert approved.read_now(lambda c: find_due(c, vietnam(), NOW + 60 * DAY)) == []


def test_without_a_clerks_address_a_deadline_is_only_listed(approved: Database) -> None:
    """And reminded of as soon as there is one."""
    sent(approved)
    with approved.write() as connection:
        registry.remove(connection, schema.persons, "van-thu")
        assert queue_reminders(connection, vietnam(), SETTINGS, NOW + DAY) == []
    (due,) = approved.read_now(lambda c: find_due(c, vietnam(), NOW + DAY))
    assert (due.deadline.rule.id, due.recipients, due.is_queued) == ("reply", [], False)
    with approved.write() as connection:
        clerk = {"id": "b", "ward_id": "thach-khoi", "role": "clerk", "name": "Không Tên"}
        registry.add(connection, schema.persons, clerk | {"email": "b@phuong.example"}, NOW)
        (new,) = queue_reminders(connection, vietnam(), SETTINGS, NOW + DAY)
    assert new.recipients == ["b@phuong.example"]
    with pytest.raises(CaseError, match="no mail is set up"), approved.write() as connection:
        queue_reminders(connection, vietnam(), MailSettings(), NOW + DAY)
