"""Phases of dynamic studies are found wherever a maker says them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senoscope.core.io.dicom import Study, scan
from senoscope.core.io.dicom.phases import dynamics_of
from tests.makers.dicom_files import dicom_bytes

SLICE = np.zeros((8, 8), np.uint16)
SLICES, PHASES = 3, 4


def study(folder: Path, rows: list[dict[str, Any]]) -> Study:
    """A study of MR slices; each row is the attributes of one."""
    for number, row in enumerate(rows):
        common = {
            "Modality": "MR",
            "StudyDate": "20240102",
            "SOPInstanceUID": f"1.9.{number}",
            "InstanceNumber": number,
        }
        (folder / f"{number:03}.dcm").write_bytes(dicom_bytes(SLICE, **{**common, **row}))
    (patient,) = scan(folder).patients
    (found,) = patient.studies
    return found


def each(of: Any) -> list[dict[str, Any]]:
    """Attributes of every slice of every phase, the last phase first: files come in no order."""
    return [of(phase, place) for phase in reversed(range(PHASES)) for place in range(SLICES)]


MAKERS = {
    "a number": each(
        lambda phase, place: {"TemporalPositionIdentifier": phase + 1, "AcquisitionTime": f"1200{phase:02}"}
    ),
    "milliseconds since the start": each(
        lambda phase, place: {"TriggerTime": f"{1000 * phase}", "AcquisitionTime": "120000"}
    ),
    "the acquisition's number": each(
        lambda phase, place: {"AcquisitionNumber": phase + 1, "ContentTime": f"1200{phase:02}.{place}"}
    ),
    "the acquisition's time": each(lambda phase, place: {"AcquisitionTime": f"1200{phase:02}"}),
    "a series a phase": each(
        lambda phase, place: {
            "SeriesInstanceUID": f"1.5.{phase}",
            "SeriesNumber": 10 - phase,
            "SeriesDescription": f"DYN ph{phase + 1}",
            "SeriesTime": f"1200{phase:02}",
        }
    ),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_phases_are_sorted_by_time_whatever_says_it(maker: str, tmp_path: Path) -> None:
    (phases,) = dynamics_of(study(tmp_path, MAKERS[maker]))

    assert [phase.seconds for phase in phases] == [0.0, 1.0, 2.0, 3.0]
    # Files were written with the last phase first.
    numbers = [[file.facts.ids.instance_number for file in phase.files] for phase in phases]
    assert numbers == [list(range(SLICES * turn, SLICES * (turn + 1))) for turn in reversed(range(PHASES))]


def test_phases_that_are_only_numbered_have_no_time(tmp_path: Path) -> None:
    rows = each(lambda phase, place: {"TemporalPositionIdentifier": phase + 1})

    (phases,) = dynamics_of(study(tmp_path, rows))

    assert [phase.seconds for phase in phases] == [None] * PHASES
    assert [phase.files[0].facts.times.phase for phase in phases] == [1, 2, 3, 4]


def test_the_injection_parts_before_from_after(tmp_path: Path) -> None:
    rows = each(lambda phase, place: {"AcquisitionTime": f"1200{10 * phase:02}", "ContrastBolusStartTime": "120015"})

    (phases,) = dynamics_of(study(tmp_path, rows))

    assert [phase.contrast for phase in phases] == [False, False, True, True]


@pytest.mark.parametrize(
    "rows",
    [
        [{"AcquisitionTime": f"1200{place:02}", "AcquisitionNumber": place} for place in range(6)],
        [{"TemporalPositionIdentifier": 1 + (place > 1)} for place in range(5)],
        [{"SeriesInstanceUID": f"1.5.{place // 3}", "SeriesDescription": "T1"} for place in range(6)],
        [
            {"SeriesInstanceUID": f"1.5.{place // 3}", "SeriesDescription": words, "SeriesTime": f"12000{place // 3}"}
            for place, words in enumerate(["T1"] * 3 + ["T2"] * 3)
        ],
    ],
    ids=["a stack of slices", "unlike numbers of slices", "series without times", "series of two kinds"],
)
def test_what_is_not_dynamic_has_no_phases(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    assert dynamics_of(study(tmp_path, rows)) == ()
