"""What headers know: the same fact in every place that makers put it, and the wrong things they write there."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import MissingFileError, UnreadableImageError
from senoscope.core.io.dicom import Facts, read_facts
from senoscope.core.io.dicom.facts import Flip, Spacing, facts_if_dicom, facts_in
from senoscope.core.io.dicom.facts.codes import MODIFIERS, VIEWS
from senoscope.core.io.dicom.facts.times import moment
from tests import makers
from tests.makers.dicom_files import code, dicom_bytes, ultrasound_region


@pytest.fixture
def facts(tmp_path: Path) -> Any:
    def read(**attributes: Any) -> Facts:
        path = tmp_path / "scan.dcm"
        path.write_bytes(dicom_bytes(makers.grey(), **attributes))
        return read_facts(path)

    return read


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _groups(**attributes: Any) -> list[Dataset]:
    return [_item(FrameAnatomySequence=[_item(**attributes)])]


@pytest.mark.parametrize(
    ("attributes", "side"),
    [
        ({}, ""),
        ({"ImageLaterality": "L"}, "L"),
        ({"Laterality": "R"}, "R"),
        ({"ImageLaterality": "B"}, "B"),
        ({"ImageLaterality": "U"}, ""),
        ({"ImageLaterality": "left"}, "L"),
        ({"SharedFunctionalGroupsSequence": _groups(FrameLaterality="R")}, "R"),
        ({"PerFrameFunctionalGroupsSequence": _groups(FrameLaterality="L")}, "L"),
        ({"AnatomicRegionSequence": [code("76752008", AnatomicRegionModifierSequence=[code("7771000")])]}, "L"),
        ({"ViewPosition": "RMLO"}, "R"),
        ({"SeriesDescription": "R MLO Tomosynthesis"}, "R"),
        ({"ProtocolName": "Screening CC LEFT"}, "L"),
        ({"Modality": "US", "SeriesDescription": "R MLO"}, ""),
        ({"SeriesDescription": "HALL CC"}, ""),
    ],
)
def test_the_side_is_found_wherever_it_stands(facts: Any, attributes: dict[str, Any], side: str) -> None:
    assert facts(**attributes).breast.laterality == side


def test_the_narrowest_scope_wins_and_a_contradiction_is_said(facts: Any) -> None:
    found = facts(ImageLaterality="L", Laterality="R").breast

    assert (found.laterality, found.remarks) == ("L", ("the header names the sides L and R; L is taken",))
    assert facts(ImageLaterality="L", Laterality="L").breast.remarks == ()


@pytest.mark.parametrize(
    ("attributes", "view", "modifiers"),
    [
        ({}, "", ()),
        ({"ViewPosition": "mlo"}, "MLO", ()),
        ({"ViewPosition": "LCC"}, "CC", ()),
        ({"ViewPosition": "CC ID"}, "CC", ("implant displaced",)),
        ({"ViewPosition": "SMLO"}, "MLO", ("spot compression",)),
        ({"ViewPosition": "RMCCRL"}, "CC", ("magnification", "rolled lateral")),
        ({"ViewPosition": "XCCL"}, "XCCL", ()),
        ({"ViewPosition": "LM"}, "LM", ()),
        ({"ViewPosition": "CV"}, "CC", ("cleavage",)),
        ({"ViewPosition": "AP"}, "", ()),
        ({"SeriesDescription": "L CC ID C-View"}, "CC", ("implant displaced",)),
        ({"ViewPosition": "CC", "SeriesDescription": "L MLO ID"}, "CC", ()),
        ({"ViewCodeSequence": [code("R-10226")], "ViewPosition": "CC"}, "MLO", ()),
        ({"ViewCodeSequence": [code("399162004")], "ViewPosition": "CCID"}, "CC", ("implant displaced",)),
        (
            {"ViewCodeSequence": [code("399368009", ViewModifierCodeSequence=[code("399209000"), code("R-102D6")])]},
            "MLO",
            ("implant displaced", "magnification"),
        ),
        ({"ViewCodeSequence": [code("nonsense")], "ViewPosition": "ML"}, "ML", ()),
    ],
)
def test_the_view_is_found_wherever_it_stands(
    facts: Any, attributes: dict[str, Any], view: str, modifiers: tuple[str, ...]
) -> None:
    breast = facts(**attributes).breast

    assert (breast.view, breast.modifiers) == (view, modifiers)
    assert breast.implant_displaced == ("implant displaced" in modifiers)


def test_codes_are_those_of_the_standard() -> None:
    from pydicom.sr._snomed_dict import mapping
    from pydicom.sr.codedict import codes

    for group, table in (("CID4014", VIEWS), ("CID4015", MODIFIERS)):
        listed = {getattr(getattr(codes, group), name).value for name in getattr(codes, group).dir()}
        older = {mapping["SCT"][value] for value in listed}
        assert listed | older == set(table)
        assert all(table[value] == table[mapping["SCT"][value]] for value in listed)


def test_implants_and_parts(facts: Any) -> None:
    known = facts(BreastImplantPresent="YES", PartialView="YES").breast
    unknown = facts().breast

    assert (known.implant, known.partial) == (True, True)
    assert (unknown.implant, unknown.partial) == (None, False)
    assert facts(BreastImplantPresent="NO").breast.implant is False


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({}, None),
        ({"Modality": "MR", "PixelSpacing": [0.7, 0.8]}, Spacing(0.7, 0.8, "patient")),
        ({"ImagerPixelSpacing": [0.07, 0.07]}, Spacing(0.07, 0.07, "detector")),
        (
            {"ImagerPixelSpacing": [0.1, 0.2], "EstimatedRadiographicMagnificationFactor": 2},
            Spacing(0.05, 0.1, "object"),
        ),
        (
            {"ImagerPixelSpacing": [0.1, 0.1], "EstimatedRadiographicMagnificationFactor": 0},
            Spacing(0.1, 0.1, "detector"),
        ),
        ({"ImagerPixelSpacing": [0.1, 0.1], "PixelSpacing": [0.1, 0.1]}, Spacing(0.1, 0.1, "detector")),
        ({"ImagerPixelSpacing": [0.1, 0.1], "PixelSpacing": [0.09, 0.09]}, Spacing(0.09, 0.09, "calibrated")),
        ({"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"}, Spacing(0.1, 0.1, "calibrated")),
        ({"PixelSpacing": [0.1, 0.1]}, Spacing(0.1, 0.1, "unclear")),
        ({"NominalScannedPixelSpacing": [0.05, 0.05]}, Spacing(0.05, 0.05, "film")),
        ({"Modality": "MR", "PixelSpacing": [0, 0.8]}, None),
        ({"Modality": "MR", "PixelSpacing": [0.7]}, None),
        (
            {
                "Modality": "MR",
                "SharedFunctionalGroupsSequence": [_item(PixelMeasuresSequence=[_item(PixelSpacing=[0.5, 0.6])])],
            },
            Spacing(0.5, 0.6, "patient"),
        ),
        (
            {"Modality": "US", "SequenceOfUltrasoundRegions": [ultrasound_region(1)], "PixelSpacing": [9, 9]},
            Spacing(0.2, 0.1, "ultrasound"),
        ),
    ],
)
def test_spacing_says_where_it_holds(facts: Any, attributes: dict[str, Any], wanted: Spacing | None) -> None:
    assert facts(**attributes).spacing == wanted


def test_ultrasound_regions(facts: Any) -> None:
    regions = [ultrasound_region(1), ultrasound_region(3, 3, units=4), ultrasound_region(2), ultrasound_region(14, 5)]
    found = facts(Modality="US", SequenceOfUltrasoundRegions=regions)

    assert [(one.spatial, one.data) for one in found.regions] == [
        ("2-D", "tissue"),
        ("spectral", "PW spectral Doppler"),
        ("2-D", "colour flow"),
        ("graphics", "colour bar"),
    ]
    assert found.regions[0].box == Box(10, 20, 40, 30)
    assert found.regions[0].mm == pytest.approx((0.1, 0.2))
    assert found.regions[1].mm is None


@pytest.mark.parametrize(
    ("attributes", "modes"),
    [
        ({}, set()),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(1)]}, {"b-mode"}),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(1), ultrasound_region(2)]}, {"b-mode", "doppler"}),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(1, spatial=3)]}, {"doppler"}),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(1, spatial=2)]}, {"m-mode"}),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "BREAST", "0011"]}, {"b-mode", "doppler"}),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "BREAST", "0100"]}, {"doppler"}),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "BREAST", "PHOTO"]}, set()),
        ({"SeriesDescription": "Breast shear wave"}, {"elastography"}),
        ({"ImageType": ["DERIVED", "PRIMARY", "ELASTOGRAPHY"]}, {"elastography"}),
        (
            {"SharedFunctionalGroupsSequence": [_item(ImageDataTypeSequence=[_item(DataType="ELASTICITY")])]},
            {"elastography"},
        ),
        (
            {"SharedFunctionalGroupsSequence": [_item(ImageDataTypeSequence=[_item(DataType="FLOW_POWER")])]},
            {"doppler"},
        ),
        ({"Modality": "MG", "SeriesDescription": "elastography"}, set()),
    ],
)
def test_how_ultrasound_was_made(facts: Any, attributes: dict[str, Any], modes: set[str]) -> None:
    assert facts(**{"Modality": "US", **attributes}).modes == modes


@pytest.mark.parametrize(
    ("attributes", "making"),
    [
        ({}, "plain"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.13.1.3"}, "tomosynthesis"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.13.1.4"}, "projection"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "TOMO_PROJ", "LEFT"]}, "projection"),
        ({"ImageType": ["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "NONE"]}, "tomosynthesis"),
        ({"ImageType": ["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "GENERATED_2D"]}, "synthetic"),
        ({"SeriesDescription": "R CC C-View"}, "synthetic"),
        ({"SeriesDescription": "C-View", "Modality": "US"}, "plain"),
    ],
)
def test_tomosynthesis_and_what_is_computed_from_it(facts: Any, attributes: dict[str, Any], making: str) -> None:
    assert facts(**attributes).making == making


@pytest.mark.parametrize(
    ("side", "view", "orientation", "flip"),
    [
        ("L", "MLO", ["A", "FR"], Flip(sideways=False, upside=False)),
        ("R", "MLO", ["P", "FL"], Flip(sideways=False, upside=False)),
        ("R", "MLO", ["A", "FL"], Flip(sideways=True, upside=False)),
        ("L", "CC", ["A", "R"], Flip(sideways=False, upside=False)),
        ("R", "CC", ["P", "R"], Flip(sideways=False, upside=True)),
        ("L", "ML", ["P", "H"], Flip(sideways=True, upside=True)),
        ("L", "CC", ["R", "A"], None),
        ("", "CC", ["A", "R"], None),
        ("L", "", ["A", "R"], None),
        ("L", "CC", ["A"], None),
    ],
)
def test_how_to_hang_it(facts: Any, side: str, view: str, orientation: list[str], flip: Flip | None) -> None:
    assert facts(ImageLaterality=side, ViewPosition=view, PatientOrientation=orientation).flip == flip


def test_ids_intent_and_the_rest(facts: Any) -> None:
    found = facts(
        PatientID="P 1",
        SeriesNumber=3,
        InstanceNumber=7,
        PresentationIntentType="FOR PROCESSING",
        BodyPartExamined="BREAST",
        Manufacturer="Maker\\Two",
        ManufacturerModelName="Model",
        StudyDescription="study",
    )

    assert (found.ids.patient, found.ids.series_number, found.ids.instance_number) == ("P 1", 3, 7)
    assert found.ids.study != found.ids.series != ""
    assert (found.intent, found.body_part, found.model, found.study_text) == ("processing", "BREAST", "Model", "study")
    assert (found.rows, found.columns, found.frames) == (16, 24, 1)
    assert found.sop_class == "1.2.840.10008.5.1.4.1.1.1.2"
    assert facts(PresentationIntentType="FOR PRESENTATION").intent == "presentation"
    assert facts().intent == ""


def test_times_of_a_dynamic_series(facts: Any) -> None:
    times = facts(
        StudyDate="20240229",
        StudyTime="101112.5",
        AcquisitionTime="101213",
        ContentTime="101500.25",
        SeriesTime="1013",
        TriggerTime=61000,
        TemporalPositionIdentifier=2,
        NumberOfTemporalPositions=5,
        AcquisitionNumber=4,
        ContrastBolusStartTime="101200",
    ).times

    assert times.studied == datetime(2024, 2, 29, 10, 11, 12, 500000)
    assert times.acquired == datetime(2024, 2, 29, 10, 12, 13)
    assert times.shown == datetime(2024, 2, 29, 10, 15, 0, 250000)
    assert times.series == datetime(2024, 2, 29, 10, 13)
    assert times.contrast == datetime(2024, 2, 29, 10, 12)
    assert (times.trigger, times.phase, times.phases, times.acquisition) == (61000, 2, 5, 4)
    assert facts(AcquisitionDateTime="20240301000102.5+0100").times.acquired == datetime(2024, 3, 1, 0, 1, 2, 500000)


@pytest.mark.parametrize(
    ("date", "time", "wanted"),
    [
        ("2024.02.29", "10:11:12", datetime(2024, 2, 29, 10, 11, 12)),
        ("20240229", "10", datetime(2024, 2, 29, 10)),
        ("20231231", "235960", datetime(2024, 1, 1)),
        ("20240230", "10", None),
        ("", "10", None),
        ("20240229", "", None),
        ("20240229", "25", None),
        ("20240229", "101299", None),
    ],
)
def test_moments(date: str, time: str, wanted: datetime | None) -> None:
    assert moment(date, time) == wanted


def test_what_is_of_the_wrong_kind_is_not_said(facts: Any) -> None:
    found = facts(
        InstanceNumber="1",
        PixelSpacing="0.1",
        ViewCodeSequence=[],
        PatientOrientation="A",
        ImageType="",
        PatientID="a\x1bb\nc",
    )

    assert (found.spacing, found.breast.view, found.orientation, found.image_type) == (None, "", ("", ""), ())
    assert found.ids.patient == "a\\x1bb c"


def test_what_has_no_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"hello" * 100)

    with pytest.raises(UnreadableImageError, match="not DICOM"):
        read_facts(path)
    with pytest.raises(UnreadableImageError, match="folder"):
        read_facts(tmp_path)
    with pytest.raises(MissingFileError):
        read_facts(tmp_path / "nowhere")


def test_bytes_and_files_say_the_same_and_what_is_no_dicom_says_nothing(tmp_path: Path) -> None:
    content = dicom_bytes(np.zeros((8, 8), np.uint8), Modality="US", BodyPartExamined="BREAST")
    (tmp_path / "scan.dcm").write_bytes(content)
    (tmp_path / "page.png").write_bytes(b"<!doctype html>")

    assert facts_in(content, "scan") == facts_if_dicom(tmp_path / "scan.dcm") == read_facts(tmp_path / "scan.dcm")
    assert facts_in(b"<!doctype html>", "page") is facts_if_dicom(tmp_path / "page.png") is None
    with pytest.raises(UnreadableImageError, match=r"^scan: "):
        facts_in(content[: content.index(b"BREAST") + 3], "scan")
