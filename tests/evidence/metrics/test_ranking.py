import numpy as np
import pytest

from senoscope.evidence.metrics import ranking
from senoscope.evidence.metrics.ranking import NAMES, rank, ranking_figures


def sample(digits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores, groups and how often each of 40 groups is drawn in 30 replicates."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 150)
    scores = np.round(labels + random.normal(0, 1, 150), digits)
    return labels, scores, random.integers(0, 40, 150), random.multinomial(40, np.full(40, 1 / 40), 30).astype(np.int32)


@pytest.mark.parametrize("digits", [0, 1, 12])
def test_weights_of_groups_are_those_of_their_samples(digits: int) -> None:
    labels, scores, groups, drawn = sample(digits)

    by_group = ranking_figures(rank(labels, scores, groups), drawn)
    by_sample = ranking_figures(rank(labels, scores), drawn[:, groups].astype(float))

    for name in NAMES:
        np.testing.assert_allclose(by_group[name], by_sample[name], atol=1e-12)


@pytest.mark.parametrize("digits", [1, 12])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, digits: int) -> None:
    labels, scores, groups, drawn = sample(digits)
    prepared = rank(labels, scores, groups)
    whole = ranking_figures(prepared, drawn)

    monkeypatch.setattr(ranking, "BLOCK", 7 * 150)
    parts = ranking_figures(prepared, drawn)

    for name in NAMES:
        np.testing.assert_array_equal(parts[name], whole[name])


def test_what_ties_is_summed_only_where_it_ties() -> None:
    labels, scores, _, _ = sample(12)
    tied = rank(labels, np.round(scores))

    free = rank(labels, scores)

    assert (free.starts, free.through) == (None, None)
    assert tied.starts is not None
    assert tied.through is not None
    assert len(tied.above) == len(np.unique(np.round(scores[labels == 1])))


def test_a_class_without_weight_has_no_order() -> None:
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.3, 0.2])
    weights = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 0]])

    found = ranking_figures(rank(labels, scores), weights)

    for name in NAMES:
        assert np.isfinite(found[name]).tolist() == [True, False, False], name
    assert found["roc_auc"][0] == 0.75


def test_a_class_that_is_not_there_has_no_order() -> None:
    found = ranking_figures(rank(np.zeros(3, np.int64), np.arange(3.0)), np.ones((2, 3)))

    assert all(np.isnan(found[name]).all() and len(found[name]) == 2 for name in NAMES)


def test_many_heavy_weights_do_not_overflow() -> None:
    labels, scores = np.repeat([0, 1], 50_000), np.arange(100_000) % 50_000
    weights = np.full((1, 100_000), 20_000, np.int32)

    found = ranking_figures(rank(labels, scores.astype(float)), weights)

    assert found["roc_auc"][0] == pytest.approx(0.5, abs=1e-9)
