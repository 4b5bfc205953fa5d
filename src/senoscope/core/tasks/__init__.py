"""Clinical tasks: one file each, one line in `TASKS`."""

from senoscope.core.registry import Registry
from senoscope.core.tasks.abnormality import ABNORMALITY
from senoscope.core.tasks.base import Task
from senoscope.core.tasks.biopsy import BIOPSY
from senoscope.core.tasks.density import DENSITY
from senoscope.core.tasks.film_lesions import FILM_LESIONS
from senoscope.core.tasks.idc import IDC
from senoscope.core.tasks.invasiveness import INVASIVENESS
from senoscope.core.tasks.lesions import LESIONS
from senoscope.core.tasks.mammography import MAMMOGRAPHY
from senoscope.core.tasks.response import RESPONSE
from senoscope.core.tasks.screening import SCREENING
from senoscope.core.tasks.thermography import THERMOGRAPHY
from senoscope.core.tasks.tissue_outline import TISSUE_OUTLINE
from senoscope.core.tasks.ultrasound import ULTRASOUND
from senoscope.core.tasks.ultrasound_outline import ULTRASOUND_OUTLINE

TASKS: Registry[Task] = Registry(
    "task",
    [
        (task.name, task)
        for task in (
            *(THERMOGRAPHY, ULTRASOUND, SCREENING, INVASIVENESS, MAMMOGRAPHY, ABNORMALITY, DENSITY, BIOPSY, IDC),
            *(RESPONSE, ULTRASOUND_OUTLINE, TISSUE_OUTLINE, LESIONS, FILM_LESIONS),
        )
    ],
)

__all__ = ["TASKS", "Task"]
