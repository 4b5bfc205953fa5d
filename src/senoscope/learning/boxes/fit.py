"""Training a network that puts boxes around lesions, epoch after epoch."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from senoscope.core.domain.recipe import Recipe
from senoscope.evidence.metrics.classification import roc_auc
from senoscope.learning.boxes.fasterrcnn import FasterNetwork
from senoscope.learning.boxes.network import CentreNetwork
from senoscope.learning.boxes.source import BoxSource
from senoscope.learning.data.source import parts_of
from senoscope.learning.fitting.loop import Fitted, Plan, Row, Validation, run
from senoscope.learning.fitting.losses import numeric
from senoscope.learning.fitting.optimizing import optimizer_of, rate_of, set_rate, warmed

JUDGED = 16
"""Pictures judged at once."""

Detecting = CentreNetwork | FasterNetwork
"""What is trained."""

LARGEST_STEP = 10.0
"""Norm beyond which a gradient is shortened: one picture with a lesion of an odd shape must not undo the rest."""

JUDGE = 0
"""The epoch whose units validate: none is trained on in it, for epochs count from 1."""


def fit(
    network: Detecting,
    train: BoxSource,
    validation: BoxSource | None,
    recipe: Recipe,
    plan: Plan,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Train backbone and detector together; the network is left in evaluation mode with its best weights.

    Args:
        network: with the backbone's starting weights.
        train: what to train on.
        validation: judged after every epoch, by loss, and how well its pictures with a lesion are told from others;
            without it, all epochs are run.
        recipe: how (`finetune`).
        plan: how long, from which seed, and where to keep the checkpoint.
        progress: called after each epoch.

    Raises:
        RunError: the loss is no number, or the checkpoint cannot be taken up or written.
    """
    asked, rows = recipe.finetune, list[Row]()
    network.requires_grad_(True).to(memory_format=torch.channels_last)
    optimizer = optimizer_of(network, asked)

    def epoch(number: int) -> float:
        if asked.statistics == "kept":
            network.backbone.eval()
        parts, rate = parts_of(train.order(number), asked.batch), rate_of(asked, plan.epochs, rows)
        steps, total = math.ceil(len(parts) / asked.accumulate), 0.0
        for place, (images, lesions) in enumerate(train.batches(parts, number)):
            step, within = divmod(place, asked.accumulate)
            group = parts[step * asked.accumulate :][: asked.accumulate]
            found = network.loss(images.contiguous(memory_format=torch.channels_last), lesions)
            total += numeric(found, number, place + 1) * len(images)
            (found * (len(images) / sum(len(part.rows) for part in group))).backward()
            if within + 1 == len(group):
                nn.utils.clip_grad_norm_(network.parameters(), LARGEST_STEP)
                set_rate(optimizer, rate * warmed(asked, number, step, steps))
                optimizer.step()
                optimizer.zero_grad()
        return total / sum(len(part.rows) for part in parts)

    def told(row: Row) -> None:
        rows.append(row)
        progress(row)

    fitted = run(network, optimizer, plan, epoch, _judge(network, validation), told)
    network.requires_grad_(False).to(memory_format=torch.contiguous_format)
    return fitted


def _judge(network: Detecting, validation: BoxSource | None) -> Callable[[], Validation] | None:
    if validation is None:
        return None

    def judged() -> Validation:
        parts = parts_of(validation.order(JUDGE), JUDGED)
        losses, logits = [], []
        with torch.no_grad():
            for images, lesions in validation.batches(parts, None):
                losses.append(float(network.loss(images, lesions)) * len(images))
                logits += network.surest(images).tolist()
        rows = np.concatenate([part.rows for part in parts])
        labels = validation.labels(rows)
        both = 0 < labels.sum() < len(labels)
        return Validation(sum(losses) / len(rows), roc_auc(labels, np.array(logits)) if both else float("nan"))

    return judged
