"""Whether a DICOM picture is of the kind a task is asked about, by what its header says."""

from senoscope.core.errors import UnsupportedImageError
from senoscope.core.io.dicom.facts import Facts
from senoscope.core.tasks.base import Modality, Task

WORDS: dict[Modality, tuple[str, ...]] = {
    "thermography": ("TG",),
    "ultrasound": ("US",),
    "mammography": ("MG",),
    "MRI": ("MR",),
    "histopathology": ("SM", "GM"),
}
"""Values of Modality (DICOM PS3.3 C.7.3.1.1.1) by what made the picture."""

UNSAID = ("", "OT", "SC")
"""Values that say nothing of what made it: secondary captures have them."""

_BREAST = ("BREAST", "MAMMA", "AXILLA")

_MAKINGS = {
    "tomosynthesis": "a stack of slices made by tomosynthesis",
    "projection": "one of the projections that a tomosynthesis is made from",
}

_MODES = {"doppler": "Doppler", "elastography": "elastography", "m-mode": "M-mode"}


def modality_of(facts: Facts) -> Modality | None:
    """Return what made a picture; None where its header does not say it, or names what no task is asked about."""
    return next((name for name, words in WORDS.items() if facts.modality.upper() in words), None)


def check_suits(task: Task, facts: Facts) -> None:
    """Raise `UnsupportedImageError` where a header says that a picture is none the task is asked about.

    What a header does not say is not held against it: a secondary capture, or a picture without a body part, is taken
    by a task that is named.

    Args:
        task: the clinical question.
        facts: of the header.
    """
    if facts.modality.upper() not in (*WORDS[task.modality], *UNSAID):
        raise UnsupportedImageError(
            f"this is {facts.modality}, and {task.name} is asked about {task.modality}",
            "let `senoscope predict auto` choose, or name another task",
        )
    part = facts.body_part.upper()
    if part and not any(word in part for word in _BREAST) and task.modality != "histopathology":
        raise UnsupportedImageError(f"the header says {facts.body_part}, not breast", "name a picture of a breast")
    for check in (_check_ultrasound, _check_mammogram):
        check(facts)


def _check_ultrasound(facts: Facts) -> None:
    others = [words for mode, words in _MODES.items() if mode in facts.modes]
    if others and ("b-mode" not in facts.modes or others != ["M-mode"]):
        raise UnsupportedImageError(f"this is {' and '.join(others)} ultrasound", "name a plain B-mode picture")


def _check_mammogram(facts: Facts) -> None:
    if facts.modality != "MG":
        return
    if facts.intent == "processing":
        raise UnsupportedImageError(
            "these are the detector's raw numbers (FOR PROCESSING)", "name the picture that is FOR PRESENTATION"
        )
    if facts.making in _MAKINGS:
        raise UnsupportedImageError(f"this is {_MAKINGS[facts.making]}", "name a mammogram in two dimensions")
