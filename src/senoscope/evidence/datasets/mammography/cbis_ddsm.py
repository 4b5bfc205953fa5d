"""CBIS-DDSM: lesions of film mammograms, with pathology, in four official tables.

Masses and calcifications were split into training and test apart, so a woman with both can be on both sides. Pooled
here, her lesions are left out of the training side and stay in the test. The tables alone are enough to list the
lesions; images are found where they lie as the archive gives them, or as common repackings do.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.rows import Row, cell_error, path_inside, read_rows, refuse_repeats

COLUMNS = (
    *("patient_id", "left or right breast", "image view", "abnormality id", "abnormality type"),
    *("assessment", "pathology", "subtlety", "image file path"),
)
PATHS = ("image file path", "cropped image file path", "ROI mask file path")
LABELS = {"MALIGNANT": "malignant", "BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign"}
SIDES = {"LEFT": "L", "RIGHT": "R"}
KINDS = ("mass", "calc")
SPLITS = ("train", "test")
DENSITY = ("breast_density", "breast density")
DESCRIPTORS = ("mass shape", "mass margins", "calc type", "calc distribution")
_STEPS = {"assessment": "birads", "subtlety": "subtlety"}
_PATIENT = re.compile(r"^P_\d{5}$")
_IMAGE = re.compile(
    r"^(?P<name>(?:Mass|Calc)-(?:Training|Test)_P_\d{5}_(?:LEFT|RIGHT)_(?:CC|MLO))/[\d.]{1,80}/(?P<series>[\d.]{1,80})/"
    r"\d{6}\.dcm$"
)


@dataclass(frozen=True)
class _Lesion:
    """A row: its sample, still without an image, and where the image and the lesion's mask may lie."""

    sample: Sample
    image: str
    mask: str
    name: str
    series: str


def _read(dataset: Dataset, root: Path) -> Index:
    choices = (root / "cbis_ddsm", root, root / "csv")
    base = next((base for base in choices if _tables(base)), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    tables = _tables(base)
    lesions = [lesion for kind, split in tables for lesion in _lesions(_table(base, kind, split), kind, split)]
    lesions.sort(key=lambda lesion: lesion.sample.sample_id)
    kept, dropped, notes = _disjoint(lesions)
    samples, absent = _with_images(root, base, kept)
    if absent:
        notes.append(f"{absent:,} lesions of the tables have no image here")
    if len(tables) < len(KINDS) * len(SPLITS):
        notes.append(f"{len(tables)} of the 4 official tables are here, so women on both sides may go unseen")
    return Index(dataset.name, root, samples, tuple(dropped), (dataset.share_note(len(samples)), *notes))


def _tables(base: Path) -> list[tuple[str, str]]:
    """Kind and split of every official table that is here."""
    return [(kind, split) for kind in KINDS for split in SPLITS if _table(base, kind, split).is_file()]


def _table(base: Path, kind: str, split: str) -> Path:
    return base / f"{kind}_case_description_{split}_set.csv"


def _lesions(table: Path, kind: str, split: str) -> list[_Lesion]:
    rows = read_rows(table, COLUMNS, broken_lines=PATHS)
    lesions = [_lesion(table, number, row, kind, split) for number, row in enumerate(rows, 1)]
    refuse_repeats(table, "abnormality id", (lesion.sample.sample_id for lesion in lesions))
    return lesions


def _lesion(table: Path, number: int, row: Row, kind: str, split: str) -> _Lesion:
    patient, side, view, lesion = (row[column] for column in COLUMNS[:4])
    checks = {
        "patient_id": _PATIENT.match(patient) is not None,
        "left or right breast": side in SIDES,
        "image view": view in ("CC", "MLO"),
        "abnormality id": lesion.isdecimal() and len(lesion) <= 3,
        "pathology": row["pathology"] in LABELS,
        **{column: row[column] in tuple("0123456") for column in _STEPS},
    }
    for column, fine in checks.items():
        if not fine:
            raise cell_error(table, number, column, f"{row[column][:40]!r} is not what the publisher writes there")
    match = _IMAGE.match(row["image file path"])
    if match is None:
        found = row["image file path"][:80]
        raise cell_error(
            table, number, "image file path", f"{found!r} is not like 'Mass-Test_P_00016_LEFT_CC/…/000000.dcm'"
        )
    density = next((row[column] for column in DENSITY if row.get(column)), "")
    facts = {"lesion": row["abnormality type"], "density": density, "split": split, "pathology": row["pathology"]}
    facts |= {name: row[column] for column, name in _STEPS.items()}
    facts |= {column.replace(" ", "_"): row.get(column, "") for column in DESCRIPTORS}
    sample = Sample(
        sample_id=f"{kind}_{patient}_{side}_{view}_{lesion}",
        patient_id=patient,
        group=patient,
        path="",
        label=LABELS[row["pathology"]],
        laterality=SIDES[side],
        view=view,
        facts={name: value.strip() for name, value in facts.items() if value.strip()},
    )
    mask = row.get("ROI mask file path", "").strip()
    return _Lesion(sample, row["image file path"], mask, match["name"], match["series"])


def _disjoint(lesions: list[_Lesion]) -> tuple[list[_Lesion], list[Dropped], list[str]]:
    """Leave the women of the test side out of the training side."""
    sides = {
        split: {one.sample.patient_id for one in lesions if one.sample.facts["split"] == split} for split in SPLITS
    }
    both = sides["train"] & sides["test"]
    kept: list[_Lesion] = []
    dropped: list[Dropped] = []
    for lesion in lesions:
        sample = lesion.sample
        if sample.facts["split"] == "train" and sample.patient_id in both:
            reason = f"{sample.sample_id}: patient {sample.patient_id} is in the official test set too"
            dropped.append(Dropped(lesion.name, reason))
        else:
            kept.append(lesion)
    if not both:
        return kept, [], []
    test = [lesion for lesion in kept if lesion.sample.facts["split"] == "test"]
    theirs = sum(lesion.sample.patient_id in both for lesion in test)
    note = (
        f"{len(both)} patients are on both sides of the official split: {len(dropped)} lesions of theirs are left out "
        f"of training, and {theirs} of {len(test):,} test lesions are theirs"
    )
    return kept, dropped, [note]


def _with_images(root: Path, base: Path, lesions: list[_Lesion]) -> tuple[tuple[Sample, ...], int]:
    """Give every lesion its image; where no lesion has one, the tables stand alone."""
    found = {lesion.image: _image(root, base, lesion) for lesion in lesions}
    if not any(found.values()):
        return tuple(lesion.sample for lesion in lesions), 0
    samples = tuple(
        replace(lesion.sample, path=found[lesion.image], masks=_mask(root, base, lesion))
        for lesion in lesions
        if found[lesion.image]
    )
    return samples, len(lesions) - len(samples)


def _mask(root: Path, base: Path, lesion: _Lesion) -> tuple[str, ...]:
    """Path of a lesion's mask, where it lies as the table says, or as PNG or JPEG of that name."""
    for place in (base, base / "CBIS-DDSM", base.parent if base.name == "csv" else base):
        for suffix in (".dcm", ".png", ".jpg"):
            named = place / lesion.mask
            # A cell may name any place, and a root called `csv` has its own parent among the places.
            if not (lesion.mask.endswith(".dcm") and named.is_relative_to(root)):
                continue
            asked = named.relative_to(root).as_posix().removesuffix(".dcm") + suffix
            inside = path_inside(root, asked)
            if inside is not None and inside.is_file():
                return (asked,)
    return ()


def _image(root: Path, base: Path, lesion: _Lesion) -> str:
    """Path of a whole film: as the table says, in its folder, as one file, or by its series; "" where there is none."""
    for place in (base, base / "CBIS-DDSM", base.parent if base.name == "csv" else base):
        exact = [place / lesion.image, *(place / f"{lesion.name}{suffix}" for suffix in (".png", ".jpg", ".dcm"))]
        for path in exact:
            if path.is_file() and path_inside(root, path.relative_to(root).as_posix()) is not None:
                return path.relative_to(root).as_posix()
        for folder in (place / lesion.name, place / "jpeg" / lesion.series):
            if folder.is_dir() and not folder.is_symlink():
                paths, _ = files_below(root, folder, (".dcm", ".png", ".jpg", ".jpeg"))
                if len(paths) == 1:
                    return paths[0]
    return ""


CBIS_DDSM = Dataset(
    name="cbis_ddsm",
    title="CBIS-DDSM",
    tasks={"mammography": Labelling(), "film_lesions": Labelling(words={"benign": "lesion", "malignant": "lesion"})},
    modality="mammography",
    licence="CC BY 3.0",
    url="https://www.cancerimagingarchive.net/collection/cbis-ddsm/",
    citation="Lee RS, Gimenez F, Hoogi A, Miyake KK, Gorovoy M, Rubin DL. A curated mammography data set for use in "
    "computer-aided detection and diagnosis research. Scientific Data 4 (2017) 170177. doi:10.1038/sdata.2017.177",
    published={"benign": 2111, "malignant": 1457},
    patients=1566,
    layout="mass_case_description_train_set.csv and its three companions; images in Mass-Training_P_00001_LEFT_CC",
    read=_read,
    counted="lesions",
    outcome=("pathology", "lesion", *_STEPS.values(), *(column.replace(" ", "_") for column in DESCRIPTORS)),
)
