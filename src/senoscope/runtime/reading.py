"""From an image or its path to what the network takes, or to why it cannot be taken."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.domain.geometry import Size
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Flag
from senoscope.core.errors import SenoscopeError
from senoscope.core.io import read
from senoscope.core.io.base import named
from senoscope.core.io.dicom.facts import Facts, facts_if_dicom
from senoscope.core.preprocess.pipeline import Pipeline, Prepared
from senoscope.core.tasks import Task
from senoscope.core.tasks.suiting import check_suits
from senoscope.runtime.trust import quality

Source = Image | Path | str

MISSING = {
    "torso": Flag("no_body", "No body stands out from its background; the whole picture was taken.", "abstain"),
    "breast": Flag("no_breast", "No breast stands out from its background; the whole picture was taken.", "warning"),
}
"""What is said where a step did not find what it sought, by the step's kind."""


@dataclass(frozen=True)
class Failure:
    """An image or an exam that got no answer, and why."""

    source: str
    error: SenoscopeError


@dataclass(frozen=True, eq=False)
class Ready:
    """An image that waits for the network, without its pixels: two dozen large pictures would fill the memory."""

    source: str
    digest: str
    size: Size
    seen: list[Flag]
    prepared: Prepared
    read_ms: float
    prepare_ms: float


def read_for(path: Path | str, task: Task) -> Image:
    """Read a picture that a task is asked about; one that its header says is of another kind is not decoded.

    Raises:
        InputError: as `senoscope.core.io.read`, or `check_suits`.
    """
    check_kind(facts_if_dicom(path), task, str(path))
    return read(path)


def check_kind(facts: Facts | None, task: Task, source: str) -> None:
    """Raise as `check_suits`, with the name of the file, where it is DICOM."""
    if facts is not None:
        with named(source):
            check_suits(task, facts)


def prepare(
    source: Source, pipeline: Pipeline, task: Task, keep: Callable[[Image], None] = lambda image: None
) -> Ready | Failure:
    """Read an image where it is a path, judge its quality, and lay it into the network's input.

    Args:
        source: image or path.
        pipeline: preprocessing.
        task: whose modality it should be of.
        keep: told of the image where it could be read.
    """
    start = time.perf_counter()
    try:
        image = source if isinstance(source, Image) else read_for(source, task)
    except SenoscopeError as error:
        return Failure(str(source), error)
    keep(image)
    opened = time.perf_counter()
    prepared, seen = pipeline.apply(image), quality(image, task)
    seen += [MISSING[kind] for kind in dict.fromkeys(prepared.missing)]
    times = (opened - start) * 1e3, (time.perf_counter() - opened) * 1e3
    return Ready(image.source, image.digest, image.size, seen, prepared, *times)
