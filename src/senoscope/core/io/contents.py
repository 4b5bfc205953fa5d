"""The bytes behind a path, and what is said where there are none."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from senoscope.core.errors import InputError, MissingFileError, UnreadableImageError
from senoscope.core.io.base import Limits, check_bytes, named

_REASONS = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.ENAMETOOLONG: "there is no such file",
}


def contents(path: str | Path, limits: Limits) -> bytes:
    """Return the bytes of a regular file, never more than the bound.

    Raises:
        MissingFileError: there is no such file.
        UnreadableImageError: it may not be read, is empty, or is no file.
        ImageTooLargeError: it is longer than the bound.
    """
    with opened(path) as (file, size), named(str(path)):
        check_bytes(max(1, size), limits)
        try:
            return file.read(size + 1)
        except OSError as error:
            raise UnreadableImageError((error.strerror or "cannot be read").lower(), "copy it and try again") from error


@contextmanager
def opened(path: str | Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file, with the number of its bytes; a pipe or device is not waited for.

    Raises:
        MissingFileError: there is no such file.
        UnreadableImageError: it may not be read, or is no file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise path_error(path, error) from error
    except ValueError as error:  # a zero byte in the name
        raise MissingFileError(f"{str(path)!r}: there is no such file", "check the spelling") from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "a device or pipe"
        raise UnreadableImageError(f"{path}: this is {kind}, not a picture", "name a picture's file")
    with open(descriptor, "rb") as file:
        yield file, facts.st_size


def path_error(path: str | Path, error: OSError) -> InputError:
    """Return the error for a path that cannot be opened or read."""
    if error.errno in _REASONS:
        return MissingFileError(f"{path}: {_REASONS[error.errno]}", "check the spelling")
    if error.errno == errno.ELOOP:
        return UnreadableImageError(f"{path}: a link that leads back to itself", "name the file it should lead to")
    if error.errno in (errno.EACCES, errno.EPERM):
        return UnreadableImageError(f"{path}: permission denied", "ask for the right to read it")
    return UnreadableImageError(f"{path}: {(error.strerror or 'cannot be read').lower()}", "copy it and try again")
