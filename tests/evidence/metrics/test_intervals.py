import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.metrics import intervals
from senoscope.evidence.metrics.classification import FIGURES, figures, recalibrated
from senoscope.evidence.metrics.grouping import multiplicities
from senoscope.evidence.metrics.intervals import binary_table, bootstrap, draws, paired_bootstrap, resampled, table


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


def test_intervals_are_percentiles_of_figures_of_repeated_samples() -> None:
    labels, scores = sample()
    scores = np.round(scores, 2)
    groups = np.arange(120) // 2
    drawn = next(resampled(labels, groups, replicates=300, seed=4))
    assert drawn.shape == (300, 120)

    found = binary_table(labels, scores, groups, 0.5, replicates=300, seed=4)

    plain = figures(labels, scores, 0.5, drawn)
    for name in FIGURES[:-2]:
        low, high = np.percentile(plain[name], (2.5, 97.5))
        assert found[name].low == pytest.approx(low, abs=1e-12), name
        assert found[name].high == pytest.approx(high, abs=1e-12), name


def test_one_step_of_recalibration_nears_the_whole_fit() -> None:
    labels, scores = sample(3000)
    groups = np.arange(3000) // 2
    drawn = next(resampled(labels, groups, replicates=150, seed=4))

    found = binary_table(labels, scores, groups, 0.5, replicates=150, seed=4)

    # The intercept's draws do not hold the share of positives fixed.
    free = next(multiplicities(np.zeros(1500, int), replicates=150, seed=4, step=150)).astype(float)[:, groups]
    for name, weights in (("calibration_slope", drawn), ("calibration_intercept", free)):
        low, high = np.percentile(recalibrated(labels, scores, weights)[name], (2.5, 97.5))
        assert found[name].low == pytest.approx(low, abs=0.05 * (high - low)), name
        assert found[name].high == pytest.approx(high, abs=0.05 * (high - low)), name


def test_the_stream_of_draws_is_fixed() -> None:
    """Shipped figures come from this stream: another one would change them all a little."""
    labels, groups = np.array([0, 0, 1, 1, 0, 1, 1, 0]), np.array([0, 0, 1, 1, 2, 2, 3, 4])

    found = next(draws(labels, groups, replicates=2, seed=0))

    random = np.random.default_rng(0)
    negative, positive, both = (
        random.multinomial(len(s), np.full(len(s), 1 / len(s)), size=2) for s in ([0, 4], [1, 3], [2])
    )
    np.testing.assert_array_equal(found[:, [0, 4]], negative)
    np.testing.assert_array_equal(found[:, [1, 3]], positive)
    np.testing.assert_array_equal(found[:, [2]], both)


def test_paired_differences_use_the_same_draws() -> None:
    labels, first = sample()
    second = np.clip(first + np.random.default_rng(5).normal(0, 0.1, 120), 0, 1)
    groups = np.arange(120) // 2
    weights = next(resampled(labels, groups, replicates=200, seed=1))
    ours, theirs = figures(labels, first, 0.5, weights), figures(labels, second, 0.4, weights)

    found = paired_bootstrap(labels, first, second, groups, (0.5, np.full(120, 0.4)), replicates=200, seed=1)

    for name in ("roc_auc", "pr_auc", "sensitivity", "brier", "pf1"):
        low, high = np.percentile(ours[name] - theirs[name], (2.5, 97.5))
        assert found[name].low == pytest.approx(low, abs=1e-12)
        assert found[name].high == pytest.approx(high, abs=1e-12)
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(labels, first) - roc_auc_score(labels, second))


def test_a_model_does_not_differ_from_itself() -> None:
    labels, scores = sample()

    found = paired_bootstrap(labels, scores, scores, np.arange(120), 0.5, replicates=50)

    assert set(found) == set(FIGURES)
    assert all((item.value, item.low, item.high) == (0, 0, 0) for item in found.values())


def test_pairs_narrow_the_interval_of_a_difference() -> None:
    labels, first = sample()
    second = np.clip(first + np.random.default_rng(5).normal(0, 0.05, 120), 0, 1)

    found = paired_bootstrap(labels, first, second, np.arange(120), 0.5, replicates=300)["roc_auc"]

    alone = binary_table(labels, first, np.arange(120), 0.5, replicates=300)["roc_auc"]
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_one_class_alone_has_the_figures_it_can_have() -> None:
    found = table(np.ones(30, np.int64), np.linspace(0.1, 0.9, 30), np.arange(30), 0.5, replicates=50)

    assert "roc_auc" not in found.table
    assert "specificity" not in found.table
    assert found.table["sensitivity"].value == 0.5
    assert "roc_auc is undefined (0/0)" in found.notes
