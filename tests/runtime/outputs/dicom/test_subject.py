"""What is written about, and what cannot be."""

import dataclasses

import pytest

from senoscope.core.domain.geometry import Size
from senoscope.core.errors import InputError
from senoscope.runtime.outputs.dicom import Source
from tests.makers.dicom_answers import subject_of
from tests.makers.dicom_sources import HIGH, WIDE, mammogram, slide_level


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_an_image_that_says_not_where_it_belongs_is_refused(keyword: str) -> None:
    image = mammogram()
    delattr(image, keyword)

    with pytest.raises(InputError, match=keyword):
        Source(image)


def test_an_image_of_another_size_is_refused() -> None:
    subject = subject_of()
    subject.sources[0].dataset.Rows = HIGH + 1

    with pytest.raises(InputError, match=f"{WIDE}×{HIGH + 1}"):
        dataclasses.replace(subject)


def test_more_images_than_were_looked_at_are_refused() -> None:
    subject = subject_of()

    with pytest.raises(InputError, match="1 images were looked at, not 2"):
        dataclasses.replace(subject, sources=subject.sources * 2)


def test_images_of_two_patients_are_refused() -> None:
    subject, other = subject_of(), mammogram()
    other.PatientID = "4712"

    with pytest.raises(InputError, match="not of 2"):
        dataclasses.replace(subject, sources=(*subject.sources, Source(other)))


def test_a_slide_is_as_large_as_its_matrix_and_one_of_its_frames_as_a_tile() -> None:
    level = slide_level(tile=32)

    assert Source(level).size == Size(WIDE, HIGH)
    assert Source(level, frame=2).size == Size(32, 32)


@pytest.mark.parametrize(("said", "frame", "number"), [(5, None, 5), (5, 3, 3), (0, None, 1), (None, None, 1)])
def test_objects_are_put_in_the_image_s_order(said: int | None, frame: int | None, number: int) -> None:
    image = mammogram()
    image.InstanceNumber = said

    assert Source(image, frame=frame).number == number


@pytest.mark.parametrize(
    ("image", "series", "side"), [("R", "L", "R"), ("B", "L", "L"), ("", "R", "R"), ("", "", ""), ("B", "", "")]
)
def test_the_side_is_the_image_s_before_the_series(image: str, series: str, side: str) -> None:
    one = mammogram()
    one.ImageLaterality, one.Laterality = image, series

    assert Source(one).laterality == side
