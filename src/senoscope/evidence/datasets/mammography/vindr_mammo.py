"""VinDr-Mammo: 5,000 four-view mammography exams of two hospitals in Vietnam, with BI-RADS by breast and boxes.

There is no pathology: the label is the BI-RADS assessment of the breast, agreed by two readers. No patient ids are
published; the exam is the group.
"""

import math
import re
from collections import defaultdict
from pathlib import Path

from senoscope.core.domain.geometry import Box
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import below, nearest
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.tables.records import Line, read_records

COLUMNS = ("study_id", "image_id", "laterality", "view_position", "breast_birads", "breast_density", "split")
FINDINGS = ("image_id", "height", "width", "finding_categories", "xmin", "ymin", "xmax", "ymax")
HEADERS = ("SOP Instance UID",)
HASH = re.compile(r"^[0-9a-f]{32}$")
CATEGORIES = ("1", "2", "3", "4", "5")
PUBLISHED = {"BI-RADS 1": 13_406, "BI-RADS 2": 4_676, "BI-RADS 3": 930, "BI-RADS 4": 762, "BI-RADS 5": 226}
LABELS = {label.lower(): label for label in PUBLISHED}
SIDES = {"l": "L", "r": "R"}
SPLITS = {"training": "training", "test": "test"}
EXTRAS = {"Manufacturer's Model Name": "machine", "Manufacturer": "manufacturer"}
WORD = re.compile(r"'([^'\\]{1,60})'|\"([^\"\\]{1,60})\"")
EDGE = re.compile(r"^-?\d{1,6}(\.\d{1,12})?$")
NOTHING = "No Finding"


def _read(dataset: Dataset, root: Path) -> Index:
    table = nearest(root, ("breast-level_annotations.csv",))
    if table is None or not (table.parent / "images").is_dir():
        raise dataset.wrong_folder(root, root)
    boxes, lesions = _findings(table.parent / "finding_annotations.csv")
    extras = _extras(table.parent / "metadata.csv")
    records = read_records(table, COLUMNS)
    samples: list[Sample] = []
    for line in records:
        exam, image = line.identifier("study_id", HASH), line.identifier("image_id", HASH)
        records.once(line, "image_id", image)
        label, side = line.word("breast_birads", LABELS), line.word("laterality", SIDES)
        split = line.word("split", SPLITS)
        path = below(root, table.parent / "images" / exam / f"{image}.dicom")
        if not (root / path).exists():
            continue
        line.path(root, "image_id", path)
        density = line.text("breast_density").upper().removeprefix("DENSITY").strip()
        facts = {"birads": line.text("breast_birads"), "density": density, "split": split}
        facts |= {"lesion": ", ".join(sorted(lesions[image]))} if lesions[image] else {}
        view = line.text("view_position").upper()
        facts = {fact: said for fact, said in facts.items() if said} | extras.get(image, {})
        found = tuple(boxes[image])
        samples.append(Sample(image, "", exam, path, label, boxes=found, laterality=side, view=view, facts=facts))
    notes = [
        dataset.share_note(len(samples)),
        "the label is a BI-RADS assessment of the breast, not pathology",
        "no patient ids: the group is the exam",
    ]
    if len(records) > len(samples):
        notes.append(f"{len(records) - len(samples):,} rows of {table.name} have no image here")
    return Index(dataset.name, root, tuple(samples), (), tuple(notes))


def _findings(path: Path) -> tuple[dict[str, list[Box]], dict[str, set[str]]]:
    boxes: dict[str, list[Box]] = defaultdict(list)
    lesions: dict[str, set[str]] = defaultdict(set)
    if not path.is_file():
        return boxes, lesions
    for line in read_records(path, FINDINGS):
        image = line.identifier("image_id", HASH)
        words = {single or double for single, double in WORD.findall(line.cells["finding_categories"])} - {NOTHING}
        lesions[image] |= words
        if words and line.text("xmin"):
            boxes[image].append(_box(line))
    return boxes, lesions


def _box(line: Line) -> Box:
    """Return the box of a finding; where the publisher's reaches out of the image it is cut at the edge."""
    edges = {}
    for column in ("xmin", "ymin", "xmax", "ymax", "width", "height"):
        if EDGE.match(line.text(column)) is None:
            raise line.error(column, f"{line.cells[column][:40]!r} is not a place in an image")
        edges[column] = float(line.text(column))
    left, top = max(0, math.floor(edges["xmin"])), max(0, math.floor(edges["ymin"]))
    right = math.ceil(min(edges["xmax"], edges["width"]))
    bottom = math.ceil(min(edges["ymax"], edges["height"]))
    if left >= right or top >= bottom:
        raise line.error("xmax", "the box is empty")
    return Box(left, top, right - left, bottom - top)


def _extras(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    found = {}
    for line in read_records(path, HEADERS):
        age = re.fullmatch(r"0*(\d{1,3})Y?", line.text("Patient's Age"))
        found[line.cells["SOP Instance UID"]] = line.facts(EXTRAS) | ({"age": age[1]} if age else {})
    return found


VINDR_MAMMO = Dataset(
    name="vindr_mammo",
    title="VinDr-Mammo",
    tasks={
        "mammography": Labelling(
            words={f"BI-RADS {category}": "benign" if category < "4" else "malignant" for category in CATEGORIES[1:]}
        ),
        "abnormality": Labelling(
            words={f"BI-RADS {category}": "normal" if category == "1" else "abnormal" for category in CATEGORIES}
        ),
        "film_lesions": Labelling(
            words={f"BI-RADS {category}": "tissue" if category == "1" else "lesion" for category in CATEGORIES}
        ),
    },
    modality="mammography",
    licence="PhysioNet Restricted Health Data License 1.5.0",
    url="https://physionet.org/content/vindr-mammo/",
    citation="Nguyen HT, Nguyen HQ, Pham HH, et al. VinDr-Mammo: a large-scale benchmark dataset for computer-aided "
    "diagnosis in full-field digital mammography. Scientific Data 10 (2023) 277. doi:10.1038/s41597-023-02100-7",
    published=PUBLISHED,
    patients=None,
    layout="breast-level_annotations.csv, finding_annotations.csv and metadata.csv with images/<exam>/<image>.dicom",
    read=_read,
    label_of="breast",
    outcome=("birads", "lesion"),
)
