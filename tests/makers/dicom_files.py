"""DICOM files in memory: pictures of every kind, and hostile ones."""

import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from imagecodecs import jpeg2k_encode, jpeg8_encode, jpegls_encode, ljpeg_encode
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
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
    JPEG: lambda frame: bytes(jpeg8_encode(frame, level=100)),
    EXTENDED: lambda frame: bytes(jpeg8_encode(frame, level=100, bitspersample=12)),
    LOSSLESS: lambda frame: bytes(ljpeg_encode(frame)),
    JPEG_LS: lambda frame: bytes(jpegls_encode(frame)),
    JPEG_2000: lambda frame: bytes(jpeg2k_encode(frame, level=0, codecformat="j2k", bitspersample=8 * frame.itemsize)),
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what breaks the standard is made on purpose
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
    found.file_meta.TransferSyntaxUID = UID(syntax)
    found.file_meta.MediaStorageSOPClassUID = found.get("SOPClassUID", "1.2.3")
    found.file_meta.MediaStorageSOPInstanceUID = found.get("SOPInstanceUID", "1.2.3")
    if syntax == DEFLATED_FRAMES:  # pydicom does not know it
        found.preamble = bytes(128)
        found.save_as(out, implicit_vr=False, little_endian=True, force_encoding=True)
    elif preamble:
        found.save_as(out, enforce_file_format=True)
    else:
        del found.file_meta
        implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
        found.save_as(out, implicit_vr=implicit, little_endian=little)
    return out.getvalue()


def lut(entries: Sequence[int], first: int = 0, bits: int = 12, *, words: bool = False) -> list[Dataset]:
    """Build a sequence with one table of grey levels, its entries as numbers or as little-endian words."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65536, first, bits])
    content = np.asarray(entries, "<u2").tobytes() if words else list(entries)
    item.add_new("LUTData", "OW" if words else "US", content)
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
        VOILUTSequence=lut(range(4096), words=True),
    )


def palette(colours: NDArray[np.uint16]) -> dict[str, Any]:
    """Return the attributes of a palette of (N, 3) colours of 16 bits."""
    found: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for place, name in enumerate(("Red", "Green", "Blue")):
        found[f"{name}PaletteColorLookupTableDescriptor"] = [len(colours), 0, 16]
        found[f"{name}PaletteColorLookupTableData"] = colours[:, place].astype("<u2").tobytes()
    return found


def fragments(parts: Sequence[bytes], offsets: bytes = b"") -> bytes:
    """Lay compressed bytes out in fragments behind a table of offsets, as PS3.5 A.4 has it."""
    even = [part + bytes(len(part) % 2) for part in parts]
    body = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in (offsets, *even))
    return body + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def element(tag: int, representation: bytes, length: int, value: bytes = b"") -> bytes:
    """Write an element of explicit VR little endian that may lie about its length."""
    long = representation in (b"OB", b"OW", b"SQ", b"UN", b"UT")
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, representation)
    return head + (struct.pack("<HI", 0, length) if long else struct.pack("<H", length)) + value


def with_element(data: bytes, extra: bytes) -> bytes:
    """Put an element before the first of group 0028, in a file of explicit VR little endian."""
    place = data.index(b"\x28\x00\x02\x00US")
    return data[:place] + extra + data[place:]


def code(value: str, **attributes: Any) -> Dataset:
    """Build an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", "made for tests"
    for keyword, content in attributes.items():
        setattr(item, keyword, content)
    return item


def ultrasound_region(data: int, spatial: int = 1, units: int = 3, delta: float = 0.01) -> Dataset:
    """Build a region of 40 × 30 pixels with a corner at (10, 20); `delta` is the size of a pixel in `units`."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = spatial, data, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 10, 20
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 49, 49
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = units
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta, 2 * delta
    return item


def nested(depth: int) -> bytes:
    """Write a private sequence within a sequence, so many times, of undefined lengths that never end."""
    return (element(0x00091010, b"SQ", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * depth


def deflate_bomb(megabytes: int) -> bytes:
    """Write a deflated file that grows to so many MB of zeros, and has a thousandth of that."""
    data = dicom_bytes(syntax=DEFLATED, Rows=4, Columns=4)
    start = 144 + struct.unpack_from("<I", data, 140)[0]
    header = zlib.decompress(data[start:], -15) + element(0x7FE00010, b"OB", megabytes * 1_000_000)
    engine, million = zlib.compressobj(9, wbits=-15), bytes(1_000_000)
    parts = [engine.compress(header), *(engine.compress(million) for _ in range(megabytes))]
    return b"".join((data[:start], *parts, engine.flush()))


def _raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(9, wbits=-15)
    return engine.compress(data) + engine.flush()


def _fill(found: Dataset, pixels: Numbers, syntax: str) -> None:
    if encoder := ENCODERS.get(syntax):
        found.PixelData = encapsulate([encoder(frame) for frame in pixels])
        found["PixelData"].VR, found["PixelData"].is_undefined_length = "OB", True
        return
    if found.get("PlanarConfiguration") == 1:
        pixels = np.moveaxis(pixels, -1, 1)
    kind = pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    found.PixelData = np.ascontiguousarray(pixels).astype(kind).tobytes()
    if len(found.PixelData) % 2:
        found.PixelData += b"\0"
    found["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"


def _run_lengths(found: Dataset, pixels: Numbers) -> bytes:
    found.compress(RLELossless, pixels, generate_instance_uid=False)
    return written(found, RLELossless)
