"""What every reader of still pictures shares: bounds, kinds of file by their first bytes, errors in one voice."""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from senoscope.core.domain.image import Pixels
from senoscope.core.errors import ImageTooLargeError, InputError, UnreadableImageError, UnsupportedImageError

HEAD = 1024
"""Bytes at the start of a file from which its kind is told."""

DECODER_ERRORS: tuple[type[Exception], ...] = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError),
    *(TypeError, ValueError, struct.error, zlib.error),
)
"""What Pillow, tifffile and imagecodecs raise on a broken file; none of it reaches a user."""

SAVE_AGAIN = "export the picture again as PNG or TIFF, 8 or 16 bits, grey or RGB"


@dataclass(frozen=True)
class Limits:
    """Bounds on one file, checked before anything is decoded.

    Args:
        pixels: width × height; a picture of 100 megapixels with three 16-bit channels is 600 MB of memory.
        bytes: length of the file.
    """

    pixels: int = 100_000_000
    bytes: int = 1_000_000_000


LOCAL = Limits()
"""For files that the user names on the same machine."""

SERVICE = Limits(bytes=50_000_000)
"""For files that somebody sends."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a reader hands back; the fields mean what they mean in `Image`."""

    pixels: Pixels
    maximum: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Args:
        name: as people call it.
        signatures: first bytes, any of which tells the kind; a file's extension is never asked.
        suffixes: usual extensions, with which a folder's broken files are noticed rather than passed over.
        decode: bytes and bounds to pixels; raises an `InputError` without naming the file, which the caller does.
        tells: whether a file that starts like this is of this kind, for kinds that have no signature.
    """

    name: str
    signatures: tuple[bytes, ...]
    suffixes: tuple[str, ...]
    decode: Callable[[bytes, Limits], Decoded]
    tells: Callable[[bytes], bool] | None = None

    def accepts(self, head: bytes) -> bool:
        """Whether a file that starts like this is of this kind."""
        return head.startswith(self.signatures) or (self.tells is not None and self.tells(head))


@contextmanager
def named(source: str) -> Iterator[None]:
    """Put the name of the file before what an `InputError` from within says."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{source}: {error.message}", error.hint) from error


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture with no pixels (`UnreadableImageError`) or too many (`ImageTooLargeError`)."""
    if width < 1 or height < 1:
        raise UnreadableImageError(f"says it is {width}×{height} pixels", SAVE_AGAIN)
    if width * height > limits.pixels:
        most = f"{limits.pixels / 1e6:g} megapixels"
        raise ImageTooLargeError(f"{width}×{height} pixels is more than {most}", "scale it down or cut out the part")


def check_bytes(count: int, limits: Limits) -> None:
    """Refuse a file that is empty (`UnreadableImageError`) or too long (`ImageTooLargeError`)."""
    if count == 0:
        raise UnreadableImageError("the file is empty", "copy or export it again")
    if count > limits.bytes:
        raise ImageTooLargeError(f"the file is longer than {limits.bytes / 1e6:g} MB", "scale it down or compress it")


def broken(name: str) -> UnreadableImageError:
    """Return the error for a file of a known kind whose contents do not decode."""
    return UnreadableImageError(f"the {name} file is damaged or cut short", "copy or export it again")


def unsupported(what: str) -> UnsupportedImageError:
    """Return the error for a picture that is fine in itself and of a kind we do not take."""
    return UnsupportedImageError(f"{what} is not supported", SAVE_AGAIN)


def animated(name: str) -> UnsupportedImageError:
    """Return the error for a file that holds several pictures, of which we will not choose one."""
    return UnsupportedImageError(
        f"the {name} file holds several pictures", "export the one that the question is about as a still"
    )
