"""Miniatures of public ultrasound sets, in their publishers' layouts."""

from pathlib import Path

import numpy as np
from PIL import Image as Pil

from tests.makers.pictures import oval, ultrasound


def busi(folder: Path, images: int = 4) -> Path:
    """Write a miniature of BUSI in its publisher's layout: `images` benign and malignant ones each, one normal one.

    The first benign picture has a second lesion (`_mask_1`).
    """
    base = folder / "Dataset_BUSI_with_GT"
    for label in ("benign", "malignant", "normal"):
        (base / label).mkdir(parents=True)
        for number in range(1, (1 if label == "normal" else images) + 1):
            seed = number + (1000 if label == "normal" else 0)
            pixels = ultrasound(seed, (160, 128), malignant=label == "malignant")
            Pil.fromarray(pixels).save(base / label / f"{label} ({number}).png")
            mask = oval(160, 128, (70, 50, 24, 16)) if label != "normal" else np.zeros((128, 160), np.bool_)
            Pil.fromarray(mask).save(base / label / f"{label} ({number})_mask.png")
    Pil.fromarray(oval(160, 128, (20, 90, 10, 10))).save(base / "benign" / "benign (1)_mask_1.png")
    return base


def bus_bra(folder: Path, patients: int = 4) -> Path:
    """Write a miniature of BUS-BRA as its publisher does: every second patient malignant, the first with two images."""
    for name in ("Images", "Masks"):
        (folder / name).mkdir(parents=True)
    lines = ["ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX"]
    for case in range(1, patients + 1):
        for side in ("l", "r") if case == 1 else ("l",):
            malignant, code = case % 2 == 0, f"{case:04d}-{side}"
            pixels = ultrasound(2 * case + (side == "r"), (160, 128), malignant=malignant)
            Pil.fromarray(pixels).save(folder / "Images" / f"bus_{code}.png")
            Pil.fromarray(oval(160, 128, (70, 50, 24, 16))).save(folder / "Masks" / f"mask_{code}.png")
            kind, pathology, birads = ("IDC", "malignant", 5) if malignant else ("Fibroadenoma", "benign", 3)
            word = "left" if side == "l" else "right"
            lines.append(f'bus_{code},{case},{kind},{pathology},{birads},Logiq 5,160,128,{word},"[70,50,24,16]"')
    (folder / "bus_data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
