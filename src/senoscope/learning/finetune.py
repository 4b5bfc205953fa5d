"""Training the backbone too, from the best frozen head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torchvision.transforms import v2

from senoscope.core.domain.recipe import FinetuneRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.learning.fit import Examples, class_weights, judge
from senoscope.learning.loop import Fitted, Plan, Row, run
from senoscope.learning.models.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Pictures:
    """Image files, how they are prepared, and labels (N,) of 0 and 1."""

    paths: Sequence[Path]
    pipeline: Pipeline
    labels: NDArray[np.int64]

    def load(self) -> Tensor:
        """(N, 3, H, W) uint8: prepared once, since geometry that varies is drawn on the batch."""
        # One by one: together in floating point they would take many times the memory.
        scale = 255 / self.pipeline.scale
        pictures = [np.rint(self.pipeline.apply(read(path)).array * scale).astype(np.uint8) for path in self.paths]
        return torch.from_numpy(np.stack(pictures))


def jitter(size: int) -> v2.Compose:
    """What every training batch goes through, image by image: crop, mirror, brightness and contrast."""
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.6, 1.0), ratio=(0.8, 1.25), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.2, contrast=0.2),
        ]
    )


def finetune(
    classifier: Classifier,
    train: Pictures,
    validation: Pictures | None,
    recipe: FinetuneRecipe,
    balance: bool,
    plan: Plan,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Train backbone and head together; the classifier is left in evaluation mode with its best weights.

    Args:
        classifier: with a head fitted on frozen features.
        train: training part.
        validation: judged after every epoch; without it, all epochs are run.
        recipe: how; the learning rate falls to zero along a cosine.
        balance: whether both classes weigh the same.
        plan: how long, from which seed, and where to keep the checkpoint.
        progress: called after each epoch.
    """
    fabric = Fabric(accelerator="auto", devices=1, precision="bf16-mixed" if torch.cuda.is_available() else "32-true")
    classifier.backbone.requires_grad_(True)
    images, labels = train.load(), torch.from_numpy(train.labels).float()
    weights, change = class_weights(train.labels, balance), jitter(images.shape[-1])
    network, optimizer = fabric.setup(
        classifier, torch.optim.AdamW(classifier.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    )
    network.mark_forward_method("logits")

    def epoch(number: int) -> float:
        # The head was fitted on features of the stored batch-norm statistics; those of a small batch would undo it.
        classifier.backbone.eval()
        rate = recipe.rate * 0.5 * (1 + np.cos(np.pi * (number - 1) / plan.epochs))
        for group in optimizer.param_groups:
            group["lr"] = rate
        total = 0.0
        for batch in (part for part in torch.randperm(len(labels)).split(recipe.batch) if len(part) > 1):
            pictures = torch.stack([change(images[row]) for row in batch]).float() * (train.pipeline.scale / 255)
            pictures = pictures.to(fabric.device, memory_format=torch.channels_last)
            logits = network.logits(pictures)[:, 0].float()
            loss = cross_entropy(logits, labels[batch].to(fabric.device), weights[batch].to(fabric.device))
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()
            total += float(loss.detach()) * len(batch)
        return total / len(labels)

    examples = None if validation is None else Examples(np.empty((0, 0), np.float32), validation.labels)
    held_out = None if validation is None else validation.load()
    validate = (
        None
        if held_out is None or examples is None or validation is None
        else lambda: judge(_logits(classifier, held_out, validation.pipeline.scale, fabric), examples)
    )
    fitted = run(classifier, optimizer.optimizer, plan, epoch, validate, progress)
    classifier.cpu().requires_grad_(False)
    return fitted


def _logits(classifier: Classifier, images: Tensor, scale: float, fabric: Fabric) -> Tensor:
    with torch.inference_mode():
        parts = [
            classifier.logits((part.float() * (scale / 255)).to(fabric.device)).float().cpu()
            for part in images.split(32)
        ]
    return torch.cat(parts)


def outputs(classifier: Classifier, paths: Sequence[Path], pipeline: Pipeline) -> tuple[Tensor, Tensor]:
    """Logits (N, 1) and embeddings (N, D) of image files, prepared exactly as the runtime does."""
    logits, pooled = [], []
    with torch.inference_mode():
        for group in batches(lambda path: pipeline.apply(read(path)).array, paths, batch=16):
            features = classifier.features(torch.from_numpy(np.stack(group))).mean(dim=(2, 3))
            pooled.append(features)
            logits.append(classifier.head(features))
    return torch.cat(logits), torch.cat(pooled)
