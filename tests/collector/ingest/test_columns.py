"""What is taken out of a line, and that no line breaks the taking."""

import json
from datetime import UTC, datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from collector.ingest.columns import read_record
from collector.ingest.verify import TooLargeError, verify
from collector.ledger.schema import records
from protocol.chain import ChainError, read_link
from protocol.constants import MAX_BATCH_RECORDS
from tests.collector.device import Device, latency_summary, rewrite

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
DEVICE = Device("p1")


def columns_of(line: bytes) -> dict[str, object]:
    """Return the columns of a line that is a record."""
    received = read_record(line, read_link(line))
    assert received.content is not None, received.reason
    return received.content.columns


def test_every_column_is_one_of_the_table() -> None:
    """No column is taken that the ledger does not have."""
    device = Device("p1")
    device.add(NOW)
    device.add_reach(NOW)
    device.add_failed(NOW, "latency")
    for line in device.lines:
        assert set(columns_of(line)) <= set(records.columns.keys())


def test_a_latency_record_has_its_numbers() -> None:
    """Median round trip, delay variation and loss are taken; a speed is not there."""
    section = {
        "server": {
            "url": "http://192.0.2.1",
            "address": None,
            "name": None,
            "software": None,
            "tests_running": None,
            "cpu_ratio": None,
        },
        "ip_version": 6,
        "interval_seconds": 0.1,
        "packet_bytes": 44,
        "round_trip": latency_summary(0.007),
        "delay_variation_p95_seconds": 0.001,
        "lost_ratio": 0.25,
        "duplicates": 0,
        "reordered": 0,
    }
    columns = columns_of(Device("p1").add(NOW, task="latency", latency=section))
    assert columns["round_trip_seconds"] == 0.007
    assert columns["lost_ratio"] == 0.25
    assert columns["ip_version"] == 6
    assert columns["server"] == "http://192.0.2.1"
    assert "download_bits_per_second" not in columns


def test_flags_are_sorted_and_counted_once() -> None:
    """The same flags give the same text, whatever their order."""
    line = Device("p1").add(NOW, flags=["wifi", "cross_traffic", "wifi"])
    assert columns_of(line)["flags"] == "cross_traffic wifi"


def test_a_nul_in_a_text_does_not_reach_the_database() -> None:
    """The column shows a replacement; the line keeps what was sent."""
    line = Device("p1").add_reach(NOW, software="a\0b")
    assert columns_of(line)["software"] == "a\N{REPLACEMENT CHARACTER}b"


def test_a_number_of_bytes_fits_its_column() -> None:
    """Two directions that are each as large as can be are not more than can be stored."""
    device = Device("p1")
    record = device.record(NOW)
    for way in ("download", "upload"):
        record["speed"][way]["total_bytes"] = 2**63 - 1
    line = json.dumps(record).encode()
    assert columns_of(line)["data_bytes"] == 2**63 - 1


def test_a_reason_is_short_and_names_its_places() -> None:
    """Many faults give the first ones and their number."""
    line = rewrite(DEVICE.copy().add(NOW), task="speed", path="", outcome=1, flags=[1, 2, 3, 4])
    reason = read_record(line, read_link(line)).reason
    assert reason is not None
    assert "path" in reason
    assert "more" in reason
    assert len(reason) <= 500


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00"])
def test_a_moment_that_utc_does_not_have_is_no_record(moment: str) -> None:
    """What could be written but never read again is set aside with its reason."""
    line = rewrite(Device("p1").add_reach(NOW), slot=moment)
    assert read_record(line, read_link(line)).reason == (
        "slot: this moment is outside of UTC's calendar"
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*DEVICE.record(NOW), "tombstone", "hash", "latency", "reach"]),
        json_values,
        min_size=1,
        max_size=4,
    )
)
def test_a_line_with_anything_in_it_is_a_record_or_has_a_reason(
    changes: dict[str, object],
) -> None:
    """Whatever stands in its fields, a link is taken or set aside, never an error."""
    line = json.dumps(DEVICE.record(NOW) | changes).encode()
    try:
        link = read_link(line)
    except ChainError:
        return
    received = read_record(line, link)
    assert (received.content is None) == (received.reason is not None)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_batch_or_a_refusal(body: bytes) -> None:
    """What is no batch is refused by one of two errors, never by another."""
    with pytest.raises((ChainError, TooLargeError)):
        verify(body, "p1", DEVICE.key.public_key())


def test_as_many_records_as_allowed_are_a_batch() -> None:
    """The limit itself passes, one more does not."""
    device = Device("p1")
    device.fill(MAX_BATCH_RECORDS + 1, NOW)
    key = device.key.public_key()
    assert len(verify(device.batch(0, MAX_BATCH_RECORDS), "p1", key).received) == MAX_BATCH_RECORDS
    with pytest.raises(TooLargeError):
        verify(device.batch(), "p1", key)


def test_a_chain_keeps_room_for_its_next_record() -> None:
    """The largest seq of all is refused: the ledger could not say what comes next."""
    device = Device("p1")
    line = rewrite(device.add_reach(NOW), seq=2**63 - 1, prev="0" * 64)
    with pytest.raises(ChainError, match="no record can follow"):
        verify(device.seal([line]), "p1", device.key.public_key())
