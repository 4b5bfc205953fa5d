"""DICOM files in memory: pictures of every kind, and hostile ones."""

import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from imagecodecs import jpeg8_encode, jpeg2k_encode, jpegls_encode, ljpeg_encode
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

Numbers = NDArray[Any]

JPEG, EXTENDED, LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 70))
JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
DEFLATED, DEFLATED_FRAMES = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1"

ENCODERS: dict[str, Callable[[Numbers], bytes]] = {
    JPEG: lambda frame: jpeg8_encode(frame, level=100),
    EXTENDED: lambda frame: jpeg8_encode(frame, level=100, bitspersample=12),
    LOSSLESS: ljpeg_encode,
    JPEG_LS: jpegls_encode,
    JPEG_2000: lambda frame: jpeg2k_encode(frame, level=0, codecformat="j2k", bitspersample=8 * frame.itemsize),
    DEFLATED_FRAMES: lambda frame: _raw_deflate(frame.tobytes()),
}


def dicom_object(pixels: Numbers | None = None, *, frames: int | None = None, **attributes: Any) -> Dataset:
    """Describe a picture: what its numbers imply, changed and completed by `attributes`; None takes one away.

    Args:
        pixels: (H, W) or (H, W, 3), or (N, …) with `frames`; integers of 8, 16 or 32 bits.
        frames: how many.
        attributes: by keyword.
    """
    found = Dataset()
    found.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    found.Modality = "MG"
    entropy = [repr(sorted(attributes)), "" if pixels is None else str(pixels.sum())]
    found.SOPInstanceUID = generate_uid(entropy_srcs=entropy)
    found.StudyInstanceUID, found.SeriesInstanceUID = generate_uid(entropy_srcs=["s"]), generate_uid(entropy_srcs=["r"])
    if pixels is not None:
        first = pixels[0] if frames is not None else pixels
        found.Rows, found.Columns = first.shape[:2]
        found.SamplesPerPixel = 3 if first.ndim == 3 else 1
        found.PhotometricInterpretation = "RGB" if first.ndim == 3 else "MONOCHROME2"
        found.BitsAllocated = found.BitsStored = 8 * pixels.itemsize
        found.PixelRepresentation = int(pixels.dtype.kind == "i")
        if first.ndim == 3:
            found.PlanarConfiguration = 0
    if frames is not None:
        found.NumberOfFrames = frames
    for keyword, value in attributes.items():
        if value is None:
            delattr(found, keyword)
        else:
            setattr(found, keyword, value)
    if "BitsStored" in found:
        found.HighBit = found.BitsStored - 1
    return found


def dicom_bytes(
    pixels: Numbers | None = None,
    *,
    syntax: str = ExplicitVRLittleEndian,
    frames: int | None = None,
    preamble: bool = True,
    **attributes: Any,
) -> bytes:
    """Write a picture as a DICOM file.

    Args:
        pixels: see `dicom_object`; None for an object without any.
        syntax: UID of the transfer syntax.
        frames: how many.
        preamble: whether the file starts with a preamble and meta information.
        attributes: by keyword; None takes one away.
    """
    found = dicom_object(pixels, frames=frames, **attributes)
    if pixels is not None and syntax == RLELossless:
        return _run_lengths(found, pixels)
    if pixels is not None:
        _fill(found, pixels if frames is not None else pixels[None], syntax)
    return written(found, syntax, preamble=preamble)


def written(found: Dataset, syntax: str = ExplicitVRLittleEndian, *, preamble: bool = True) -> bytes:
    """Write an object as the bytes of a file."""
    out = BytesIO()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = syntax
    found.file_meta.MediaStorageSOPClassUID = found.get("SOPClassUID", "1.2.3")
    found.file_meta.MediaStorageSOPInstanceUID = found.get("SOPInstanceUID", "1.2.3")
    if preamble:
        found.save_as(out, enforce_file_format=True)
    else:
        del found.file_meta
        implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
        found.save_as(out, implicit_vr=implicit, little_endian=little)
    return out.getvalue()


def lut(entries: Sequence[int], first: int = 0, bits: int = 12) -> list[Dataset]:
    """Build a sequence with one table of grey levels."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return [item]


def film_as_dicom(film: NDArray[np.uint8], syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Wrap an 8-bit film as a mammogram of 12 bits in which 0 is white, with the table that leads back to the film."""
    stored = 4095 - np.rint(film * (4095 / 255)).astype(np.uint16)
    return dicom_bytes(
        stored,
        syntax=syntax,
        BitsStored=12,
        PhotometricInterpretation="MONOCHROME1",
        PresentationLUTShape="INVERSE",
        PresentationIntentType="FOR PRESENTATION",
        VOILUTSequence=lut(range(4096)),
    )


def palette(colours: NDArray[np.uint16]) -> dict[str, Any]:
    """Return the attributes of a palette of (N, 3) colours of 16 bits."""
    found: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for place, name in enumerate(("Red", "Green", "Blue")):
        found[f"{name}PaletteColorLookupTableDescriptor"] = [len(colours), 0, 16]
        found[f"{name}PaletteColorLookupTableData"] = colours[:, place].astype("<u2").tobytes()
    return found


def element(tag: int, representation: bytes, length: int, value: bytes = b"") -> bytes:
    """Write an element of explicit VR little endian that may lie about its length."""
    long = representation in (b"OB", b"OW", b"SQ", b"UN", b"UT")
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, representation)
    return head + (struct.pack("<HI", 0, length) if long else struct.pack("<H", length)) + value


def with_element(data: bytes, extra: bytes) -> bytes:
    """Put an element before the first of group 0028, in a file of explicit VR little endian."""
    place = data.index(b"\x28\x00\x02\x00US")
    return data[:place] + extra + data[place:]


def nested(depth: int) -> bytes:
    """Write a private sequence within a sequence, so many times, of undefined lengths that never end."""
    return (element(0x00091010, b"SQ", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * depth


def deflate_bomb(size: int) -> bytes:
    """Write a deflated file of `size` zeros, which takes a thousandth of that."""
    data = dicom_bytes(np.zeros((4, 4), np.uint8), syntax=DEFLATED)
    start = data.index(DEFLATED.encode()) + len(DEFLATED)
    start += -len(DEFLATED) % 2
    rest = 132 + 12 + struct.unpack_from("<I", data, 140)[0]
    body = zlib.decompressobj(-15).decompress(data[rest:])
    return data[:rest] + _raw_deflate(body + element(0x7FE10010, b"OB", size, bytes(size)))


def _raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(9, wbits=-15)
    return engine.compress(data) + engine.flush()


def _fill(found: Dataset, pixels: Numbers, syntax: str) -> None:
    if encoder := ENCODERS.get(syntax):
        found.PixelData = encapsulate([encoder(frame) for frame in pixels])
        found["PixelData"].VR = "OB"
        return
    if found.get("PlanarConfiguration") == 1:
        pixels = np.moveaxis(pixels, -1, 1)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    found.PixelData = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder(order)).tobytes()
    if len(found.PixelData) % 2:
        found.PixelData += b"\0"
    found["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"


def _run_lengths(found: Dataset, pixels: Numbers) -> bytes:
    found.compress(RLELossless, pixels, generate_instance_uid=False)
    return written(found, RLELossless)
