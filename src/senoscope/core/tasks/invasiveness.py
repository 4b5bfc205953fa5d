"""Mammography screening: is there cancer in this breast, and is it invasive?"""

from senoscope.core.tasks.base import Task

INVASIVENESS = Task(
    name="invasiveness",
    title="Mammography screening: is there cancer in this breast, and is it invasive?",
    modality="mammography",
    stage="diagnosis",
    kind="classify",
    labels=("none", "non_invasive", "invasive"),
    positive="invasive",
    color=False,
    smallest_side=128,
    ordered=True,
)
