"""BrEaST: 256 breast ultrasound images of as many women in Poland, with masks and BI-RADS descriptors.

A woman has one image; an image may show several tumours, each in a mask of its own. Masks of other marked areas
(`Mask_other_filename`) are no lesions and stay out.
"""

import re
from pathlib import Path

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import InputError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import below, inside, levels, nearest
from senoscope.evidence.datasets.lesions import mask_box
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.records import Line, read_records

TABLE = "*[Cc]linical-data*.xlsx"
COLUMNS = ("CaseID", "Image_filename", "Mask_tumor_filename", "Mask_other_filename", "BIRADS", "Classification")
LABELS = {"benign": "benign", "malignant": "malignant", "normal": "normal"}
FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}\.png$")
FACTS = {
    "BIRADS": "birads",
    "Diagnosis": "histology",
    "Verification": "verification",
    "Interpretation": "interpretation",
    "Tissue_composition": "tissue_composition",
    "Signs": "signs",
    "Symptoms": "symptoms",
    "Shape": "shape",
    "Margin": "margin",
    "Echogenicity": "echogenicity",
    "Posterior_features": "posterior_features",
    "Halo": "halo",
    "Calcifications": "calcifications",
    "Skin_thickening": "skin_thickening",
    "Pixel_size": "pixel_size",
}


def _read(dataset: Dataset, root: Path) -> Index:
    table = nearest(root, (TABLE,))
    folder = _images(table.parent) if table else None
    if table is None or folder is None:
        raise dataset.wrong_folder(root, root)
    records = read_records(table, COLUMNS)
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    for line in records:
        case = line.identifier("CaseID")
        image = below(root, folder / line.identifier("Image_filename", FILE))
        records.once(line, "CaseID", case)
        records.once(line, "Image_filename", image)
        label = line.word("Classification", LABELS)
        masks = _names(line)
        if not (root / image).exists():
            continue
        line.path(root, "Image_filename", image)
        samples.append(_sample(root, folder, line, case, image, label, masks, dropped))
    notes = [dataset.share_note(len(samples))]
    if len(records) > len(samples):
        notes.append(f"{len(records) - len(samples):,} rows of {table.name} have no image here")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _images(near: Path) -> Path | None:
    return next((folder for folder in levels(near, 1) if next(folder.glob("case*.png"), None)), None)


def _names(line: Line) -> list[str]:
    names = [name.strip() for name in line.text("Mask_tumor_filename").split("&") if name.strip()]
    for name in names:
        if FILE.match(name) is None:
            raise line.error("Mask_tumor_filename", f"{name[:60]!r} is not the name of a PNG file")
    return names


def _sample(
    root: Path, folder: Path, line: Line, case: str, image: str, label: str, names: list[str], dropped: list[Dropped]
) -> Sample:
    masks: list[str] = []
    boxes: list[Box] = []
    for name in names:
        mask = below(root, folder / name)
        if not (root / mask).is_file() or not inside(root, folder / name):
            dropped.append(Dropped(mask, "a mask that is listed and not here"))
            continue
        try:
            box = mask_box(root / mask)
        except InputError as error:
            dropped.append(Dropped(mask, f"unreadable mask: {error.message}"))
            continue
        masks.append(mask)
        boxes += [box] if box else []
    age = line.whole("Age")
    facts = line.facts(FACTS) | ({"age": age} if age else {})
    stem = Path(image).stem
    return Sample(stem, case, case, image, label, masks=tuple(masks), boxes=tuple(boxes), facts=facts)


BREAST_USG = Dataset(
    name="breast_usg",
    title="BrEaST (Breast-Lesions-USG)",
    tasks={
        "ultrasound": Labelling(),
        "ultrasound_outline": Labelling(words={"benign": "lesion", "malignant": "lesion", "normal": "tissue"}),
        "lesions": Labelling(words={"benign": "lesion", "malignant": "lesion", "normal": "tissue"}),
    },
    modality="ultrasound",
    licence="CC BY 4.0",
    url="https://www.cancerimagingarchive.net/collection/breast-lesions-usg/",
    citation="Pawłowska A, Ćwierz-Pieńkowska A, Domalik A, et al. Curated benchmark dataset for ultrasound based "
    "breast lesion analysis. Scientific Data 11 (2024) 148. doi:10.1038/s41597-024-02984-z",
    published={"benign": 154, "malignant": 98, "normal": 4},
    patients=256,
    layout="BrEaST-Lesions-USG-clinical-data*.xlsx with case001.png and case001_tumor.png beside it or a folder below",
    read=_read,
    outcome=("birads", "histology", "verification", "interpretation"),
    label_of="patient",
)
