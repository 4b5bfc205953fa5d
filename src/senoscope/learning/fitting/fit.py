"""Fitting a head on stored features: seconds, whatever the backbone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from senoscope.core.domain.recipe_parts import FitRecipe
from senoscope.core.errors import RunError
from senoscope.evidence.metrics.classification import roc_auc
from senoscope.learning.exams.head import ExamHead
from senoscope.learning.fitting.loop import Fitted, Plan, Row, Validation, run
from senoscope.learning.fitting.losses import Loss, loss_of, numeric
from senoscope.learning.fitting.machine import machine
from senoscope.learning.fitting.softmax import judge_softmax, softmax_loss, softmax_weights
from senoscope.learning.models.build import Head
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.models.svm import SVMHead


@dataclass(frozen=True, eq=False)
class Examples:
    """Pooled features (N, D) float32 and labels (N,), positions among the task's: 0 or 1 of two."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]


def class_weights(labels: NDArray[np.int64], balance: bool) -> Tensor:
    """(N,) weights of mean 1: all 1, or such that every class weighs the same."""
    if balance and labels.max() > 1:
        return softmax_weights(labels)
    positives = labels.mean()
    if not balance:
        return torch.ones(len(labels))
    return torch.from_numpy(np.where(labels == 1, 0.5 / positives, 0.5 / (1 - positives))).float()


def loss_of_logits(kind: Literal["bce", "focal"], focus: float, smoothing: float = 0.0) -> Loss:
    """Loss of (N, 1) logits of two labels, or of (N, K) of K > 2; see `loss_of`."""
    binary = loss_of(kind, focus, smoothing)

    def measured(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        if logits.shape[1] == 1:
            return binary(logits[:, 0], labels, weights)
        return softmax_loss(logits, labels, weights, kind, focus, smoothing)

    return measured


def fit_head(
    head: Head | ExamHead,
    train: Examples,
    validation: Examples | None,
    recipe: FitRecipe,
    folder: Path,
    progress: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Fit a head; it is left in evaluation mode with its best weights.

    Args:
        head: freshly built, or the checkpoint in `folder` is taken up.
        train: training part, extra views included.
        validation: judged after every epoch by its loss; without it, all epochs are run.
        recipe: how.
        folder: for checkpoint and log.
        progress: called after each epoch.

    Raises:
        RunError: the loss is no number; or the checkpoint cannot be taken up or written.
    """
    features, labels = torch.from_numpy(train.features), torch.from_numpy(train.labels).float()
    weights = class_weights(train.labels, recipe.balance)
    head.start(features)
    validate = None if validation is None else lambda: judge(head(torch.from_numpy(validation.features)), validation)
    if isinstance(head, SVMHead):
        return machine(head, features, train.labels, recipe, folder, validate, progress)
    if recipe.solver == "lbfgs":
        return _solve(head, features, labels, weights, recipe, folder, validate, progress)
    optimizer = torch.optim.Adam(head.parameters(), lr=recipe.rate, weight_decay=recipe.decay, fused=True)
    measured = loss_of_logits(recipe.loss, recipe.focus)

    def epoch(number: int) -> float:
        total = 0.0
        # A last batch of one image cannot be batch-normalised; it waits for another epoch's order.
        parts = (part for part in torch.randperm(len(labels)).split(recipe.batch) if len(part) > 1)
        for place, batch in enumerate(parts, 1):
            loss = measured(head(features[batch]), labels[batch], weights[batch])
            total += numeric(loss, number, place) * len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return total / len(labels)

    with _one_thread():
        plan = Plan(recipe.epochs, recipe.patience, recipe.seed, folder)
        return run(head, optimizer, plan, epoch, validate, progress)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Steps this small wait for a second thread longer than it saves; and the sums would depend on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def judge(logits: Tensor, examples: Examples) -> Validation:
    """Unweighted cross-entropy and ROC AUC of (N, 1) logits; of (N, K) the macro ROC AUC.

    Raises:
        RunError: a logit is no number.
    """
    if not bool(torch.isfinite(logits).all()):
        raise RunError(
            "after an epoch the network answers with what is no number",
            "lower the learning rate and begin in another --out; what earlier epochs came to is kept",
        )
    if logits.shape[1] > 1:
        return judge_softmax(logits, examples.labels)
    scores = logits.detach()[:, 0]
    loss = float(cross_entropy(scores, torch.from_numpy(examples.labels).float()))
    return Validation(loss, roc_auc(examples.labels, scores.numpy().astype(np.float64)))


def _solve(
    head: Head | ExamHead,
    features: Tensor,
    labels: Tensor,
    weights: Tensor,
    recipe: FitRecipe,
    folder: Path,
    validate: Callable[[], Validation] | None,
    progress: Callable[[Row], None],
) -> Fitted:
    """All examples at once by L-BFGS, to the optimum of a convex loss: one epoch that cannot be cut in halves."""
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=recipe.epochs, history_size=20, tolerance_grad=1e-7, line_search_fn="strong_wolfe"
    )

    measured = loss_of_logits(recipe.loss, recipe.focus)
    linear = head.head if isinstance(head, ExamHead) else head
    # Recipes let this solver have no other head.
    assert isinstance(linear, LogisticHead)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = measured(head(features), labels, weights)
        penalized = loss + recipe.decay / 2 * linear.last.weight.square().sum()
        penalized.backward()
        return penalized

    plan = Plan(1, 1, recipe.seed, folder)
    return run(head, optimizer, plan, lambda number: numeric(optimizer.step(closure), number, 1), validate, progress)
