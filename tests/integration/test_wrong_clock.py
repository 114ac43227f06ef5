"""A probe whose clock is wrong delivers to a real collector, which dates its records rightly."""

import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probe import identity
from probe.client import CollectorClient
from probe.clock import Clock, KernelClock
from probe.quiet import Quiet
from probe.settings import UplinkSettings
from probe.spool import Spool
from probe.uplink import Listener, Uplink
from tests.certificates import self_signed
from tests.integration.recorder import SPOOL_BYTES, entry
from tests.integration.support import register_probe, start_collector

TEN_YEARS = timedelta(days=3652)


def wait_until(what: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until something holds; return whether it came to hold."""
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


@pytest.mark.timeout(90)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "error", [-TEN_YEARS, TEN_YEARS, timedelta(minutes=-10), timedelta(minutes=10)]
)
def test_a_wrong_clock_corrects_itself_and_its_records_are_dated(
    tmp_path: Path, error: timedelta, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector's Date sets the clock; the record made before is dated by the boot's monotonic
    time, the one made after by its own clock, and both say so. Over TLS too, where the certificate
    is not good at the time that the probe believes in.
    """
    settings = {}
    if tls:
        certificate = self_signed(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
        settings = {"tls": certificate.settings()}
    clock = Clock(
        wall=lambda: time.time() + error.total_seconds(),
        kernel=lambda: KernelClock(synchronised=False, offset_seconds=0.0),
    )
    state = tmp_path / "probe"
    with start_collector(tmp_path, settings=settings) as collector:
        register_probe(tmp_path, collector)
        who = identity.load(state)
        spool = Spool(state, who.probe, SPOOL_BYTES, lambda: datetime.now(UTC))
        corrected: list[bool] = []
        uplink = Uplink(
            identity=who,
            client=CollectorClient(collector.url, clock),
            spool=spool,
            clock=clock,
            quiet=Quiet(),
            settings=UplinkSettings(deliver_seconds=0.1, retry_minimum_seconds=0.1),
            listener=Listener(lambda *_: None, lambda: corrected.append(True)),
        )
        before = datetime.now(UTC)
        spool.append([entry(who.probe, clock, 0, [])])
        uplink.start()
        assert wait_until(lambda: spool.fill().records == 0)
        spool.append([entry(who.probe, clock, 1, [])])
        assert wait_until(lambda: spool.fill().records == 0)
        uplink.stop(5)
        spool.close()
    assert corrected == [True]
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        rows = connection.execute(
            "SELECT measured_at, time_quality FROM records ORDER BY seq"
        ).fetchall()
    assert [quality for _, quality in rows] == ["corrected", "collector"]
    for microseconds, _ in rows:
        measured_at = datetime.fromtimestamp(microseconds / 1e6, UTC)
        assert abs((measured_at - before).total_seconds()) < 15
