"""The secret that makes new identities: the same original always becomes the same replacement, and nobody goes back."""

import hashlib
import hmac
import os
import secrets
import uuid
from pathlib import Path

from senoscope.core.errors import InputError, MissingFileError, UsageError

SHORTEST = 16
"""Bytes that a key must have at least."""

LONGEST = 4096
"""Bytes of a key's file that are looked at; a longer file is no key."""

FURTHEST = 3650
"""Days by which dates are moved back at most."""

HOME = "SENOSCOPE_HOME"
"""Environment variable: the folder in which a key is made where none is named."""


class Key:
    """New identities by keyed hash (HMAC-SHA-256).

    Args:
        secret: at least `SHORTEST` bytes. Whoever has it can try whether a name is behind a pseudonym.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def uid(self, original: str) -> str:
        """Return the UID that replaces another: `2.25.` and a UUID as a number, at most 44 characters (PS3.5 B.2)."""
        return f"2.25.{uuid.UUID(bytes=self._hash('uid', original)[:16], version=4).int}"

    def pseudonym(self, patient: str) -> str:
        """Return what a patient is called, 19 characters: `SENO-` and 14 hexadecimal digits."""
        return f"SENO-{self._hash('patient', patient).hex()[:14].upper()}"

    def days(self, patient: str) -> int:
        """Return by how many days a patient's dates are moved, between −`FURTHEST` and −1."""
        return -1 - int.from_bytes(self._hash("days", patient)[:8]) % FURTHEST

    def _hash(self, purpose: str, original: str) -> bytes:
        text = f"{purpose}\0{original}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, text, hashlib.sha256).digest()


def load_key(path: Path | None, outside: Path) -> tuple[Key, Path]:
    """Read the key, or make one where none is named.

    Args:
        path: file of the key; None for `deidentify.key` in the folder that `SENOSCOPE_HOME` names, or
            `~/.local/share/senoscope`, which is made if it is not there, readable by its owner alone.
        outside: folder of the results, in which the key must not lie.

    Returns:
        The key, and the file it lies in.

    Raises:
        MissingFileError: a file is named and is not there.
        UsageError: it is too short or too long for a key, or lies among the results.
        InputError: it cannot be read.
    """
    place = path or Path(os.environ.get(HOME) or Path.home() / ".local" / "share" / "senoscope") / "deidentify.key"
    if place.resolve().is_relative_to(outside.resolve()):
        raise UsageError(f"{place} lies among the results", "keep the key where they do not go")
    if path is None and not place.exists():
        _make(place)
    try:
        with place.open("rb") as file:
            secret = file.read(LONGEST + 1)
    except FileNotFoundError as error:
        raise MissingFileError(f"{place}: there is no such key", f"head -c 32 /dev/urandom > {place}") from error
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}", "ask for the right to read it") from error
    if not SHORTEST <= len(secret) <= LONGEST:
        raise UsageError(f"{place} is no key: it has fewer than {SHORTEST} or more than {LONGEST} bytes")
    return Key(secret), place


def _make(place: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made whole and then named: another run at the same moment must not read half a key.
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            os.link(fresh, place)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    except OSError as error:
        raise InputError(f"{place}: a key cannot be made there: {error.strerror}", "name one with --key") from error
