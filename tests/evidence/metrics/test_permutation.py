from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn import metrics as reference

from senoscope.core.errors import UsageError
from senoscope.evidence.metrics.permutation import EXCHANGED, paired_permutation


def models(seed: int, gap: float, count: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, answers of two models that share what they see, and groups of two images."""
    random = np.random.default_rng(seed)
    labels = (np.arange(count) % 4 < 2).astype(int)
    groups = np.arange(count) // 2
    shared = random.normal(0, 1, count) + random.normal(0, 1, count)[groups]
    first, second = (labels * part + shared + random.normal(0, 1, count) for part in (1 + gap, 1))
    return labels, 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(-second)), groups


@pytest.mark.parametrize("figure", ["roc_auc", "brier", "sensitivity"])
def test_p_nears_that_of_all_exchanges(figure: str) -> None:
    labels, first, second, groups = models(3, 1.0, 20)
    measures: dict[str, Callable[[np.ndarray], float]] = {
        "roc_auc": lambda p: reference.roc_auc_score(labels, p),
        "brier": lambda p: reference.brier_score_loss(labels, p),
        "sensitivity": lambda p: reference.recall_score(labels, p >= 0.5),
    }
    compute = measures[figure]
    one, other = (rankdata(p) / 20 if figure == "roc_auc" else p for p in (first, second))
    seen = compute(one) - compute(other)
    reached = []
    for swaps in product((False, True), repeat=10):
        swap = np.array(swaps)[groups]
        drawn = compute(np.where(swap, other, one)) - compute(np.where(swap, one, other))
        reached.append(abs(drawn) >= abs(seen) - 1e-12)

    found = paired_permutation(labels, first, second, groups, figure=figure, replicates=20_000)

    assert found.statistic == pytest.approx(seen, abs=1e-12)
    assert found.p == pytest.approx(np.mean(reached), abs=0.012)


def test_models_that_are_alike_are_called_different_one_time_in_twenty() -> None:
    found = [paired_permutation(*models(seed, 0.0, 60), replicates=199, seed=seed).p for seed in range(300)]

    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.085
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_a_better_model_is_found() -> None:
    labels, first, second, groups = models(0, 2.0)

    found = paired_permutation(labels, first, second, groups, replicates=500)

    assert found.p == pytest.approx(1 / 501)
    assert 0 < found.difference.low <= found.difference.value <= found.difference.high
    assert found.method == "permutation within groups, 500 exchanges"


def test_the_scale_of_a_models_scores_does_not_matter_to_its_order() -> None:
    labels, first, second, groups = models(1, 0.5)

    plain = paired_permutation(labels, first, second, groups, replicates=300)
    squeezed = paired_permutation(labels, first, second / 1000, groups, replicates=300)

    assert squeezed.p == plain.p


def test_a_model_does_not_differ_from_itself() -> None:
    labels, first, _, groups = models(0, 1.0)

    found = paired_permutation(labels, first, first, groups, figure="f1", replicates=50)

    assert (found.statistic, found.p) == (0, 1)


def test_own_thresholds_go_with_the_answers() -> None:
    labels, first, _, groups = models(0, 1.0)

    found = paired_permutation(
        labels, first, first / 2, groups, figure="accuracy", threshold=(0.5, np.full(120, 0.25)), replicates=50
    )

    assert (found.statistic, found.p) == (0, 1)


@pytest.mark.parametrize("figure", EXCHANGED)
def test_every_figure_can_be_tested(figure: str) -> None:
    found = paired_permutation(*models(0, 0.5), figure=figure, replicates=30)

    assert 1 / 31 <= found.p <= 1


def test_what_cannot_be_tested_is_refused() -> None:
    labels, first, second, groups = models(0, 1.0)

    with pytest.raises(UsageError, match="cannot be tested by permutation"):
        paired_permutation(labels, first, second, groups, figure="calibration_slope")
    with pytest.raises(UsageError, match="ppv is undefined"):
        paired_permutation(labels, first, second, groups, figure="ppv", threshold=1.0, replicates=10)
