"""What lies beside the network in a bundle."""

import json
from pathlib import Path

import pytest

from senoscope.core.domain.bundle import BundleManifest, Interval, MetricTable
from senoscope.evidence.packing import card, record, write_manifest
from senoscope.runtime.store import read_manifest
from tests.evidence.answers import manifest
from tests.makers import tiny_bundle


def table(dataset: str, auc: float, *, protocol: str = "external", leaky: bool = False) -> MetricTable:
    values = {"roc_auc": Interval(value=auc, low=auc - 0.1, high=auc + 0.1)}
    return MetricTable(
        dataset=dataset, protocol=protocol, leaky=leaky, images=9, patients=8, positives=4, values=values
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "tiny")


def test_figures_are_added_and_those_of_the_same_evaluation_replaced(bundle: Path) -> None:
    found: BundleManifest = read_manifest(bundle)
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
