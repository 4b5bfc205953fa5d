"""What the runtime answers to every task that marks regions, of two labels or of more."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import card
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.outputs import OUTPUTS
from senoscope.runtime.outputs.json import to_json
from senoscope.runtime.outputs.outlines import mask_png, outline_png
from senoscope.runtime.store import load_any, verify
from tests.makers import outlined_ultrasound, tiny_outline_bundle

MARKING = [name for name in TASKS.names() if TASKS.get(name).kind == "segment"]
PICTURES = [
    Image(outlined_ultrasound(seed, (160, 150), malignant=seed % 2 == 0, lesion=seed % 3 > 0)[0], 255.0, f"{seed}.png")
    for seed in range(9)
]


@pytest.fixture(scope="module", params=MARKING)
def outliner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outliner:
    folder: Path = tiny_outline_bundle(tmp_path_factory.mktemp(request.param) / "tiny", task=request.param)
    verify(folder)
    found = load_any(folder, threads=1)
    assert isinstance(found, Outliner)
    return found


def answered(outliner: Outliner) -> list[OutlinePrediction]:
    """The answers to all pictures, none of which fails."""
    found = [answer for answer in outliner.stream(PICTURES, batch=4) if isinstance(answer, OutlinePrediction)]
    assert len(found) == len(PICTURES)
    return found


def test_every_label_has_its_probability_and_every_region_its_place(outliner: Outliner) -> None:
    labels = TASKS.get(outliner.manifest.task).labels

    for answer in answered(outliner):
        assert tuple(answer.probabilities) == answer.labels == labels
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert answer.label in labels
        assert answer.codes.shape == answer.saliency.shape == (answer.size.height, answer.size.width)
        assert answer.codes.max() < len(labels)
        assert [region.pixels for region in answer.regions] == sorted((r.pixels for r in answer.regions), reverse=True)
        for region in answer.regions:
            left, top, right, bottom = region.box.edges
            inside = answer.codes[top:bottom, left:right] == labels.index(region.label)
            assert inside.sum() >= region.pixels > 0
            assert 0 <= region.probability <= 1
        if len(labels) == 2:
            assert bool(answer.regions) == bool(answer.codes.any()) == (answer.label == answer.positive)


def test_every_output_shows_it(outliner: Outliner) -> None:
    answers = [answer for answer in answered(outliner) if not answer.abstained]

    assert answers
    for name in OUTPUTS.names():
        text = "\n".join(OUTPUTS.get(name)(answers))
        assert all(answer.label in text for answer in answers)
    for answer in answers:
        told = to_json(answer)["regions"]
        assert [(one["label"], one["pixels"]) for one in told] == [(r.label, r.pixels) for r in answer.regions]
        assert all(len(one["box"]) == 4 for one in told)
    rows = list(csv.DictReader(io.StringIO("\n".join(OUTPUTS.get("csv")(answers)))))
    assert [float(row["probability"]) for row in rows] == pytest.approx([a.probability for a in answers], abs=1e-6)


def test_pictures_of_it_have_the_size_of_the_image(outliner: Outliner) -> None:
    answer = outliner.predict(PICTURES[1])

    for content in (outline_png(PICTURES[1], answer.codes), mask_png(answer.codes, len(answer.labels))):
        with Pil.open(io.BytesIO(content)) as picture:
            assert picture.size == (160, 150)


def test_the_card_says_what_is_marked(outliner: Outliner) -> None:
    text = card(outliner.manifest)

    assert all(label in text for label in outliner.manifest.labels[1:])
    assert "Research use only" in text


def test_answers_do_not_depend_on_who_else_is_asked(outliner: Outliner) -> None:
    together = answered(outliner)

    for image, answer in zip(PICTURES[::4], together[::4], strict=True):
        alone = outliner.predict(image)
        np.testing.assert_array_equal(alone.codes, answer.codes)
        assert alone.probabilities == pytest.approx(answer.probabilities)
