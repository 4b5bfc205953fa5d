"""A DICOM file to a dataset in memory, within bounds: with or without preamble, deflated, either byte order."""

import mmap
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from pydicom.errors import BytesLengthException

from senoscope.core.errors import NotDicomError, UnsupportedImageError
from senoscope.core.io.base import DECODER_ERRORS, LOCAL, broken, check_bytes
from senoscope.core.io.deidentify.scan import Walk, inflated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

FAULTS: tuple[type[Exception], ...] = (*DECODER_ERRORS, BytesLengthException, MemoryError)
"""What pydicom and decoders raise on values that are not what they say."""

_IMPLICIT, _EXPLICIT, _BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_COMPRESSED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")
_PREAMBLE = 132
_META_ELEMENTS = 64


@dataclass(frozen=True)
class Read:
    """What a file holds.

    Args:
        dataset: without file meta information; values are decoded when they are asked for.
        syntax: UID of the transfer syntax it was in.
        tail: bytes behind the dataset, which are dropped.
    """

    dataset: "Dataset"
    syntax: str
    tail: int


@contextmanager
def quiet() -> "Iterator[None]":
    """Keep pydicom's warnings about odd values to itself: they quote the values."""
    import logging
    import warnings

    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def read_dataset(path: Path) -> Read:
    """Read a DICOM file whole.

    Raises:
        NotDicomError: the file is no DICOM.
        UnreadableImageError: it is damaged or cut short.
        UnsupportedImageError: a transfer syntax whose contents cannot be judged.
        ImageTooLargeError: longer, deeper or with more elements than the bounds.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if size < 8:
            raise NotDicomError("not DICOM")
        start = _start(file.read(_PREAMBLE + 8))
        check_bytes(size, LOCAL)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            try:
                return _parsed(mapped, start)
            except FAULTS as error:
                raise broken("DICOM") from error


def _start(head: bytes) -> int:
    """Where the first element is: behind the preamble, or at the beginning where there is none."""
    if head[_PREAMBLE - 4 : _PREAMBLE] == b"DICM":
        return _PREAMBLE
    group, element = struct.unpack("<HH", head[:4])
    # Files of old toolkits begin with their first element: of file meta information, or of the identifying group.
    if group in (2, 8) and element <= 0x18 and (head[4:6].isalpha() or head[6:8] == b"\0\0"):
        return 0
    raise NotDicomError("not DICOM")


def _parsed(mapped: mmap.mmap, start: int) -> Read:
    from pydicom.filereader import read_dataset as parse

    with memoryview(mapped) as view:
        syntax, position = _meta(view, start)
        with view[position:] as rest:
            deflated = inflated(rest) if syntax == _DEFLATED else b""
        first = bytes(deflated[:8] or view[position : position + 8])
        implicit, little = _encoding(syntax, first)
        # Elements are copied out of the map one by one: a large file is in memory once.
        file = cast("BinaryIO", BytesIO(deflated) if deflated else mapped)
        begin = 0 if deflated else position
        end = Walk(deflated or view, begin, implicit, little).end()
        length = len(deflated or view)
    with quiet():
        file.seek(begin)
        dataset = parse(file, implicit, little, bytelength=end - begin)
    return Read(dataset, syntax or (_IMPLICIT if implicit else _EXPLICIT), length - end)


def _encoding(syntax: str, first: bytes) -> tuple[bool, bool]:
    """Whether elements name no VR, and whether they are little endian; the first one tells where no syntax is named."""
    if syntax in (_IMPLICIT, _BIG):
        return syntax == _IMPLICIT, syntax != _BIG
    if not syntax:
        return not first[4:6].isalpha(), True
    if syntax in (_EXPLICIT, _DEFLATED) or syntax.startswith(_COMPRESSED):
        return False, True
    raise UnsupportedImageError("a transfer syntax that is not known here", "export it again, not compressed")


def _meta(view: memoryview, start: int) -> tuple[str, int]:
    """Transfer syntax in the file meta information ("" where there is none), and where the dataset begins."""
    syntax, position = "", start
    for _ in range(_META_ELEMENTS):
        if position + 12 > len(view):
            break
        group, element = struct.unpack_from("<HH", view, position)
        if group != 2:
            break
        vr = bytes(view[position + 4 : position + 6])
        if not vr.isalpha():
            raise broken("DICOM")
        header, form = (12, "<L") if vr in (b"OB", b"UN", b"UT") else (8, "<H")
        length = struct.unpack_from(form, view, position + header - (4 if header == 12 else 2))[0]
        if position + header + length > len(view):
            raise broken("DICOM")
        if element == 0x10:
            syntax = bytes(view[position + header : position + header + length]).decode("ascii").strip(" \0")
        position += header + length
    return syntax, position
