"""How a picture is looked at when it is answered: as it is, mirrored, turned by quarters; and the way back."""

from dataclasses import replace

import torch
from torch import Tensor

from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Flip, Rotate, Step

VIEWS: tuple[tuple[bool, int], ...] = (
    (False, 0),
    (True, 0),
    (False, 1),
    (False, 2),
    (False, 3),
    (True, 1),
    (True, 2),
    (True, 3),
)
"""Whether it is mirrored, and then by how many quarters it is turned against the clock; the plain view comes first."""

STEPS: tuple[tuple[Step, ...], ...] = tuple(
    ((Flip(),) if mirrored else ()) + ((Rotate((90, 180, -90)[turns - 1]),) if turns else ())
    for mirrored, turns in VIEWS
)
"""The same as steps of preprocessing."""


def turned(pipeline: Pipeline, steps: tuple[Step, ...]) -> Pipeline:
    """Put the steps of a view behind all others: the network itself can only turn the square that it is given."""
    return replace(pipeline, steps=(*pipeline.steps, *steps))


def shown(image: Tensor, count: int) -> Tensor:
    """(N, C, S, S) → (V·N, C, S, S): the first V = `count` views, one after another, each of all pictures."""
    return image if count == 1 else torch.cat(each(image, count))


def each(image: Tensor, count: int) -> list[Tensor]:
    """(N, C, S, S) → the first `count` views of all pictures, each (N, C, S, S)."""
    return [_turned(image, *view) for view in VIEWS[:count]]


def together(values: Tensor, count: int) -> Tensor:
    """(V·N, …) of views → (N, …), their mean."""
    return values if count == 1 else values.unflatten(0, (count, -1)).mean(dim=0)


def plain(values: Tensor, count: int) -> Tensor:
    """(V·N, …) of views → (N, …) of the pictures as they are."""
    return values if count == 1 else values.unflatten(0, (count, -1))[0]


def carried_back(maps: Tensor, count: int) -> Tensor:
    """(V·N, h, h) of views → (V·N, h, h), each in the picture's own orientation."""
    if count == 1:
        return maps
    parts = maps.unflatten(0, (count, -1))
    return torch.cat([_turned_back(parts[place], *view) for place, view in enumerate(VIEWS[:count])])


def _turned(image: Tensor, mirrored: bool, turns: int) -> Tensor:
    image = image.flip(-1) if mirrored else image
    return image.rot90(turns, (-2, -1)) if turns else image


def _turned_back(maps: Tensor, mirrored: bool, turns: int) -> Tensor:
    maps = maps.rot90(-turns, (-2, -1)) if turns else maps
    return maps.flip(-1) if mirrored else maps
