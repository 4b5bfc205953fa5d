import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics import intervals
from senoscope.evidence.metrics.classification import FIGURES
from senoscope.evidence.metrics.intervals import binary_table, bootstrap


def sample(count: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = (np.arange(count) % 3 == 0).astype(int)
    return labels, np.clip(0.25 * labels + random.uniform(0, 0.75, count), 0, 1)


def test_every_figure_lies_within_its_interval() -> None:
    labels, scores = sample()

    table = binary_table(labels, scores, np.arange(120), 0.5, replicates=500)

    assert tuple(table) == FIGURES
    for name, interval in table.items():
        assert interval.low <= interval.high, name
        if name != "ece":  # a replicate repeats samples, which only ever adds to the calibration error
            assert interval.low <= interval.value <= interval.high, name


def test_intervals_equal_a_plain_bootstrap_in_the_limit() -> None:
    labels, scores = sample()
    random = np.random.default_rng(1)
    rows = [np.flatnonzero(labels == label) for label in (0, 1)]
    drawn = [np.concatenate([random.choice(part, len(part)) for part in rows]) for _ in range(2000)]
    low, high = np.percentile([roc_auc_score(labels[take], scores[take]) for take in drawn], (2.5, 97.5))

    found = binary_table(labels, scores, np.arange(120), 0.5, replicates=4000)["roc_auc"]

    assert found.value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)


def test_copies_within_a_group_do_not_narrow_the_interval() -> None:
    labels, scores = sample()
    groups = np.arange(120)

    once = binary_table(labels, scores, groups, 0.5, replicates=300)
    copied = binary_table(np.tile(labels, 4), np.tile(scores, 4), np.tile(groups, 4), 0.5, replicates=300)
    pretended = binary_table(np.tile(labels, 4), np.tile(scores, 4), np.arange(480), 0.5, replicates=300)

    for name in FIGURES:
        assert copied[name].low == pytest.approx(once[name].low, abs=1e-12), name
        assert copied[name].high == pytest.approx(once[name].high, abs=1e-12), name
    width = once["roc_auc"].high - once["roc_auc"].low
    assert pretended["roc_auc"].high - pretended["roc_auc"].low < 0.7 * width


def test_coverage_is_near_its_name() -> None:
    truth = 0.8413  # P(positive > negative) of normals √2 apart: Φ(1)
    covered = 0
    for seed in range(120):
        random = np.random.default_rng(seed)
        labels = np.repeat([0, 1], 60)
        scores = 1 / (1 + np.exp(-random.normal(np.sqrt(2) * labels, 1)))
        found = binary_table(labels, scores, np.arange(120), 0.5, replicates=300, seed=seed)["roc_auc"]
        covered += found.low <= truth <= found.high

    assert 0.88 <= covered / 120 <= 1.0


def test_chunks_do_not_change_the_intervals_of_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, scores = sample()
    groups = np.arange(120) // 2
    whole = binary_table(labels, scores, groups, 0.5, replicates=200, seed=3)

    monkeypatch.setattr(intervals, "CHUNK", 120 * 200)
    again = binary_table(labels, scores, groups, 0.5, replicates=200, seed=3)
    monkeypatch.setattr(intervals, "CHUNK", 120 * 7)
    chunked = binary_table(labels, scores, groups, 0.5, replicates=200, seed=3)

    assert whole == again
    assert chunked["roc_auc"].value == whole["roc_auc"].value
    assert chunked["roc_auc"].low == pytest.approx(whole["roc_auc"].low, abs=0.03)


def test_an_undefined_figure_is_left_out_and_said() -> None:
    labels, scores = sample()

    found = bootstrap(labels, scores * 0.4, np.arange(120), 0.9, replicates=50)

    assert "ppv" not in found.table
    assert "ppv is undefined at this threshold (0/0)" in found.notes


def test_undefined_replicates_are_counted() -> None:
    labels = np.repeat([0, 1], 20)
    scores = np.full(40, 0.1)
    scores[39] = 0.9

    found = bootstrap(labels, scores, np.arange(40), 0.5, replicates=200)

    assert found.table["ppv"].value == 1.0
    assert any(note.startswith("ppv: ") and "of 200 replicates are undefined" in note for note in found.notes)


def test_few_groups_are_said() -> None:
    found = bootstrap([0, 1, 0, 1], [0.1, 0.8, 0.3, 0.7], [0, 1, 0, 1], 0.5, replicates=20)

    assert "only 1 groups with positives: the intervals are too narrow to be believed" in found.notes


@pytest.mark.parametrize("groups", [[0, 1], [0.0, 1.0, 2.0], ["a", "b", "c"]])
def test_groups_that_do_not_fit_are_refused(groups: list[object]) -> None:
    with pytest.raises(DatasetError, match="groups"):
        binary_table([0, 1, 1], [0.1, 0.2, 0.3], groups, 0.5)  # type: ignore[arg-type]
