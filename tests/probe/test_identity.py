"""The probe's key and enrolment: made once, kept safe, never overwritten."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from probe.errors import IdentityError
from probe.identity import (
    ENROLMENT_NAME,
    KEY_NAME,
    Enrolment,
    load,
    load_key,
    load_or_create_key,
    public_text,
    save_enrolment,
)

ENROLMENT = Enrolment(
    probe="probe-1",
    site="Nhà văn hóa tổ 5",
    collector_url="https://collector.example",
    enrolled_at=datetime(2026, 11, 21, tzinfo=UTC),
)


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The first call makes a key that only its owner may read; later ones return the same."""
    state = tmp_path / "state"
    key = load_or_create_key(state)
    again = load_or_create_key(state)
    assert public_text(again) == public_text(key) == public_text(load_key(state))
    assert (state / KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert [p.name for p in state.iterdir()] == [KEY_NAME]


def test_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A key with a loose mode is refused with the command that mends it."""
    load_or_create_key(tmp_path)
    (tmp_path / KEY_NAME).chmod(0o640)
    with pytest.raises(IdentityError, match=r"others may read this key \(mode 0640\).*chmod 600"):
        load_or_create_key(tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_damaged_key_is_refused_and_left(tmp_path: Path, content: bytes) -> None:
    """A damaged key is refused with a sentence, and stays as it is."""
    path = tmp_path / KEY_NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(IdentityError, match="the key is damaged"):
        load_or_create_key(tmp_path)
    assert path.read_bytes() == content


def test_enrolment_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    """What enrolling gave is found again, and a configured address takes its place."""
    key = load_or_create_key(tmp_path)
    save_enrolment(tmp_path, ENROLMENT)
    found = load(tmp_path)
    assert (found.probe, found.site, found.collector_url) == (
        "probe-1",
        "Nhà văn hóa tổ 5",
        "https://collector.example",
    )
    assert public_text(found.key) == public_text(key)
    assert load(tmp_path, "http://other").collector_url == "http://other"


def test_device_without_enrolment_is_told_what_to_run(tmp_path: Path) -> None:
    """Without key or enrolment, the error names the command."""
    with pytest.raises(IdentityError, match="no key yet; run 'linewatch probe enrol"):
        load(tmp_path)
    load_or_create_key(tmp_path)
    with pytest.raises(IdentityError, match="not enrolled; run 'linewatch probe enrol"):
        load(tmp_path)
    (tmp_path / ENROLMENT_NAME).write_text("{")
    with pytest.raises(IdentityError, match="damaged; run 'linewatch probe enrol' again"):
        load(tmp_path)


def test_state_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """Where no key can be written, the error says where and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(IdentityError, match=r"no key can be written.*probe\.state_directory"):
        load_or_create_key(tmp_path / "file" / "state")
