"""What the runtime answers to every task that classifies, of two labels or of more."""

from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.image import Image
from senoscope.core.tasks import TASKS
from senoscope.runtime.outputs import OUTPUTS
from senoscope.runtime.outputs.json import to_json
from senoscope.runtime.predictor import Model
from senoscope.runtime.store import load, verify
from tests.makers import tiny_bundle, ultrasound

CLASSIFYING = [name for name in TASKS.names() if TASKS.get(name).kind == "classify"]
PICTURES = [Image(ultrasound(seed, (160, 150), malignant=seed % 2 == 0), 255.0, f"{seed}.png") for seed in range(12)]


@pytest.fixture(scope="module", params=CLASSIFYING)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder: Path = tiny_bundle(tmp_path_factory.mktemp(request.param) / "tiny", task=request.param)
    verify(folder)
    return load(folder, threads=1)


def test_every_label_has_its_probability_and_one_is_called(model: Model) -> None:
    labels = TASKS.get(model.manifest.task).labels

    for answer in model.predict(PICTURES):
        assert tuple(answer.probabilities) == labels
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert answer.probability == answer.probabilities[answer.positive]
        assert answer.label in labels
        assert answer.explained in (answer.positive, answer.label)
        assert answer.saliency.shape == (answer.size.height, answer.size.width)
        if len(labels) > 2:
            assert answer.threshold is None
            assert answer.probabilities[answer.label] == max(answer.probabilities.values())


def test_every_output_shows_it(model: Model) -> None:
    answers = [answer for answer in model.predict(PICTURES) if not answer.abstained]

    assert answers
    for name in OUTPUTS.names():
        text = "\n".join(OUTPUTS.get(name)(answers))
        assert all(answer.label in text for answer in answers)
    assert all(to_json(answer)["probabilities"] == answer.probabilities for answer in answers)
    rows = list(OUTPUTS.get("csv")(answers))[1:]
    assert [float(row.split(",")[4]) for row in rows] == pytest.approx([one.probability for one in answers], abs=1e-6)


def test_logits_become_probabilities_as_the_manifest_says(model: Model) -> None:
    labels = model.manifest.labels
    logits = np.random.default_rng(0).normal(size=(7, 1 if len(labels) == 2 else len(labels)))

    found = model.manifest.probabilities(logits)

    assert found.shape == (7, len(labels))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    # A higher logit of a label, or of the positive one, never makes it less likely.
    place = labels.index(model.manifest.positive)
    raised = logits.copy()
    raised[:, 0 if len(labels) == 2 else place] += 1
    assert (model.manifest.probabilities(raised)[:, place] > found[:, place]).all()
