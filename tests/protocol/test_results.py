"""The sections of a record: their numbers, and how large one may become."""

import json

import pytest
from pydantic import ValidationError

from protocol import results
from protocol.constants import MAX_RECORD_BYTES
from protocol.model import encode
from protocol.records import RECORD
from tests.protocol.golden import vector


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1"])
def test_a_rate_is_a_number_from_zero_up(number: str) -> None:
    """No NaN, no infinity, nothing below zero reaches the ledger."""
    text = json.dumps(vector("speed", "measured"))
    rate = vector("speed", "measured")["speed"]["download"]["bits_per_second"]
    with pytest.raises(ValidationError):
        RECORD.validate_json(
            text.replace(f'"bits_per_second": {rate}', f'"bits_per_second":{number}')
        )


def test_the_largest_speed_record_fits_into_a_line() -> None:
    """16 streams with full TCP_INFO at both ends and 26 s of samples stay below half."""
    record = vector("speed", "measured")
    full_tcp = {
        name: "cubic" if name == "congestion_control" else 1234567890
        for name in results.TcpInfo.model_fields
    }
    stream = {"bytes": 123456789, "probe_tcp": full_tcp, "server_tcp": full_tcp, "lost": None}
    for direction in ("download", "upload"):
        record["speed"][direction]["streams"] = [stream] * 16
        record["speed"][direction]["samples"] = [[12.345678, 1234567890]] * 130
    assert len(encode(RECORD.validate_python(record))) < MAX_RECORD_BYTES / 2
