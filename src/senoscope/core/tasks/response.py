"""Breast DCE-MRI before treatment: will the tumour respond completely to neoadjuvant chemotherapy?"""

from senoscope.core.tasks.base import Task

RESPONSE = Task(
    name="response",
    title="Breast DCE-MRI before treatment: will the tumour respond completely to neoadjuvant chemotherapy?",
    modality="MRI",
    stage="follow-up",
    kind="classify",
    labels=("no_response", "response"),
    positive="response",
    color=True,
    smallest_side=64,
)
