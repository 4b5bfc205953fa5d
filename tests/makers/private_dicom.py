"""DICOM files of a patient who does not exist, with much to hide; and files that mean harm."""

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAMMOGRAM, ULTRASOUND = "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.6.1"
SECONDARY, REPORT = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.88.33"
EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED, JPEG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50"

ROOT = "1.2.826.0.1.3680043.10.77"
"""Beginning of the UIDs of these files."""

SECRETS = ("Musterfrau", "Erika", "PID-4711", "ACC-0815", "Krankenhaus", "19611224", "20240229", ROOT)
"""What must not be found in a file that was de-identified."""


def patient(sop_class: str = MAMMOGRAM, number: int = 1, **values: Any) -> "Dataset":
    """An object of Erika Musterfrau, without pixels.

    Args:
        sop_class: UID.
        number: of the object in its series.
        values: further attributes by keyword, or others of these; None leaves one out.
    """
    from pydicom.dataset import Dataset

    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID = sop_class, f"{ROOT}.3.{number}"
    one.StudyInstanceUID, one.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.2"
    one.FrameOfReferenceUID = f"{ROOT}.4"
    one.PatientName, one.PatientID = "Musterfrau^Erika", "PID-4711"
    one.PatientBirthDate, one.PatientSex, one.PatientAge = "19611224", "F", "062Y"
    one.StudyDate = one.SeriesDate = one.ContentDate = "20240229"
    one.StudyTime = one.SeriesTime = one.ContentTime = "101500"
    one.AcquisitionDateTime = "20240229101500.5+0100"
    one.AccessionNumber, one.StudyID, one.SeriesNumber, one.InstanceNumber = "ACC-0815", "S1", 1, number
    one.InstitutionName, one.ReferringPhysicianName = "Krankenhaus am See", "Musterfrau^Max"
    one.StudyDescription, one.Manufacturer, one.Modality = "Erika, screening", "Maker", "MG"
    one.ManufacturerModelName = "Mammomat"
    one.add_new(0x00091001, "LO", "Erika in private")
    for name, value in values.items():
        if value is None:
            delattr(one, name)
        else:
            setattr(one, name, value)
    return one


def with_pixels(one: "Dataset", pixels: NDArray[Any]) -> "Dataset":
    """Add native pixels: (H, W) grey, (H, W, 3) RGB, or (N, H, W) frames of grey; 8 or 16 bits."""
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    frames = pixels.shape[0] if pixels.ndim == 3 and not colour else 1
    one.Rows, one.Columns = pixels.shape[:2] if colour or pixels.ndim == 2 else pixels.shape[1:]
    one.SamplesPerPixel, one.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        one.PlanarConfiguration = 0
    if frames > 1:
        one.NumberOfFrames = frames
    size = pixels.dtype.itemsize
    one.BitsAllocated = one.BitsStored = 8 * size
    one.HighBit, one.PixelRepresentation = 8 * size - 1, 0
    one.PixelData = pixels.tobytes()
    one["PixelData"].VR = "OB" if size == 1 else "OW"
    return one


def with_jpeg(one: "Dataset", pixels: NDArray[np.uint8], comment: bytes = b"") -> "Dataset":
    """Add one grey frame as JPEG, with a comment in its stream."""
    from pydicom.encaps import encapsulate

    with_pixels(one, pixels)
    buffer = io.BytesIO()
    Pil.fromarray(pixels).save(buffer, "JPEG", quality=95)
    stream = buffer.getvalue()
    if comment:
        stream = stream[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + stream[2:]
    one.PixelData = encapsulate([stream])
    one["PixelData"].VR, one["PixelData"].is_undefined_length = "OB", True
    return one


def dicom_bytes(one: "Dataset", syntax: str = EXPLICIT, *, preamble: bytes = b"", tail: bytes = b"") -> bytes:
    """The file of an object.

    Args:
        one: the object.
        syntax: UID of the transfer syntax.
        preamble: what the 128 bytes before the file begin with.
        tail: what stands behind the dataset.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.filewriter import dcmwrite
    from pydicom.uid import UID

    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = UID(syntax)
    one.file_meta.SourceApplicationEntityTitle = "KRANKENHAUS"
    one.preamble = preamble.ljust(128, b"\0")
    buffer = io.BytesIO()
    dcmwrite(buffer, one, enforce_file_format=True)
    return buffer.getvalue() + tail


def written(words: str, *, size: int = 20, shape: tuple[int, int] = (120, 320), colour: int = 255) -> NDArray[np.uint8]:
    """A black picture with words in its upper left corner."""
    picture = Pil.new("L", shape[::-1])
    ImageDraw.Draw(picture).text((10, 10), words, fill=colour, font=ImageFont.load_default(size))
    return np.asarray(picture).copy()


def raw_file(body: bytes, syntax: str = EXPLICIT) -> bytes:
    """A file whose dataset is these bytes."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + element(0x00020010, b"UI", uid) + body


def element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """An explicit little endian element; its length may lie."""
    group, number, count = tag >> 16, tag & 0xFFFF, len(value) if length is None else length
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return struct.pack("<HH2sHL", group, number, vr, 0, count) + value
    return struct.pack("<HH2sH", group, number, vr, count) + value


def nested(depth: int) -> bytes:
    """Sequences within each other, of undefined length."""
    opening = element(0x00081140, b"SQ", b"", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return opening * depth + closing * depth


def deflate_bomb(size: int) -> bytes:
    """A deflated file that comes to so many bytes."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(1_000_000)
    parts = [stream.compress(block) for _ in range(size // len(block))]
    return raw_file(b"".join(parts) + stream.flush(), DEFLATED)
