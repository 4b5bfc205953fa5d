"""Breast thermography: is this a healthy woman or a patient?"""

from senoscope.core.tasks.base import Task

THERMOGRAPHY = Task(
    name="thermography",
    title="Breast thermography: is this a healthy woman or a patient?",
    modality="thermography",
    stage="diagnosis",
    kind="classify",
    labels=("healthy", "sick"),
    positive="sick",
    color=False,
    smallest_side=64,
)
