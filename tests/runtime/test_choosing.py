"""Which bundle is asked about which picture of a folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senoscope.core.io.dicom import scan
from senoscope.runtime.choosing import Choice, choose
from senoscope.runtime.store import Manifest, read_manifest
from tests.makers import tiny_box_bundle, tiny_bundle
from tests.makers.dicom_files import dicom_bytes

GREY = np.arange(100 * 120, dtype=np.uint8).reshape(100, 120)


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    home = tmp_path_factory.mktemp("bundles")
    return [
        read_manifest(tiny_bundle(home / "which", "which")),
        read_manifest(tiny_box_bundle(home / "where", "where")),
        read_manifest(tiny_bundle(home / "films", "films", task="abnormality")),
    ]


def chosen(folder: Path, manifests: list[Manifest]) -> Choice:
    return choose(scan(folder), manifests)


def test_each_picture_goes_to_the_first_bundle_of_its_modality(tmp_path: Path, manifests: list[Manifest]) -> None:
    for number, modality in enumerate(("US", "MG", "US")):
        content = dicom_bytes(
            GREY, Modality=modality, SeriesInstanceUID=f"1.2.{number}", SOPInstanceUID=f"1.3.{number}"
        )
        (tmp_path / f"{number}.dcm").write_bytes(content)

    found = chosen(tmp_path, manifests)

    assert {name: [path.name for path in paths] for name, paths in found.asked.items()} == {
        "which": ["0.dcm", "2.dcm"],
        "films": ["1.dcm"],
    }
    assert found.unused == ()


def test_what_cannot_be_asked_about_is_listed_by_series_with_the_reason(
    tmp_path: Path, manifests: list[Manifest]
) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "ct": {"Modality": "CT", "SeriesDescription": "THORAX"},
        "mr": {"Modality": "MR"},
        "unsaid": {"Modality": "OT"},
        "liver": {"Modality": "US", "BodyPartExamined": "LIVER"},
        "raw": {"Modality": "MG", "PresentationIntentType": "FOR PROCESSING"},
    }
    for number, (name, attributes) in enumerate(kinds.items()):
        content = dicom_bytes(GREY, SeriesInstanceUID=f"1.2.{number}", SOPInstanceUID=f"1.3.{number}", **attributes)
        (tmp_path / f"{name}.dcm").write_bytes(content)
    frames = np.stack([GREY, GREY])
    (tmp_path / "cine.dcm").write_bytes(dicom_bytes(frames, frames=2, Modality="US", SeriesInstanceUID="1.2.9"))
    (tmp_path / "broken.dcm").write_bytes(dicom_bytes(GREY)[:200])

    found = chosen(tmp_path, manifests)

    assert found.asked == {}
    reasons = {one.series: one.reason for one in found.unused}
    assert reasons["1.2.0"] == "no task is asked about CT"
    assert reasons["1.2.1"] == "no bundle answers for MRI"
    assert reasons["1.2.2"] == "its header does not say what made it"
    assert reasons["1.2.3"] == "the header says LIVER, not breast"
    assert reasons["1.2.4"] == "these are the detector's raw numbers (FOR PROCESSING)"
    assert reasons["1.2.9"] == "2 frames in one file"
    assert str(tmp_path / "broken.dcm") in reasons
    assert next(one for one in found.unused if one.series == "1.2.0").text == "THORAX"


def test_pictures_of_one_series_may_go_apart(tmp_path: Path, manifests: list[Manifest]) -> None:
    for number, part in enumerate(("BREAST", "LIVER", "LIVER")):
        content = dicom_bytes(GREY, Modality="US", BodyPartExamined=part, SOPInstanceUID=f"1.3.{number}")
        (tmp_path / f"{number}.dcm").write_bytes(content)

    found = chosen(tmp_path, manifests)

    assert [path.name for path in found.asked["which"]] == ["0.dcm"]
    assert [one.files for one in found.unused] == [2]
