"""Breast ultrasound: is the lesion benign or malignant?"""

from senoscope.core.tasks.base import Task

ULTRASOUND = Task(
    name="ultrasound",
    title="Breast ultrasound: is the lesion benign or malignant?",
    modality="ultrasound",
    stage="diagnosis",
    kind="classify",
    labels=("benign", "malignant"),
    positive="malignant",
    color=False,
    smallest_side=64,
)
