"""Every file of the corpus beside a second decoder: what decodes is equal, the rest is refused in one line."""

import csv
import shutil
import subprocess
import time
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import ImplicitVRLittleEndian

from senoscope.core.errors import InputError, UnsupportedImageError
from senoscope.core.io import LOCAL, read
from senoscope.core.io.dicom import read_facts, read_frame, scan
from senoscope.core.io.dicom.guard import quiet
from senoscope.core.io.dicom.parsing import parse
from senoscope.core.io.dicom.pixels.layout import layout_of
from senoscope.core.io.dicom.pixels.stored import stored_frame
from tests.conftest import needs

Numbers = NDArray[Any]

TOOLS = {
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 57, 70)), "dcmdjpeg"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (80, 81)), "dcmdjpls"),
    "1.2.840.10008.1.2.5": "dcmdrle",
}
"""Of dcmtk; JPEG 2000 it does not know, so that is decoded by imagecodecs, whose OpenJPEG is another build."""

LOSSY = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 81, 91))

NOT_BY_DCMTK = ("GH364.dcm", "JLSL_08_07_0_1F.dcm", "GH195.dcm")
"""What it refuses though it is whole, and a JPEG whose own JFIF block contradicts the header that dcmtk believes."""

DECODED_SINCE = (
    *("CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm", "MR4_JPLY", "MR1_JPLY", "NM1_JPLY"),
    *("CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm", "RG3_JPLY", "XA1_JPLY"),
    *("OT-PAL-8-face.dcm", "liver_rle.dcm", "liver_deflate.dcm"),
)
"""What the manifest's own decoders did not manage and these do: 12-bit JPEG, no meta information, single bits."""


@dataclass(frozen=True)
class Listed:
    """A row of the manifest."""

    path: Path
    decodes: bool
    pixels: bool


@pytest.fixture(scope="module")
def corpus(data_root: Path) -> list[Listed]:
    manifest = data_root / "dicom" / "manifest.csv"
    needs(manifest.is_file(), "the DICOM corpus is not among the datasets")
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Listed(manifest.parent / row["path"], row["decode"].startswith("ok"), row["has_pixels"] == "1") for row in rows
    ]


def _frames(path: Path) -> tuple[str, list[Numbers]]:
    """Return the transfer syntax and the stored numbers of every frame."""
    with quiet():
        parsed = parse(path.read_bytes())
        layout = layout_of(parsed.header, LOCAL)
    return parsed.syntax, [stored_frame(parsed, layout, place) for place in range(layout.frames)]


def _second(path: Path, syntax: str, count: int, folder: Path) -> list[Numbers] | None:
    """Decode all frames by another decoder; None where there is none here."""
    tool = None if path.name in NOT_BY_DCMTK else TOOLS.get(syntax)
    if path.name in ("liver_rle.dcm", "liver_deflate.dcm"):  # the same masks as in this file
        path, tool, syntax = path.with_name("liver_j2k.dcm"), None, "1.2.840.10008.1.2.4.90"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if tool and not shutil.which(tool):
            return None
        if tool:
            subprocess.run([tool, str(path), str(folder / "plain.dcm")], check=True, capture_output=True)
            return _plain(dcmread(folder / "plain.dcm"), count)
        found = dcmread(path, force=True)
        if ".4." not in syntax:
            return _plain(found, count)
        coded = generate_frames(found.PixelData, number_of_frames=count)
        return [_matched(_by_library(one, syntax), found) for one in coded]


def _by_library(coded: bytes, syntax: str) -> Numbers:
    if syntax.endswith((".80", ".81")):
        return np.asarray(imagecodecs.jpegls_decode(coded))
    return np.asarray(Pil.open(BytesIO(coded)) if coded[:2] == b"\xff\xd8" else imagecodecs.jpeg2k_decode(coded))


def _plain(found: Dataset, count: int) -> list[Numbers]:
    syntax = found.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)
    found.file_meta.TransferSyntaxUID = syntax
    # The unused bits of lossy numbers count: a decoder may overshoot.
    values, _ = get_decoder(syntax).as_array(found, raw=True, correct_unused_bits=found.BitsAllocated == 1)
    frames = list(values) if count > 1 else [values]
    if "YBR" in found.PhotometricInterpretation:
        frames = [convert_color_space(one, found.PhotometricInterpretation, "RGB") for one in frames]
    return frames


def _matched(values: Numbers, found: Dataset) -> Numbers:
    """Read two's complement of a codestream that does not know it."""
    if found.PixelRepresentation == 0 or values.dtype.kind == "i":
        return values
    spare = 8 * values.itemsize - max(int(found.BitsStored), int(values.max()).bit_length())
    return (values << spare).view(f"i{values.itemsize}") >> spare


def test_what_decodes_is_what_a_second_decoder_gives(corpus: list[Listed], tmp_path: Path) -> None:
    needs(all(map(shutil.which, set(TOOLS.values()))), "dcmtk is not installed")
    worst: dict[str, int] = {}
    compared = 0
    for listed in corpus:
        if not listed.decodes and listed.path.name not in DECODED_SINCE:
            continue
        syntax, mine = _frames(listed.path)
        second = _second(listed.path, syntax, len(mine), tmp_path)
        assert second is not None
        assert [one.shape for one in mine] == [one.shape for one in second], listed.path.name
        apart = max(_apart(one, other) for one, other in zip(mine, second, strict=True))
        compared += 1
        if apart > (1 if syntax in LOSSY else 0):
            worst[listed.path.name] = apart

    assert worst == {}
    assert compared >= sum(listed.decodes for listed in corpus) + len(DECODED_SINCE)


def _apart(one: Numbers, other: Numbers) -> int:
    return int(np.abs(one.astype(np.int64) - other.astype(np.int64)).max())


def test_grey_levels_are_those_of_dcmtk(corpus: list[Listed], tmp_path: Path) -> None:
    needs(shutil.which("dcmj2pnm"), "dcmtk is not installed")
    compared, worst = 0, 0.0
    for listed in corpus:
        theirs = _shown_by_dcmtk(listed.path, tmp_path / "shown.pgm") if listed.pixels else None
        if theirs is None:
            continue
        image = read(listed.path)
        compared += 1
        worst = max(worst, float(np.abs(image.pixels * (255 / image.maximum) - theirs).max()))

    assert compared >= 25
    assert worst < 1.5  # dcmtk cuts where these round


def _shown_by_dcmtk(path: Path, target: Path) -> Numbers | None:
    """Return what dcmtk shows by the first table or window, without overlays; None where that is another question.

    Another question are several frames, single bits, padding, which it shows as grey, and an overshoot, which it wraps.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = dcmread(path, force=True, stop_before_pixels=True)
        frames, bits = str(header.get("NumberOfFrames", "1")), header.get("BitsAllocated")
        grey = str(header.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
    if not grey or frames != "1" or bits not in (8, 16) or "PixelPaddingValue" in header or path.name == "RG3_JPLY":
        return None
    chosen = ["+Wl", "1"] if "VOILUTSequence" in header else ["+Wi", "1"] if "WindowCenter" in header else []
    done = subprocess.run(["dcmj2pnm", "-O", *chosen, "+opb", str(path), str(target)], capture_output=True, check=False)
    return np.asarray(Pil.open(target), np.float64) if done.returncode == 0 else None


def test_every_other_file_is_refused_in_one_line_within_a_second(corpus: list[Listed]) -> None:
    read_frame(corpus[0].path, 0)  # loads the libraries
    for listed in corpus:
        if listed.decodes or listed.path.name in (*DECODED_SINCE, "frame_rgb_empty.jpeg"):
            continue
        start = time.perf_counter()
        with pytest.raises(InputError) as caught:
            read(listed.path)
        assert time.perf_counter() - start < 1
        assert caught.value.message.startswith(f"{listed.path}: ")
        assert caught.value.hint
        assert "\n" not in str(caught.value)


def test_every_frame_that_decodes_is_a_picture_unless_its_numbers_are_too_wide(corpus: list[Listed]) -> None:
    pictures, wide = 0, []
    for listed in corpus:
        if not listed.decodes:
            continue
        facts = read_facts(listed.path)
        try:
            image = read_frame(listed.path, facts.frames - 1)
        except UnsupportedImageError as error:
            wide.append(error.message)
            continue
        pictures += 1
        assert (image.size.width, image.size.height) == (facts.columns, facts.rows)
        assert image.pixels.max() <= image.maximum

    assert pictures == sum(listed.decodes for listed in corpus) - len(wide) > 0
    assert len(wide) == sum("rtdose" in listed.path.name and listed.decodes for listed in corpus)
    assert all("32 bits" in message for message in wide)


def test_the_corpus_as_a_folder(corpus: list[Listed], data_root: Path) -> None:
    archive = scan(data_root / "dicom")

    files = [
        file for patient in archive.patients for study in patient.studies for one in study.series for file in one.files
    ]
    known = {file.path for file in files} | {one.path for one in archive.refused}
    copies = sum("the same object as" in remark for remark in archive.remarks)
    assert len(known) + copies + archive.others >= len(corpus) - 3
    assert {file.facts.modality for file in files} >= {"CT", "MR", "MG", "US", "SEG", "SR", "SM"}
    mammogram = next(file.facts for file in files if file.path.name == "OutOfBoundsOverlay.dcm")
    assert (mammogram.breast.laterality, mammogram.breast.view, mammogram.breast.implant) == ("L", "CC", False)
    assert mammogram.spacing is not None
    assert mammogram.spacing.plane == "object"
