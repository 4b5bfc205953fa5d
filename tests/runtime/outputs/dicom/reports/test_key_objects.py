"""Key object selections: only where attention is called for."""

import dataclasses

import pytest

from senoscope.runtime.outputs.dicom.reports.key_objects import key_objects
from tests.makers.dicom_answers import subject_of
from tests.runtime.outputs.dicom.conftest import read_again


def test_the_image_is_selected_where_the_positive_label_is_called() -> None:
    subject = subject_of()

    made = read_again(key_objects(subject)[0])

    images = [item for item in made.ContentSequence if item.ValueType == "IMAGE"]
    assert [one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for one in images] == [
        subject.sources[0].dataset.SOPInstanceUID
    ]
    assert made.ConceptNameCodeSequence[0].CodeMeaning == "Of Interest"


@pytest.mark.parametrize("why", ["withheld", "negative"])
def test_nothing_is_selected_where_it_is_not(why: str) -> None:
    subject = subject_of("withheld" if why == "withheld" else "classified")
    if why == "negative":
        subject = dataclasses.replace(subject, answer=dataclasses.replace(subject.answer, label="benign"))

    assert key_objects(subject) == []
