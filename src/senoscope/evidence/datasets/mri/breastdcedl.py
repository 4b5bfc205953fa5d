"""BreastDCEDL: contrast-enhanced MRI before neoadjuvant chemotherapy, of three cohorts, with the response.

The layout read here is one of slices: red, green and blue are before, early and late after contrast. Where the response
(`pCR`) is not known the label is `unknown`, never "no response". The clinical table alone lists patients without
images, for models that need none.
"""

import re
from dataclasses import replace
from math import isfinite, prod
from pathlib import Path, PurePosixPath

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.rows import Row, cell_error, read_rows, refuse_repeats

TABLE, CLINICAL = "metadata.csv", "all_patients.csv"
IMAGES = "images"
COLUMNS = ("pid", "pCR", "dataset")
LABELS = {"": "unknown", "0": "no_response", "1": "response"}
NUMBERS = {
    "age": "age",
    "menopause": "menopause",
    "HR": "hr",
    "HER2": "her2",
    "tum_vol": "tumour_volume",
    "slice_thick": "slice_thickness",
    "xy_spacing": "pixel_spacing",
    "test": "split",
}
"""Columns of numbers and the facts they become: years, 0 or 1, mm³ (but see `CM3`), mm, and the publisher's split."""
BOX = (("sraw", "eraw", "xy_spacing"), ("scol", "ecol", "xy_spacing"), ("mask_start", "mask_end", "slice_thick"))
"""Columns of the tumour's box: where it begins and ends, in pixels or slices, and the mm of one of them."""
CM3 = ("duke",)
"""Cohorts whose volumes are in cm³ in the published table: a thousandth of the others' share of the tumour's box."""
SIGNS = {"0": "-", "1": "+"}
_PATIENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
_SLICE = re.compile(r"^slice_(\d{1,4})\.(?:jpg|jpeg|png)$")


def _read(dataset: Dataset, root: Path) -> Index:
    choices = (root / "breast_dce", root / "breastdcedl", root)
    base = next((base for base in choices if (base / TABLE).is_file() or (base / CLINICAL).is_file()), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    table = base / (TABLE if (base / TABLE).is_file() else CLINICAL)
    patients = _patients(table)
    if not (base / IMAGES).is_dir():
        notes = (dataset.share_note(len(patients)), f"{table.name} alone: patients without images")
        return Index(dataset.name, root, tuple(patients.values()), (), notes)
    samples, dropped = _slices(root, base, patients, table)
    seen = {sample.patient_id for sample in samples}
    absent = _absent(base, table, patients, seen)
    return Index(dataset.name, root, tuple(samples), tuple(dropped), (dataset.share_note(len(seen)), *absent))


def _absent(base: Path, table: Path, patients: dict[str, Sample], seen: set[str]) -> list[str]:
    notes = []
    if lost := len({sample.patient_id for sample in patients.values()} - seen):
        notes.append(f"{lost:,} patients of {table.name} have no image here")
    if table.name != CLINICAL and (base / CLINICAL).is_file():
        others = {sample.patient_id for sample in _patients(base / CLINICAL).values()} - seen
        if others:
            notes.append(f"{len(others):,} more patients are in {CLINICAL}, without images; alone it lists them")
    return notes


def _patients(table: Path) -> dict[str, Sample]:
    """Patients by the name of their folder, each as a sample without an image."""
    rows = read_rows(table, COLUMNS)
    found = [_patient(table, number, row) for number, row in enumerate(rows, 1)]
    refuse_repeats(table, "pid", (row["pid"] for row in rows))
    folders = [row.get("folder") or row["pid"] for row in rows]
    refuse_repeats(table, "folder", folders)
    for number, folder in enumerate(folders, 1):
        if _PATIENT.match(folder) is None:
            raise cell_error(table, number, "folder", f"{folder[:60]!r} is not a folder's name")
    return {folder: found[place] for place, folder in sorted(enumerate(folders), key=lambda pair: pair[1])}


def _patient(table: Path, number: int, row: Row) -> Sample:
    if _PATIENT.match(row["pid"]) is None:
        raise cell_error(table, number, "pid", f"{row['pid'][:60]!r} is not a patient's name")
    response = _number(table, number, "pCR", row["pCR"])
    if response not in LABELS:
        raise cell_error(table, number, "pCR", f"{row['pCR'][:40]!r} is neither 0 nor 1 nor empty")
    facts = {name: _number(table, number, column, row.get(column, "")) for column, name in NUMBERS.items()}
    facts["site"] = row["dataset"].strip()
    facts |= _size(table, number, row, facts)
    if facts["hr"] in SIGNS and facts["her2"] in SIGNS:
        facts["receptor"] = f"HR{SIGNS[facts['hr']]} HER2{SIGNS[facts['her2']]}"
    return Sample(
        sample_id=row["pid"],
        patient_id=row["pid"],
        group=row["pid"],
        path="",
        label=LABELS[response],
        facts={name: value for name, value in facts.items() if value},
    )


def _size(table: Path, number: int, row: Row, facts: dict[str, str]) -> dict[str, str]:
    """Longest side of the tumour's box within a slice, its depth across slices, both in mm, and the volume in mm³."""
    sides = []
    for columns in BOX:
        cells = [_number(table, number, column, row.get(column, "")) for column in columns]
        if "" not in cells:
            start, end, unit = map(float, cells)
            sides.append((end - start) * unit)
    known = len(sides) == len(BOX) and min(sides) > 0
    size = {"tumour_length": _written(max(sides[:2])), "tumour_depth": _written(sides[2])} if known else {}
    if facts["site"] in CM3 and facts["tumour_volume"]:
        volume = 1000 * float(row["tum_vol"])
        # A table whose volumes are in mm³ after all would make tumours that their box cannot hold.
        if not known or volume <= prod(sides):
            size["tumour_volume"] = _written(volume)
    return size


def _number(table: Path, number: int, column: str, cell: str) -> str:
    """A number as people write it (26, not 26.0), or "" where there is none."""
    if not cell.strip():
        return ""
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or abs(value) > 1e9:
        raise cell_error(table, number, column, f"{cell[:40]!r} is not a number")
    return _written(value)


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.4f}".rstrip("0").rstrip(".")


def _slices(root: Path, base: Path, patients: dict[str, Sample], table: Path) -> tuple[list[Sample], list[Dropped]]:
    paths, dropped = files_below(root, base / IMAGES, (".jpg", ".jpeg", ".png"))
    samples = []
    for path in paths:
        parts = PurePosixPath(path)
        patient, match = patients.get(parts.parent.name), _SLICE.match(parts.name)
        if patient is None:
            dropped.append(Dropped(path, f"no row in {table.name}"))
        elif match is None:
            dropped.append(Dropped(path, "not named like 'slice_006.jpg'"))
        else:
            facts = patient.facts | {"slice": str(int(match[1]))}
            name = f"{patient.patient_id}/{parts.stem}"
            samples.append(replace(patient, sample_id=name, path=path, facts=facts))
    return samples, dropped


BREASTDCEDL = Dataset(
    name="breastdcedl",
    title="BreastDCEDL",
    tasks={"response": Labelling()},
    modality="MRI",
    licence="by cohort: Duke CC BY-NC 4.0, I-SPY1 CC BY 3.0, I-SPY2 CC BY 4.0",
    url="https://zenodo.org/records/18114231",
    citation="Fridman N, et al. BreastDCEDL. Scientific Data 13 (2026) 264. doi:10.1038/s41597-026-06589-6",
    published={"no_response": None, "response": None, "unknown": None},
    patients=None,
    layout=f"{TABLE} with {IMAGES}/<patient>/slice_006.jpg, or {CLINICAL} alone",
    read=_read,
    same_women=("ispy2",),
    counted="patients",
    label_of="patient",
)
