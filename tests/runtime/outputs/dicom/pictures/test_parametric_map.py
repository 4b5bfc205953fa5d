"""Parametric maps."""

import numpy as np

from senoscope.runtime.outputs.dicom.pictures.parametric_map import parametric_map
from tests.makers.dicom_answers import subject_of
from tests.runtime.outputs.dicom.conftest import read_again


def test_values_are_the_evidence_where_the_image_lies() -> None:
    subject = subject_of("classified", "MR")
    image = subject.sources[0].dataset

    made = read_again(parametric_map(subject)[0])

    assert np.allclose(np.frombuffer(made.FloatPixelData, "<f4"), subject.views[0].saliency.ravel())
    place = made.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    assert place.ImagePositionPatient == image.ImagePositionPatient
    assert made.FrameOfReferenceUID == image.FrameOfReferenceUID


def test_a_withheld_answer_has_none() -> None:
    assert parametric_map(subject_of("withheld", "MR")) == []
