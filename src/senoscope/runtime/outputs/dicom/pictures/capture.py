"""Secondary capture: the picture with the evidence burned over it, for stations that show nothing else."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont
from pydicom.dataset import Dataset

from senoscope.core.domain.boxes import BoxPrediction
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.domain.prediction import Answer, Shown
from senoscope.core.errors import InputError
from senoscope.runtime.outputs.boxes import boxes_png
from senoscope.runtime.outputs.dicom.identity import orient, refer
from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.subject import MAKER, NOTICE, Source, Subject
from senoscope.runtime.outputs.outlines import outline_png
from senoscope.runtime.outputs.overlay import eight_bit, overlaid

SERIES = 9106
LONGEST = 2048
"""Pixels of the longer side at most: a capture is to be looked at, not measured in."""
LINES = 24
"""The caption's letters are as high as the longer side by so many."""


def capture(subject: Subject) -> list[Dataset]:
    """Secondary Capture (PS3.3 A.8.1) of each image, with a caption below it; of a withheld answer without evidence.

    Raises:
        InputError: an image's pixels were not given.
        MissingExtraError: highdicom is not installed.
    """
    return [_made(subject, source, shown) for source, shown in subject.pairs()]


def _made(subject: Subject, source: Source, shown: Shown) -> Dataset:
    hd = highdicom()
    pixels = captioned(picture(source, shown), caption(subject.answer))
    made = hd.sc.SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=str(source.dataset.StudyInstanceUID),
        patient_orientation=("A", "F"),  # it is asked for; the image's own is written over it
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        **subject.place("sc", SERIES, source),
        **subject.maker,
    )
    orient(made, source.dataset)
    refer(made, source.dataset, source.frame)
    made.Laterality = source.laterality
    made.DateOfSecondaryCapture = subject.written.strftime("%Y%m%d")
    made.TimeOfSecondaryCapture = subject.written.strftime("%H%M%S")
    made.DerivationDescription = NOTICE
    made.SecondaryCaptureDeviceManufacturer = MAKER
    # Whether a name is burned in is the source's to say: what is burned in here names nobody.
    if source.dataset.get("BurnedInAnnotation") in ("YES", "NO"):
        made.BurnedInAnnotation = source.dataset.BurnedInAnnotation
    return subject.finish(made, source)


def picture(source: Source, shown: Shown) -> NDArray[np.uint8]:
    """(H, W, 3) the picture with what was found, as it is drawn elsewhere; bare where the answer is withheld.

    Raises:
        InputError: the image's pixels were not given.
    """
    image = source.image
    if image is None:
        raise InputError(f"{shown.source}: a picture of the evidence needs the image's pixels", "give them too")
    if shown.trust.abstained:
        return eight_bit(image)
    if isinstance(shown, OutlinePrediction):
        return _decoded(outline_png(image, shown.codes))
    if isinstance(shown, BoxPrediction):
        return _decoded(boxes_png(image, shown.boxes))
    return overlaid(image, shown.saliency)


def caption(answer: Answer) -> list[str]:
    """What a picture says in words: the notice, the answer, and the doubts."""
    chance = f"{answer.positive} {answer.probability:.3f} (prevalence {answer.prevalence:.3f})"
    said = f"{answer.task}: " + ("no answer" if answer.abstained else f"{answer.label}, {chance}")
    by = f"{answer.bundle} {answer.version}" + (f", {answer.operating_point}" if answer.operating_point else "")
    return [NOTICE, said, by, *(flag.message for flag in answer.trust.flags)]


def captioned(pixels: NDArray[np.uint8], lines: list[str]) -> NDArray[np.uint8]:
    """The picture, at most `LONGEST` pixels a side, above a black band with the lines, wrapped to its width."""
    shown = Pil.fromarray(pixels)
    shown.thumbnail((LONGEST, LONGEST), Pil.Resampling.BOX)
    height = max(8, max(shown.size) // LINES)
    font = ImageFont.load_default(height)
    rows = [row for line in lines for row in _wrapped(line, font, shown.width - height // 2)]
    step = height + height // 3
    whole = Pil.new("RGB", (shown.width, shown.height + step * len(rows) + height // 2))
    whole.paste(shown)
    pen = ImageDraw.Draw(whole)
    for place, row in enumerate(rows):
        pen.text((height // 4, shown.height + place * step), row, (255, 255, 255), font)
    return np.asarray(whole, np.uint8)


def _wrapped(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    rows: list[str] = []
    for word in line.split():
        joined = f"{rows[-1]} {word}" if rows else word
        if rows and font.getlength(joined) <= width:
            rows[-1] = joined
        else:
            rows.append(word)
    return rows


def _decoded(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(Pil.open(io.BytesIO(content)).convert("RGB"), np.uint8)
