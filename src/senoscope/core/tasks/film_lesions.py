"""Mammography: which box is around the lesion?"""

from senoscope.core.tasks.base import Task

FILM_LESIONS = Task(
    name="film_lesions",
    title="Mammography: where are lesions, each in a box?",
    modality="mammography",
    stage="diagnosis",
    kind="detect",
    labels=("tissue", "lesion"),
    positive="lesion",
    color=False,
    smallest_side=128,
)
