"""Outline, measure, answer: in one run and one bundle."""

from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.chain import ChainManifest, ChainPrediction
from senoscope.core.domain.image import Image
from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import BundleError, RecipeError
from senoscope.core.io import read
from senoscope.core.preprocess.descriptors import DESCRIPTORS, box_of, describe
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.learning.outlines.run import train_outlines
from senoscope.learning.runs.kinds import train_any
from senoscope.runtime.chain import ChainModel
from senoscope.runtime.outputs.json import to_json
from senoscope.runtime.store import load, verify
from tests.learning.conftest import halves
from tests.learning.outlines.test_run import small
from tests.makers import busi_outlined


def chain(**changes: str) -> Recipe:
    asked = {"split.folds": "3"} | {key.replace("__", "."): value for key, value in changes.items()}
    return parse_recipe(recipe_text("ultrasound_chain"), asked)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("busi")
    busi_outlined(folder, 12)
    return folder


@pytest.fixture(scope="module")
def outlines(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("outlines") / "outlines"
    train_outlines(small(), root, out)
    return out


@pytest.fixture(scope="module", params=["none", "test_resnet"])
def run(request: pytest.FixtureRequest, root: Path, outlines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("chain")
    (out / "outlines").symlink_to(outlines)
    pretrained = str(request.param == "none").lower()
    train_any(chain(model__backbone=request.param, model__pretrained=pretrained, input__size="64"), root, out)
    return out


def test_the_report_lies_where_the_command_says(run: Path) -> None:
    assert (run / "report" / "report.html").is_file()


def test_the_bundle_declares_every_step(run: Path) -> None:
    manifest = verify(run)

    assert isinstance(manifest, ChainManifest)
    assert manifest.chain.outline.path == "outline.onnx"
    assert [measure.name for measure in manifest.chain.measures] == [one.name for one in DESCRIPTORS]
    assert all(set(measure.usual) == {"benign", "malignant"} for measure in manifest.chain.measures)
    assert manifest.exam is None
    assert halves(run / "bundle" / "outline.onnx") > 0
    assert halves(run / "bundle" / "model.onnx") == 0
    assert {path.name for path in (run / "bundle").iterdir()} == {
        "bundle.json",
        "card.md",
        "model.onnx",
        "outline.onnx",
    }
    assert manifest.metrics[0].values["roc_auc"].value > 0.7


def test_an_answer_names_what_it_measured(run: Path, root: Path) -> None:
    model = load(run, threads=1)
    assert isinstance(model, ChainModel)
    index = DATASETS.get("busi").samples_for(TASKS.get("ultrasound"), root)
    answered = 0
    for path in index.paths()[:8]:
        answer = model.predict(path)
        assert isinstance(answer, ChainPrediction)
        if answer.box is None:
            continue
        answered += 1
        image, mask = read(path), answer.codes == 1
        assert answer.box == box_of(mask)
        values = describe(mask, image.pixels.astype(np.float32) / np.float32(image.maximum))
        assert values is not None
        assert {one.name: one.value for one in answer.measures} == pytest.approx(values)
        assert answer.saliency.shape == mask.shape
        said = to_json(answer)
        assert "measures" in said
    assert answered


def test_contributions_are_what_the_measures_change(run: Path, root: Path) -> None:
    model = load(run, threads=1)
    assert isinstance(model, ChainModel)
    facts = {fact.name: fact for fact in model.manifest.chain.coding.facts}
    paths = DATASETS.get("busi").samples_for(TASKS.get("ultrasound"), root).paths()
    answers = [answer for path in paths if isinstance(answer := model.predict(path), ChainPrediction) and answer.box]

    assert len(answers) > 1
    # The head is linear: a measure adds its weight times its distance from the average, whatever the picture.
    for place, name in enumerate(facts):
        away = np.array([(one.measures[place].value - facts[name].center) / facts[name].spread for one in answers])
        added = np.array([one.measures[place].contribution for one in answers])
        weight = float(added @ away / (away @ away))
        np.testing.assert_allclose(added, weight * away, atol=1e-3)
    assert any(abs(one.contribution) > 1e-3 for one in answers[0].measures)


def test_a_picture_without_a_lesion_gets_no_label(run: Path) -> None:
    model = load(run, threads=1)

    answer = model.predict(Image(np.full((128, 160), 90, np.uint8), 255.0, "flat"))

    assert isinstance(answer, ChainPrediction)
    assert answer.abstained
    assert to_json(answer)["label"] is None
    assert to_json(answer)["measures"] == []


def test_it_is_evaluated_as_any_classifier(run: Path, root: Path) -> None:
    index = DATASETS.get("busi").samples_for(TASKS.get("ultrasound"), root)

    found = evaluate(load(run, threads=1), index)

    assert len(found.labels) == 24


def test_what_a_bundle_cannot_have(run: Path, tmp_path: Path) -> None:
    manifest = verify(run)
    assert isinstance(manifest, ChainManifest)
    first = manifest.chain.measures[0]
    wrong = {
        "not taken here": manifest.chain.model_copy(
            update={"measures": (first.model_copy(update={"name": "lesion_smell"}), *manifest.chain.measures[1:])}
        ),
        "not told of every label": manifest.chain.model_copy(
            update={"measures": (first.model_copy(update={"usual": {}}), *manifest.chain.measures[1:])}
        ),
    }
    for words, spec in wrong.items():
        folder = tmp_path / words.replace(" ", "_")
        folder.mkdir()
        for name in ("model.onnx", "outline.onnx"):
            (folder / name).write_bytes((run / "bundle" / name).read_bytes())
        write_manifest(folder, manifest.model_copy(update={"chain": spec}))
        with pytest.raises(BundleError, match=words):
            load(folder)


def test_another_outlining_network_is_refused(run: Path, tmp_path: Path) -> None:
    for path in (run / "bundle").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "outline.onnx").write_bytes((tmp_path / "model.onnx").read_bytes())

    with pytest.raises(BundleError, match="is not the network of this bundle"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"record__facts": '["age"]'}, "record.facts"),
        ({"outline__by": "ultrasound"}, "outlines nothing"),
        ({"split__mode": "holdout"}, "crossval"),
        ({"split__validation": "none"}, "split.validation"),
        ({"exam__by": "patient"}, "exam.by"),
    ],
)
def test_what_makes_no_sense_is_said_first(root: Path, tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        train_any(chain(**changes), root, tmp_path / "run")
    assert not (tmp_path / "run" / "outlines").exists()


def test_no_picture_counts_twice(run: Path) -> None:
    split = (run / "classifier" / "split.csv").read_text()

    assert 1 < len(split.splitlines()) <= 25
