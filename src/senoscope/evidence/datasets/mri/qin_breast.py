"""QIN-Breast: PET/CT and quantitative MRI of women in neoadjuvant chemotherapy, and whether they responded.

A sample is a series of magnetic resonance; positron emission and computed tomography are counted and left out. Visits
have no names: they are numbered by their dates, and the first is taken to be the one before treatment.
"""

import re
from dataclasses import replace
from pathlib import Path

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import nearest
from senoscope.evidence.datasets.mri.series import BEFORE, find_series
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.records import read_records

DYNAMIC = re.compile(r"dynamic|\bDCE\b", re.IGNORECASE)
COLUMNS = ("Patient ID", "Response")
PATIENT = re.compile(r"QIN-BREAST-01-\d{4}", re.IGNORECASE)
LABELS = {
    **dict.fromkeys(("pcr", "1"), "response"),
    **dict.fromkeys(("non-pcr", "npcr", "non pcr", "0"), "no_response"),
}
"""Words of the table, in lower case; another word is an error rather than a guess."""


def _read(dataset: Dataset, root: Path) -> Index:
    table = nearest(root, ("QIN-Breast_TreatmentResponse*.xlsx", "QIN-Breast_TreatmentResponse*.csv"))
    if table is None:
        raise dataset.wrong_folder(root, root)
    answers: dict[str, str] = {}
    records = read_records(table, COLUMNS)
    for line in records:
        patient = line.identifier("Patient ID", PATIENT).upper()
        records.once(line, "Patient ID", patient)
        if line.text("Response"):
            answers[patient] = line.word("Response", LABELS)
    dropped: list[Dropped] = []
    samples: list[Sample] = []
    others = 0
    unknown: set[str] = set()
    for series in find_series(root, PATIENT, dropped):
        patient = series.patient.upper()
        if series.modality != "MR":
            others += 1
        elif patient not in answers:
            unknown.add(patient)
        else:
            label = answers[patient]
            samples.append(Sample(series.path, patient, patient, series.path, label, facts=dict(series.facts)))
    samples = _dated(samples)
    notes = [dataset.share_note(len({sample.patient_id for sample in samples})), "a sample is a series, not an image"]
    notes.append("the visit before treatment is taken to be the first by date")
    if others:
        notes.append(f"{others:,} series are not of magnetic resonance: left out")
    if unknown:
        notes.append(f"{len(unknown):,} patients have images and no answer in {table.name}: left out")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _dated(samples: list[Sample]) -> list[Sample]:
    """Number the visits of every patient by date; dynamic series of the first hold the answer before treatment."""
    dates: dict[str, list[str]] = {}
    for sample in samples:
        known = dates.setdefault(sample.patient_id, [])
        if (date := sample.facts.get("date", "")) and date not in known:
            known.append(date)
    dated = []
    for sample in samples:
        date = sample.facts.get("date", "")
        visit = sorted(dates[sample.patient_id]).index(date) + 1 if date else 0
        facts = dict(sample.facts) | ({"visit": str(visit)} if visit else {})
        if visit == 1 and DYNAMIC.search(facts.get("series", "")):
            facts[BEFORE] = sample.label
        dated.append(replace(sample, facts=facts))
    return dated


QIN_BREAST = Dataset(
    name="qin_breast",
    title="QIN-Breast",
    tasks={"response": Labelling(fact=BEFORE)},
    modality="MRI",
    licence="CC BY 3.0",
    url="https://www.cancerimagingarchive.net/collection/qin-breast/",
    citation="Li X, Abramson RG, Arlinghaus LR, et al. Data from QIN-Breast. The Cancer Imaging Archive (2016). "
    "doi:10.7937/K9/TCIA.2016.21JUEBH0",
    published={"no_response": None, "response": None},
    patients=None,
    layout="QIN-Breast_TreatmentResponse(2014-12-16).xlsx with the archive's folders (QIN-BREAST/QIN-BREAST-01-0001/…)",
    read=_read,
    counted="patients",
    label_of="patient",
)
