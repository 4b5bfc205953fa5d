"""Bundles of more than two labels: what they call, and what is refused of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senoscope.core.errors import BundleError, UsageError
from senoscope.runtime.outputs import OUTPUTS
from senoscope.runtime.store import load, read_manifest, verify
from senoscope.runtime.verdict import called
from tests.makers import tiny_bundle
from tests.runtime.conftest import network, picture, spoil, with_network

LABELS = ("fatty", "glandular", "dense")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "tiny", task="density")


def test_answer_is_the_softmax_of_the_networks_logits(folder: Path) -> None:
    logits = np.array([0.5, 2.0, -1.0])

    answer = load(with_network(folder, network(logits=[logits.tolist()])), threads=1).predict(picture(1))

    raised = np.exp(logits / 2)
    assert list(answer.probabilities.values()) == pytest.approx((raised / raised.sum()).tolist(), abs=1e-6)
    assert (answer.label, answer.explained, answer.positive) == ("glandular", "glandular", "dense")
    assert (answer.operating_point, answer.threshold) == ("most_probable", None)
    assert answer.prevalence == pytest.approx(1 / 3)


def test_there_is_no_threshold_to_choose(folder: Path) -> None:
    model = load(folder, threads=1)

    assert model.predict(picture(1), operating_point="most_probable").label in LABELS
    with pytest.raises(UsageError, match="no operating point 'balanced'"):
        model.predict(picture(1), operating_point="balanced")


def test_table_shows_every_label_unless_the_answer_is_withheld(folder: Path) -> None:
    answer = load(with_network(folder, network(logits=[[0.0, 1.0, 3.0]])), threads=1).predict(picture(1))

    _, row, *rest = OUTPUTS.get("table")([answer])

    text = "\n".join(rest)
    if answer.abstained:
        assert "no answer" in row
        assert "%" not in text
    else:
        assert f"{answer.probabilities['dense']:.1%}" in row
        assert all(f"{label} {share:.1%}" in text for label, share in answer.probabilities.items())
        assert "≥" not in row


@pytest.mark.parametrize("logits", [[[0.5]], [[0.5, 0.5]], [[0.5] * 4]])
def test_network_of_another_number_of_labels_is_refused(folder: Path, logits: list[list[float]]) -> None:
    with pytest.raises(BundleError, match="fatty or glandular or dense need 3"):
        verify(with_network(folder, network(logits=logits)))


def _two(values: dict[str, Any]) -> None:
    values["calibration"] = {
        "kind": "platt",
        "slope": 1.0,
        "intercept": 0.0,
        "fitted_on": "",
        "images": 1,
        "prevalence": 0.5,
    }


def _threshold(values: dict[str, Any]) -> None:
    share = values["operating_points"][0]["sensitivities"]["fatty"]
    point = {"name": "most_probable", "rule": "", "threshold": 0.5, "sensitivity": share, "specificity": share}
    values["operating_points"] = [point]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_two, "calibration 'platt' is not for 3 labels"),
        (_threshold, "operating points are not for 3 labels"),
        (lambda values: values["calibration"]["shares"].pop("dense"), "a label is missing"),
        (lambda values: values["operating_points"][0]["sensitivities"].pop("fatty"), "a label is missing"),
        (lambda values: values["calibration"].update(temperature=0), r"calibration\.softmax\.temperature"),
        (lambda values: values["calibration"]["shares"].update(fatty=2), "shares"),
    ],
)
def test_manifest_whose_parts_are_for_other_labels(
    folder: Path, change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    with pytest.raises(BundleError, match=words):
        read_manifest(spoil(folder, change))


def test_softmax_is_not_for_two_labels(tmp_path: Path) -> None:
    several = read_manifest(tiny_bundle(tmp_path / "several", task="density")).model_dump(mode="json")
    two = tiny_bundle(tmp_path / "two")

    with pytest.raises(BundleError, match="calibration 'softmax' is not for 2 labels"):
        read_manifest(spoil(two, lambda values: values.update(calibration=several["calibration"])))
    points = several["operating_points"]
    with pytest.raises(BundleError, match="operating points are not for 2 labels"):
        read_manifest(
            spoil(
                tiny_bundle(tmp_path / "again"),
                lambda values: values.update(operating_points=points, operating_point="most_probable"),
            )
        )


def test_the_first_of_equals_is_called() -> None:
    assert called({"fatty": 0.4, "glandular": 0.4, "dense": 0.2}, "dense", None) == "fatty"
    assert called({"benign": 0.5, "malignant": 0.5}, "malignant", 0.5) == "malignant"
    assert called({"benign": 0.6, "malignant": 0.4}, "malignant", 0.5) == "benign"
