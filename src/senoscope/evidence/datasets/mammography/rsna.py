"""RSNA screening mammography: 54,706 images of 11,913 women of two screening programmes, cancer or not by breast.

The label is the breast's: every image of a breast in which cancer was confirmed is `cancer`, whether that view shows it
or not; the fact `invasiveness` tells whether that cancer was invasive. The publisher's DICOM files are read, and
repackings of them as PNG by their names.
"""

import re
from pathlib import Path

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import below, nearest, subfolders
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.tables.records import Line, Records, read_records

COLUMNS = (
    *("site_id", "patient_id", "image_id", "laterality", "view", "age", "cancer", "biopsy", "invasive", "BIRADS"),
    *("implant", "density", "machine_id", "difficult_negative_case"),
)
NUMBER = re.compile(r"^[0-9]{1,12}$")
LABELS = {"0": "no_cancer", "1": "cancer"}
SIDES = {"l": "L", "r": "R"}
SPREAD = {"0": "non_invasive", "1": "invasive"}
INVASIVENESS = "invasiveness"
FACTS = {
    "site_id": "site",
    "machine_id": "machine",
    "density": "density",
    "difficult_negative_case": "difficult_negative_case",
}
WHOLE = {"age": "age", "BIRADS": "birads", "implant": "implant", "invasive": "invasive", "biopsy": "biopsy"}
PATTERNS = ("{0}/{1}.dcm", "{0}/{1}.png", "{0}_{1}.png", "{0}_{1}.dcm")
"""Names of an image by patient and image: the publisher's, then those of repackings."""


def _read(dataset: Dataset, root: Path) -> Index:
    table = nearest(root, ("train.csv",))
    if table is None:
        raise dataset.wrong_folder(root, root)
    records = read_records(table, COLUMNS)
    layout = _layout(root, table.parent, records)
    if layout is None:
        raise dataset.wrong_folder(root, table.parent)
    samples: list[Sample] = []
    for line in records:
        patient, image = line.identifier("patient_id", NUMBER), line.identifier("image_id", NUMBER)
        records.once(line, "image_id", image)
        label, side = line.word("cancer", LABELS), line.word("laterality", SIDES)
        path = layout.format(patient, image)
        if (root / path).exists():
            line.path(root, "image_id", path)
            facts = _facts(line, label)
            view = line.text("view").upper()
            samples.append(Sample(image, patient, patient, path, label, laterality=side, view=view, facts=facts))
    notes = [dataset.share_note(len(samples)), "the label is the breast's, not the image's"]
    if len(records) > len(samples):
        notes.append(f"{len(records) - len(samples):,} rows of {table.name} have no image here")
    return Index(dataset.name, root, tuple(samples), (), tuple(notes))


def _layout(root: Path, base: Path, records: Records) -> str | None:
    """Find the folder and the pattern that the images are named by; the first image found decides."""
    ids = [(line.identifier("patient_id", NUMBER), line.identifier("image_id", NUMBER)) for line in records]
    for folder in (base / "train_images", base, *subfolders(base)):
        for pattern in PATTERNS:
            if any((folder / pattern.format(*pair)).is_file() for pair in ids):
                prefix = below(root, folder).replace("{", "{{").replace("}", "}}")
                return pattern if prefix == "." else f"{prefix}/{pattern}"
    return None


def _facts(line: Line, label: str) -> dict[str, str]:
    numbers = {fact: number for column, fact in WHOLE.items() if (number := line.whole(column))}
    if label == "no_cancer" and numbers.get("invasive") == "1":
        raise line.error("invasive", "an invasive cancer in a breast without cancer")
    known = "none" if label == "no_cancer" else SPREAD.get(numbers.get("invasive", ""), "")
    return line.facts(FACTS) | numbers | ({INVASIVENESS: known} if known else {})


RSNA = Dataset(
    name="rsna",
    title="RSNA Screening Mammography Breast Cancer Detection",
    tasks={
        "screening": Labelling(),
        "invasiveness": Labelling(INVASIVENESS, {word: word for word in ("none", *SPREAD.values())}),
    },
    modality="mammography",
    licence="non-commercial use, academic research and education included",
    url="https://www.kaggle.com/competitions/rsna-breast-cancer-detection",
    citation="Chen Y, Partridge GJW, Vazirabad M, et al. Performance of algorithms submitted in the 2023 RSNA "
    "Screening Mammography Breast Cancer Detection AI Challenge. Radiology 316 (2025) e241447. "
    "doi:10.1148/radiol.241447",
    published={"no_cancer": 53_548, "cancer": 1_158},
    patients=11_913,
    layout="train.csv with train_images/<patient>/<image>.dcm, or a repacking as <patient>/<image>.png or "
    "<patient>_<image>.png",
    read=_read,
    label_of="breast",
    outcome=("birads", "biopsy", "invasive", INVASIVENESS, "difficult_negative_case"),
)
