"""Every picture of a set looked at once: what copies share, how it was made, what was burned into it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.errors import InputError
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.evidence.audit.acquisition import measured, stored_as
from senoscope.evidence.audit.burned_in import Marks, marks
from senoscope.evidence.index.duplicates import Signature, detail, signature

BATCH = 32
"""Pictures of a batch; at most three batches of findings wait, and no picture outlives its findings."""


@dataclass(frozen=True, eq=False)
class Look:
    """What one look at a picture found.

    Args:
        signature: what copies of it share.
        detail: (1024,) fine structure; see `duplicates.detail`.
        measured: numbers of how it was made and stored; see `acquisition.measured`.
        stored_as: kind of file, depth and colour.
        marks: burned-in marks; None where that was not looked for or cannot be judged.
    """

    signature: Signature
    detail: NDArray[np.float16]
    measured: dict[str, float]
    stored_as: str
    marks: Marks | None


def survey(
    paths: Sequence[Path], *, seek_marks: bool = True, progress: Callable[[int], object] | None = None
) -> Iterator[Look | InputError]:
    """Read every picture once, in threads, and look at it; one that cannot be read gives its error in its place.

    Args:
        paths: image files.
        seek_marks: whether to look for burned-in marks, which makes no sense in colour pictures.
        progress: told how many more were looked at.
    """
    for batch in batches(partial(_look, seek_marks=seek_marks), paths, batch=BATCH):
        yield from batch
        if progress is not None:
            progress(len(batch))


def _look(path: Path, *, seek_marks: bool) -> Look | InputError:
    try:
        image = read(path)
        return Look(
            signature=signature(image),
            detail=detail(image),
            measured=measured(image, path.stat().st_size),
            stored_as=stored_as(path, image),
            marks=marks(image) if seek_marks else None,
        )
    except InputError as error:
        return error
    except OSError as error:
        return InputError(f"{path}: {error.strerror or 'cannot be read'}", "look at it again")
