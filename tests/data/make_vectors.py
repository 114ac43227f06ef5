"""Makes the golden vectors of this folder: `python -m tests.data.make_vectors`, from the top.

Everything is fixed (key, times, values), so the files come out the same each time. They are
committed; `tests/protocol/test_golden_vectors.py` holds the code to them. A change here is a
change of the protocol: raise `schema` or the method's version, and say so in CHANGELOG.md.

    key.json       the probe's Ed25519 seed (hex) and public key (base64)
    chain.ndjson   a chain: each task and outcome, and a tombstone in the middle
    hashes.txt     the hash of each line of chain.ndjson
    seal.json      the seal over the last line
    batch.ndjson   chain.ndjson and seal.json as they travel
    token.txt      the token that the probe mints at `TOKEN_TIME`
    stamp.json     a STAMP exchange: both packets in hex, and what they say
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import chain, conditions, model, records, results, stamp, tokens
from protocol.constants import GENESIS_HASH
from protocol.failures import Failure
from protocol.flags import Flag

FOLDER = Path(__file__).parent

KEY_SEED = bytes(range(32))
PROBE = "golden-probe"
CHAIN = "00112233445566778899aabbccddeeff"
FIRST_SLOT = datetime(2026, 12, 1, 1, 17, 23, 456789, tzinfo=UTC)
TOKEN_TIME = datetime(2026, 12, 1, 2, 0, 0, tzinfo=UTC)
BOOT_ID = "5d1c3a3e-6a5f-4a55-9d0c-0b6a6f6f2f11"


def build() -> dict[str, bytes]:
    """Return every file's name and bytes."""
    key = Ed25519PrivateKey.from_private_bytes(KEY_SEED)
    lines = _chain_lines()
    links = chain.follow(lines)
    seal = chain.seal(key, links[-1])
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return {
        "key.json": _pretty({"seed_hex": KEY_SEED.hex(), "public_key": public, "probe": PROBE}),
        "chain.ndjson": b"".join(line + b"\n" for line in lines),
        "hashes.txt": "".join(f"{link.hash}\n" for link in links).encode(),
        "seal.json": model.encode(seal) + b"\n",
        "batch.ndjson": chain.write_batch(lines, seal),
        "token.txt": tokens.mint(key, PROBE, TOKEN_TIME).encode() + b"\n",
        "stamp.json": _pretty(_stamp_exchange()),
    }


def _pretty(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _stamp_exchange() -> dict[str, object]:
    sent_at, received_at, reflected_at = 1_796_083_200.25, 1_796_083_200.5, 1_796_083_200.625
    packet = stamp.pack_probe(7, sent_at, synchronised=True)
    answer = stamp.pack_reflection(packet, received_at, reflected_at, 64, synchronised=False)
    return {
        "seq": 7,
        "sent_at": sent_at,
        "received_at": received_at,
        "reflected_at": reflected_at,
        "sender_synchronised": True,
        "reflector_synchronised": False,
        "ttl": 64,
        "sender_packet_hex": packet.hex(),
        "reflector_packet_hex": (answer or b"").hex(),
    }


def _chain_lines() -> list[bytes]:
    makers: tuple[Callable[[dict[str, Any]], model.Model], ...] = (
        _speed_measured,
        _speed_failed,
        _latency_measured,
        _latency_failed,
        _reach_measured,
        _speed_skipped,
        _reach_missed,
        _unicode_failed,
    )
    lines: list[bytes] = []
    prev = GENESIS_HASH
    for seq, maker in enumerate(makers):
        line = model.encode(maker(_common(seq, prev)))
        prev = chain.hash_line(line)
        # seq 3 is the record that the probe's full disk could not keep.
        lines.append(_tombstone_of(line) if maker is _latency_failed else line)
    return lines


def _tombstone_of(line: bytes) -> bytes:
    record = records.RECORD.validate_json(line)
    return model.encode(
        records.Tombstone(
            tombstone="spool_full",
            probe=record.probe,
            chain=record.chain,
            seq=record.seq,
            prev=record.prev,
            hash=chain.hash_line(line),
            task=record.task,
            path=record.path,
            slot=record.slot,
        )
    )


def _common(seq: int, prev: str) -> dict[str, Any]:
    slot = FIRST_SLOT + timedelta(minutes=7 * seq)
    return {
        "probe": PROBE,
        "chain": CHAIN,
        "seq": seq,
        "prev": prev,
        "path": "eth0",
        "slot": slot,
        "started_at": slot + timedelta(milliseconds=12),
        "clock": records.ClockState(
            synchronised=True,
            offset_seconds=0.00125,
            source="kernel",
            boot_id=BOOT_ID,
            monotonic_seconds=1000.5 + 420 * seq,
        ),
        "software": "linewatch 0.1.0",
        "outcome": records.Outcome.MEASURED,
        "failure": None,
        "flags": (),
        "conditions": None,
    }


def _method(name: str, profile: str | None = None) -> records.Method:
    return records.Method.model_validate({"name": name, "version": "1", "profile": profile})


def _server() -> results.ServerIdentity:
    return results.ServerIdentity(
        url="http://measure.example:8080/",
        address="192.0.2.10",
        name="measure.example",
        software="linewatch 0.1.0",
        tests_running=1,
        cpu_ratio=0.25,
    )


def _round_trips(*milliseconds: float, sent: int) -> results.LatencySummary:
    seconds = tuple(value / 1000 for value in milliseconds)
    ordered = sorted(seconds)
    return results.LatencySummary(
        minimum_seconds=ordered[0],
        median_seconds=ordered[len(ordered) // 2],
        p95_seconds=ordered[-1],
        jitter_seconds=0.0005,
        sent=sent,
        received=len(seconds),
        round_trips_seconds=seconds,
    )


def _transfer(byte_count: int, counted_by: str) -> results.Transfer:
    return results.Transfer.model_validate(
        {
            "bits_per_second": byte_count * 8 / 10,
            "bytes": byte_count,
            "duration_seconds": 10.0,
            "warm_up_seconds": 3.0,
            "total_bytes": byte_count * 13 // 10,
            "counted_by": counted_by,
            "stream_count": 2,
            "streams": (
                {"bytes": byte_count // 2, "probe_tcp": _tcp(byte_count // 2), "server_tcp": None},
                {"bytes": byte_count // 2, "probe_tcp": None, "server_tcp": None},
            ),
            "samples": ((0.1, 0), (3.0, byte_count * 3 // 10), (13.0, byte_count * 13 // 10)),
            "server": {
                "bytes": byte_count * 13 // 10,
                "duration_seconds": 13.0,
                "window_bits_per_second": byte_count * 8 / 10,
            },
        }
    )


def _tcp(byte_count: int) -> results.TcpInfo:
    return results.TcpInfo(
        congestion_control="cubic",
        segment_bytes=1448,
        minimum_rtt_seconds=0.004,
        smoothed_rtt_seconds=0.0065,
        retransmitted_segments=3,
        received_bytes=byte_count,
    )


def _conditions() -> conditions.Conditions:
    snapshot = conditions.Snapshot(
        monotonic_seconds=1000.0,
        interface=conditions.InterfaceState(
            name="eth0",
            kind="wired",
            up=True,
            speed_bits_per_second=1_000_000_000,
            duplex="full",
            mtu_bytes=1500,
            received_bytes=123_456_789,
            sent_bytes=98_765_432,
            received_errors=0,
            sent_errors=0,
            received_dropped=0,
            sent_dropped=0,
        ),
        wifi=None,
        device=conditions.DeviceState(
            load_1m=0.1,
            memory_available_bytes=700_000_000,
            temperature_celsius=51.5,
            undervoltage=False,
            throttled=False,
        ),
        gateway="192.168.1.1",
        local_address="192.168.1.20",
        public_address="198.51.100.7",
        clock_synchronised=True,
    )
    during = conditions.During(
        duration_seconds=28.0,
        process_cpu_ratio=0.3,
        machine_cpu_ratio=0.1,
        busiest_core_ratio=0.4,
        temperature_maximum_celsius=55.0,
        interface_received_bytes=410_000_000,
        interface_sent_bytes=205_000_000,
        test_received_bytes=400_000_000,
        test_sent_bytes=200_000_000,
    )
    return conditions.Conditions(
        model="Raspberry Pi 4 Model B Rev 1.4",
        cores=4,
        before=snapshot,
        during=during,
        after=snapshot,
    )


def _speed(*, download: int | None, upload: int | None) -> results.Speed:
    return results.Speed(
        download=_transfer(download, "receiver") if download else None,
        upload=_transfer(upload, "acknowledged") if upload else None,
        latency=results.SpeedLatency(
            idle=_round_trips(4.1, 4.0, 4.6, sent=3),
            download=_round_trips(20.0, 25.0, 22.5, sent=4),
            upload=None,
        ),
        server=_server(),
        ip_version=4,
    )


def _speed_measured(common: dict[str, Any]) -> model.Model:
    return records.SpeedRecord(
        **(common | {"flags": (Flag.CROSS_TRAFFIC,), "conditions": _conditions()}),
        task=records.Task.SPEED,
        method=_method("http", "full"),
        speed=_speed(download=375_000_000, upload=187_500_000),
    )


def _failed(common: dict[str, Any], code: Failure, detail: str) -> dict[str, Any]:
    return common | {
        "outcome": records.Outcome.FAILED,
        "failure": results.FailureReport(code=code, detail=detail),
    }


def _not_started(
    common: dict[str, Any], outcome: records.Outcome, code: Failure, detail: str
) -> dict[str, Any]:
    return common | {
        "started_at": None,
        "outcome": outcome,
        "failure": results.FailureReport(code=code, detail=detail),
    }


def _speed_failed(common: dict[str, Any]) -> model.Model:
    return records.SpeedRecord(
        **_failed(common, Failure.CONNECTION_LOST, "the server closed every stream"),
        task=records.Task.SPEED,
        method=_method("http", "full"),
        speed=_speed(download=375_000_000, upload=None),
    )


def _latency_measured(common: dict[str, Any]) -> model.Model:
    return records.LatencyRecord(
        **common,
        task=records.Task.LATENCY,
        method=_method("stamp"),
        latency=results.Latency(
            server=_server(),
            ip_version=6,
            interval_seconds=0.1,
            packet_bytes=44,
            round_trip=_round_trips(5.0, 5.5, 6.0, sent=4),
            delay_variation_p95_seconds=0.001,
            lost_ratio=0.25,
            duplicates=0,
            reordered=1,
        ),
    )


def _latency_failed(common: dict[str, Any]) -> model.Model:
    return records.LatencyRecord(
        **_failed(common, Failure.NO_REPLIES, "600 packets sent, none came back"),
        task=records.Task.LATENCY,
        method=_method("stamp"),
        latency=None,
    )


def _reach_measured(common: dict[str, Any]) -> model.Model:
    reached = results.ReachTarget(
        name="gateway",
        target="192.168.1.1",
        ip_version=4,
        reached=True,
        round_trip_seconds=0.0006,
        failure=None,
    )
    silent = results.ReachTarget(
        name="ipv6",
        target="[2001:db8::1]:443",
        ip_version=6,
        reached=False,
        round_trip_seconds=None,
        failure=results.FailureReport(code=Failure.NO_ROUTE, detail="no IPv6 route"),
    )
    return records.ReachRecord(
        **common,
        task=records.Task.REACH,
        method=_method("reach"),
        reach=results.Reach(targets=(reached, silent)),
    )


def _speed_skipped(common: dict[str, Any]) -> model.Model:
    return records.SpeedRecord(
        **_not_started(common, records.Outcome.SKIPPED, Failure.DATA_BUDGET, "spent on the 28th"),
        task=records.Task.SPEED,
        method=_method("http", "full"),
        speed=None,
    )


def _reach_missed(common: dict[str, Any]) -> model.Model:
    return records.ReachRecord(
        **_not_started(common, records.Outcome.MISSED, Failure.PROBE_OFF, "off for 12 minutes"),
        task=records.Task.REACH,
        method=_method("reach"),
        reach=None,
    )


def _unicode_failed(common: dict[str, Any]) -> model.Model:
    """A record whose hash depends on UTF-8 being kept as it is."""
    return records.SpeedRecord(
        **_failed(common, Failure.NAME_RESOLUTION, "không tìm thấy “máy chủ đo” 🛰"),
        task=records.Task.SPEED,
        method=_method("http", "quick"),
        speed=None,
    )


if __name__ == "__main__":
    for name, content in build().items():
        (FOLDER / name).write_bytes(content)
