"""Miniatures of public mammography sets, in their publishers' layouts."""

from pathlib import Path

import numpy as np
from PIL import Image as Pil

INFO = """
              MAMMOGRAPHIC IMAGE ANALYSIS SOCIETY
=====================================================
1st column: MIAS database reference number.

mdb001 G CIRC B 535 425 197
mdb002 G NORM 
mdb003 D NORM
mdb004 D CALC M *NOTE 3* 
mdb005 F CIRC B 477 133 30
mdb005 F CIRC M 500 1010 26
mdb006 F NORM
mdb059 F CIRC B
mdb060 F NORM
mdb321 D NORM
mdb322 D NORM
=====================================================
"""  # noqa: W291 - the publisher's lines end with blanks


def mini_mias(folder: Path) -> Path:
    """Write a miniature of mini-MIAS: eight films of four women; two more are listed and absent.

    The circles of `mdb005` count y from the bottom; the second reaches beyond the upper edge.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Info.txt").write_text(INFO, encoding="latin-1")
    (folder / "Licence.txt").write_text("LICENCE AGREEMENT\n", encoding="latin-1")
    for number in (1, 2, 3, 4, 5, 6, 59, 60):
        pixels = np.zeros((1024, 1024), np.uint8)
        pixels[:, 400:] = 60 + number
        if number == 1:
            pixels[1024 - 425 - 20 : 1024 - 425 + 20, 535 - 20 : 535 + 20] = 250
        Pil.fromarray(pixels).save(folder / f"mdb{number:03d}.pgm")
    return folder


CBIS_DDSM_ROWS = (
    ("mass", "train", "P_00001", "LEFT", "CC", 1, "MALIGNANT"),
    ("mass", "train", "P_00001", "LEFT", "MLO", 1, "MALIGNANT"),
    ("mass", "train", "P_00002", "RIGHT", "CC", 1, "BENIGN"),
    ("mass", "train", "P_00007", "RIGHT", "CC", 1, "BENIGN"),
    ("mass", "test", "P_00016", "LEFT", "CC", 1, "BENIGN"),
    ("mass", "test", "P_00016", "LEFT", "CC", 2, "MALIGNANT"),
    ("calc", "train", "P_00005", "RIGHT", "CC", 1, "BENIGN_WITHOUT_CALLBACK"),
    ("calc", "train", "P_00005", "RIGHT", "CC", 2, "BENIGN"),
    ("calc", "test", "P_00007", "RIGHT", "MLO", 1, "MALIGNANT"),
)


def cbis_ddsm(folder: Path, *, images: bool = False) -> Path:
    """Write a miniature of CBIS-DDSM's four tables: P_00007 is on both sides; cells end in line breaks, as published.

    With `images`, every film but those of P_00002 is there, in its folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("mass", "calc"):
        columns = ["mass shape", "mass margins"] if kind == "mass" else ["calc type", "calc distribution"]
        density = "breast_density" if kind == "mass" else "breast density"
        for split in ("train", "test"):
            head = ["patient_id", density, "left or right breast", "image view", "abnormality id", "abnormality type"]
            head += [*columns, "assessment", "pathology", "subtlety"]
            head += ["image file path", "cropped image file path", "ROI mask file path"]
            lines = [",".join(head)]
            for number, row in enumerate(CBIS_DDSM_ROWS):
                if row[:2] == (kind, split):
                    lines.append(_cbis_row(folder, number, row, images=images))
            (folder / f"{kind}_case_description_{split}_set.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _cbis_row(folder: Path, number: int, row: tuple[str, str, str, str, str, int, str], *, images: bool) -> str:
    kind, split, patient, side, view, lesion, pathology = row
    part = "Training" if split == "train" else "Test"
    name = f"{kind.title()}-{part}_{patient}_{side}_{view}"
    path = f"{name}/1.3.6.1.{number}/1.3.6.2.{number}/000000.dcm"
    if images and patient != "P_00002":
        (folder / name).mkdir(exist_ok=True)
        Pil.fromarray(np.full((40, 32), 20 * number, np.uint8)).save(folder / name / "1-1.png")
    word = "mass" if kind == "mass" else "calcification"
    cells = [patient, "3", side, view, str(lesion), word, "OVAL", "CLEAR", "4", pathology, "5"]
    return ",".join([*cells, path, f'"{name}_1/crop.dcm\n"', f'"{name}_1/mask.dcm\r\n"'])
