"""Series of magnetic resonance images as archives hand them out, one sample each.

A folder of DICOM files is one series: its sample's path is its first file, and the fact `files` says how many there
are. A NIfTI file is one volume. Only the first header of a series is read. Archives shift dates, so that
they tell the order of a woman's visits and no year.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from senoscope.core.errors import InputError
from senoscope.evidence.datasets.headers import read_header
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Dropped

DICOM, NIFTI = (".dcm",), (".nii", ".nii.gz")
BEFORE = "before_treatment"
"""Fact that holds the answer in series taken before treatment, the only ones that the task of response asks about."""

FACTS = {
    "SeriesDescription": "series",
    "StudyDescription": "study",
    "StudyDate": "date",
    "ManufacturerModelName": "machine",
    "Manufacturer": "manufacturer",
    "MagneticFieldStrength": "field_strength",
    "ClinicalTrialSiteID": "site",
}
KEYWORDS = ("PatientID", "Modality", "PatientAge", "ClinicalTrialTimePointID", *FACTS)
VISIT = re.compile(r"(?:^|[^A-Za-z0-9]|MRI)(T[0-3]|vis[1-4])(?![A-Za-z0-9])", re.IGNORECASE)
VISITS = {"VIS1": "T0", "VIS2": "T1", "VIS3": "T2", "VIS4": "T3"}
AGE = re.compile(r"^0*(\d{1,3})Y$")


@dataclass(frozen=True)
class Series:
    """One series or volume.

    Args:
        path: its first file, relative to the root.
        patient: as header or folder says, "" where neither does.
        modality: DICOM's word, "MR" for a volume that says nothing.
        facts: what the header says, by the names of facts; `files` is the number of files.
    """

    path: str
    patient: str
    modality: str
    facts: dict[str, str]


def find_series(root: Path, patients: re.Pattern[str], dropped: list[Dropped]) -> Iterator[Series]:
    """Yield every series below a folder, in the order of their paths.

    Args:
        root: folder to look in.
        patients: matches a whole patient id, as folders are named by; a header's id goes first.
        dropped: takes the series whose header cannot be read.
    """
    files, refused = files_below(root, root, (*DICOM, *NIFTI))
    dropped += refused
    # A folder below another comes among its files: sorted by folder, files of one stay together.
    for _, members in groupby(sorted(files, key=_place), key=lambda path: PurePosixPath(path).parent):
        paths = list(members)
        slices = [path for path in paths if path.lower().endswith(DICOM)]
        if slices:
            try:
                yield _of_dicom(root, slices, patients)
            except InputError as error:
                dropped.append(Dropped(slices[0], f"unreadable: {error.message}"))
        for path in paths:
            if path.lower().endswith(NIFTI):
                name = PurePosixPath(path).name
                stem = name[: len(name.lower().removesuffix(".gz").removesuffix(".nii"))]
                facts = {"series": stem, "files": "1"} | _visit(path)
                yield Series(path, _named(path, patients), "MR", facts)


def _place(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def _of_dicom(root: Path, slices: list[str], patients: re.Pattern[str]) -> Series:
    header = read_header(root / slices[0], KEYWORDS)
    facts = {fact: header[keyword] for keyword, fact in FACTS.items() if header[keyword]}
    facts |= _visit(header["ClinicalTrialTimePointID"]) or _visit(header["StudyDescription"])
    if match := AGE.match(header["PatientAge"]):
        facts["age"] = match[1]
    said = header["PatientID"] if patients.fullmatch(header["PatientID"]) else _named(slices[0], patients)
    return Series(slices[0], said, header["Modality"], facts | {"files": str(len(slices))})


def _visit(said: str) -> dict[str, str]:
    match = VISIT.search(said)
    visit = match[1].upper() if match else ""
    return {"visit": VISITS.get(visit, visit)} if visit else {}


def _named(path: str, patients: re.Pattern[str]) -> str:
    parts = PurePosixPath(path).parent.parts
    return next((part for part in reversed(parts) if patients.fullmatch(part)), "")
