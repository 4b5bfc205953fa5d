"""Miniatures of public sets that are large enough to train on, with a difference between labels that can be learnt.

Two thirds of a set are what a bundle knows, and of fewer than 20 images or records nobody knows what is usual.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pil

from tests.makers.mammogram_sets import mias_densities, mias_lesions, rsna_exams
from tests.makers.mri_sets import CLINICAL
from tests.makers.records import write_table
from tests.makers.thermogram_sets import breasts, matrix_text
from tests.makers.tissue_sets import tissue
from tests.makers.ultrasound_sets import busi, busi_outlined

PATIENTS = 18


def _idc(folder: Path) -> Path:
    """Write patches of many patients, three ordinary ones and two darker ones with carcinoma of each."""
    for patient in range(10_001, 10_001 + PATIENTS):
        for place, label in enumerate((0, 0, 0, 1, 1)):
            path = folder / "IDC_regular_ps50_idx5" / str(patient) / str(label)
            path.mkdir(parents=True, exist_ok=True)
            pixels = tissue(10 * patient + place, 50, 50) // (1 + label)
            Pil.fromarray(pixels).save(path / f"{patient}_idx5_x{50 * place + 1}_y801_class{label}.png")
    return folder


def _breakhis(folder: Path) -> Path:
    """Write two pictures each of many cases; malignant ones are darker."""
    for case in range(PATIENTS):
        letters, words = (("M_DC", "malignant/SOB/ductal_carcinoma"), ("B_A", "benign/SOB/adenosis"))[case % 2]
        slide = f"14-{20_000 + case}"
        for number in (1, 2):
            name = f"SOB_{letters}-{slide}-100-{number:03d}.png"
            path = folder / "BreaKHis_v1" / "histology_slides" / "breast" / words / f"SOB_{letters}_{slide}" / "100X"
            path.mkdir(parents=True, exist_ok=True)
            Pil.fromarray(tissue(2 * case + number, 140, 92) // (2 - case % 2)).save(path / name)
    return folder


def _bcss(folder: Path) -> Path:
    """Write regions of nine patients of five hospitals: dark tumour, pink stroma and pale fat in a rim without a label.

    One region alone has necrosis, so that in one fold nothing teaches it.
    """
    for part in ("rgbs_colorNormalized", "masks"):
        (folder / part).mkdir(parents=True)
    y, x = np.mgrid[0:130, 0:150]
    for patient in range(9):
        codes = np.where(x + 4 * patient < 80, 1, 2).astype(np.uint8)
        codes[np.hypot(x - 100, y - 60) < 25] = 9
        codes[90:110, 20:60] = 7
        if not patient:
            codes[20:50, 20:50] = 4
        codes[:8], codes[:, :5] = 0, 0
        pixels = tissue(patient, 150, 130)
        pixels[codes == 1] //= 2
        pixels[codes == 9] = 240
        name = f"TCGA-{('A1', 'A2', 'E2', 'OL', 'BH')[patient % 5]}-A{patient:03d}-DX1_xmin1_ymin1_MPP-0.2500.png"
        Pil.fromarray(pixels).save(folder / "rgbs_colorNormalized" / name)
        Pil.fromarray(codes).save(folder / "masks" / name)
    return folder


def _dmr_ir(folder: Path) -> Path:
    """Write two thermograms each of many women; half are ill, with a warm place on one breast."""
    lines = ["file,label,patient,visit,date"]
    for woman in range(1, PATIENTS + 1):
        label = ("healthy", "sick")[woman % 2]
        (folder / label).mkdir(parents=True, exist_ok=True)
        for visit in (1, 2):
            name = f"{label}/T{woman:04d}.{visit}.1.S.201{visit}-10-08.00"
            drawn = breasts(2 * woman + visit, spot=4.0 * (woman % 2), shift=woman - 9)
            (folder / f"{name}.txt").write_text(matrix_text(drawn.astype(np.float64)), encoding="ascii")
            lines.append(f"{name},{label},{woman},{visit},201{visit}-10-08")
    (folder / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _breastdcedl(folder: Path) -> Path:
    """Write two slices each of many patients; those who will respond are brighter, younger and HER2-positive."""
    cells: list[Sequence[object]] = [CLINICAL.splitlines()[0].split(",")]
    for patient in range(2 * PATIENTS):
        answer, random = patient % 2, np.random.default_rng(patient)
        name = f"ISPY2-{300_000 + patient}"
        box = [10, 30 + patient, 80, 100 + patient, 90, 110 + patient]
        known = [answer, 2.0, 0.6055, *box, 900.0 - 300 * answer + patient, 60 - 9 * answer - patient % 5]
        cells.append([name, *known, 1 - answer, patient // 2 % 2, answer, "", "spy2", 0])
        (folder / "images" / name).mkdir(parents=True)
        for number in (6, 18):
            pixels = random.integers(20 + 80 * answer, 120 + 80 * answer, (48, 48, 3), np.uint8)
            Pil.fromarray(pixels).save(folder / "images" / name / f"slice_{number:03d}.jpg")
    write_table(folder / "metadata.csv", cells)
    return folder


TRAINING_SETS: dict[str, Callable[[Path], Path]] = {
    "bcss": _bcss,
    "breakhis": _breakhis,
    "breastdcedl": _breastdcedl,
    "busi": lambda folder: busi(folder, PATIENTS),
    "busi/lesions": busi_outlined,
    "busi/ultrasound_outline": busi_outlined,
    "busi/ultrasound_chain": lambda folder: busi_outlined(folder, 12),
    "dmr_ir": _dmr_ir,
    "idc": _idc,
    "mini_mias": lambda folder: mias_lesions(folder, PATIENTS),
    # Only films with a lesion count.
    "mini_mias/mammography": lambda folder: mias_lesions(folder, 44),
    "mini_mias/density": mias_densities,
    "rsna": lambda folder: rsna_exams(folder, PATIENTS),
}
"""By dataset, or by dataset and task where a task needs a miniature of its own."""


def training_set(dataset: str, task: str, folder: Path) -> Path:
    """Write the miniature of a dataset that a task can be trained on; a folder that is there already is taken."""
    name = f"{dataset}/{task}" if f"{dataset}/{task}" in TRAINING_SETS else dataset
    if name not in TRAINING_SETS:
        raise AssertionError(f"no miniature of {dataset!r} to train on: add one to tests/makers/training_sets.py")
    place = folder / name.replace("/", "_")
    if not place.exists():
        place.mkdir()
        TRAINING_SETS[name](place / "data")
    return place / "data"
