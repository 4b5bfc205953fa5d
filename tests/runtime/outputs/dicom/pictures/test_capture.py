"""Secondary captures: the picture, what was found drawn over it, and the words."""

import dataclasses

import numpy as np
import pytest

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError
from senoscope.runtime.outputs.dicom.pictures.capture import LONGEST, caption, captioned, capture
from senoscope.runtime.outputs.dicom.subject import NOTICE
from tests.makers.dicom_answers import DOUBT, REFUSAL, subject_of
from tests.makers.dicom_sources import HIGH, WIDE
from tests.runtime.outputs.dicom.conftest import read_again


def test_the_words_say_what_it_is_not_for_and_what_was_answered() -> None:
    lines = caption(subject_of().answer)

    assert lines[0] == NOTICE == "AI, research use, not for diagnosis"
    assert "malignant 0.873 (prevalence 0.457)" in lines[1]
    assert DOUBT.message in lines


def test_a_withheld_answer_is_the_bare_picture_with_the_reason() -> None:
    subject = subject_of("withheld")

    made = read_again(capture(subject)[0])

    image = subject.sources[0].image
    assert image is not None
    assert (made.pixel_array[:HIGH, :WIDE] == image.pixels[..., None]).all()
    assert REFUSAL.message in caption(subject.answer)
    assert not any("malignant" in line for line in caption(subject.answer))


@pytest.mark.parametrize("answer", ["classified", "boxed", "outlined"])
def test_what_was_found_is_burned_in(answer: str) -> None:
    subject = subject_of(answer)

    pixels = read_again(capture(subject)[0]).pixel_array

    image = subject.sources[0].image
    assert image is not None
    assert (pixels[:HIGH, :WIDE] != image.pixels[..., None]).any()
    assert pixels[HIGH:].max() > 128


def test_a_large_picture_is_made_smaller_and_its_words_with_it() -> None:
    pixels = captioned(np.zeros((3000, 2 * LONGEST, 3), np.uint8), [NOTICE])

    assert pixels.shape[1] == LONGEST
    assert pixels[1500:].max() == 255


@pytest.mark.parametrize(("source", "side"), [("MG", "L"), ("US", "R"), ("SM", "")])
def test_the_side_is_the_image_s(source: str, side: str) -> None:
    assert str(capture(subject_of("classified", source))[0].Laterality or "") == side


@pytest.mark.parametrize("said", ["YES", "NO"])
def test_a_name_that_was_burned_in_stays_declared(said: str) -> None:
    subject = subject_of()
    subject.sources[0].dataset.BurnedInAnnotation = said

    assert capture(subject)[0].BurnedInAnnotation == said


def test_without_pixels_it_says_so() -> None:
    subject = subject_of()
    blind = dataclasses.replace(subject, sources=(dataclasses.replace(subject.sources[0], image=None),))

    with pytest.raises(InputError, match="needs the image's pixels"):
        capture(blind)


def test_the_image_it_was_made_of_is_named() -> None:
    subject = subject_of()
    subject.sources[0].dataset.NumberOfFrames = 7
    third = dataclasses.replace(subject.sources[0], frame=3, image=Image(np.zeros((HIGH, WIDE), np.uint8), 255.0))

    source = capture(dataclasses.replace(subject, sources=(third,)))[0].SourceImageSequence[0]

    assert source.ReferencedSOPInstanceUID == subject.sources[0].dataset.SOPInstanceUID
    assert source.ReferencedFrameNumber == 3
