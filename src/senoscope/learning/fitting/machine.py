"""A support vector machine solved by LIBSVM, and what it left taken up again."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from sklearn.svm import SVC
from torch import Tensor

from senoscope.core.domain.recipe_parts import FitRecipe
from senoscope.core.errors import RunError
from senoscope.learning.fitting.loop import Fitted, Row, Validation, write_log
from senoscope.learning.models.svm import SVMHead

CACHE = 500
"""Megabytes LIBSVM may keep of the kernel."""


def machine(
    head: SVMHead,
    features: Tensor,
    labels: NDArray[np.int64],
    recipe: FitRecipe,
    folder: Path,
    validate: Callable[[], Validation] | None,
    progress: Callable[[Row], None],
) -> Fitted:
    """Solve for the margin, or take up what an earlier call solved; the head is left in evaluation mode.

    Args:
        head: whose standardisation has seen the features.
        features: (N, D) training features.
        labels: (N,) positions among the task's: 0 or 1 of two.
        recipe: `cost`, `gamma`, `balance`.
        folder: for `checkpoint.safetensors` and `log.csv`.
        validate: judges the head once it is solved.
        progress: called once.

    Raises:
        RunError: the checkpoint cannot be taken up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "checkpoint.safetensors"
    if path.is_file():
        _take_up(head, path)
    else:
        _solve(head, head.standard(features).double().numpy(), labels, recipe)
        temporary = path.with_suffix(".part")
        save_file({name: value.contiguous() for name, value in head.state_dict().items()}, temporary)
        os.replace(temporary, path)
    head.eval()
    found = validate() if validate else None
    row = Row(1, _hinge(head, features, labels), found.loss if found else None, found.auc if found else None)
    write_log(folder / "log.csv", [row])
    progress(row)
    return Fitted(1, (row,))


def _solve(head: SVMHead, standard: NDArray[np.float64], labels: NDArray[np.int64], recipe: FitRecipe) -> None:
    """One machine for two labels; of more, one for each against the rest."""
    gamma = recipe.gamma / standard.shape[1]
    sides = [labels == 1] if head.answers == 1 else [labels == label for label in range(head.answers)]
    coefficients = np.zeros((len(standard), len(sides)))
    # Where training has no second side there is no plane: a label that nothing has is never called.
    bias = np.array([1.0 if side.all() else -1.0 for side in sides])
    for place, side in enumerate(sides):
        if 0 < side.sum() < len(side):
            coefficients[:, place], bias[place] = _plane(head, standard, side, gamma, recipe)
    # Without any plane one vector of no weight stands for them.
    support = np.flatnonzero((coefficients != 0).any(axis=1)) if coefficients.any() else np.zeros(1, np.int64)
    vectors, weights = standard[support], coefficients[support]
    if head.linear:
        vectors, weights = weights.T @ vectors, np.eye(len(sides))
    head.adopt(*(torch.from_numpy(np.array(value)) for value in (vectors, weights, bias, [gamma])))


def _plane(
    head: SVMHead, standard: NDArray[np.float64], side: NDArray[np.bool_], gamma: float, recipe: FitRecipe
) -> tuple[NDArray[np.float64], float]:
    """(N,) signed coefficients of all examples, 0 of those that are no support vectors; and the bias."""
    solver = SVC(
        C=recipe.cost,
        kernel="linear" if head.linear else "rbf",
        gamma=gamma,
        class_weight="balanced" if recipe.balance else None,
        cache_size=CACHE,
    ).fit(standard, side)
    coefficients = np.zeros(len(standard))
    coefficients[solver.support_] = solver.dual_coef_[0]
    return coefficients, float(solver.intercept_[0])


def _take_up(head: SVMHead, path: Path) -> None:
    try:
        state = load_file(path)
        fitted = {name: state.pop(name) for name in ("vectors", "weights", "bias", "gamma")}
        head.adopt(*(fitted | {"weights": fitted["weights"].reshape(-1, head.answers)}).values())
        head.load_state_dict(state, strict=False)
    except (SafetensorError, OSError, RuntimeError, KeyError) as error:
        raise RunError(
            f"{path} cannot be taken up: {str(error)[:160]}", "remove the run folder, or give another"
        ) from error


def _hinge(head: SVMHead, features: Tensor, labels: NDArray[np.int64]) -> float:
    """Mean of max(0, 1 − side × decision) over examples and machines, sides −1 and 1."""
    places = torch.arange(head.answers) if head.answers > 1 else torch.ones(1)
    signs = 2.0 * (torch.from_numpy(labels)[:, None] == places) - 1
    return float((1 - signs * head(features)).clamp_min(0).mean())
