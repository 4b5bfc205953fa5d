"""Training the backbone too, from the best frozen head or from nothing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from senoscope.core.domain.recipe_parts import FinetuneRecipe, JitterRecipe
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.learning.data.pictures import Pictures, PictureSource
from senoscope.learning.data.source import Batch, Part, Source, parts_of
from senoscope.learning.exams.network import ExamClassifier
from senoscope.learning.fitting.company import State, company, led
from senoscope.learning.fitting.fit import Examples, class_weights, judge, loss_of_logits
from senoscope.learning.fitting.jobs import job_of, message
from senoscope.learning.fitting.loop import Fitted, Plan, Row, Validation, run
from senoscope.learning.fitting.losses import numeric
from senoscope.learning.fitting.optimizing import backbone_of, optimizer_of, rate_of, set_rate, warmed
from senoscope.learning.fitting.shared import Shared
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble

Network = TypeVar("Network", bound=nn.Module)

JUDGED = 32
"""Rows judged at once."""


class _Training(Generic[Network, Batch]):
    """One network, its optimiser and what it is trained on, epoch after epoch."""

    def __init__(self, classifier: Network, train: Source[Network, Batch], recipe: FinetuneRecipe, plan: Plan) -> None:
        self.recipe, self.plan, self.train = recipe, plan, train
        self.labels = torch.from_numpy(train.labels).float()
        self.weights = class_weights(train.labels, recipe.balance != "none")
        self.loss = loss_of_logits(recipe.loss, recipe.focus, recipe.smoothing)
        self.rows: list[Row] = []
        # Weights in the pictures' own layout: a step on a CPU takes about 30 % less, as nothing is put in order anew.
        classifier.to(memory_format=torch.channels_last)
        self.classifier, self.shared = classifier, Shared(classifier)
        self.shared.prepare(train)
        self.fabric = self.shared.fabric()
        self.network: Any
        self.network, self.optimizer = self.fabric.setup(classifier, optimizer_of(classifier, recipe))
        self.network.mark_forward_method("logits")

    def epoch(self, number: int) -> float:
        """Train one epoch on rows changed as drawn from the epoch; returns the mean loss."""
        # The head was fitted on features of the stored batch-norm statistics; those of a small batch would undo it.
        if self.recipe.statistics == "kept":
            backbone_of(self.classifier).eval()
        parts, rate = parts_of(self._order(), self.recipe.batch), rate_of(self.recipe, self.plan.epochs, self.rows)
        steps = -(-len(parts) // self.recipe.accumulate)
        total = 0.0
        for place, batch in enumerate(self.train.batches(self.shared.own(parts), number)):
            step, within = divmod(place, self.recipe.accumulate)
            together = sum(len(part.rows) for part in parts[step * self.recipe.accumulate :][: self.recipe.accumulate])
            last, size = within + 1 == self.recipe.accumulate or place + 1 == len(parts), len(parts[place].rows)
            with self.shared.step(self.fabric, self.network, last):
                loss = self._loss(batch, parts[place])
                total += numeric(loss, number, place + 1) * size
                self.fabric.backward(loss * (size / together))
            if last:
                set_rate(self.optimizer, rate * warmed(self.recipe, number, step, steps))
                self.optimizer.step()
                self.optimizer.zero_grad()
        return total / sum(len(part.rows) for part in parts)

    def _order(self) -> NDArray[np.int64]:
        count = self.train.count
        if self.recipe.balance == "sampling":
            order = torch.multinomial(self.weights, count, replacement=True)
        else:
            order = torch.randperm(count)
        # A last batch of one row cannot be batch-normalised; it waits for another epoch's order.
        return order[: count - (count % self.recipe.batch == 1)].numpy()

    def _loss(self, batch: Batch, part: Part) -> Tensor:
        with self.shared.head(len(part.rows)):
            logits = self.train.logits(self.network, batch).float()
        weights = self.weights[part.rows] if self.recipe.balance == "weights" else torch.ones(len(part.rows))
        return self.loss(logits, self.labels[part.rows].to(logits.device), weights.to(logits.device))

    def judge_of(self, validation: Source[Network, Batch]) -> Callable[[], Validation]:
        """What judges the network on these rows as they are."""
        examples = Examples(np.empty((0, 0), np.float32), validation.labels)
        return lambda: judge(self._logits(validation), examples)

    def _logits(self, validation: Source[Network, Batch]) -> Tensor:
        parts = parts_of(np.arange(validation.count), JUDGED)
        found = []
        with torch.inference_mode():
            for part, batch in zip(parts, validation.batches(self.shared.own(parts), None), strict=True):
                with self.shared.head(len(part.rows)):
                    found.append(validation.logits(self.classifier, batch).float().cpu())
        return torch.cat(found)


def finetune(
    classifier: Classifier,
    train: Pictures,
    validation: Pictures | None,
    recipe: FinetuneRecipe,
    jitter: JitterRecipe,
    plan: Plan,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Train backbone and head together on pictures, each by itself; see `finetune_on`.

    Args:
        classifier: with a head fitted on frozen features, or nothing fitted at all.
        train: training part.
        validation: judged after every epoch; without it, all epochs are run.
        recipe: how.
        jitter: changes of training pictures.
        plan: how long, from which seed, and where to keep the checkpoint.
        progress: called after each epoch.

    Raises:
        RunError: as `finetune_on`.
    """
    source = PictureSource(train, jitter, plan.seed)
    judged = None if validation is None else PictureSource(validation, jitter, plan.seed)
    return finetune_on(classifier, source, judged, recipe, plan, progress)


def finetune_on(
    classifier: Network,
    train: Source[Network, Batch],
    validation: Source[Network, Batch] | None,
    recipe: FinetuneRecipe,
    plan: Plan,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Train the whole network on any source; it is left in evaluation mode with its best weights.

    Args:
        classifier: whose `head` may have been fitted on frozen features.
        train: what to train on.
        validation: judged after every epoch; without it, all epochs are run.
        recipe: how.
        plan: how long, from which seed, and where to keep the checkpoint.
        progress: called after each epoch.

    Raises:
        RunError: the loss is no number, which names epoch and batch; or the checkpoint cannot be taken up or written.
    """
    if company().count > 1:
        company().told(*message(classifier, train, validation, recipe, plan))
    return _together(classifier, train, validation, recipe, plan, progress)


def _together(
    classifier: Network,
    train: Source[Network, Batch],
    validation: Source[Network, Batch] | None,
    recipe: FinetuneRecipe,
    plan: Plan,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """What every process does."""
    backbone_of(classifier).requires_grad_(True)
    training = _Training(classifier, train, recipe, plan)
    validate = None if validation is None else training.judge_of(validation)

    def told(row: Row) -> None:
        training.rows.append(row)
        progress(row)

    fitted = run(classifier, training.optimizer.optimizer, plan, training.epoch, validate, told, company())
    classifier.cpu().requires_grad_(False).to(memory_format=torch.contiguous_format)
    return fitted


def processes() -> AbstractContextManager[bool]:
    """Give whether this process leads a run; under `torchrun` the others fine-tune with it until the block ends.

    Raises:
        RunError: in the leader, another process failed; says how.
    """
    return led(_attended)


def _attended(words: Any, state: State) -> None:
    """Go through what the leader handed out."""
    job = job_of(words)
    network, train, validation = cast("tuple[Any, Any, Any]", (job.network_of(state), job.train, job.validation))
    _together(network, train, validation, job.recipe, job.plan)


def outputs(
    classifier: Classifier | Ensemble | ExamClassifier, paths: Sequence[Path], pipeline: Pipeline
) -> tuple[Tensor, Tensor]:
    """Logits (N, 1) and embeddings (N, D) of image files, prepared exactly as the runtime does."""
    found = []
    with torch.inference_mode():
        for group in batches(lambda path: pipeline.apply(read(path)).array, paths, batch=16):
            found.append(classifier.answers(torch.from_numpy(np.stack(group))))
    logits, embeddings = zip(*found, strict=True)
    return torch.cat(logits), torch.cat(embeddings)
