"""Segmentations: every pixel where it was marked."""

from typing import cast

import numpy as np
import pytest

from senoscope.core.domain.outline import OutlinePrediction
from senoscope.runtime.outputs.dicom.pictures.segmentation import LEVELS, evidence, segmentation
from tests.makers.dicom_answers import subject_of
from tests.makers.dicom_sources import HIGH, SOURCES, WIDE
from tests.runtime.outputs.dicom.conftest import read_again


@pytest.mark.parametrize("source", ["MG", "US", "US colour", "MR"])
def test_binary_pixels_are_the_marked_ones(source: str) -> None:
    subject = subject_of("outlined", source)

    made = read_again(segmentation(subject)[0])

    assert (made.pixel_array == cast(OutlinePrediction, subject.answer).codes).all()
    assert made.SegmentSequence[0].SegmentLabel == "lesion"
    referenced = made.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert referenced.ReferencedSOPInstanceUID == subject.sources[0].dataset.SOPInstanceUID


@pytest.mark.parametrize("source", SOURCES)
def test_evidence_is_its_own_share_of_the_peak(source: str) -> None:
    subject = subject_of("classified", source)

    made = read_again(evidence(subject)[0])

    assert (made.Modality, made.SegmentationFractionalType) == ("SEG", "PROBABILITY")
    assert made.SegmentSequence[0].SegmentLabel == "evidence for malignant"
    wanted = subject.views[0].saliency * LEVELS
    if source == "SM":
        assert made.pixel_array.max() == LEVELS
    else:
        assert np.abs(made.pixel_array - wanted).max() <= 1


def test_of_a_slide_the_tiles_make_the_whole_again() -> None:
    subject = subject_of("outlined", "SM")
    codes = cast(OutlinePrediction, subject.answer).codes

    made = read_again(segmentation(subject)[0])

    whole = np.zeros((HIGH, WIDE), np.uint8)
    for frame, groups in zip(made.pixel_array, made.PerFrameFunctionalGroupsSequence, strict=True):
        place = groups.PlanePositionSlideSequence[0]
        top, left = place.RowPositionInTotalImagePixelMatrix - 1, place.ColumnPositionInTotalImagePixelMatrix - 1
        part = whole[top : top + made.Rows, left : left + made.Columns]
        part[:] = frame[: part.shape[0], : part.shape[1]]
    assert (whole == codes).all()


def test_there_is_none_where_nothing_is_marked() -> None:
    assert segmentation(subject_of("boxed")) == []
    assert evidence(subject_of("withheld")) == []
