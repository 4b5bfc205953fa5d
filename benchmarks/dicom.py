"""Mammograms as DICOM: decoding against the codecs alone, and headers against pydicom's reader in a loop."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from imagecodecs import jpeg8_decode
from jpeg_ls import decode_pixel_data as jpeg_ls_decode
from numpy.typing import NDArray
from openjpeg.utils import decode_pixel_data as jpeg_2000_decode
from pydicom import dcmread
from pydicom.encaps import get_frame
from tests.makers.dicom_files import JPEG_2000, JPEG_LS, LOSSLESS, dicom_bytes

from benchmarks.harness import Comparison, measure
from senoscope.core.io import read
from senoscope.core.io.dicom import scan

FILMS, SHAPE = 20, (3328, 2560)
"""Mammograms, and rows and columns of each: those of a common detector."""

NATIVE = "1.2.840.10008.1.2.1"


def _words(found: tuple[bytearray, object]) -> NDArray[np.uint16]:
    return np.frombuffer(found[0], np.uint16)


CODECS: dict[str, tuple[str, Callable[[bytes], NDArray[np.uint16]]]] = {
    "lossless JPEG": (LOSSLESS, lambda data: np.asarray(jpeg8_decode(data))),
    "JPEG-LS": (JPEG_LS, lambda data: _words(jpeg_ls_decode(data))),
    "JPEG 2000": (JPEG_2000, lambda data: np.frombuffer(jpeg_2000_decode(data, version=2), np.uint16)),
}
"""The codecs that the reader itself calls."""


def dicom(folder: Path, turns: int) -> list[Comparison]:
    """Pictures and headers of as many mammograms as an hour of screening makes."""
    films = [_film(number) for number in range(FILMS)]
    found = [_decoding(folder / name, films, name, syntax, codec, turns) for name, (syntax, codec) in CODECS.items()]
    return [*found, _headers(_filed(folder / "native", films, NATIVE), turns)]


def _decoding(
    folder: Path,
    films: list[NDArray[np.uint16]],
    name: str,
    syntax: str,
    codec: Callable[[bytes], NDArray[np.uint16]],
    turns: int,
) -> Comparison:
    paths = _filed(folder, films, syntax)
    frames = [get_frame(dcmread(path).PixelData, 0, number_of_frames=1) for path in paths]
    same = all(np.array_equal(codec(one).ravel(), film.ravel()) for one, film in zip(frames[:3], films, strict=False))

    def ours(turn: int) -> None:
        for path in paths:
            read(path)

    def bare(turn: int) -> None:
        for frame in frames:
            codec(frame)

    ours_turns, bare_turns = measure(ours, bare, turns)
    image = read(paths[0])
    expected = (4095 - films[0].astype(np.float64)) / 4095 * image.maximum
    return Comparison(
        f"DICOM, {name}",
        f"read of {FILMS} mammograms, {SHAPE[0]} × {SHAPE[1]} pixels of 12 bits: file to grey levels, with SHA-256",
        "the same codec on the same compressed frames in memory",
        ours_turns,
        bare_turns,
        required=0.9,
        checks={
            "the codec gives the numbers that were stored": same,
            "levels are the numbers inverted, as the window asks": bool(
                np.abs(image.pixels - expected).max() < image.maximum / 4000
            ),
        },
    )


def _headers(paths: list[Path], turns: int) -> Comparison:
    folder = paths[0].parent

    def ours(turn: int) -> int:
        return sum(
            len(series.files)
            for patient in scan(folder).patients
            for study in patient.studies
            for series in study.series
        )

    def bare(turn: int) -> int:
        return len([dcmread(path) for path in paths])

    ours_turns, bare_turns = measure(ours, bare, turns)
    return Comparison(
        "DICOM, headers",
        f"scan of a folder of {FILMS} uncompressed mammograms: by patient, study and series",
        "pydicom.dcmread, file by file",
        ours_turns,
        bare_turns,
        required=3.0,
        checks={"every file is found": ours(0) == len(paths)},
    )


def _film(number: int) -> NDArray[np.uint16]:
    """A breast-like disc with grain, of 12 bits; black is high, as in MONOCHROME1."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float32)
    inside = np.clip(1.2 - np.hypot((y - SHAPE[0] / 2) / (0.45 * SHAPE[0]), x / (0.8 * SHAPE[1])), 0, 1)
    grain = random.normal(0, 20, SHAPE).astype(np.float32)
    levels = np.clip(3000 * inside + grain * (inside > 0), 0, 4095)
    return np.asarray(4095 - levels, np.uint16)


def _filed(folder: Path, films: list[NDArray[np.uint16]], syntax: str) -> list[Path]:
    folder.mkdir(parents=True)
    paths = []
    for number, film in enumerate(films):
        content = dicom_bytes(
            film,
            syntax=syntax,
            BitsStored=12,
            PhotometricInterpretation="MONOCHROME1",
            WindowCenter=2048,
            WindowWidth=4096,
            SOPInstanceUID=f"1.2.3.{number}",
        )
        paths.append(folder / f"{number:02}.dcm")
        paths[-1].write_bytes(content)
    return paths
