"""Pictures on disk, each under the SHA-256 of its bytes, so that the same bytes are stored once."""

import hashlib
import os
import re
import tempfile
import unicodedata
from pathlib import Path

from senoscope.core.errors import NotFoundError, ServiceError
from senoscope.core.io import SERVICE
from senoscope.core.io.base import check_bytes

NAME_LENGTH = 160
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_tiff(path: Path) -> bool:
    """Whether a file starts as TIFF does, and so may be a slide: four bytes are looked at, nothing is parsed."""
    with path.open("rb") as file:
        return file.read(4) in TIFF


def clean_name(name: str) -> str:
    """Reduce an uploaded file's name to something safe to show and save: no folders, no control characters, bounded."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in base)
    kept = re.sub(r'[<>:"|?*]', "_", re.sub(r" +", " ", kept)).strip(" .")
    if len(kept) > NAME_LENGTH:
        stem, dot, suffix = kept.rpartition(".")
        tail = dot + suffix[:10] if dot else ""
        kept = (stem if dot else kept)[: NAME_LENGTH - len(tail)] + tail
    return kept or "image"


class Incoming:
    """A picture on its way into the store; `begins` with its first four bytes.

    Nothing is visible under its digest before `keep` has put every byte on the disk.
    """

    def __init__(self, store: "ImageStore") -> None:
        self._store = store
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.begins = b""
        handle, name = tempfile.mkstemp(dir=store.incoming)
        self._file = os.fdopen(handle, "wb")
        self._path = Path(name)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._hash.update(data)
        if len(self.begins) < 4:
            self.begins = (self.begins + data)[:4]
        self.bytes += len(data)
        self._file.write(data)

    def end(self) -> None:
        """Say that all bytes have come: a form of many files must not hold all of them open."""
        self._file.close()

    def keep(self) -> str:
        """Put the picture under its digest, durably, and return the digest in hex."""
        digest = self._hash.hexdigest()
        self.end()
        _sync(self._path)
        target = self._store.path(digest)
        target.parent.mkdir(exist_ok=True)
        # Also over a picture that is there: should the disk have changed it, this puts it right.
        os.replace(self._path, target)
        for folder in (target.parent, target.parent.parent):
            _sync(folder)
        return digest

    def discard(self) -> None:
        """Forget what has come so far; nothing happens after `keep`."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class ImageStore:
    """The folder of pictures.

    Args:
        root: made if it is not there; what an interrupted upload left behind is removed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)
        for leftover in self.incoming.iterdir():
            leftover.unlink()

    def path(self, digest: str) -> Path:
        """Where the picture with this digest lies or would lie."""
        return self.root / digest[:2] / digest

    def receive(self) -> Incoming:
        """Begin to take a picture in."""
        return Incoming(self)

    def read(self, digest: str) -> bytes:
        """Return a picture's bytes.

        Raises:
            NotFoundError: there is none with this digest.
            ImageTooLargeError: more bytes than a picture may have; slides are read in place.
            ServiceError: the bytes on the disk are no longer those that were stored.
        """
        path = self.path(digest)
        try:
            check_bytes(path.stat().st_size, SERVICE)
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError("the picture is no longer in the store", "upload it again") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise ServiceError("the picture in the store has been changed", "check the disk, and upload it again")
        return data


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
