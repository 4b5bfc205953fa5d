"""Heads fitted on features, against scikit-learn where it has the same model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from senoscope.core.domain.recipe_parts import FitRecipe
from senoscope.core.errors import RunError
from senoscope.learning.fitting.fit import Examples, class_weights, fit_head, judge
from senoscope.learning.fitting.loop import Row
from senoscope.learning.fitting.softmax import softmax_loss
from senoscope.learning.models.heads import LogisticHead, PapersHead
from tests.learning.conftest import clouds

LBFGS = FitRecipe(solver="lbfgs", epochs=500, decay=0.1)
ADAM = FitRecipe(epochs=6, batch=16, rate=0.01, patience=6, seed=4)


def examples(count: int = 160, seed: int = 0) -> Examples:
    return Examples(*clouds(count, seed=seed))


@pytest.mark.parametrize("decay", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("balance", [False, True])
def test_lbfgs_finds_the_optimum_of_scikit_learn(tmp_path: Path, decay: float, balance: bool) -> None:
    train = examples()
    head = LogisticHead(12)

    fit_head(head, train, None, LBFGS.model_copy(update={"decay": decay, "balance": balance}), tmp_path)

    standardised = (train.features - train.features.mean(0)) / train.features.std(0, ddof=1)
    weight = "balanced" if balance else None
    # The mean loss over n examples plus decay/2 |w|² is scikit-learn's C × sum + 1/2 |w|² with C = 1 / (decay × n).
    reference = LogisticRegression(C=1 / (decay * 160), class_weight=weight, tol=1e-10, max_iter=10_000)
    reference.fit(standardised.astype(np.float64), train.labels)
    assert np.abs(reference.coef_).max() > 0.01
    np.testing.assert_allclose(head.last.weight.detach().numpy(), reference.coef_, atol=1e-3)
    np.testing.assert_allclose(head.last.bias.detach().numpy(), reference.intercept_, atol=1e-3)


def test_balance_moves_the_answer_towards_the_rare_class(tmp_path: Path) -> None:
    train = examples()
    logits = []
    for balance in (False, True):
        head = LogisticHead(12)
        fit_head(head, train, None, LBFGS.model_copy(update={"balance": balance}), tmp_path / str(balance))
        logits.append(float(head(torch.from_numpy(train.features)).detach().mean()))

    assert logits[1] > logits[0] + 0.5


def test_class_weights() -> None:
    labels = np.array([1, 0, 0, 0])

    assert class_weights(labels, False).tolist() == [1, 1, 1, 1]
    assert class_weights(labels, True).tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_judge_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 50)
    logits = torch.from_numpy(random.normal(size=(50, 1)).astype(np.float32))

    found = judge(logits, Examples(np.empty((0, 0), np.float32), labels))

    assert found.loss == pytest.approx(log_loss(labels, torch.sigmoid(logits)[:, 0].numpy()), abs=1e-5)
    assert found.auc == pytest.approx(roc_auc_score(labels, logits[:, 0].numpy()), abs=1e-9)


@pytest.mark.parametrize("kind", [PapersHead, LogisticHead])
def test_adam_learns(tmp_path: Path, kind: type[PapersHead | LogisticHead]) -> None:
    torch.manual_seed(0)
    head = kind(12)

    fitted = fit_head(head, examples(400), examples(200), ADAM.model_copy(update={"epochs": 15}), tmp_path)

    best = fitted.rows[fitted.best_epoch - 1]
    assert not head.training
    assert best.validation_loss == min(row.validation_loss or 0 for row in fitted.rows)
    assert best.validation_auc is not None
    assert best.validation_auc > 0.75
    assert fitted.rows[-1].loss < fitted.rows[0].loss
    assert judge(head(torch.from_numpy(examples(200).features)), examples(200)).loss == best.validation_loss


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_resumed_fit_is_the_same(tmp_path: Path, cut: int) -> None:
    def fresh() -> PapersHead:
        torch.manual_seed(8)
        return PapersHead(12)

    def stop(row: Row) -> None:
        if row.epoch == cut:
            raise KeyboardInterrupt

    whole, cut_short, resumed = fresh(), fresh(), fresh()
    expected = fit_head(whole, examples(), examples(40, 1), ADAM, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit_head(cut_short, examples(), examples(40, 1), ADAM, tmp_path / "cut", stop)
    found = fit_head(resumed, examples(), examples(40, 1), ADAM, tmp_path / "cut")

    assert found == expected
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value)


def test_solved_head_is_taken_up_from_its_checkpoint(tmp_path: Path) -> None:
    first, again = LogisticHead(12), LogisticHead(12)
    expected = fit_head(first, examples(), examples(40, 1), LBFGS, tmp_path)

    found = fit_head(again, examples(), examples(40, 1), LBFGS, tmp_path)

    assert found == expected
    assert len(found.rows) == 1
    for key, value in first.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


def test_last_batch_of_one_is_left_out(tmp_path: Path) -> None:
    fitted = fit_head(PapersHead(12), examples(33), None, ADAM, tmp_path)

    assert all(np.isfinite(row.loss) for row in fitted.rows)


def test_number_of_threads_changes_neither_the_result_nor_itself(tmp_path: Path) -> None:
    random, before, losses = np.random.default_rng(0), torch.get_num_threads(), []
    wide = Examples(random.normal(size=(64, 1024)).astype(np.float32), np.arange(64) % 2)
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            torch.manual_seed(0)
            fitted = fit_head(PapersHead(1024), wide, wide, FitRecipe(epochs=2, batch=16), tmp_path / str(threads))
            losses.append([row.validation_loss for row in fitted.rows])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)

    assert losses[0] == losses[1]


def three(count: int = 180, seed: int = 0) -> Examples:
    """Three overlapping clouds, one of them rare."""
    random = np.random.default_rng(seed)
    labels = np.array([0, 0, 0, 1, 1, 2] * (count // 6))
    centres = np.random.default_rng(9).normal(0, 1, (3, 12))
    return Examples((centres[labels] + random.normal(0, 1.5, (count, 12))).astype(np.float32), labels)


@pytest.mark.parametrize("balance", [False, True])
def test_lbfgs_of_several_labels_finds_the_optimum_of_scikit_learn(tmp_path: Path, balance: bool) -> None:
    train, decay = three(), 0.1
    head = LogisticHead(12, answers=3)

    fit_head(head, train, None, LBFGS.model_copy(update={"decay": decay, "balance": balance}), tmp_path)

    standardised = ((train.features - train.features.mean(0)) / train.features.std(0, ddof=1)).astype(np.float64)
    weight = "balanced" if balance else None
    reference = LogisticRegression(C=1 / (decay * 180), class_weight=weight, tol=1e-10, max_iter=10_000)
    reference.fit(standardised, train.labels)
    assert np.abs(reference.coef_).max() > 0.1
    np.testing.assert_allclose(head.last.weight.detach().numpy(), reference.coef_, atol=1e-3)
    found = torch.softmax(head(torch.from_numpy(train.features)).detach(), dim=1).numpy()
    np.testing.assert_allclose(found, reference.predict_proba(standardised), atol=1e-3)


@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_adam_of_several_labels_learns_and_resumes(tmp_path: Path, loss: str) -> None:
    recipe = FitRecipe.model_validate({**ADAM.model_dump(), "loss": loss, "balance": True})
    validation = three(seed=1)

    def fitted(name: str, *epochs: int) -> tuple[PapersHead, tuple[Row, ...]]:
        rows: tuple[Row, ...] = ()
        for count in epochs:
            torch.manual_seed(0)
            head = PapersHead(12, hidden=16, answers=3)
            asked = recipe.model_copy(update={"epochs": count})
            rows = fit_head(head, three(), validation, asked, tmp_path / name).rows
        return head, rows

    head, rows = fitted("whole", 6)
    resumed, again = fitted("cut", 3, 6)

    assert rows == again
    assert torch.equal(head.last.weight, resumed.last.weight)
    assert rows[-1].validation_auc is not None
    assert rows[-1].validation_auc > 0.7
    assert (rows[-1].validation_loss or 9) < np.log(3)


def test_judgement_of_several_labels_equals_the_reference() -> None:
    logits = torch.randn(90, 3, generator=torch.Generator().manual_seed(0))
    labels = np.arange(90) % 3

    found = judge(logits, Examples(np.empty((90, 0), np.float32), labels))

    chances = torch.softmax(logits.double(), dim=1).numpy()
    assert found.loss == pytest.approx(log_loss(labels, chances), rel=1e-5)
    assert found.auc == pytest.approx(roc_auc_score(labels, chances, multi_class="ovr"), abs=1e-9)


def test_focal_loss_of_several_labels_without_focus_is_cross_entropy() -> None:
    random = torch.Generator().manual_seed(0)
    logits, labels, weights = torch.randn(9, 4, generator=random), torch.arange(9) % 4, torch.rand(9, generator=random)

    plain = softmax_loss(logits, labels, weights)

    torch.testing.assert_close(softmax_loss(logits, labels, weights, "focal", 0.0), plain)
    assert softmax_loss(logits, labels, weights, "focal", 2.0) < plain


def test_balance_of_several_labels_weighs_them_alike() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])

    weights = class_weights(labels, balance=True).numpy()

    assert weights.mean() == pytest.approx(1)
    assert [weights[labels == label].sum() for label in range(3)] == pytest.approx([10 / 3] * 3)


def test_answers_that_are_no_numbers_blame_the_rate_and_not_the_data() -> None:
    examples = Examples(np.empty((0, 0), np.float32), np.array([0, 1], np.int64))

    for count in (1, 3):
        with pytest.raises(RunError, match="no number") as caught:
            judge(torch.full((2, count), float("nan")), examples)
        assert "learning rate" in caught.value.hint
