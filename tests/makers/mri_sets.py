"""Miniatures of public MRI sets, in their publishers' layouts."""

from pathlib import Path

import numpy as np
from PIL import Image as Pil

CLINICAL = """pid,pCR,slice_thick,xy_spacing,tum_vol,age,menopause,HR,HER2,HR_HER2_STATUS,dataset,test
ACRIN-6698-102212,0.0,2.0,0.6055,31107.110191500004,26.0,0.0,0.0,0.0,TripleNeg,spy2,1.0
Breast_MRI_285,1.0,1.2,0.6641,5201.317373616001,44.0,,1.0,1.0,HER2pos,duke,0.0
ISPY1_1001,,2.0,0.6055,,60.0,1.0,1.0,0.0,HRposHER2neg,spy1,2.0
ISPY2-356684,1.0,2.0,0.6055,812.5,51.0,1.0,,,,spy2,0.0
"""


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
