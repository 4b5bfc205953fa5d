"""Training a network that marks regions, epoch after epoch, and asking it."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from senoscope.core.domain.outline_bundle import score
from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import FinetuneRecipe
from senoscope.evidence.datasets.codes import UNNAMED
from senoscope.evidence.metrics.classification import roc_auc
from senoscope.learning.data.source import parts_of
from senoscope.learning.fitting.loop import Fitted, Plan, Row, Validation, run
from senoscope.learning.fitting.losses import numeric
from senoscope.learning.fitting.optimizing import optimizer_of, rate_of, set_rate, warmed
from senoscope.learning.outlines.marks import chances_of
from senoscope.learning.outlines.network import OutlineNetwork
from senoscope.learning.outlines.source import MarkedSource

JUDGED = 16
"""Pictures judged at once."""

Loss = Callable[[Tensor, Tensor], Tensor]


def loss_of(recipe: FinetuneRecipe) -> Loss:
    """Dice and cross-entropy, or focal loss, in equal parts, of logits (N, 1 or K, H, W) and marks (N, 1, H, W).

    Dice (Milletari et al. 2016, arXiv:1606.04797) is that of each picture that holds a region, so that a small lesion
    counts as much as a large one; of pictures without one it is 0, and cross-entropy alone says what is marked by
    mistake. Of more labels it is of all pictures of a batch together, the mean over the labels in them, and pixels that
    are `UNNAMED` take no part in either.
    """
    focal = smp.losses.FocalLoss("binary", gamma=recipe.focus)
    dice = smp.losses.DiceLoss("multilabel", from_logits=True, smooth=1.0)
    several = smp.losses.DiceLoss("multiclass", from_logits=True, smooth=1.0, ignore_index=UNNAMED)

    def found(logits: Tensor, marks: Tensor) -> Tensor:
        if logits.shape[1] > 1:
            named = marks[:, 0].long()
            # The library's mean is over all labels, those that are not there with 0.
            there = torch.unique(named[named != UNNAMED]).numel()
            apart: Tensor = several(logits, named) * (logits.shape[1] / max(1, there))
            return apart + _by_pixel(logits, named, recipe.focus if recipe.loss == "focal" else 0.0)
        pixel = (
            focal(logits, (marks >= 0.5).float())
            if recipe.loss == "focal"
            else functional.binary_cross_entropy_with_logits(logits, marks)
        )
        # The library takes each picture for a label of its own, and those without a region for 0.
        total: Tensor = dice(logits.transpose(0, 1), marks.transpose(0, 1)) + pixel
        return total

    return found


def _by_pixel(logits: Tensor, named: Tensor, focus: float) -> Tensor:
    """Mean cross-entropy of the pixels that have a label, 0 where none has; with a focus, focal loss."""
    each = functional.cross_entropy(logits, named, ignore_index=UNNAMED, reduction="none")
    if focus:
        each = each * (1 - torch.exp(-each)) ** focus
    return each.sum() / (named != UNNAMED).sum().clamp(min=1)


def fit(
    network: OutlineNetwork,
    train: MarkedSource,
    validation: MarkedSource | None,
    recipe: Recipe,
    plan: Plan,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Train encoder and decoder together; the network is left in evaluation mode with its best weights.

    Args:
        network: with the encoder's starting weights.
        train: what to train on.
        validation: judged after every epoch; without it, all epochs are run.
        recipe: how (`finetune`).
        plan: how long, from which seed, and where to keep the checkpoint.
        progress: called after each epoch.

    Raises:
        RunError: the loss is no number, or the checkpoint cannot be taken up or written.
    """
    asked, rows = recipe.finetune, list[Row]()
    network.requires_grad_(True).to(memory_format=torch.channels_last)
    optimizer, loss = optimizer_of(network, asked), loss_of(asked)

    def epoch(number: int) -> float:
        if asked.statistics == "kept":
            network.backbone.eval()
        parts, rate = parts_of(_order(train.count, asked.batch), asked.batch), rate_of(asked, plan.epochs, rows)
        steps, total = math.ceil(len(parts) / asked.accumulate), 0.0
        for place, (images, marks) in enumerate(train.batches(parts, number)):
            step, within = divmod(place, asked.accumulate)
            group = parts[step * asked.accumulate :][: asked.accumulate]
            share = len(parts[place].rows) / sum(len(part.rows) for part in group)
            found = loss(network.logits(images), marks)
            total += numeric(found, number, place + 1) * len(images)
            (found * share).backward()
            if within + 1 == len(group):
                set_rate(optimizer, rate * warmed(asked, number, step, steps))
                optimizer.step()
                optimizer.zero_grad()
        return total / sum(len(part.rows) for part in parts)

    def validated() -> Validation:
        assert validation is not None
        return _judged(network, validation, loss, recipe.outline.smallest)

    def told(row: Row) -> None:
        rows.append(row)
        progress(row)

    fitted = run(network, optimizer, plan, epoch, None if validation is None else validated, told)
    network.requires_grad_(False).to(memory_format=torch.contiguous_format)
    return fitted


def _order(count: int, batch: int) -> NDArray[np.int64]:
    order = torch.randperm(count)
    # A last batch of one picture cannot be batch-normalised where its deepest map has one place.
    found: NDArray[np.int64] = order[: count - (count % batch == 1)].numpy()
    return found


def _judged(network: OutlineNetwork, validation: MarkedSource, loss: Loss, smallest: float) -> Validation:
    """Mean loss, and of one map how well the pictures' scores tell those with a region from those without."""
    losses, scores, there = [], [], []
    with torch.inference_mode():
        for images, marks in validation.batches(parts_of(np.arange(validation.count), JUDGED), None):
            logits = network.logits(images.contiguous(memory_format=torch.channels_last))
            losses.append(float(loss(logits, marks)) * len(images))
            if logits.shape[1] == 1:
                scores += [score(chances[0], smallest) for chances in chances_of(logits).numpy()]
                there += [int(mark.max() >= 0.5) for mark in marks]
    both = len(set(there)) == 2
    return Validation(
        sum(losses) / validation.count, roc_auc(np.array(there), np.array(scores)) if both else float("nan")
    )


def asked(network: nn.Module, source: MarkedSource) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Probabilities (1 or K, S, S) and embedding (D,) of every picture of a source, as it is, one by one."""
    network.eval()
    for images, _ in source.batches(parts_of(np.arange(source.count), JUDGED), None):
        with torch.inference_mode():
            logits, embedding = network(images)
        yield from zip(chances_of(logits).numpy(), embedding.numpy(), strict=True)
