"""What `/metrics` says of mail."""

from datetime import timedelta
from pathlib import Path

from collector.cases.opening import open_from
from collector.cases.posting import queue_complaint
from collector.domain.cases.steps import Role, Step
from collector.ledger import cases, outbox
from collector.settings import MailSettings
from tests.collector.cases.conftest import NOW
from tests.collector.cases.folders import LARGE, material, write_month
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.letters import fill_letters

SETTINGS = MailSettings(host="mail.example", sender="do-kiem@phuong.example")


async def said(collector: Running) -> dict[str, float]:
    """Return what is said of the outbox."""
    async with collector.client.get(f"{collector.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    start = "linewatch_collector_outbox_"
    found = (line.removeprefix(start).split() for line in lines if line.startswith(start))
    return {name: float(value) for name, value in found}


@ON_BOTH
async def test_mail_that_waits_and_that_was_given_up_is_counted(
    start: Start, tmp_path: Path
) -> None:
    """With how long the oldest one waits."""
    collector: Running = await start(
        now=lambda: NOW + timedelta(hours=2), metrics={"cache_seconds": 0.01}
    )
    assert await said(collector) == {
        "waiting": 0,
        "sent": 0,
        "given_up": 0,
        "oldest_age_seconds": 0,
    }
    with collector.database.write() as connection:
        fill_letters(connection, NOW)
        open_from(connection, material(write_month(tmp_path)), Role.CLERK, "", NOW)
        cases.add_event(connection, 1, Step.APPROVED, at=NOW, day=NOW.date(), role=Role.SIGNER)
        queue_complaint(connection, 1, SETTINGS, LARGE, Role.CLERK, NOW)
    assert await said(collector) == {
        "waiting": 1,
        "sent": 0,
        "given_up": 0,
        "oldest_age_seconds": 7200,
    }
    with collector.database.write() as connection:
        outbox.cancel(connection, 1, "no")
    assert (await said(collector))["given_up"] == 1
