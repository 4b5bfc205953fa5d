"""Miniatures of public ultrasound sets, in their publishers' layouts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from tests.makers.pictures import outlined_ultrasound, oval, ultrasound
from tests.makers.records import write_table


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


def busi_outlined(folder: Path, images: int = 8) -> Path:
    """Write BUSI's layout with true outlines: so many benign, malignant and normal pictures each."""
    base = folder / "Dataset_BUSI_with_GT"
    for place, label in enumerate(("benign", "malignant", "normal")):
        (base / label).mkdir(parents=True)
        for number in range(1, images + 1):
            drawn = outlined_ultrasound(
                100 * place + number, (160, 128), malignant=label == "malignant", lesion=label != "normal"
            )
            for suffix, pixels in zip(("", "_mask"), drawn, strict=True):
                Pil.fromarray(pixels).save(base / label / f"{label} ({number}){suffix}.png")
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


def breast_usg(folder: Path, cases: int = 4) -> Path:
    """Write a miniature of BrEaST as its archive does: every second case malignant, the last normal; case 1 has two."""
    images = folder / "BrEaST-Lesions_USG-images_and_masks"
    images.mkdir(parents=True)
    header = ["CaseID", "Image_filename", "Mask_tumor_filename", "Mask_other_filename", "Pixel_size", "Age"]
    header += ["Tissue_composition", "Shape", "Interpretation", "BIRADS", "Verification", "Diagnosis", "Classification"]
    cells: list[Sequence[object]] = [header]
    for case in range(1, cases + 2):
        name, normal, malignant = f"case{case:03d}", case == cases + 1, case % 2 == 0
        Pil.fromarray(ultrasound(case, (160, 128), malignant=malignant)).save(images / f"{name}.png")
        tumours = [] if normal else [f"{name}_tumor.png"] + ([f"{name}_tumor2.png"] if case == 1 else [])
        for number, tumour in enumerate(tumours):
            Pil.fromarray(oval(160, 128, (70 - 50 * number, 50, 24, 16))).save(images / tumour)
        other = f"{name}_other1.png" if case == 2 else ""
        if other:
            Pil.fromarray(oval(160, 128, (5, 5, 9, 9))).save(images / other)
        kind = "normal" if normal else "malignant" if malignant else "benign"
        age = "not available" if case == 3 else 30 + case
        words = [0.007, age, "heterogeneous: predominantly fat", "oval", "Breast cyst", "1" if normal else "4a"]
        cells.append(
            [case, f"{name}.png", "&".join(tumours), other, *words, "confirmed by biopsy", "Fibroadenoma", kind]
        )
    write_table(folder / "BrEaST-Lesions-USG-clinical-data-Dec-15-2023.xlsx", cells)
    return folder


def breastmnist(folder: Path, images: int = 4) -> Path:
    """Write a miniature of BreastMNIST: `images` of each class in `train`, two in `val` and `test`; one crosses over.

    The first picture of `test` is the first of `train`, a little brighter.
    """
    folder.mkdir(parents=True)
    arrays: dict[str, NDArray[np.uint8]] = {}
    for offset, (split, count) in enumerate((("train", 2 * images), ("val", 2), ("test", 2))):
        codes = np.arange(count, dtype=np.uint8) % 2
        pictures = [ultrasound(100 * offset + n, (64, 64), malignant=code == 0) for n, code in enumerate(codes)]
        arrays[f"{split}_images"] = np.stack(pictures)
        arrays[f"{split}_labels"] = codes.reshape(-1, 1)
    brighter = np.clip(arrays["train_images"][0] * 1.03, 0, 255).astype(np.uint8)
    arrays["test_images"][0] = brighter
    np.savez_compressed(folder / "breastmnist_64.npz", **arrays)  # type: ignore[arg-type]
    return folder
