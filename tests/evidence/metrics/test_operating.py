import numpy as np
import pytest

from senoscope.evidence.metrics.classification import at_threshold
from senoscope.evidence.metrics.operating import choose, most_probable


def sample(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = (np.arange(200) % 3 == 0).astype(int)
    return np.round(np.clip(0.3 * labels + random.uniform(0, 0.7, 200), 0, 1), 2), labels


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_is_better(seed: int) -> None:
    probabilities, labels = sample(seed)

    screening, balanced = choose(probabilities, labels, np.arange(200), replicates=50)

    thresholds = np.unique(probabilities)
    found = [at_threshold(labels, probabilities, threshold) for threshold in thresholds]
    assert screening.threshold == max(
        threshold for threshold, one in zip(thresholds, found, strict=True) if one["sensitivity"] >= 0.95
    )
    at = at_threshold(labels, probabilities, balanced.threshold)
    best = max(one["sensitivity"] + one["specificity"] for one in found)
    assert at["sensitivity"] + at["specificity"] == pytest.approx(best, abs=1e-12)
    assert (balanced.sensitivity.value, balanced.specificity.value) == (at["sensitivity"], at["specificity"])


def test_names_and_intervals() -> None:
    probabilities, labels = sample(0)

    points = choose(probabilities, labels, np.arange(200) // 2, replicates=200)

    assert [point.name for point in points] == ["screening", "balanced"]
    for point in points:
        assert point.sensitivity.low <= point.sensitivity.value <= point.sensitivity.high
        assert point.specificity.low <= point.specificity.value <= point.specificity.high


def test_scores_that_say_nothing_call_everything() -> None:
    points = choose([0.3, 0.3, 0.3, 0.3], [0, 1, 0, 1], [0, 1, 2, 3], replicates=20)

    assert [point.threshold for point in points] == [0.3, 0.3]
    assert [point.specificity.value for point in points] == [0.0, 0.0]


def test_the_most_probable_of_several_labels_is_called() -> None:
    random = np.random.default_rng(0)
    labels, words = np.arange(90) % 3, ("fatty", "glandular", "dense")
    scores = random.uniform(size=(90, 3)) + 0.5 * np.eye(3)[labels]
    probabilities = scores / scores.sum(axis=1, keepdims=True)

    found = most_probable(probabilities, labels, np.arange(90) // 2, words, replicates=50)

    assert (found.name, found.threshold) == ("most_probable", None)
    right = probabilities.argmax(axis=1) == labels
    assert {name: share.value for name, share in found.sensitivities.items()} == pytest.approx(
        {name: right[labels == place].mean() for place, name in enumerate(words)}
    )
    assert all(share.low < share.value < share.high for share in found.sensitivities.values())
