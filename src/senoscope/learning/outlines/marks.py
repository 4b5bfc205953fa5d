"""What is marked in training pictures: one kind of region, or a label at every pixel.

One kind is a share of each pixel, 0 to 1, that may fade out at its edge. Of several labels each pixel has the number of
one, or `UNNAMED`; numbers are never mixed.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pil
from torch import Tensor

from senoscope.core.domain.geometry import Placement, Size
from senoscope.core.preprocess.steps import laid_as
from senoscope.core.tasks import Task
from senoscope.evidence.datasets.codes import UNNAMED, named_pixels
from senoscope.evidence.datasets.lesions import true_mask
from senoscope.evidence.index import Index
from senoscope.learning.data.jitter import Change, apply, moved

NUMBERS = np.arange(256, dtype=np.uint8)
"""Masks of squares hold positions among the task's labels already."""


def answers_of(task: Task) -> int:
    """Maps a network gives for a task: one for two labels, one a label for more."""
    return len(task.labels) if task.by_pixel else 1


def prepared(
    index: Index, position: int, size: Size, placements: tuple[Placement, ...], answers: int
) -> NDArray[np.uint8]:
    """(1, S, S) marks of a sample on the network's grid, laid as its picture is.

    Args:
        index: whose sample.
        position: of the sample.
        size: of its picture as stored.
        placements: how the picture was laid.
        answers: of one map 255 is marked and 0 is not; of more, numbers of labels.

    Raises:
        DatasetError: a mask is of another size than the picture.
        InputError: a mask cannot be read.
    """
    sample = index.samples[position]
    if answers == 1:
        marked = true_mask(sample, index.root, size)
        return levels(marked, placements)
    numbers = named_pixels(index.root / sample.masks[0], size, NUMBERS)
    found = np.full(levels(numbers > 0, placements).shape, UNNAMED, np.uint8)
    most = np.zeros(found.shape, np.uint8)
    # The label that most of a pixel is of: shares of each are blended, never the numbers; outside the picture is none.
    for number in np.unique(numbers):
        share = levels(numbers == number, placements)
        found[share > most] = number
        most = np.maximum(most, share)
    return found


def levels(marked: NDArray[np.bool_], placements: tuple[Placement, ...]) -> NDArray[np.uint8]:
    """(H, W) of a stored picture → (1, S, S) from 0 to 255, laid as the picture was."""
    # Pillow's pixels may not be written to, and torch wants to be able to.
    return np.array(laid_as(marked.astype(np.uint8) * np.uint8(255), placements))[None]


def changed(change: Change, marks: Tensor, answers: int) -> NDArray[np.generic]:
    """(1, S, S) marks moved as their picture is: float32 in [0, 1] of one map, uint8 numbers of more."""
    if answers == 1:
        still = Change(part=change.part, mirrored=change.mirrored, turns=change.turns)
        return apply(still, marks).numpy()
    return moved(change, marks.numpy(), Pil.Resampling.NEAREST)


def chances_of(logits: Tensor) -> Tensor:
    """Probabilities of maps (N, 1 or K, H, W): of one by itself, of more together 1 at every pixel."""
    return torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, dim=1)


def kept(chances: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(K, S, S) probabilities as (S, S) bytes: of one map 255 for certainty, of more the number of the likeliest."""
    if len(chances) > 1:
        return np.asarray(chances.argmax(axis=0), np.uint8)
    found: NDArray[np.uint8] = np.rint(chances[0] * 255).astype(np.uint8)
    return found
