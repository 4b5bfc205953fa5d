"""Predictions to DICOM objects, for archives and viewers: one file a kind, one line in `KINDS`.

An object is written of a `Subject`: an answer with the DICOM images it is of. It belongs to their patient and study,
lies in a series of its own beside theirs, and has the same UID whenever the same bundle says the same kind of thing of
the same images at the same operating point, so that a second run replaces what the first one stored.
"""

from collections.abc import Callable

from pydicom.dataset import Dataset

from senoscope.core.errors import UnsupportedImageError
from senoscope.core.registry import Registry
from senoscope.runtime.outputs.dicom.pictures.capture import capture
from senoscope.runtime.outputs.dicom.pictures.parametric_map import parametric_map
from senoscope.runtime.outputs.dicom.pictures.pdf import encapsulated_pdf
from senoscope.runtime.outputs.dicom.pictures.presentation import presentation
from senoscope.runtime.outputs.dicom.pictures.segmentation import evidence, segmentation
from senoscope.runtime.outputs.dicom.reports.key_objects import key_objects
from senoscope.runtime.outputs.dicom.reports.mammography_cad import mammography_cad
from senoscope.runtime.outputs.dicom.reports.reading import Reported, ReportedRegion, read_report
from senoscope.runtime.outputs.dicom.reports.report import report, report_3d
from senoscope.runtime.outputs.dicom.subject import NOTICE, Source, Subject

Kind = Callable[[Subject], list[Dataset]]
"""A subject in, objects out: one, one an image, or none where there is nothing of the kind to say."""

LIBRARY_ERRORS = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What highdicom and pydicom raise on an image that contradicts the standard; none of it reaches a user."""


def _guarded(name: str, write: Kind) -> tuple[str, Kind]:
    def guarded(subject: Subject) -> list[Dataset]:
        try:
            return write(subject)
        except LIBRARY_ERRORS as error:
            said = f"{subject.answer.source}: no {name} can be made of this image: {error}"
            raise UnsupportedImageError(said, "leave the kind out; sc and pdf ask the least of an image") from error

    return name, guarded


_WRITERS: tuple[tuple[str, Kind], ...] = (
    ("sr", report),
    ("sr3d", report_3d),
    ("cad", mammography_cad),
    ("seg", segmentation),
    ("evidence", evidence),
    ("sc", capture),
    ("gsps", presentation),
    ("pmap", parametric_map),
    ("pdf", encapsulated_pdf),
    ("kos", key_objects),
)

KINDS: Registry[Kind] = Registry("kind of DICOM object", [_guarded(name, write) for name, write in _WRITERS])
"""By the names of the command line; an image that a kind cannot be made of raises `UnsupportedImageError`."""

__all__ = ["KINDS", "NOTICE", "Kind", "Reported", "ReportedRegion", "Source", "Subject", "read_report"]
