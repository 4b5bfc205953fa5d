"""Mammography: is there any abnormality, benign or malignant?"""

from senoscope.core.tasks.base import Task

ABNORMALITY = Task(
    name="abnormality",
    title="Mammography: is there any abnormality, benign or malignant?",
    modality="mammography",
    stage="diagnosis",
    kind="classify",
    labels=("normal", "abnormal"),
    positive="abnormal",
    color=False,
    smallest_side=128,
)
