"""A model beside its shortcuts, on samples of which it is known what tells their label."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from senoscope.core.errors import DatasetError
from senoscope.evidence.audit.beside import Answered, beside, read_run
from senoscope.evidence.audit.shortcut_model import RIDGE_TOGETHER, guesses
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.splits import folds, write_split
from senoscope.evidence.tables.rows import write_rows


def _answered(seed: int, tells: float) -> tuple[Answered, dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]]:
    """120 women, every other one sick; one fact follows the label, and the model knows it `tells` well."""
    random = np.random.default_rng(seed)
    truth = np.arange(120) % 2
    samples = tuple(
        Sample(f"s{n}", str(n), str(n), f"{n}.txt", "sick" if sick else "healthy", facts={"year": str(2013 + n % 3)})
        for n, sick in enumerate(truth)
    )
    index = Index("dmr_ir", Path(), samples)
    chances = 1 / (1 + np.exp(-tells * (truth - 0.5) - random.normal(0, 1, 120)))
    columns = {"mean": truth + random.normal(0, 1.0, 120), "deviation": random.normal(0, 1, 120), "width": np.ones(120)}
    return Answered(index, folds(index, folds=5, seed=0), chances), columns


def test_the_figures_are_those_of_the_same_samples_and_folds() -> None:
    answered, columns = _answered(0, 4.0)
    truth = answered.index.labels_as("sick")

    found = beside(answered, "sick", columns)

    together, *alone = found.rivals
    scores = guesses([columns["mean"], columns["deviation"]], truth, answered.folds, RIDGE_TOGETHER)
    assert (found.images, found.positives, found.groups) == (120, 60, 120)
    assert found.model.value == pytest.approx(roc_auc_score(truth, answered.probabilities))
    assert together.auc.value == pytest.approx(roc_auc_score(truth, scores))
    assert [rival.fact for rival in alone] == ["mean", "deviation"]
    for rival in found.rivals:
        assert rival.paired.difference.value == pytest.approx(found.model.value - rival.auc.value)
    assert together.paired.difference.low > 0


def test_a_model_that_knows_nothing_loses_against_a_shortcut() -> None:
    answered, columns = _answered(1, 0.0)

    assert beside(answered, "sick", columns).rivals[0].paired.difference.high < 0


def test_a_part_is_compared_and_all_are_fitted_on() -> None:
    answered, columns = _answered(2, 2.0)
    part = answered.index.only({"year": ("2014",)})
    truth = answered.index.labels_as("sick")

    found = beside(answered, "sick", columns, part)

    at = np.array([sample.facts["year"] == "2014" for sample in answered.index.samples])
    scores = guesses([columns["mean"], columns["deviation"]], truth, answered.folds, RIDGE_TOGETHER)
    assert found.images == 40
    assert found.rivals[0].auc.value == pytest.approx(roc_auc_score(truth[at], scores[at]))


def test_nothing_to_compare_is_said() -> None:
    answered, columns = _answered(0, 1.0)
    with pytest.raises(DatasetError, match="no fact"):
        beside(answered, "sick", {"width": columns["width"]})
    with pytest.raises(DatasetError, match="one label only"):
        beside(answered, "sick", columns, answered.index.with_labels(("sick",)))


def _run(folder: Path, answered: Answered, **cell: str) -> Path:
    parts = ["crossval"] * len(answered.index)
    write_split(folder / "split.csv", answered.index, parts, answered.folds)
    chances = zip(answered.index.samples, answered.probabilities, strict=True)
    rows = [{"sample_id": sample.sample_id, "probability": repr(float(chance))} for sample, chance in chances]
    write_rows(folder / "report" / "predictions.csv", ("sample_id", "probability"), [rows[0] | cell, *rows[1:]])
    return folder


def test_a_run_is_read_back(tmp_path: Path) -> None:
    answered, _ = _answered(0, 1.0)
    more = Sample("later", "later", "later", "later.txt", "sick")
    whole = Index("dmr_ir", Path(), (more, *answered.index.samples))

    found = read_run(_run(tmp_path, answered), whole)

    assert found.index == answered.index
    np.testing.assert_array_equal(found.folds, answered.folds)
    np.testing.assert_array_equal(found.probabilities, answered.probabilities)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"sample_id": "s1"}, "no cross-validation"),
        ({"sample_id": "other"}, "is not in dmr_ir"),
        ({"probability": "nan"}, "no probability"),
        ({"probability": "much"}, "no probability"),
    ],
)
def test_a_damaged_run_is_refused(tmp_path: Path, cell: dict[str, str], message: str) -> None:
    answered, _ = _answered(0, 1.0)

    with pytest.raises(DatasetError, match=message):
        read_run(_run(tmp_path, answered, **cell), answered.index)


def test_a_holdout_run_is_refused(tmp_path: Path) -> None:
    answered, _ = _answered(0, 1.0)
    _run(tmp_path, answered)
    write_split(tmp_path / "split.csv", answered.index, ["test"] * 120, np.zeros(120, np.int64))

    with pytest.raises(DatasetError, match="no cross-validation"):
        read_run(tmp_path, answered.index)
