"""Support vector machines against scikit-learn, and taken up again."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import FitRecipe
from senoscope.core.errors import RunError
from senoscope.learning.fitting import machine as machines
from senoscope.learning.fitting.fit import Examples, fit_head
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


def three_clouds(count: int = 150, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Three overlapping clouds of points (N, 12), of three sizes."""
    random = np.random.default_rng(seed)
    labels = np.array([0, 1, 2, 2, 2, 1])[np.arange(count) % 6]
    centres = np.random.default_rng(9).normal(size=(3, 12))
    return (centres[labels] + random.normal(size=(count, 12))).astype(np.float32), labels


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("balance", [True, False])
def test_several_labels_have_a_machine_each_against_the_rest(tmp_path: Path, linear: bool, balance: bool) -> None:
    train, new = Examples(*three_clouds()), three_clouds(60, seed=1)[0]
    head, again = (SVMHead(12, linear, answers=3) for _ in range(2))
    recipe = LIBSVM.model_copy(update={"balance": balance})

    fitted = fit_head(head, train, None, recipe, tmp_path)

    mean, std = train.features.mean(0), train.features.std(0, ddof=1)
    machine = SVC(
        C=2.0,
        kernel="linear" if linear else "rbf",
        gamma=0.7 / 12,
        class_weight="balanced" if balance else None,
    )
    reference = OneVsRestClassifier(machine).fit((train.features - mean) / std, train.labels)
    expected = reference.decision_function((new - mean) / std)
    found = head(torch.from_numpy(new)).numpy()
    assert sorted(set(found.argmax(axis=1))) == [0, 1, 2]
    np.testing.assert_allclose(found, expected, atol=2e-3)
    signs = 2 * np.eye(3)[train.labels] - 1
    margins = reference.decision_function((train.features - mean) / std)
    assert fitted.rows[0].loss == pytest.approx(np.maximum(0, 1 - signs * margins).mean(), abs=1e-3)
    fit_head(again, train, None, recipe, tmp_path)
    assert torch.equal(again(torch.from_numpy(new)), torch.from_numpy(found))


def test_a_label_that_training_does_not_have_is_never_called(tmp_path: Path) -> None:
    features, labels = three_clouds()
    known = labels != 1
    head = SVMHead(12, linear=False, answers=3)

    fit_head(head, Examples(features[known], labels[known]), None, LIBSVM, tmp_path)

    logits = head(torch.from_numpy(features))
    assert torch.equal(logits[:, 1], torch.full((150,), -1.0))
    assert set(logits.argmax(dim=1).tolist()) == {0, 2}


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
