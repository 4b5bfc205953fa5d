"""Training the backbone too, from the best frozen head or from nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from senoscope.core.domain.recipe_parts import FinetuneRecipe, JitterRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.learning.fit import Examples, class_weights, judge
from senoscope.learning.loop import Fitted, Plan, Row, Validation, run
from senoscope.learning.losses import loss_of, numeric
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble
from senoscope.learning.optimizing import optimizer_of, rate_of, set_rate, warmed
from senoscope.learning.pictures import Pictures, Shelf


class _Training:
    """One network, its optimiser and its pictures, epoch after epoch."""

    def __init__(
        self, classifier: Classifier, train: Pictures, recipe: FinetuneRecipe, jitter: JitterRecipe, plan: Plan
    ) -> None:
        precision = "bf16-mixed" if torch.cuda.is_available() else "32-true"
        self.fabric = Fabric(accelerator="auto", devices=1, precision=precision)  # type: ignore[arg-type] # a literal
        self.recipe, self.jitter, self.plan, self.scale = recipe, jitter, plan, train.pipeline.scale
        self.shelf, self.labels = Shelf(train), torch.from_numpy(train.labels).float()
        self.weights = class_weights(train.labels, recipe.balance != "none")
        self.loss = loss_of(recipe.loss, recipe.focus, recipe.smoothing)
        self.rows: list[Row] = []
        self.classifier = classifier
        self.network, self.optimizer = self.fabric.setup(classifier, optimizer_of(classifier, recipe))
        self.network.mark_forward_method("logits")

    def epoch(self, number: int) -> float:
        """Train one epoch on pictures changed as drawn from seed and epoch; returns the mean loss."""
        # The head was fitted on features of the stored batch-norm statistics; those of a small batch would undo it.
        self.classifier.backbone.eval()
        rows, rate = self._order(), rate_of(self.recipe, self.plan.epochs, self.rows)
        sizes = [len(part) for part in torch.from_numpy(rows).split(self.recipe.batch)]
        steps = -(-len(sizes) // self.recipe.accumulate)
        pictures = self.shelf.jittered(rows, self.recipe.batch, self.jitter, self.plan.seed, number)
        total, begin = 0.0, 0
        for batch, (images, size) in enumerate(zip(pictures, sizes, strict=True)):
            step, place = divmod(batch, self.recipe.accumulate)
            together = sum(sizes[step * self.recipe.accumulate :][: self.recipe.accumulate])
            chosen = torch.from_numpy(rows[begin : begin + size])
            begin += size
            loss = self._loss(images, chosen)
            total += numeric(loss, number, batch + 1) * size
            self.fabric.backward(loss * (size / together))
            if place + 1 == self.recipe.accumulate or batch + 1 == len(sizes):
                set_rate(self.optimizer, rate * warmed(self.recipe, number, step, steps))
                self.optimizer.step()
                self.optimizer.zero_grad()
        return total / len(rows)

    def _order(self) -> NDArray[np.int64]:
        count = len(self.labels)
        if self.recipe.balance == "sampling":
            order = torch.multinomial(self.weights, count, replacement=True)
        else:
            order = torch.randperm(count)
        # A last batch of one image cannot be batch-normalised; it waits for another epoch's order.
        return order[: count - (count % self.recipe.batch == 1)].numpy()

    def _loss(self, images: Tensor, chosen: Tensor) -> Tensor:
        device = self.fabric.device
        images = (images * self.scale).to(device, memory_format=torch.channels_last)
        logits = self.network.logits(images)[:, 0].float()
        weights = self.weights[chosen] if self.recipe.balance == "weights" else torch.ones(len(chosen))
        return self.loss(logits, self.labels[chosen].to(device), weights.to(device))

    def judge_of(self, validation: Pictures) -> Callable[[], Validation]:
        """What judges the network on these pictures as they are."""
        examples, shelf = Examples(np.empty((0, 0), np.float32), validation.labels), Shelf(validation)
        return lambda: judge(self._logits(shelf), examples)

    def _logits(self, shelf: Shelf) -> Tensor:
        with torch.inference_mode():
            parts = [
                self.classifier.logits((part * self.scale).to(self.fabric.device)).float().cpu()
                for part in shelf.plain(32)
            ]
        return torch.cat(parts)


def finetune(
    classifier: Classifier,
    train: Pictures,
    validation: Pictures | None,
    recipe: FinetuneRecipe,
    jitter: JitterRecipe,
    plan: Plan,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Train backbone and head together; the classifier is left in evaluation mode with its best weights.

    Args:
        classifier: with a head fitted on frozen features, or nothing fitted at all.
        train: training part.
        validation: judged after every epoch; without it, all epochs are run.
        recipe: how.
        jitter: changes of training pictures.
        plan: how long, from which seed, and where to keep the checkpoint.
        progress: called after each epoch.

    Raises:
        RunError: the loss is no number, which names epoch and batch; or the checkpoint cannot be taken up or written.
    """
    classifier.backbone.requires_grad_(True)
    training = _Training(classifier, train, recipe, jitter, plan)
    validate = None if validation is None else training.judge_of(validation)

    def told(row: Row) -> None:
        training.rows.append(row)
        progress(row)

    fitted = run(classifier, training.optimizer.optimizer, plan, training.epoch, validate, told)
    classifier.cpu().requires_grad_(False)
    return fitted


def outputs(classifier: Classifier | Ensemble, paths: Sequence[Path], pipeline: Pipeline) -> tuple[Tensor, Tensor]:
    """Logits (N, 1) and embeddings (N, D) of image files, prepared exactly as the runtime does."""
    found = []
    with torch.inference_mode():
        for group in batches(lambda path: pipeline.apply(read(path)).array, paths, batch=16):
            found.append(classifier.answers(torch.from_numpy(np.stack(group))))
    logits, embeddings = zip(*found, strict=True)
    return torch.cat(logits), torch.cat(embeddings)
