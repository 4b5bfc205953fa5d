"""BUS-BRA: 1,875 breast ultrasound images of 1,064 women in Brazil, with BI-RADS, boxes and masks.

Two layouts are read: the publisher's (`bus_data.csv`, `Images`, `Masks`), and a common repacking to padded squares
(`index.csv`, `images`, `masks`), whose table still holds the boxes of the images before padding; there the boxes are
taken from the masks.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import InputError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.lesions import mask_box
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.rows import Row, cell_error, path_inside, read_rows, refuse_repeats

COLUMNS = ("ID", "Case", "Pathology", "BIRADS", "BBOX")
IDENTIFIER = re.compile(r"^bus_([A-Za-z0-9-]{1,40})$")
CASE = re.compile(r"^[A-Za-z0-9_-]{1,40}$")
SIDES = {"l": "L", "left": "L", "r": "R", "right": "R", "": ""}
FACTS = {"BIRADS": "birads", "Histology": "histology", "Device": "machine"}


@dataclass(frozen=True)
class _Layout:
    table: str
    image: str
    mask: str
    boxes_fit: bool


LAYOUTS = (
    _Layout("bus_data.csv", "Images/bus_{}.png", "Masks/mask_{}.png", boxes_fit=True),
    _Layout("index.csv", "images/{}.jpg", "masks/{}.jpg", boxes_fit=False),
)


def _read(dataset: Dataset, root: Path) -> Index:
    bases = (root, root / "bus_bra", root / "BUSBRA")
    place = next(((base, layout) for base in bases for layout in LAYOUTS if _fits(base, layout)), None)
    if place is None:
        raise dataset.wrong_folder(root, root)
    base, layout = place
    table = base / layout.table
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    rows = read_rows(table, COLUMNS)
    refuse_repeats(table, "ID", (row["ID"] for row in rows))
    for number, row in enumerate(rows, 1):
        code = _code(table, number, row)
        image = (base / layout.image.format(code)).relative_to(root).as_posix()
        if not (root / image).exists():
            continue
        if path_inside(root, image) is None:
            raise cell_error(table, number, "ID", f"the image of {row['ID']!r} leaves the dataset's folder")
        samples.append(_sample(root, base, layout, table, number, row, image, dropped))
    dropped += _unlisted(root, base, layout, {sample.path for sample in samples})
    notes = [dataset.share_note(len(samples))]
    if len(rows) > len(samples):
        notes.append(f"{len(rows) - len(samples):,} rows of {layout.table} have no image here")
    samples.sort(key=lambda sample: sample.sample_id)
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _fits(base: Path, layout: _Layout) -> bool:
    return (base / layout.table).is_file() and (base / layout.image).parent.is_dir()


def _code(table: Path, number: int, row: Row) -> str:
    match = IDENTIFIER.match(row["ID"])
    if match is None:
        raise cell_error(table, number, "ID", f"{row['ID'][:60]!r} is not like 'bus_0001-l'")
    return match[1]


def _sample(
    root: Path, base: Path, layout: _Layout, table: Path, number: int, row: Row, image: str, dropped: list[Dropped]
) -> Sample:
    label = row["Pathology"].strip().lower()
    if label not in ("benign", "malignant"):
        raise cell_error(table, number, "Pathology", f"{label[:40]!r} is neither benign nor malignant")
    if CASE.match(row["Case"]) is None:
        raise cell_error(table, number, "Case", f"{row['Case'][:60]!r} is not a case number")
    code = _code(table, number, row)
    side = row.get("Side", "").strip().lower() or code.rpartition("-")[2].lower()
    mask = (base / layout.mask.format(code)).relative_to(root).as_posix()
    masks = (mask,) if (root / mask).is_file() and path_inside(root, mask) is not None else ()
    boxes = (_box(table, number, row["BBOX"]),) if layout.boxes_fit else _mask_boxes(root, masks, dropped)
    return Sample(
        sample_id=row["ID"],
        patient_id=row["Case"],
        group=row["Case"],
        path=image,
        label=label,
        masks=masks,
        boxes=boxes,
        laterality=SIDES.get(side, ""),
        facts={name: row[column] for column, name in FACTS.items() if row.get(column)},
    )


def _box(table: Path, number: int, cell: str) -> Box:
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):
        values = None
    match values:
        case [int(left), int(top), int(width), int(height)] if min(left, top) >= 0 and min(width, height) > 0:
            return Box(left, top, width, height)
    raise cell_error(table, number, "BBOX", f"{cell[:40]!r} is not [left, top, width, height]")


def _mask_boxes(root: Path, masks: tuple[str, ...], dropped: list[Dropped]) -> tuple[Box, ...]:
    boxes = []
    for mask in masks:
        try:
            boxes.append(mask_box(root / mask))
        except InputError as error:
            dropped.append(Dropped(mask, f"unreadable mask: {error.message}"))
    return tuple(box for box in boxes if box is not None)


def _unlisted(root: Path, base: Path, layout: _Layout, listed: set[str]) -> list[Dropped]:
    folder, suffix = (base / layout.image).parent, Path(layout.image).suffix
    found = sorted(path.relative_to(root).as_posix() for path in folder.glob(f"*{suffix}"))
    return [Dropped(path, f"no row in {layout.table}") for path in found if path not in listed]


BUS_BRA = Dataset(
    name="bus_bra",
    title="BUS-BRA",
    tasks={
        "ultrasound": Labelling(),
        "ultrasound_outline": Labelling(words={"benign": "lesion", "malignant": "lesion"}),
        "lesions": Labelling(words={"benign": "lesion", "malignant": "lesion"}),
    },
    modality="ultrasound",
    licence="free for academic and research use, with citation",
    url="https://zenodo.org/records/8231412",
    citation="Gómez-Flores W, Gregorio-Calas MJ, Coelho de Albuquerque Pereira W. BUS-BRA: a breast ultrasound dataset "
    "for assessing computer-aided diagnosis systems. Medical Physics 51 (2024) 3110–3123. doi:10.1002/mp.16812",
    published={"benign": 1268, "malignant": 607},
    patients=1064,
    layout="bus_data.csv with Images/bus_0001-l.png and Masks/mask_0001-l.png",
    read=_read,
    outcome=("birads", "histology"),
)
