"""Support vector machines against scikit-learn, and taken up again."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import FitRecipe
from senoscope.core.errors import RunError
from senoscope.learning import machine as machines
from senoscope.learning.fit import Examples, fit_head
from senoscope.learning.models.svm import SVMHead
from tests.learning.conftest import clouds

LIBSVM = FitRecipe(solver="libsvm", cost=2.0, gamma=0.7)


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("balance", [True, False])
def test_decision_is_that_of_scikit_learn(tmp_path: Path, linear: bool, balance: bool) -> None:
    train, new = Examples(*clouds()), clouds(60, seed=1)[0]
    head = SVMHead(12, linear)

    fit_head(head, train, None, LIBSVM.model_copy(update={"balance": balance}), tmp_path)

    mean, std = train.features.mean(0), train.features.std(0, ddof=1)
    reference = SVC(
        C=2.0,
        kernel="linear" if linear else "rbf",
        gamma=0.7 / 12,
        class_weight="balanced" if balance else None,
    ).fit((train.features - mean) / std, train.labels)
    expected = reference.decision_function((new - mean) / std)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(head(torch.from_numpy(new))[:, 0].numpy(), expected, atol=2e-3)


def test_an_earlier_solution_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Examples(*clouds())
    first, second = SVMHead(12, linear=False), SVMHead(12, linear=False)
    fit_head(first, train, train, LIBSVM, tmp_path)
    monkeypatch.setattr(machines, "SVC", None)

    fitted = fit_head(second, train, train, LIBSVM, tmp_path)

    assert fitted.best_epoch == 1
    assert torch.equal(first(torch.from_numpy(train.features)), second(torch.from_numpy(train.features)))
    assert (tmp_path / "log.csv").read_text().count("\n") == 2


def test_a_broken_solution_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"cut short")

    with pytest.raises(RunError, match="cannot be taken up"):
        fit_head(SVMHead(12, linear=True), Examples(*clouds()), None, LIBSVM, tmp_path)


@pytest.mark.parametrize(("head", "solver"), [("svm_rbf", "adam"), ("papers", "libsvm"), ("logistic", "libsvm")])
def test_head_and_solver_belong_together(head: str, solver: str) -> None:
    with pytest.raises(ValueError, match="libsvm"):
        Recipe.model_validate(
            {"name": "x", "task": "x", "dataset": "x", "model": {"head": head}, "fit": {"solver": solver}}
        )
