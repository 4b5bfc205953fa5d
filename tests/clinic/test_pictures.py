"""What is kept of an answer's evidence."""

import json
from dataclasses import replace

import numpy as np
import pytest

from senoscope.clinic.pictures import Evidence, pack_evidence
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Prediction
from senoscope.runtime.predictor import Model
from senoscope.runtime.store import load
from tests.makers import tiny_bundle, ultrasound


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    model = load(tiny_bundle(tmp_path_factory.mktemp("bundle")))
    assert isinstance(model, Model)
    return model.predict(Image(ultrasound(1), 255.0))


@pytest.mark.parametrize("strongest", [1.0, 3e-7, 5e4])
def test_evidence_is_kept_to_a_ten_thousandth_of_its_strongest_value(answer: Prediction, strongest: float) -> None:
    drawn = np.random.default_rng(0).random((300, 320)).astype(np.float32)
    heat = drawn * np.float32(strongest / drawn.max())

    packed = json.dumps(pack_evidence(replace(answer, heat=heat, placements=())))

    kept = np.array(Evidence.model_validate_json(packed).heat)
    assert np.abs(kept - heat).max() <= strongest * 1e-4
    assert len(packed) < 16 * heat.size


def test_no_evidence_is_kept_as_none(answer: Prediction) -> None:
    packed = pack_evidence(replace(answer, heat=np.zeros((2, 3), np.float32), placements=()))

    assert packed["heat"] == [[0.0] * 3] * 2
