"""Mammography: is the abnormality benign or malignant?"""

from senoscope.core.tasks.base import Task

MAMMOGRAPHY = Task(
    name="mammography",
    title="Mammography: is the abnormality benign or malignant?",
    modality="mammography",
    stage="diagnosis",
    kind="classify",
    labels=("benign", "malignant"),
    positive="malignant",
    color=False,
    smallest_side=128,
)
