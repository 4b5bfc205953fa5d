"""IDC patches: 50×50 pixels of breast tissue with or without invasive ductal carcinoma, about a thousand a patient.

The file's name says whose patch it is, where on the slide it lies, and its class; the folder says patient and class
too. Patches at the edge of a slide are smaller than 50×50.
"""

import re
import struct
from pathlib import Path, PurePosixPath

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Dropped, Index, Sample

FOLDER = "IDC_regular_ps50_idx5"
SIDE = 50
LABELS = ("idc_negative", "idc_positive")
_NAME = re.compile(r"^(?P<patient>\d{4,6})_idx5_x(?P<x>\d{1,6})_y(?P<y>\d{1,6})_class(?P<class>[01])\.png$")


def _read(dataset: Dataset, root: Path) -> Index:
    choices = (root / "idc" / FOLDER, root / FOLDER, root / "idc", root)
    base = next((base for base in choices if base.is_dir() and _holds_patients(base)), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    paths, dropped = files_below(root, base, (".png",))
    samples: list[Sample] = []
    for path in paths:
        found = _sample(root, path)
        if isinstance(found, Sample):
            samples.append(found)
        else:
            dropped.append(found)
    edges = sum(sample.facts["edge"] == "yes" for sample in samples)
    notes = [dataset.share_note(len(samples))]
    if edges:
        notes.append(f"{edges:,} patches at the edge of a slide are smaller than {SIDE}×{SIDE} pixels")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _holds_patients(base: Path) -> bool:
    return any(entry.name.isdecimal() and (entry / "0").is_dir() | (entry / "1").is_dir() for entry in base.iterdir())


def _sample(root: Path, path: str) -> Sample | Dropped:
    parts = PurePosixPath(path)
    match = _NAME.match(parts.name)
    if match is None:
        return Dropped(path, "not named like '8863_idx5_x1001_y801_class0.png'")
    if parts.parts[-3:-1] != (match["patient"], match["class"]):
        return Dropped(path, f"named patient {match['patient']}, class {match['class']} in another folder")
    size = _png_size(root / path)
    if size is None:
        return Dropped(path, "unreadable: not a PNG")
    return Sample(
        sample_id=parts.stem,
        patient_id=match["patient"],
        group=match["patient"],
        path=path,
        label=LABELS[int(match["class"])],
        facts={"x": match["x"], "y": match["y"], "edge": "yes" if min(size) < SIDE else "no"},
    )


def _png_size(path: Path) -> tuple[int, int] | None:
    """Width and height by the header alone: a quarter of a million files are not decoded to list them."""
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError:
        return None
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


IDC_PATCHES = Dataset(
    name="idc",
    title="the IDC set (invasive ductal carcinoma)",
    tasks={"idc": Labelling()},
    modality="histopathology",
    licence="not stated; cite the paper",
    url="https://www.kaggle.com/datasets/paultimothymooney/breast-histopathology-images",
    citation="Cruz-Roa A, Basavanhally A, González F, et al. Automatic detection of invasive ductal carcinoma in whole "
    "slide images with convolutional neural networks. Proc. SPIE 9041 (2014) 904103. doi:10.1117/12.2043872",
    published={"idc_negative": 198738, "idc_positive": 78786},
    patients=279,
    layout=f"{FOLDER}/<patient>/{{0,1}} with '8863_idx5_x1001_y801_class0.png'",
    read=_read,
    counted="patches",
)
