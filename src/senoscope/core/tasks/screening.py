"""Mammography screening: is there cancer in this breast?"""

from senoscope.core.tasks.base import Task

SCREENING = Task(
    name="screening",
    title="Mammography screening: is there cancer in this breast?",
    modality="mammography",
    stage="diagnosis",
    kind="classify",
    labels=("no_cancer", "cancer"),
    positive="cancer",
    color=False,
    smallest_side=128,
)
