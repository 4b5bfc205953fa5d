"""Clinical tasks: one file each, one line in `TASKS`."""

from senoscope.core.registry import Registry
from senoscope.core.tasks.base import Task
from senoscope.core.tasks.ultrasound import ULTRASOUND

TASKS: Registry[Task] = Registry("task", [(task.name, task) for task in (ULTRASOUND,)])

__all__ = ["TASKS", "Task"]
