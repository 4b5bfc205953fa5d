"""What lies beside the network in a bundle."""

import json
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.bundle import Interval, MetricTable
from senoscope.evidence.bundles.packing import WORDS, card, record, write_manifest
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluation import assess
from senoscope.evidence.metrics.classification import FIGURES
from senoscope.runtime.store import read_manifest
from tests.evidence.answers import manifest
from tests.makers import bus_bra, tiny_bundle


def table(dataset: str, auc: float, *, protocol: str = "external", leaky: bool = False) -> MetricTable:
    values = {"roc_auc": Interval(value=auc, low=auc - 0.1, high=auc + 0.1)}
    return MetricTable(
        dataset=dataset, protocol=protocol, leaky=leaky, images=9, patients=8, positives=4, values=values
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "tiny")


def test_figures_are_added_and_those_of_the_same_evaluation_replaced(bundle: Path) -> None:
    found = read_manifest(bundle)
    for figures in (table("a", 0.7), table("b", 0.6), table("a", 0.8), table("a", 0.9, protocol="held out")):
        found = record(bundle, found, figures)

    kept = [(figures.dataset, figures.values["roc_auc"].value) for figures in read_manifest(bundle).metrics]
    assert kept == [("b", 0.6), ("a", 0.8), ("a", 0.9)]
    assert read_manifest(bundle) == found
    assert (bundle / "card.md").read_text("utf-8") == card(found)


def test_card_carries_figures_leaks_limits_and_the_default_threshold() -> None:
    text = card(manifest().model_copy(update={"metrics": (table("a", 0.75), table("b", 0.99, leaky=True))}))

    assert "0.750 (0.650–0.850)" in text
    assert "too good to be believed" in text.split("### b")[1]
    assert "too good to be believed" not in text.split("### b")[0]
    assert "| balanced (default) | 0.500 |" in text
    assert "not for diagnosis" in text


def test_manifest_is_written_whole_and_nothing_is_left_beside_it(bundle: Path) -> None:
    write_manifest(bundle, read_manifest(bundle))

    assert json.loads((bundle / "bundle.json").read_text("utf-8"))["format"] == 1
    assert {path.name for path in bundle.iterdir()} == {"bundle.json", "card.md", "model.onnx"}


def test_card_of_a_recorded_evaluation_shows_every_figure_and_the_level(bundle: Path, tmp_path: Path) -> None:
    index = DATASETS.get("bus_bra").index(bus_bra(tmp_path / "data", patients=12))
    found = assess(
        index,
        np.linspace(0.1, 0.9, len(index)),
        positive="malignant",
        title="",
        bundle="tiny",
        version="1",
        threshold=0.5,
        operating_point="balanced",
        protocol="external",
        leak="it saw them all",
        level="patient",
        rule="max",
        replicates=50,
    )

    kept = record(bundle, read_manifest(bundle), found.metric_table())

    text = (bundle / "card.md").read_text("utf-8")
    assert read_manifest(bundle) == kept
    assert set(kept.metrics[-1].values) == set(FIGURES)
    for name in FIGURES:
        assert f"| {WORDS[name]} | {found.table[name]} |" in text
    assert "### bus_bra: external; each patient by the highest of its images' probabilities" in text
    assert "Leaky: too good to be believed" in text
