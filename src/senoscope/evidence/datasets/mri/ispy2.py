"""I-SPY 2: breast MRI before, during and after neoadjuvant chemotherapy, and whether the tumour was gone at surgery.

The table is of patients, by number; the archive's folders are of patients too, named `ISPY2-` or, for those of the
diffusion substudy, `ACRIN-6698-` and the number. A sample is a series. Its facts say at which visit it was taken: only
the first, T0, is before treatment, and only its dynamic series answer the task of response.
"""

import re
from pathlib import Path

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import nearest
from senoscope.evidence.datasets.mri.series import BEFORE, Series, find_series
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.records import Line, Records, read_records

COLUMNS = ("Patient_ID", "HR", "HER2", "pCR")
NUMBER = re.compile(r"^\d{1,8}$")
PATIENT = re.compile(r"(?:ISPY2|ACRIN-6698)-(\d{1,8})")
LABELS = {"0": "no_response", "1": "response"}
DYNAMIC = re.compile(r"original DCE|(?:^|_)acq\d|(?:^|[_-])dce(?:[_-]|$)", re.IGNORECASE)
"""Series of dynamic contrast, by the archive's description or the names of volumes."""

SIGNS = {"0": "-", "1": "+"}
FACTS = {"MP": "mammaprint", "Race": "race", "Arm": "arm", "Menopausal_Status": "menopausal_status"}
WITHOUT = frozenset({"", "na", "n/a", "nan", "none"})


def _read(dataset: Dataset, root: Path) -> Index:
    table = nearest(root, ("ISPY2*Clinical*Data*.xlsx", "ISPY2*Clinical*Data*.csv"))
    if table is None:
        raise dataset.wrong_folder(root, root)
    records = read_records(table, COLUMNS)
    known = {line.identifier("Patient_ID", NUMBER): line for line in _once(records)}
    answers = {number: _answer(line) for number, line in known.items()}
    dropped: list[Dropped] = []
    samples: list[Sample] = []
    unknown: set[str] = set()
    others = 0
    for series in find_series(root, PATIENT, dropped):
        number = series.patient.rpartition("-")[2]
        if not answers.get(number):
            unknown.add(series.patient)
        elif series.modality != "MR":
            others += 1
        else:
            samples.append(_sample(series, known[number], number, answers[number]))
    notes = [dataset.share_note(len({sample.patient_id for sample in samples})), "a sample is a series, not an image"]
    if others:
        notes.append(f"{others:,} series are no pictures but marks on them: left out")
    if unknown:
        notes.append(f"{len(unknown):,} patients have images and no answer in {table.name}: left out")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _once(records: Records) -> list[Line]:
    lines = list(records)
    for line in lines:
        records.once(line, "Patient_ID", line.identifier("Patient_ID", NUMBER))
    return lines


def _answer(line: Line) -> str:
    """Return the label, or "" where the outcome is not known: no answer is not a negative one."""
    return "" if line.cells["pCR"].strip().lower() in WITHOUT else line.word("pCR", LABELS)


def _sample(series: Series, line: Line, number: str, label: str) -> Sample:
    signs = [SIGNS.get(line.whole(column), "") for column in ("HR", "HER2")]
    facts = dict(series.facts) | line.facts(FACTS)
    if all(signs):
        facts["receptor"] = f"HR{signs[0]} HER2{signs[1]}"
    if age := line.whole("Age") if "Age" in line.cells else "":
        facts["age"] = age
    if facts.get("visit") == "T0" and DYNAMIC.search(facts.get("series", "")):
        facts[BEFORE] = label
    patient = f"ISPY2-{number}"
    return Sample(series.path, patient, patient, series.path, label, facts=facts)


ISPY2 = Dataset(
    name="ispy2",
    title="I-SPY 2 imaging cohort 1",
    tasks={"response": Labelling(fact=BEFORE)},
    modality="MRI",
    licence="CC BY 4.0",
    url="https://www.cancerimagingarchive.net/collection/ispy2/",
    citation="Li W, Newitt DC, Gibbs J, et al. I-SPY 2 Breast Dynamic Contrast Enhanced MRI Trial (ISPY2). The Cancer "
    "Imaging Archive (2022). doi:10.7937/TCIA.D8Z0-9T85",
    published={"no_response": 668, "response": 317},
    patients=985,
    layout="ISPY2-Imaging-Cohort-1-Clinical-Data.xlsx with the archive's folders (ISPY2/ISPY2-100899/…/…/1-001.dcm) or "
    "NIfTI files in folders of patients",
    read=_read,
    same_women=("breastdcedl",),
    counted="patients",
    label_of="patient",
)
