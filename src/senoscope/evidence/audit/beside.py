"""A run's model beside its shortcuts: what facts of acquisition guess on the same samples and in the same folds.

A figure says something of the breast only by what it exceeds the shortcuts' one, so the two are compared in pairs, with
DeLong's interval of their difference clustered by patient. The facts are those of the audit (`shortcuts`), fitted on a
fold's training part as the model was, and both may be looked at in a part of the samples, as in years of both labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import Interval
from senoscope.core.errors import DatasetError
from senoscope.evidence.audit.shortcut_model import RIDGE, RIDGE_TOGETHER, Column, guesses
from senoscope.evidence.audit.shortcuts import TOGETHER, interval
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.delong import PairedTest, delong_test
from senoscope.evidence.tables.rows import cell_error, read_rows


@dataclass(frozen=True)
class Rival:
    """What one fact, or all together, guess where the model answers.

    Args:
        fact: its name in `acquisition.TITLES`, or `together`.
        auc: ROC AUC with its 95 % interval.
        paired: the model's ROC AUC minus this one.
    """

    fact: str
    auc: Interval
    paired: PairedTest


@dataclass(frozen=True)
class Beside:
    """A model and its shortcuts on the same samples.

    Args:
        images: samples that are compared.
        positives: of them.
        groups: patients, or clusters of near-duplicates.
        model: the model's ROC AUC with its 95 % interval.
        rivals: all facts together, then each alone, the strongest first.
    """

    images: int
    positives: int
    groups: int
    model: Interval
    rivals: tuple[Rival, ...]


@dataclass(frozen=True, eq=False)
class Answered:
    """What a cross-validated run answered.

    Args:
        index: its samples.
        folds: (N,) fold in which each was tested.
        probabilities: (N,) of the positive label.
    """

    index: Index
    folds: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def read_run(run: Path, index: Index) -> Answered:
    """Read a run's folds and out-of-fold answers.

    Args:
        run: run folder with `split.csv` and `report/predictions.csv`.
        index: the dataset's samples; those that the run did not have are left out.

    Raises:
        DatasetError: the run is no cross-validation, or answered samples that the index does not have; names the row.
    """
    split, table = run / "split.csv", run / "report" / "predictions.csv"
    fold_of = {row["sample_id"]: row["fold"] for row in read_rows(split, ("sample_id", "part", "fold"))}
    known = {sample.sample_id: position for position, sample in enumerate(index.samples)}
    positions: list[int] = []
    folds: list[int] = []
    chances: list[float] = []
    for number, row in enumerate(read_rows(table, ("sample_id", "probability")), 1):
        name, fold = row["sample_id"], fold_of.get(row["sample_id"], "")
        if name not in known:
            raise cell_error(table, number, "sample_id", f"{name[:60]!r} is not in {index.dataset} as it is here")
        if not (fold.isdecimal() and len(fold) <= 3):
            raise cell_error(table, number, "sample_id", f"{name[:60]!r} has no fold in {split.name}")
        positions.append(known[name])
        folds.append(int(fold))
        chances.append(_chance(table, number, row["probability"]))
    if len(set(positions)) < len(positions) or len(set(folds)) < 2:
        raise DatasetError(f"{run} is no cross-validation", "give a run of a recipe with split.mode = 'crossval'")
    return Answered(index.take(positions), np.array(folds, np.int64), np.array(chances, np.float64))


def _chance(table: Path, number: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise cell_error(table, number, "probability", f"{cell[:20]!r} is no probability")
    return value


def beside(answered: Answered, positive: str, columns: Mapping[str, Column], compared: Index | None = None) -> Beside:
    """Compare a run's answers with what facts of acquisition guess.

    Args:
        answered: the run's samples, folds and answers.
        positive: the label whose probability it is.
        columns: facts by name, (N,) each in the order of the samples.
        compared: which of the samples the figures are of; all of them where not given. All are fitted on.

    Raises:
        DatasetError: no fact varies, or what is compared has one label only.
    """
    index = answered.index
    truth, groups = index.labels_as(positive), index.groups()
    varying = {name: column for name, column in columns.items() if len(np.unique(column)) > 1}
    if not varying:
        raise DatasetError(f"no fact of acquisition varies in {index.dataset}", "there is nothing to compare with")
    names = {sample.sample_id for sample in (compared or index).samples}
    at = np.flatnonzero([sample.sample_id in names for sample in index.samples])
    if not 0 < truth[at].sum() < len(at):
        raise DatasetError(f"what is compared of {index.dataset} has one label only", "compare a larger part")

    def rival(fact: str, chosen: list[Column], ridge: float) -> Rival:
        scores = guesses(chosen, truth, answered.folds, ridge)[at]
        paired = delong_test(truth[at], answered.probabilities[at], scores, groups[at])
        return Rival(fact, interval(truth[at], scores, groups[at])[0], paired)

    alone = [rival(name, [column], RIDGE) for name, column in varying.items()]
    alone.sort(key=lambda row: (-row.auc.value, row.fact))
    return Beside(
        images=len(at),
        positives=int(truth[at].sum()),
        groups=len(np.unique(groups[at])),
        model=interval(truth[at], answered.probabilities[at], groups[at])[0],
        rivals=(rival(TOGETHER, list(varying.values()), RIDGE_TOGETHER), *alone),
    )
