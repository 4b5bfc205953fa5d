"""A folder of DICOM files as patients, exams, series and files: headers now, pixels when they are asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.errors import InputError
from senoscope.core.io.dicom.facts import Facts

Key = tuple[str, str, str]


@dataclass(frozen=True)
class DicomFile:
    """One object and what its header knows; `core.io.read` reads its pixels."""

    path: Path
    facts: Facts


@dataclass(frozen=True)
class Refused:
    """A file that cannot be used, and why."""

    path: Path
    error: InputError


@dataclass(frozen=True)
class Series:
    """Pictures that were taken one after the other.

    Args:
        uid: SeriesInstanceUID.
        files: in the order of their acquisition and instance numbers.
    """

    uid: str
    files: tuple[DicomFile, ...]


@dataclass(frozen=True)
class Study:
    """One visit: what readers call an exam.

    Args:
        uid: StudyInstanceUID.
        series: in the order of their numbers.
    """

    uid: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Patient:
    """Everything of one person.

    Args:
        uid: PatientID.
        studies: earliest first; those without a time last.
    """

    uid: str
    studies: tuple[Study, ...]


@dataclass(frozen=True)
class Archive:
    """What a folder or a DICOMDIR holds.

    Args:
        patients: sorted by their ids.
        refused: files of DICOM that cannot be used, in the order of their paths.
        others: how many files are not DICOM and do not claim to be.
        remarks: what contradicts itself: a series of two patients, an object that is there twice.
    """

    patients: tuple[Patient, ...]
    refused: tuple[Refused, ...] = ()
    others: int = 0
    remarks: tuple[str, ...] = ()


def arranged(files: Iterable[DicomFile], refused: Iterable[Refused], others: int) -> Archive:
    """Lay files out by patient, study and series.

    A series whose files name two patients, or two studies, becomes one of each, and a remark says so: whose pictures
    they are is for a person to tell. Of an object that is there twice the file of the first path counts.
    """
    kept: dict[Key, list[DicomFile]] = {}
    seen: dict[str, Path] = {}
    remarks = []
    for file in sorted(files, key=lambda one: one.path):
        ids = file.facts.ids
        first = seen.setdefault(ids.instance, file.path) if ids.instance else file.path
        if first == file.path:
            kept.setdefault((ids.patient, ids.study, ids.series), []).append(file)
        else:
            remarks.append(f"{file.path}: the same object as {first}, which is taken")
    remarks += _mixed(kept)
    patients = (Patient(uid, _studies(kept, uid)) for uid in sorted({key[0] for key in kept}))
    sorted_out = sorted(refused, key=lambda one: one.path)
    return Archive(tuple(patients), tuple(sorted_out), others, tuple(remarks))


def _mixed(kept: dict[Key, list[DicomFile]]) -> list[str]:
    owners: dict[str, list[Key]] = {}
    for key in kept:
        if key[2]:
            owners.setdefault(key[2], []).append(key)
    remarks = []
    for series, keys in owners.items():
        people = sorted({key[0] for key in keys})
        if len(people) > 1:
            remarks.append(f"series {series} holds files of {len(people)} patients: {', '.join(map(repr, people[:5]))}")
        elif len(keys) > 1:
            remarks.append(f"series {series} holds files of {len(keys)} studies")
    return remarks


def _studies(kept: dict[Key, list[DicomFile]], patient: str) -> tuple[Study, ...]:
    names = sorted({key[1] for key in kept if key[0] == patient})
    studies = [Study(name, _series(kept, patient, name)) for name in names]
    return tuple(sorted(studies, key=_began))


def _series(kept: dict[Key, list[DicomFile]], patient: str, study: str) -> tuple[Series, ...]:
    mine = [(key[2], files) for key, files in sorted(kept.items()) if key[:2] == (patient, study)]
    found = [Series(name, tuple(sorted(files, key=_turn))) for name, files in mine]
    return tuple(sorted(found, key=lambda one: _number(one.files[0].facts.ids.series_number)))


def _began(study: Study) -> tuple[bool, str]:
    times = [file.facts.times.studied for series in study.series for file in series.files]
    known = [time.isoformat() for time in times if time]
    return not known, min(known, default="")


def _turn(file: DicomFile) -> tuple[float, float, Path]:
    ids = file.facts.ids
    return _number(file.facts.times.acquisition), _number(ids.instance_number), file.path


def _number(value: int | None) -> float:
    return float("inf") if value is None else value
