"""Breast ultrasound: where is the lesion?"""

from senoscope.core.tasks.base import Task

ULTRASOUND_OUTLINE = Task(
    name="ultrasound_outline",
    title="Breast ultrasound: where is the lesion, if there is one?",
    modality="ultrasound",
    stage="diagnosis",
    kind="segment",
    labels=("tissue", "lesion"),
    positive="lesion",
    color=False,
    smallest_side=64,
)
