"""Which bundle is asked about which picture of a folder, by what the DICOM headers say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.errors import InputError, UnsupportedImageError
from senoscope.core.io.dicom import Archive, DicomFile, Facts, Series
from senoscope.core.tasks import TASKS
from senoscope.core.tasks.suiting import UNSAID, check_suits, modality_of
from senoscope.runtime.store import Manifest


@dataclass(frozen=True)
class Unused:
    """Pictures that nothing is asked about.

    Args:
        series: SeriesInstanceUID, or the path of a single file.
        text: SeriesDescription, or "".
        files: how many.
        reason: why.
    """

    series: str
    text: str
    files: int
    reason: str


@dataclass(frozen=True)
class Choice:
    """What is asked about, by which bundle, and what is left.

    Args:
        asked: paths by the bundle's name, in the order of patients, exams and series.
        unused: the rest, with reasons.
    """

    asked: dict[str, tuple[Path, ...]]
    unused: tuple[Unused, ...]


def choose(archive: Archive, manifests: Sequence[Manifest]) -> Choice:
    """Choose a bundle for every picture of an archive.

    Of several bundles for one modality the first is asked, so the order of `manifests` is one of preference.

    Args:
        archive: what a folder holds.
        manifests: of the bundles at hand.
    """
    asked: dict[str, list[Path]] = {}
    unused = [Unused(str(one.path), "", 1, one.error.message) for one in archive.refused]
    for series in _series(archive):
        left: dict[str, list[DicomFile]] = {}
        for file in series.files:
            try:
                asked.setdefault(bundle_for(file.facts, manifests).name, []).append(file.path)
            except InputError as error:
                left.setdefault(error.message, []).append(file)
        unused += [_unused(series, files, reason) for reason, files in left.items()]
    return Choice({name: tuple(paths) for name, paths in asked.items()}, tuple(unused))


def bundle_for(facts: Facts, manifests: Sequence[Manifest]) -> Manifest:
    """Return the first bundle that answers for pictures of this kind.

    Raises:
        UnsupportedImageError: the header does not say what made the picture, no bundle answers for such pictures, or
            the picture is of a kind they are not asked about.
    """
    if not facts.frames:
        raise UnsupportedImageError("holds no picture", "")
    modality = modality_of(facts)
    if modality is None:
        known = facts.modality.upper() not in UNSAID
        said = f"no task is asked about {facts.modality}" if known else "its header does not say what made it"
        raise UnsupportedImageError(said, "name the task")
    found = next((one for one in manifests if TASKS.get(one.task).modality == modality), None)
    if found is None:
        raise UnsupportedImageError(f"no bundle answers for {modality}", "train one, and give it with --bundle RUN")
    check_suits(TASKS.get(found.task), facts)
    if facts.frames > 1:
        raise UnsupportedImageError(f"{facts.frames} frames in one file", "export the one that the question is about")
    return found


def _series(archive: Archive) -> Iterable[Series]:
    return (one for patient in archive.patients for study in patient.studies for one in study.series)


def _unused(series: Series, files: Sequence[DicomFile], reason: str) -> Unused:
    return Unused(series.uid or str(files[0].path), files[0].facts.series_text, len(files), reason)
