"""Miniatures of public mammography sets, in their publishers' layouts."""

import plistlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pil

from tests.makers.pictures import grey
from tests.makers.records import coded, dicom, write_table

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


def mias_densities(folder: Path, women: int = 18) -> Path:
    """Write small films in the layout of mini-MIAS, two of each woman: a third fatty, a third glandular, a third dense.

    Denser breasts are brighter, with noise that makes neighbours overlap.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(1, 2 * women + 1):
        step = (number - 1) // 2 % 3
        random = np.random.default_rng(number)
        pixels = np.zeros((160, 160), np.uint8)
        pixels[:, 60:] = np.clip(random.normal(60 + 55 * step + random.normal(0, 20), 12, (160, 100)), 1, 254)
        Pil.fromarray(pixels).save(folder / f"mdb{number:03d}.pgm")
        lines.append(f"mdb{number:03d} {'FGD'[step]} NORM")
    (folder / "Info.txt").write_text("\n".join(lines) + "\n", encoding="latin-1")
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

    With `images`, every film but those of P_00002 is there, in its folder, and the masks of its lesions; those of
    calcifications are of another size than their film, as some of the publisher's.
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
        (folder / f"{name}_{lesion}").mkdir(exist_ok=True)
        mask = np.zeros((40, 32) if kind == "mass" else (9, 9), np.uint8)
        mask[4 * lesion : 4 * lesion + 4, 10:16] = 255
        Pil.fromarray(mask).save(folder / f"{name}_{lesion}" / "mask.png")
    word = "mass" if kind == "mass" else "calcification"
    cells = [patient, "3", side, view, str(lesion), word, "OVAL", "CLEAR", "4", pathology, "5"]
    return ",".join([*cells, path, f'"{name}_{lesion}/crop.dcm\n"', f'"{name}_{lesion}/mask.dcm\r\n"'])


def rsna(folder: Path, patients: int = 4, layout: str = "train_images/{0}/{1}.dcm") -> Path:
    """Write a miniature of the RSNA set: two views of a breast for each woman, every second one with a cancer.

    `layout` names the images by patient and image, as the publisher does or as repackings to PNG do.
    """
    folder.mkdir(parents=True)
    header = ["site_id", "patient_id", "image_id", "laterality", "view", "age", "cancer", "biopsy", "invasive"]
    cells: list[Sequence[object]] = [
        [*header, "BIRADS", "implant", "density", "machine_id", "difficult_negative_case"],
    ]
    for patient in range(1, patients + 1):
        cancer, site = int(patient % 2 == 0), 1 + patient % 2
        for number, view in enumerate(("CC", "MLO")):
            person, image = 10_000 + patient, 462_822_612 + 10 * patient + number
            read = ["0.0", 0, "B"] if site == 1 else ["", 0, ""]
            known = [site, person, image, "R" if patient == 3 else "L", view, "61.0", cancer, cancer, cancer]
            cells.append([*known, *read, 29, "False"])
            path = folder / layout.format(person, image)
            if path.suffix == ".dcm":
                dicom(path, PatientID=str(person), Modality="MG")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                Pil.fromarray(grey(40, 60)).save(path)
    write_table(folder / "train.csv", cells)
    return folder


def rsna_exams(folder: Path, women: int = 12) -> Path:
    """Write a miniature of the RSNA set with films to learn from, as PNG: the views of both breasts of each woman.

    Of four women the first has an invasive cancer on the left, the third one on the right that is not invasive; such a
    breast is brighter. Every third woman's age is missing, every fifth lacks her last film; there are two machines.
    """
    folder.mkdir(parents=True)
    header = ["site_id", "patient_id", "image_id", "laterality", "view", "age", "cancer", "biopsy", "invasive"]
    cells: list[Sequence[object]] = [[*header, "BIRADS", "implant", "density", "machine_id", "difficult_negative_case"]]
    for woman in range(women):
        views = [(side, view) for side in "LR" for view in ("CC", "MLO")][: 3 if woman % 5 == 4 else 4]
        for number, (side, view) in enumerate(views):
            person, image = 20_000 + woman, 700_000_000 + 10 * woman + number
            cancer = int((woman % 4 == 0 and side == "L") or (woman % 4 == 2 and side == "R"))
            invasive = int(cancer and woman % 4 == 0)
            age = "" if woman % 3 == 2 else f"{45 + 2 * woman}.0"
            known = [1 + woman % 2, person, image, side, view, age, cancer, cancer, invasive]
            density = "ABCD"[woman % 4] if woman % 2 == 0 else ""
            cells.append([*known, 0 if cancer else 1, 0, density, 29 if woman % 2 == 0 else 48, "False"])
            random = np.random.default_rng(image)
            pixels = np.zeros((160, 140), np.uint8)
            pixels[:, 40:] = np.clip(random.normal(90 + 60 * cancer, 12, (160, 100)), 1, 254)
            path = folder / str(person) / f"{image}.png"
            path.parent.mkdir(exist_ok=True)
            Pil.fromarray(pixels).save(path)
    write_table(folder / "train.csv", cells)
    return folder


INBREAST_FILES = (
    ("20586908", "6c613a14b80a8591", "R", "ML", "MLO", "1", "3"),
    ("20586934", "6c613a14b80a8591", "L", "ML", "MLO", "2", "3"),
    ("20586960", "6c613a14b80a8591", "R", "CC", "CC", "4a", ""),
    ("22678646", "61b13c59bcba149d", "L", "CC", "CC", "5", "4"),
    ("22678694", "61b13c59bcba149d", "R", "CC", "CC", "6", "1"),
)


def inbreast(folder: Path, table: str = "INbreast.csv") -> Path:
    """Write a miniature of INbreast: five images of two women; the second image has a mass and two single points."""
    base = folder / "INbreast Release 1.0"
    cells: list[Sequence[object]] = [
        ["Patient ID", "Patient age", "Laterality", "View", "Acquisition date", "File Name", "ACR", "Bi-Rads"]
    ]
    old = table.endswith(".xls")
    for number, patient, side, code, view, birads, acr in INBREAST_FILES:
        name = int(number) if old else number
        cells.append(["removed", "removed", side, view, 201001, name, acr or "     ", birads])
        path = base / "AllDICOMs" / f"{number}_{patient}_MG_{side}_{code}_ANON.dcm"
        dicom(path, np.zeros((60, 40), np.uint16), ManufacturerModelName="MammoNovation")
    if old:
        cells = [[*row, "Mass " if row is cells[0] else "X" if row[-1] == "2" else ""] for row in cells]
        cells += [[""] * 9, ["", "", "", "", "", "", "", "Total", "5"]]
    write_table(base / table, cells, ";")
    (base / "AllXML").mkdir()
    regions = [
        {"Name": "Mass", "NumberOfPoints": 3, "Point_px": ["(3.5, 10.0)", "(20.2, 12.0)", "(9.0, 30.7)"]},
        {"Name": "Calcification", "NumberOfPoints": 1, "Point_px": ["(5.000000, 6.000000)"]},
        {"Name": "Calcification", "NumberOfPoints": 2, "Point_px": ["(5, 6)", "(6, 6)"]},
    ]
    drawing = {"Images": [{"ImageIndex": 0, "NumberOfROIs": len(regions), "ROIs": regions}]}
    (base / "AllXML" / "20586934.xml").write_bytes(plistlib.dumps(drawing))
    return base


def cmmd(folder: Path) -> Path:
    """Write a miniature of CMMD: three women, the second with one benign breast, the third with one unlabelled."""
    rows = [
        ["D1-0001", "R", 44, 2, "calcification", "Benign", ""],
        ["D1-0002", "L", 52, 2, "both", "Malignant", ""],
        ["D1-0002", "R", 52, 2, "mass", "Benign", ""],
        ["D2-0001", "L", 61, 2, "mass", "Malignant", "Luminal A"],
    ]
    header = ["ID1", "LeftRight", "Age", "number", "abnormality", "classification", "subtype"]
    write_table(folder / "CMMD_clinicaldata_revision.xlsx", [header, *rows])
    breasts = [("D1-0001", "R"), ("D1-0002", "L"), ("D1-0002", "R"), ("D2-0001", "L"), ("D2-0001", "R")]
    views = (("399162004", "cranio-caudal"), ("399368009", "medio-lateral oblique"))
    for number, (patient, side) in enumerate(breasts):
        series = folder / "manifest-1616439774456" / "CMMD" / patient / "07-18-2010-NA-NA-79377" / "1.000000-NA-70244"
        for view, (code, meaning) in enumerate(views):
            path = series / f"1-{2 * number + view + 1}.dcm"
            sequence = coded(code, "SCT", meaning)
            dicom(path, PatientID=patient, ImageLaterality=side, ViewCodeSequence=sequence)
    return folder


def vindr_mammo(folder: Path, exams: int = 3) -> Path:
    """Write a miniature of VinDr-Mammo: four views an exam; the left breasts of every second have a mass."""
    said = ("breast_birads", "breast_density")
    edge = ("xmin", "ymin", "xmax", "ymax")
    breast: list[Sequence[object]] = [(*VINDR, *said, "split")]
    finding: list[Sequence[object]] = [(*VINDR, *said, "finding_categories", "finding_birads", *edge, "split")]
    meta: list[Sequence[object]] = [("SOP Instance UID", "Patient's Age", "Manufacturer's Model Name")]
    for exam in range(exams):
        study, split = f"{exam:032x}", "test" if exam == exams - 1 else "training"
        for number, (side, view) in enumerate((("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))):
            image, ill = f"{16 * exam + number + 1:032x}", side == "L" and exam % 2 == 1
            known = [study, f"{exam + 99:032x}", image, side, view, 60, 40]
            birads, density = f"BI-RADS {4 if ill else 1 + (exam + number // 2) % 2}", f"DENSITY {'ABCD'[exam % 4]}"
            breast.append([*known, birads, density, split])
            words = "['Mass', 'Skin Thickening']" if ill else "['No Finding']"
            edges = [-2.5, 10.25, 30.5, 64.0] if ill else [""] * 4
            finding.append([*known, birads, density, words, "BI-RADS 4" if ill else "", *edges, split])
            meta.append([image, "053Y" if exam else "", "Mammomat Inspiration"])
            dicom(folder / "images" / study / f"{image}.dicom", np.zeros((60, 40), np.uint16), Modality="MG")
    write_table(folder / "breast-level_annotations.csv", breast)
    write_table(folder / "finding_annotations.csv", finding)
    write_table(folder / "metadata.csv", meta)
    return folder


VINDR = ("study_id", "series_id", "image_id", "laterality", "view_position", "height", "width")


def mias_lesions(folder: Path, women: int = 12, each: int = 1) -> Path:
    """Write films in the layout of mini-MIAS, two of each woman; the right one of three in four has circled lesions.

    Breasts are half discs on the chest wall, brighter from woman to woman; malignant lesions are bright, benign ones
    grey squares, all of 80 pixels, `each` on such a film, four at most.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    y, x = np.mgrid[0:1024, 0:1024]
    noise = np.random.default_rng(0).normal(0, 5, (1024, 1024)).astype(np.float32)
    for number in range(1, 2 * women + 1):
        woman, random = (number - 1) // 2, np.random.default_rng(number)
        wall = 1023 if number % 2 else 0
        breast = (x - wall) ** 2 + (y - 512) ** 2 < 400**2
        pixels = np.where(breast, np.clip(70 + woman + np.roll(noise, 40 * number), 1, 120), 0).astype(np.uint8)
        ill = number % 2 == 1 and woman % 4 > 0
        for lesion in range(each if ill else 0):
            left, top = 1023 - int(random.integers(150, 250)), 240 + 140 * lesion + int(random.integers(50))
            pixels[top : top + 80, left : left + 80] = 230 if woman % 2 else 150
            lines.append(f"mdb{number:03d} G CIRC {'BM'[woman % 2]} {left + 40} {1024 - top - 40} 40")
        if not ill:
            lines.append(f"mdb{number:03d} G NORM")
        Pil.fromarray(pixels).save(folder / f"mdb{number:03d}.pgm")
    (folder / "Info.txt").write_text("\n".join(lines) + "\n", encoding="latin-1")
    return folder
