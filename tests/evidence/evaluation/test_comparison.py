"""Several models on the same cases."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.comparison import compare, holm
from senoscope.evidence.evaluation.evaluation import Evaluation, Unread, assess
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.classification import figures
from senoscope.evidence.metrics.delong import delong_test
from senoscope.evidence.metrics.intervals import binary_table, paired_bootstrap
from senoscope.evidence.metrics.permutation import paired_permutation
from tests.evidence.answers import manifest
from tests.makers import bus_bra


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return DATASETS.get("bus_bra").index(bus_bra(tmp_path_factory.mktemp("data"), patients=14))


def answered(index: Index, seed: int, **changes: Any) -> Evaluation:
    labels = index.labels_as("malignant")
    chances = np.clip(0.2 * labels + np.random.default_rng(seed).uniform(0, 0.8, len(labels)), 0, 1)
    given: dict[str, Any] = {
        "positive": "malignant",
        "title": f"model {seed}",
        "bundle": f"model_{seed}",
        "version": "1",
        "threshold": 0.4 + 0.1 * seed,
        "operating_point": "balanced",
        "protocol": "external",
        "replicates": 100,
    }
    return assess(index, chances, **(given | changes))


def test_a_comparison_equals_direct_computation(data: Index) -> None:
    first, second = answered(data, 0), answered(data, 1)

    found = compare([first, second], permutations=200)

    (pair,) = found.pairs
    labels, groups, mine, other = first.labels, first.groups, first.probabilities, second.probabilities
    assert found.names == ("model_0", "model_1")
    assert pair.name == "model_1"
    assert pair.delong == delong_test(labels, other, mine, groups)
    assert pair.permutation == paired_permutation(labels, other, mine, groups, replicates=200)
    assert pair.differences == paired_bootstrap(
        labels, other, mine, groups, (second.thresholds, first.thresholds), replicates=100
    )
    assert (pair.delong_adjusted, pair.permutation_adjusted) == (pair.delong.p, pair.permutation.p)
    points = [figures(labels, one.probabilities, one.thresholds) for one in (first, second)]
    for name, difference in pair.differences.items():
        assert difference.value == pytest.approx(points[1][name][0] - points[0][name][0])


def test_what_one_could_not_read_is_left_out_for_all_and_named(data: Index) -> None:
    rows = [row for row in range(len(data)) if row not in (2, 5)]
    lost = [Unread(data.samples[2].path, "truncated"), Unread(data.samples[5].path, "no picture")]
    whole, part = answered(data, 0), answered(data.take(rows), 1, unread=lost)

    found = compare([whole, part], permutations=50)

    first, second = found.evaluations
    assert found.left_out == tuple(sorted((item.path, item.reason) for item in lost))
    assert first.sample_ids == second.sample_ids == part.sample_ids
    kept = whole.probabilities[rows]
    assert first.table == binary_table(part.labels, kept, part.groups, 0.4, replicates=100)
    assert second.table == part.table


def test_samples_one_was_not_asked_about_are_left_out_with_a_reason(data: Index) -> None:
    found = compare([answered(data, 0), answered(data.take(list(range(3, 15))), 1)], permutations=50)

    assert [reason for _, reason in found.left_out] == ["not every model was asked about it"] * 3


def test_order_of_the_samples_does_not_matter(data: Index) -> None:
    first, second = answered(data, 0), answered(data, 1)
    turned = assess(
        data.take(list(range(len(data)))[::-1]),
        second.probabilities[::-1],
        positive="malignant",
        title="",
        bundle="model_1",
        version="1",
        threshold=second.threshold,
        operating_point="balanced",
        protocol="external",
        replicates=100,
    )

    assert compare([first, turned], permutations=50).pairs == compare([first, second], permutations=50).pairs


def test_three_models_are_corrected_by_holm(data: Index) -> None:
    found = compare([answered(data, seed) for seed in range(3)], permutations=50)

    for test, adjusted in (("delong", "delong_adjusted"), ("permutation", "permutation_adjusted")):
        raw = [getattr(pair, test).p for pair in found.pairs]
        expected = multipletests(raw, method="holm")[1]
        assert [getattr(pair, adjusted) for pair in found.pairs] == pytest.approx(expected)


@pytest.mark.parametrize("values", [[0.01, 0.04, 0.03], [0.5], [0.2, 0.2, 0.9, 0.001], [1.0, 1.0]])
def test_holm_agrees_with_statsmodels(values: list[float]) -> None:
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])


def test_a_model_beside_itself_does_not_differ(data: Index) -> None:
    one = answered(data, 0)

    (pair,) = compare([one, one], ["a", "b"], permutations=50).pairs

    assert pair.delong is not None
    assert pair.delong.p == pair.permutation.p == 1.0
    assert all(interval.low == interval.value == interval.high == 0 for interval in pair.differences.values())


def test_a_leak_is_carried(data: Index) -> None:
    found = compare([answered(data, 0), answered(data, 1, leak="it saw them all")], permutations=50)

    assert found.leaks == ("model_1: it saw them all",)


def test_what_cannot_be_compared_is_refused(data: Index, tmp_path: Path) -> None:
    one, two = answered(data, 0), answered(data, 1)
    other_task = replace(two, manifest=manifest().model_copy(update={"task": "biopsy"}))
    by_patient = answered(data, 1, level="patient")
    elsewhere = replace(two, dataset=two.dataset.model_copy(update={"name": "busi"}))

    for bad, said in (
        ([one], "two models or more"),
        ([one, one], "two bundles are called 'model_0'"),
        ([replace(one, manifest=manifest()), other_task], "different tasks"),
        ([one, replace(two, positive="benign")], "different positive labels"),
        ([one, by_patient], "different levels"),
        ([one, elsewhere], "different datasets"),
    ):
        with pytest.raises(UsageError, match=said):
            compare(bad, permutations=50)


def test_nothing_in_common_is_an_error(data: Index) -> None:
    with pytest.raises(DatasetError, match="no image was answered by every model"):
        compare([answered(data.take(list(range(6))), 0), answered(data.take(list(range(6, 15))), 1)])
