"""Miniatures of public MRI sets, in their publishers' layouts."""

from pathlib import Path

import numpy as np
from PIL import Image as Pil

from tests.makers.records import dicom, write_table

CLINICAL = (
    "pid,pCR,slice_thick,xy_spacing,mask_start,mask_end,sraw,eraw,scol,ecol,tum_vol,age,menopause,HR,HER2,"
    """HR_HER2_STATUS,dataset,test
ACRIN-6698-102212,0.0,2.0,0.6055,2.0,39.0,104.0,200.0,155.0,216.0,31107.110191500004,26.0,0.0,0.0,0.0,TripleNeg,spy2,1.0
Breast_MRI_285,1.0,1.2,0.6641,2.0,42.0,30.0,88.0,68.0,126.0,5.201317373616001,44.0,,1.0,1.0,HER2pos,duke,0.0
ISPY1_1001,,2.0,0.6055,2.0,20.0,80.0,120.0,80.0,,,60.0,1.0,1.0,0.0,HRposHER2neg,spy1,2.0
ISPY2-356684,1.0,2.0,0.6055,2.0,12.0,90.0,120.0,90.0,110.0,812.5,51.0,1.0,,,,spy2,0.0
"""
)


def breastdcedl(folder: Path, *, images: bool = True) -> Path:
    """Write a miniature of BreastDCEDL: four patients of three cohorts, one of unknown response, one without images.

    Without `images`, the clinical table alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "all_patients.csv").write_text(CLINICAL, encoding="utf-8")
    if not images:
        return folder
    head, *rows = CLINICAL.splitlines()
    with_folder = [f"folder,{head}", *(f"{row.partition(',')[0]},{row}" for row in rows[:3])]
    (folder / "metadata.csv").write_text("\n".join(with_folder) + "\n", encoding="utf-8")
    random = np.random.default_rng(3)
    for row in rows[:3]:
        place = folder / "images" / row.partition(",")[0]
        place.mkdir(parents=True)
        for number in (6, 18):
            Pil.fromarray(random.integers(0, 90, (32, 32, 3), np.uint8)).save(place / f"slice_{number:03d}.jpg")
    return folder


def ispy2(folder: Path) -> Path:
    """Write a miniature of I-SPY 2: four patients in the table, three with images, one of these without an answer.

    The first has three series at T0 (dynamic, derived map, mask) and a dynamic one at T3; the second, of the substudy,
    a dynamic one at T0; the third, whose response is not known, one; a fourth stranger is in no table.
    """
    header = ["Patient_ID", "Arm", "Age", "Race", "HR", "HER2", "MP", "pCR"]
    rows = [
        [100899, "Paclitaxel", 45.3, "White", 1, 0, 1, 1],
        [102212, "Paclitaxel", 26, "White", 0, 0, 1, 0],
        [103939, "Pembrolizumab", 51, "", 1, "", 0, "NA"],
        [111038, "Neratinib", 60, "Asian", 1, 1, 0, 0],
    ]
    write_table(folder / "ISPY2-Imaging-Cohort-1-Clinical-Data.xlsx", [header, *rows])
    dce, ser = "ISPY2: VOLSER: uni-lateral cropped: original DCE", "ISPY2: VOLSER: uni-lateral cropped: SER"
    mask = "ISPY2: VOLSER: uni-lateral cropped: Analysis Mask"
    for patient, visit, number, description, modality in (
        ("ISPY2-100899", "T0", 61800, dce, "MR"),
        ("ISPY2-100899", "T0", 61900, ser, "MR"),
        ("ISPY2-100899", "T0", 61950, mask, "SEG"),
        ("ISPY2-100899", "T3", 61800, dce, "MR"),
        ("ACRIN-6698-102212", "T0", 61800, dce, "MR"),
        ("ISPY2-103939", "T0", 61800, dce, "MR"),
        ("ISPY2-999999", "T0", 61800, dce, "MR"),
    ):
        study = folder / "manifest-1" / "ISPY2" / patient / f"01-01-2004-{visit}-ISPY2MRI{visit}-31349"
        for part in range(1, 3):
            dicom(
                study / f"{number}.000000-{number}" / f"1-{part:03d}.dcm",
                PatientID=patient,
                Modality=modality,
                StudyDate="20040101",
                StudyDescription=f"ISPY2MRI{visit}",
                SeriesDescription=description,
                ManufacturerModelName="Signa HDxt",
            )
    return folder


def qin_breast(folder: Path) -> Path:
    """Write a miniature of QIN-Breast: two patients, the first at two visits and with PET, a third without answer."""
    rows = [["QIN-BREAST-01-0001", "pCR"], ["QIN-BREAST-01-0002", "non-pCR"], ["QIN-BREAST-01-0003", ""]]
    write_table(folder / "QIN-Breast_TreatmentResponse(2014-12-16).xlsx", [["Patient ID", "Response"], *rows])
    for patient, date, description, modality in (
        ("QIN-BREAST-01-0001", "19910213", "dynamic_smartTX", "MR"),
        ("QIN-BREAST-01-0001", "19910213", "DWI_EPI_MPS_smartTX", "MR"),
        ("QIN-BREAST-01-0001", "19910301", "dynamic_smartTX", "MR"),
        ("QIN-BREAST-01-0001", "19910216", "PET AC 3DWB", "PT"),
        ("QIN-BREAST-01-0002", "19911102", "dynamic_smartTX", "MR"),
        ("QIN-BREAST-01-0003", "19911102", "dynamic_smartTX", "MR"),
    ):
        series = folder / "QIN-BREAST" / patient / f"{date}-NA-BREAST" / description
        dicom(
            series / "1-001.dcm",
            PatientID=patient,
            Modality=modality,
            StudyDate=date,
            SeriesDescription=description,
            PatientAge="052Y",
        )
    return folder
