"""Presentation states: lines where the boxes are, grey levels as the image means them."""

import io

import numpy as np
import pytest
from PIL import ImageCms

from senoscope.runtime.outputs.dicom.pictures.presentation import presentation, profile
from senoscope.runtime.outputs.dicom.subject import NOTICE
from tests.makers.dicom_answers import subject_of
from tests.makers.dicom_sources import HIGH, WIDE, ultrasound_scan
from tests.runtime.outputs.dicom.conftest import read_again


def test_boxes_are_closed_lines_within_the_image() -> None:
    made = read_again(presentation(subject_of("boxed"))[0])

    shapes = made.GraphicAnnotationSequence[0].GraphicObjectSequence
    lines = [np.array(shape.GraphicData).reshape(-1, 2) for shape in shapes]
    assert lines[0].tolist() == [[10, 20], [40, 20], [40, 45], [10, 45], [10, 20]]
    assert all((line[0] == line[-1]).all() and line.min() >= 0 for line in lines)
    assert lines[1].max(axis=0).tolist() == [WIDE, HIGH]
    assert {shape.GraphicAnnotationUnits for shape in shapes} == {"PIXEL"}


def test_the_words_are_on_the_display_and_the_labels_at_their_boxes() -> None:
    made = read_again(presentation(subject_of("boxed"))[0])

    texts = [one.UnformattedTextValue for one in made.GraphicAnnotationSequence[0].TextObjectSequence]
    assert texts[0].startswith(NOTICE)
    assert texts[1:] == ["lesion 0.91", "lesion 0.30"]


@pytest.mark.parametrize(
    ("source", "sop_class"), [("MG", "11.1"), ("US", "11.1"), ("US colour", "11.2"), ("SM", "11.2")]
)
def test_colours_ask_for_a_state_of_their_own(source: str, sop_class: str) -> None:
    made = presentation(subject_of("outlined", source))[0]

    assert made.SOPClassUID == f"1.2.840.10008.5.1.4.1.1.{sop_class}"


def test_a_palette_is_colour() -> None:
    subject = subject_of("boxed", "US")
    subject.sources[0].dataset.PhotometricInterpretation = "PALETTE COLOR"

    assert presentation(subject)[0].SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.2"


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME1", "INVERSE"), ("MONOCHROME2", "IDENTITY")])
def test_an_inverted_image_stays_inverted(photometric: str, shape: str) -> None:
    subject = subject_of()
    subject.sources[0].dataset.PhotometricInterpretation = photometric

    assert presentation(subject)[0].PresentationLUTShape == shape


def test_grey_levels_are_windowed_as_the_image_says() -> None:
    window = presentation(subject_of())[0].SoftcopyVOILUTSequence[0]

    assert (window.WindowCenter, window.WindowWidth) == (2048, 4096)


def test_regions_of_a_slide_are_in_its_whole_matrix() -> None:
    shapes = presentation(subject_of("boxed", "SM"))[0].GraphicAnnotationSequence[0].GraphicObjectSequence

    assert {shape.GraphicAnnotationUnits for shape in shapes} == {"MATRIX"}


def test_a_profile_that_is_one_is_kept_and_another_made_up_for() -> None:
    image = ultrasound_scan(color=True)
    stand_in = profile(image)
    own = ImageCms.ImageCmsProfile(io.BytesIO(stand_in)).profile
    assert own.device_class == "scnr"

    image.ICCProfile = stand_in[:80] + b"SENO" + stand_in[84:]
    assert profile(image) == image.ICCProfile
    image.ICCProfile = b"none"
    assert profile(image) == stand_in
