"""Who this probe is: its Ed25519 key, and what the collector calls it."""

import base64
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AwareDatetime, ValidationError

from probe.errors import IdentityError
from probe.files import create_atomically, write_atomically
from protocol.model import Identifier, Model, Text, encode

KEY_NAME: Final = "key.pem"
ENROLMENT_NAME: Final = "enrolment.json"
_MAX_KEY_BYTES = 4096


class Enrolment(Model):
    """What enrolling gave: the probe's id, its site, and the collector that knows it."""

    probe: Identifier
    site: Text
    collector_url: Text
    enrolled_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled probe: its id, its collector's address, and the key it signs with."""

    probe: str
    site: str
    collector_url: str
    key: Ed25519PrivateKey


def load_or_create_key(directory: Path) -> Ed25519PrivateKey:
    """Return the probe's key; make one where there is none. A key is never overwritten.

    Raises:
        IdentityError: the key is damaged or readable by others, or cannot be read or written.
    """
    path = directory / KEY_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            key = Ed25519PrivateKey.generate()
            try:
                create_atomically(path, _to_pem(key), 0o600)
            except FileExistsError:
                return load_key(directory)
            return key
    except OSError as error:
        raise IdentityError(
            f"{path}: no key can be written ({error.strerror}); give this user the state "
            "directory, or set probe.state_directory"
        ) from None
    return load_key(directory)


def load_key(directory: Path) -> Ed25519PrivateKey:
    """Return the probe's key.

    Raises:
        IdentityError: there is none, it is damaged, or others may read it.
    """
    path = directory / KEY_NAME
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            pem = file.read(_MAX_KEY_BYTES)
    except FileNotFoundError:
        raise IdentityError(
            f"{path}: this device has no key yet; run "
            "'linewatch probe enrol --collector URL --code CODE'"
        ) from None
    except OSError as error:
        raise IdentityError(f"{path}: the key cannot be read ({error.strerror})") from None
    if mode & 0o077:
        raise IdentityError(
            f"{path}: others may read this key (mode {mode:04o}); if nobody did, run "
            f"'chmod 600 {path}', else have the probe revoked and enrol it anew"
        )
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(
            f"{path}: the key is damaged; restore it from a copy, or move it away and enrol "
            "this device anew"
        )
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public key as messages carry it: 32 raw bytes, base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def save_enrolment(directory: Path, enrolment: Enrolment) -> None:
    """Keep what enrolling gave.

    Raises:
        IdentityError: it cannot be written.
    """
    path = directory / ENROLMENT_NAME
    try:
        write_atomically(path, encode(enrolment) + b"\n")
    except OSError as error:
        raise IdentityError(f"{path}: cannot be written ({error.strerror})") from None


def load(directory: Path, collector_url: str | None = None) -> Identity:
    """Return the identity of this enrolled probe.

    Args:
        directory: the state directory.
        collector_url: an address that takes the place of the enrolment's.

    Raises:
        IdentityError: not enrolled, or the files are damaged or open to others.
    """
    path = directory / ENROLMENT_NAME
    key = load_key(directory)
    try:
        enrolment = Enrolment.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise IdentityError(
            f"{path}: this device is not enrolled; run "
            "'linewatch probe enrol --collector URL --code CODE'"
        ) from None
    except OSError as error:
        raise IdentityError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError:
        raise IdentityError(
            f"{path}: damaged; run 'linewatch probe enrol' again, the key stays the same"
        ) from None
    return Identity(enrolment.probe, enrolment.site, collector_url or enrolment.collector_url, key)


def _to_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
