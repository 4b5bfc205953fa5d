"""DICOM results on an install without the extra."""

import sys

import pytest

from senoscope.core.errors import MissingExtraError
from senoscope.runtime.outputs.dicom import KINDS
from senoscope.runtime.outputs.dicom.pictures.pdf import sheet
from senoscope.runtime.outputs.fhir import bundle
from tests.makers.dicom_answers import subject_of


@pytest.mark.parametrize("kind", KINDS.names())
def test_without_highdicom_the_extra_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)

    with pytest.raises(MissingExtraError, match=r"senoscope\[dicom\]"):
        KINDS.get(kind)(subject_of("outlined" if kind == "seg" else "classified", "MR" if kind == "pmap" else "MG"))


def test_without_reportlab_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reportlab.lib.pagesizes", None)

    with pytest.raises(MissingExtraError, match=r"senoscope\[dicom\]"):
        sheet(subject_of())


def test_fhir_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)

    assert bundle(subject_of())["resourceType"] == "Bundle"
