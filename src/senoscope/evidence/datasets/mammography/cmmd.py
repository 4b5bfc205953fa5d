"""CMMD: digital mammograms of 1,775 women in China, each labelled breast benign or malignant by biopsy.

The table has a row for each labelled breast, and the DICOM headers say which breast and which view an image shows. Of
many women with a cancer the other breast is there too, without a row: it is nobody's benign example and stays out.
"""

import re
from dataclasses import replace
from pathlib import Path

from senoscope.core.errors import InputError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import nearest
from senoscope.evidence.datasets.headers import read_header
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.datasets.mammography.views import view_of
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.records import Line, read_records

COLUMNS = ("ID1", "LeftRight", "Age", "number", "abnormality", "classification", "subtype")
PATIENT = re.compile(r"^D[12]-\d{4}$")
LABELS = {"benign": "benign", "malignant": "malignant"}
SIDES = {"l": "L", "r": "R"}
FACTS = {"abnormality": "lesion", "subtype": "subtype"}
HEADER = ("PatientID", "ImageLaterality", "Laterality", "ViewCodeSequence", "ViewPosition")
Breasts = dict[tuple[str, str], tuple[Line, str]]


def _read(dataset: Dataset, root: Path) -> Index:
    table = nearest(root, ("CMMD_clinicaldata*.xlsx", "CMMD_clinicaldata*.csv"))
    if table is None:
        raise dataset.wrong_folder(root, root)
    records = read_records(table, COLUMNS)
    breasts: Breasts = {}
    for line in records:
        patient, side = line.identifier("ID1", PATIENT), line.word("LeftRight", SIDES)
        records.once(line, "ID1", f"{patient} {side}")
        breasts[patient, side] = (line, line.word("classification", LABELS))
    samples: list[Sample] = []
    paths, dropped = files_below(root, root, (".dcm",))
    refused = len(dropped)
    for path in paths:
        sample = _sample(root, path, breasts, dropped)
        samples += [sample] if sample else []
    others = len(paths) - len(samples) - (len(dropped) - refused)
    samples = _named(samples)
    met = {(sample.patient_id, sample.laterality) for sample in samples}
    notes = [dataset.share_note(len(samples))]
    if others:
        notes.append(f"{others:,} images are of breasts without a row in {table.name}: unlabelled, left out")
    if len(breasts) > len(met):
        notes.append(f"{len(breasts) - len(met):,} rows of {table.name} have no image here")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _sample(root: Path, path: str, breasts: Breasts, dropped: list[Dropped]) -> Sample | None:
    try:
        header = read_header(root / path, HEADER)
    except InputError as error:
        dropped.append(Dropped(path, f"unreadable: {error.message}"))
        return None
    patient, side = header["PatientID"], (header["ImageLaterality"] or header["Laterality"]).upper()
    if PATIENT.match(patient) is None or side not in ("L", "R"):
        dropped.append(Dropped(path, "its header does not say whose breast, or which"))
        return None
    if (patient, side) not in breasts:
        return None
    line, label = breasts[patient, side]
    age = line.whole("Age")
    facts = line.facts(FACTS) | ({"age": age} if age else {})
    view = view_of(header["ViewCodeSequence"], header["ViewPosition"])
    return Sample(path, patient, patient, path, label, laterality=side, view=view, facts=facts)


def _named(samples: list[Sample]) -> list[Sample]:
    """Name every sample by patient, side and view, and number those of one name, in the order of their files."""
    times: dict[str, int] = {}
    named = []
    for sample in samples:
        name = "_".join(filter(None, (sample.patient_id, sample.laterality, sample.view)))
        times[name] = times.get(name, 0) + 1
        named.append(replace(sample, sample_id=name if times[name] == 1 else f"{name}_{times[name]}"))
    return sorted(named, key=lambda sample: sample.sample_id)


CMMD = Dataset(
    name="cmmd",
    title="Chinese Mammography Database (CMMD)",
    tasks={"mammography": Labelling()},
    modality="mammography",
    licence="CC BY 4.0",
    url="https://www.cancerimagingarchive.net/collection/cmmd/",
    citation="Cui C, Li L, Cai H, et al. The Chinese Mammography Database (CMMD): an online mammography database with "
    "biopsy confirmed types for machine diagnosis of breast. The Cancer Imaging Archive (2021). "
    "doi:10.7937/tcia.eqde-4b16",
    published={"benign": 1_112, "malignant": 2_632},
    patients=1_775,
    layout="CMMD_clinicaldata_revision.xlsx with the archive's DICOM folders (CMMD/D1-0001/…/1-1.dcm)",
    read=_read,
    label_of="breast",
    outcome=tuple(FACTS.values()),
)
