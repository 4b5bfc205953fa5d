"""What every registered task promises."""

import re

import pytest

from senoscope.core.tasks import TASKS, Task
from senoscope.evidence.datasets import DATASETS
from senoscope.runtime.store import shipped

every_task = pytest.mark.parametrize("task", [TASKS.get(name) for name in TASKS.names()], ids=TASKS.names())


@every_task
def test_task_is_registered_by_its_own_name(task: Task) -> None:
    assert TASKS.get(task.name) is task
    assert re.fullmatch(r"[a-z0-9_]+", task.name)


@every_task
def test_facts_are_complete(task: Task) -> None:
    assert task.title.endswith(("?", "."))
    assert task.modality in ("thermography", "ultrasound", "mammography", "MRI", "histopathology")
    assert task.smallest_side > 0
    if task.kind == "classify":
        assert len(set(task.labels)) == len(task.labels) >= 2
        assert task.positive in task.labels
        assert task.labels[0] != task.positive


@every_task
def test_a_dataset_can_teach_it(task: Task) -> None:
    teachers = [name for name in DATASETS.names() if task.name in DATASETS.get(name).tasks]

    assert teachers


def test_positive_label_must_be_a_label() -> None:
    with pytest.raises(ValueError, match="odd"):
        Task("odd", "Odd?", "MRI", "diagnosis", "classify", ("a", "b"), "c", color=False, smallest_side=1)


def test_shipped_bundles_answer_known_tasks() -> None:
    for manifest in shipped():
        assert manifest.labels == TASKS.get(manifest.task).labels
