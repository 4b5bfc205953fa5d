import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from senoscope.evidence.audit.shortcut_model import BINS, Encoding, fit, guesses
from senoscope.evidence.metrics.classification import roc_auc


@pytest.mark.parametrize("ridge", [0.1, 1.0, 30.0])
def test_the_fit_is_that_of_scikit_learn(ridge: float) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(300, 12)) * random.uniform(0.2, 3, 12)
    truth = (features[:, 0] - features[:, 1] + random.normal(size=300) > 0.4).astype(np.int64)

    found = fit(features, truth, ridge)

    peer = LogisticRegression(C=1 / ridge, tol=1e-10, max_iter=10_000).fit(features, truth)
    assert found[0] == pytest.approx(peer.intercept_[0], abs=1e-4)
    assert found[1:] == pytest.approx(peer.coef_[0], abs=1e-4)


def test_separated_classes_have_an_answer() -> None:
    features = np.linspace(-1, 1, 20)[:, None]
    truth = (features[:, 0] > 0).astype(np.int64)

    found = fit(features, truth, 1.0)

    assert np.isfinite(found).all()
    assert found[1] > 1


def test_numbers_become_value_and_bins_and_missing_ones_a_column() -> None:
    column = np.array([*np.arange(80.0), np.nan])

    features = Encoding.of(column).features(column)

    assert features.shape == (81, 1 + BINS + 1)
    assert features[:80, 1:-1].sum(axis=1).tolist() == [1.0] * 80
    assert features[:80, 1:-1].sum(axis=0).tolist() == [10.0] * BINS
    assert features[80].tolist() == [0.0] * (1 + BINS) + [1.0]


def test_words_not_seen_in_training_have_a_column_of_their_own() -> None:
    encoding = Encoding.of(np.array(["a", "b", "a"]))

    assert encoding.features(np.array(["a", "b", "c"])).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_hump_is_seen_and_no_sample_guesses_itself() -> None:
    random = np.random.default_rng(1)
    column = random.normal(size=400)
    truth = (np.abs(column) < 0.6).astype(np.int64)
    fold = np.arange(400) % 5

    assert roc_auc(truth, guesses([column], truth, fold, 1.0)) > 0.9
    unique = np.array([f"name {number}" for number in range(400)])
    assert roc_auc(truth, guesses([unique], truth, fold, 1.0)) < 0.6
