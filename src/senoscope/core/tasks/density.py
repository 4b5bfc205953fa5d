"""Mammography: how dense is the breast?"""

from senoscope.core.tasks.base import Task

DENSITY = Task(
    name="density",
    title="Mammography: how dense is the breast?",
    modality="mammography",
    stage="diagnosis",
    kind="classify",
    labels=("fatty", "glandular", "dense"),
    positive="dense",
    color=False,
    smallest_side=128,
    ordered=True,
)
