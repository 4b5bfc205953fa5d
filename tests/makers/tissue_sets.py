"""Miniatures of public histopathology sets, in their publishers' layouts."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from tests.makers.records import write_table

BACH_NAMES = {"Normal": "n", "Benign": "b", "InSitu": "is", "Invasive": "iv"}

BREAKHIS_FILES = (
    "benign/SOB/adenosis/SOB_B_A_14-22549AB/100X/SOB_B_A-14-22549AB-100-001.png",
    "benign/SOB/adenosis/SOB_B_A_14-22549CD/100X/SOB_B_A-14-22549CD-100-001.png",
    "benign/SOB/adenosis/SOB_B_A_14-22549CD/40X/SOB_B_A-14-22549CD-40-001.png",
    "benign/SOB/fibroadenoma/SOB_B_F_14-9133/400X/SOB_B_F-14-9133-400-012.png",
    "malignant/SOB/ductal_carcinoma/SOB_M_DC_14-13412/200X/SOB_M_DC-14-13412-200-003.png",
    "malignant/SOB/lobular_carcinoma/SOB_M_LC_14-13412/200X/SOB_M_LC-14-13412-200-003.png",
    "malignant/SOB/papillary_carcinoma/SOB_M_PC_15-190EF/100X/SOB_M_PC-15-190EF-100-010.png",
)


def tissue(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Draw purple nuclei on pink stroma, (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    picture = np.array([232, 170, 200]) + random.normal(0, 6, (height, width, 3))
    for _ in range(12):
        centre_x, centre_y, radius = random.uniform(0, width), random.uniform(0, height), random.uniform(3, 7)
        picture[np.hypot(x - centre_x, y - centre_y) < radius] = (92, 60, 140)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def breakhis(folder: Path) -> Path:
    """Write a miniature of BreakHis: seven pictures of four cases, which the publisher counts as six patients."""
    base = folder / "BreaKHis_v1" / "histology_slides" / "breast"
    for seed, name in enumerate(BREAKHIS_FILES):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        Pil.fromarray(tissue(seed, 140, 92)).save(base / name)
    (folder / "BreaKHis_v1" / "README.txt").write_text("BreaKHis 1.0\n", encoding="utf-8")
    return folder


def bcss(folder: Path) -> Path:
    """Write a miniature of BCSS as it is laid out: four regions of four patients, two of held-out hospitals."""
    base = folder / "0_Public-data-Amgad2019_0.25MPP"
    for part in ("rgbs_colorNormalized", "masks", "meta"):
        (base / part).mkdir(parents=True)
    slides = ["A1-A0SK-DX1_xmin45749_ymin25055", "A2-A04P-DX1_xmin104246_ymin48517"]
    slides += ["E2-A14N-DX1_xmin21383_ymin66838", "OL-A5D6-DX1_xmin115108_ymin40554"]
    for seed, slide in enumerate(slides):
        name = f"TCGA-{slide}_MPP-0.2500.png"
        Pil.fromarray(tissue(seed, 60, 40)).save(base / "rgbs_colorNormalized" / name)
        codes = np.arange(60 * 40, dtype=np.uint8).reshape(40, 60) % 22
        Pil.fromarray(codes).save(base / "masks" / name)
    words = ("outside_roi", "tumor", "stroma", "lymphocytic_infiltrate", "necrosis_or_debris")
    write_table(base / "meta" / "gtruth_codes.tsv", [("label", "GT_code"), *zip(words, range(5), strict=True)], "\t")
    return base


def bach(folder: Path, images: int = 2) -> Path:
    """Write a miniature of BACH: `images` of each class, and the table without a header."""
    base = folder / "ICIAR2018_BACH_Challenge" / "Photos"
    cells: list[tuple[str, str]] = []
    for offset, (label, letters) in enumerate(BACH_NAMES.items()):
        (base / label).mkdir(parents=True)
        for number in range(1, images + 1):
            name = f"{letters}{number:03d}.tif"
            Pil.fromarray(tissue(10 * offset + number, 96, 72)).save(base / label / name)
            cells.append((name, label))
    write_table(base / "microscopy_ground_truth.csv", cells)
    return base


def idc(folder: Path) -> Path:
    """Write a miniature of the IDC patches: three patients, one without carcinoma, one patch at the edge of a slide."""
    base = folder / "IDC_regular_ps50_idx5"
    for seed, (patient, label, x) in enumerate(
        [(8863, 0, 1), (8863, 0, 51), (8863, 1, 101), (10253, 0, 1), (10253, 1, 51), (16896, 0, 1)]
    ):
        path = base / str(patient) / str(label) / f"{patient}_idx5_x{x}_y801_class{label}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Pil.fromarray(tissue(seed, 50 if seed else 32, 50)).save(path)
    return folder
