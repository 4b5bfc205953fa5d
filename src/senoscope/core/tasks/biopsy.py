"""Breast biopsy, H&E stain: is the tumour benign or malignant?"""

from senoscope.core.tasks.base import Task

BIOPSY = Task(
    name="biopsy",
    title="Breast biopsy, H&E stain: is the tumour benign or malignant?",
    modality="histopathology",
    stage="confirmation",
    kind="classify",
    labels=("benign", "malignant"),
    positive="malignant",
    color=True,
    smallest_side=64,
)
