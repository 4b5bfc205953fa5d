"""Breast ultrasound: which box is around the lesion?"""

from senoscope.core.tasks.base import Task

LESIONS = Task(
    name="lesions",
    title="Breast ultrasound: where are lesions, each in a box?",
    modality="ultrasound",
    stage="diagnosis",
    kind="detect",
    labels=("tissue", "lesion"),
    positive="lesion",
    color=False,
    smallest_side=64,
)
