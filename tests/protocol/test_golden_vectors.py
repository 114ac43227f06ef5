"""The golden vectors, checked twice: by this project's code, and by the standard alone.

The second reading uses only JSON, SHA-256 and Ed25519, as docs/carrier.md describes it, so that it
shows what another implementation has to do.
"""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from protocol import chain, records, stamp, tokens
from protocol.failures import Failure
from protocol.model import Model, encode
from tests.data import make_vectors

DATA = make_vectors.FOLDER


def _lines() -> list[bytes]:
    return (DATA / "chain.ndjson").read_bytes().splitlines()


def _public_key() -> Ed25519PublicKey:
    text = json.loads((DATA / "key.json").read_text())["public_key"]
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text))


@pytest.mark.parametrize("name", sorted(make_vectors.build()))
def test_the_code_still_makes_the_committed_file(name: str) -> None:
    """The bytes that this version writes are the bytes that were committed."""
    assert make_vectors.build()[name] == (DATA / name).read_bytes()


def test_every_file_of_the_folder_is_made_by_the_generator() -> None:
    """No vector stands in the folder that the generator does not know."""
    found = {path.name for path in DATA.iterdir() if path.is_file() and path.suffix != ".py"}
    assert found == set(make_vectors.build())


def test_a_reader_with_the_standard_alone_verifies_chain_and_seal() -> None:
    """JSON, SHA-256 and Ed25519 are enough to verify a chain and its seal."""
    prev = "0" * 64
    for seq, line in enumerate(_lines()):
        record = json.loads(line)
        assert (record["seq"], record["prev"]) == (seq, prev)
        prev = record["hash"] if "tombstone" in record else hashlib.sha256(line).hexdigest()
    seal = json.loads((DATA / "seal.json").read_text())
    assert (seal["seq"], seal["hash"]) == (len(_lines()) - 1, prev)
    message = "linewatch-seal-v1\n{probe}\n{chain}\n{seq}\n{hash}\n".format(**seal)
    _public_key().verify(base64.b64decode(seal["signature"]), message.encode())


def test_the_projects_own_reader_agrees_on_every_hash() -> None:
    """`follow` finds the committed hashes, and the seal holds over the last."""
    links = chain.follow(_lines())
    assert [link.hash for link in links] == (DATA / "hashes.txt").read_text().split()
    chain.check_seal(_public_key(), chain.read_seal((DATA / "seal.json").read_bytes()), links[-1])


def test_the_chain_shows_every_task_outcome_and_a_tombstone() -> None:
    """The vectors cover what a reader will meet."""
    contents = [json.loads(line) for line in _lines()]
    whole = [content for content in contents if "tombstone" not in content]
    assert {content["task"] for content in whole} == set(records.Task)
    assert {content["outcome"] for content in whole} == set(records.Outcome)
    assert len(whole) == len(contents) - 1


def test_every_record_validates_and_encodes_to_its_own_bytes() -> None:
    """Reading a record and writing it again gives the same bytes."""
    for line in _lines():
        try:
            model: Model = records.RECORD.validate_json(line)
        except ValidationError:
            model = records.Tombstone.model_validate_json(line)
        assert encode(model) == line


def test_a_detail_in_vietnamese_is_kept_as_utf_8() -> None:
    """Characters beyond ASCII are hashed as UTF-8, not escaped."""
    line = _lines()[-1]
    assert "không tìm thấy".encode() in line
    record = records.RECORD.validate_json(line)
    assert record.failure is not None
    assert record.failure.code is Failure.NAME_RESOLUTION


def test_the_batch_splits_into_the_chain_and_the_seal() -> None:
    """A batch is the chain's lines, then the seal's."""
    lines, seal = chain.split_batch((DATA / "batch.ndjson").read_bytes())
    assert lines == _lines()
    assert encode(seal) + b"\n" == (DATA / "seal.json").read_bytes()


def test_the_token_is_good_at_its_time() -> None:
    """The committed token names its probe and is signed by its key."""
    token = (DATA / "token.txt").read_text().strip()
    assert tokens.claimed_probe(token) == make_vectors.PROBE
    tokens.check(token, _public_key(), make_vectors.TOKEN_TIME)


def test_the_key_is_the_one_of_its_seed() -> None:
    """Seed and public key in key.json belong together."""
    content = json.loads((DATA / "key.json").read_text())
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(content["seed_hex"]))
    assert base64.b64encode(key.public_key().public_bytes_raw()).decode() == content["public_key"]


def test_the_stamp_packets_say_what_stands_beside_them() -> None:
    """Both packets, read by the offsets of RFC 8762, hold the moments that the file names."""
    content = json.loads((DATA / "stamp.json").read_text())
    sent, answer = (bytes.fromhex(content[f"{end}_packet_hex"]) for end in ("sender", "reflector"))
    assert len(sent) == len(answer) == 44
    assert answer[24:38] == sent[:14], "sequence, timestamp and error estimate come back"
    assert answer[40] == content["ttl"]
    read = stamp.unpack_reflection(answer)
    assert read is not None
    assert (read.seq, read.sent_at) == (content["seq"], content["sent_at"])
    assert (read.received_at, read.reflected_at) == (
        content["received_at"],
        content["reflected_at"],
    )


def test_the_generator_writes_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run twice, the generator gives the same bytes and leaves the folder as it was."""
    monkeypatch.chdir(tmp_path)
    assert make_vectors.build() == make_vectors.build()
    assert not list(tmp_path.iterdir())
