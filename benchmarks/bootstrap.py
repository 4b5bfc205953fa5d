"""Clustered bootstrap of ten figures, against a plain loop over scikit-learn's functions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from benchmarks.harness import Comparison, Turn, measure
from senoscope.evidence.metrics.intervals import Sheet, draws
from senoscope.evidence.metrics.intervals import bootstrap as clustered

PATIENTS, IMAGES, REPLICATES, PEER_REPLICATES = 5_000, 10, 2_000, 4
THRESHOLD = 0.3

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Peer = Callable[[Labels, Values, NDArray[np.bool_], Values], float]

PEERS: dict[str, Peer] = {
    "roc_auc": lambda truth, p, called, weights: metrics.roc_auc_score(truth, p, sample_weight=weights),
    "partial_auc": lambda truth, p, called, weights: metrics.roc_auc_score(
        truth, p, sample_weight=weights, max_fpr=0.1
    ),
    "pr_auc": lambda truth, p, called, weights: metrics.average_precision_score(truth, p, sample_weight=weights),
    "sensitivity": lambda truth, p, called, weights: metrics.recall_score(truth, called, sample_weight=weights),
    "specificity": lambda truth, p, called, weights: metrics.recall_score(
        truth, called, pos_label=0, sample_weight=weights
    ),
    "ppv": lambda truth, p, called, weights: metrics.precision_score(truth, called, sample_weight=weights),
    "npv": lambda truth, p, called, weights: metrics.precision_score(truth, called, pos_label=0, sample_weight=weights),
    "f1": lambda truth, p, called, weights: metrics.f1_score(truth, called, sample_weight=weights),
    "accuracy": lambda truth, p, called, weights: metrics.accuracy_score(truth, called, sample_weight=weights),
    "brier": lambda truth, p, called, weights: metrics.brier_score_loss(truth, p, sample_weight=weights),
}


def bootstrap(folder: Path, turns: int) -> list[Comparison]:
    """95 % intervals of 50,000 answers for 5,000 patients; ours has all figures of a report, the peer ten of them."""
    truth, probabilities, patients = _answers()
    called = probabilities >= THRESHOLD
    drawn = next(draws(truth, patients, replicates=PEER_REPLICATES, seed=0))
    weights = drawn[:, patients].astype(np.float64)

    def ours(turn: int) -> object:
        return clustered(truth, probabilities, patients, THRESHOLD, replicates=REPLICATES, seed=turn)

    def peer(turn: int) -> dict[str, list[float]]:
        return {name: [figure(truth, probabilities, called, row) for row in weights] for name, figure in PEERS.items()}

    sheet = Sheet.of(truth, probabilities, THRESHOLD, patients).figures(drawn)
    same = all(np.allclose(sheet[name], values, rtol=0, atol=1e-9) for name, values in peer(0).items())
    ours_turns, peer_turns = measure(ours, peer, turns)
    scale = REPLICATES / PEER_REPLICATES
    return [
        Comparison(
            "bootstrap",
            f"intervals.bootstrap, {REPLICATES:,} replicates, all {len(sheet)} figures",
            f"a loop over scikit-learn with sample weights, {len(PEERS)} figures, patients drawn in the same way",
            ours_turns,
            tuple(Turn(turn.wall * scale, turn.cpu * scale) for turn in peer_turns),
            required=50,
            checks={"figures of the same replicates are the same to 1e-9": same},
            notes=(
                f"{len(truth):,} answers for {PATIENTS:,} patients, {truth.mean():.1%} positive",
                f"the peer was measured on {PEER_REPLICATES} replicates, its times multiplied by {scale:g}",
            ),
        )
    ]


def _answers() -> tuple[Labels, Values, Labels]:
    """Truth, probabilities and patients: images of one patient resemble each other, probabilities have no ties."""
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(PATIENTS), IMAGES)
    ill = random.random(PATIENTS) < 0.2
    truth = (ill[patients] & (random.random(len(patients)) < 0.5)).astype(np.int64)
    scores = random.normal(2.0 * truth - 2.0, 1.5) + random.normal(0.0, 0.7, PATIENTS)[patients]
    return truth, 1 / (1 + np.exp(-scores)), patients
