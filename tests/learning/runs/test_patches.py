"""A first stage on patches, on films with circled lesions: who is seen in it, what it leaves, and how it goes on."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import DatasetError, RecipeError, RunError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.index.patches import ORDINARY
from senoscope.learning.data.material import gather, indexed
from senoscope.learning.models.weights import resolve
from senoscope.learning.runs.patches import patched
from senoscope.learning.runs.run import crossvalidate, train
from senoscope.runtime.store import load, verify
from tests.learning.conftest import TINY
from tests.makers import busi, mias_densities, mias_lesions

TEXT = f"""
name = "patches"
task = "abnormality"
dataset = "mini_mias"
[split]
mode = "crossval"
folds = 3
[input]
size = 64
region = "breast"
[patch]
epochs = 2
ordinary = 1
size = 32
[model]
backbone = "{TINY}"
pretrained = false
head = "logistic"
[fit]
solver = "lbfgs"
decay = 1.0
[finetune]
batch = 8
"""


class CutShort(Exception):  # noqa: N818 # no error: it stands for a kill
    """The process was killed."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mias_lesions(tmp_path_factory.mktemp("data"))


def recipe(**changes: str) -> Recipe:
    return parse_recipe(TEXT, {key.replace("__", "."): value for key, value in changes.items()})


def listed(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_no_woman_of_validation_or_test_reaches_the_patches(root: Path, tmp_path: Path) -> None:
    crossvalidate(recipe(), root, tmp_path / "out")

    folded = {row["sample_id"]: (row["group"], int(row["fold"])) for row in listed(tmp_path / "out" / "split.csv")}
    for fold in range(3):
        patches = listed(tmp_path / "out" / "folds" / str(fold) / "patch" / "patches.csv")
        groups = {patch["group"] for patch in patches}
        outside = {group for group, own in folded.values() if own in (fold, (fold + 1) % 3)}
        trained = {group for group, own in folded.values() if own not in (fold, (fold + 1) % 3)}
        assert groups
        assert not groups & outside
        assert groups <= trained
        assert {patch["label"] for patch in patches} == {"abnormal", ORDINARY}
        for patch in patches:
            film = patch["sample_id"].split("#")[0].split("~")[0]
            assert folded[film][0] == patch["group"]


def test_nothing_of_other_films_changes_what_the_stage_learns(root: Path, tmp_path: Path) -> None:
    divided = indexed(recipe(), root)
    backbone = resolve(TINY, pretrained=False, size=64)
    material = gather(recipe(), divided, backbone, lambda stage, done, total: None)
    part = material.positions(0)[0]

    found = []
    for name in ("one", "two"):
        made = patched(material, recipe(), part, tmp_path / name, lambda stage, done, total: None)
        assert made.backbone is not None
        found.append(made)
        for label in (1, 2):  # films beside the training part are destroyed between the two
            for position in material.positions(0)[label] if name == "one" else ():
                object.__setattr__(material.index.samples[position], "boxes", ())

    first, second = (one.backbone for one in found)
    assert first is not None
    assert second is not None
    assert first.digest == second.digest != backbone.digest
    np.testing.assert_array_equal(found[0].plain, found[1].plain)
    assert np.abs(found[0].plain - material.plain).max() > 1e-4
    assert not any(parameter.requires_grad for parameter in first.network.parameters())


def test_every_lesion_of_the_training_part_is_a_patch(root: Path, tmp_path: Path) -> None:
    asked = recipe(task="mammography")
    divided = indexed(asked, root)
    material = gather(asked, divided, resolve(TINY, pretrained=False, size=64), lambda stage, done, total: None)
    part = material.positions(0)[0]

    patched(material, asked, part, tmp_path / "fit", lambda stage, done, total: None)

    patches = listed(tmp_path / "fit" / "patch" / "patches.csv")
    lesions = {patch["sample_id"]: patch["label"] for patch in patches if "#" in patch["sample_id"]}
    assert lesions == {f"{material.index.samples[one].sample_id}#1": material.index.samples[one].label for one in part}
    assert {patch["label"] for patch in patches} == {"benign", "malignant", ORDINARY}
    log = listed(tmp_path / "fit" / "patch" / "log.csv")
    assert [row["epoch"] for row in log] == ["1", "2"]
    assert not any(row["validation_loss"] for row in log)


@pytest.mark.parametrize("finetune", ["0", "2"])
def test_the_bundle_answers_with_the_backbone_of_both_stages(root: Path, tmp_path: Path, finetune: str) -> None:
    found = train(recipe(finetune__epochs=finetune), root, tmp_path / "out")

    assert verify(tmp_path / "out" / "bundle") is not None
    model = load(tmp_path / "out" / "bundle")
    assert model.manifest.recipe.patch.epochs == 2
    assert [step.kind for step in model.manifest.pipeline.steps] == ["gray", "breast", "resize"]
    answers = model.predict([root / "mdb003.pgm", root / "mdb004.pgm"])
    assert all(0 < answer.probability < 1 for answer in answers)
    assert len(found.evaluation.samples) == 24
    fold = tmp_path / "out" / "folds" / "0"
    stages = {path.parent.relative_to(fold).as_posix() for path in fold.rglob("log.csv")}
    assert stages == {"patch", "patch/head", "head"} | ({"backbone"} if finetune == "2" else set())


@pytest.mark.parametrize("stage", ["1: patches", "2: backbone"])
def test_cut_short_and_run_again_is_the_same(root: Path, tmp_path: Path, stage: str) -> None:
    asked = recipe(finetune__epochs="2")

    def cut(said: str, done: int, total: int) -> None:
        if (said, done) == (stage, 1):
            raise CutShort

    expected = crossvalidate(asked, root, tmp_path / "whole")
    with pytest.raises(CutShort):
        crossvalidate(asked, root, tmp_path / "cut", cut)

    found = crossvalidate(asked, root, tmp_path / "cut")

    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


def test_a_run_is_not_taken_up_with_other_outlines(tmp_path: Path) -> None:
    root = mias_lesions(tmp_path / "data")
    crossvalidate(recipe(), root, tmp_path / "out")
    before = (tmp_path / "out" / "folds" / "0" / "patch" / "patches.csv").read_bytes()
    table = root / "Info.txt"
    table.write_text(table.read_text("latin-1").replace(" 40\n", " 20\n"), encoding="latin-1")

    with pytest.raises(RunError, match="other facts"):
        crossvalidate(recipe(), root, tmp_path / "out")

    assert (tmp_path / "out" / "folds" / "0" / "patch" / "patches.csv").read_bytes() == before


def test_a_network_from_scratch_takes_patches_of_one_size_and_pictures_of_another(root: Path, tmp_path: Path) -> None:
    scratch = {"model__backbone": "smallcnn", "model__head": "dense", "fit__solver": "adam", "finetune__epochs": "1"}

    found = crossvalidate(recipe(patch__epochs="1", **scratch), root, tmp_path / "out")

    assert np.isfinite(found.probabilities).all()


def test_what_gives_no_patches_is_refused_before_training(root: Path, tmp_path: Path) -> None:
    plain = mias_densities(tmp_path / "plain")
    with pytest.raises(DatasetError, match=r"patch\.epochs = 2 needs outlined lesions"):
        crossvalidate(recipe(task="density", calibration="temperature"), plain, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DatasetError, match="no patches of ordinary tissue"):
        crossvalidate(recipe(patch__ordinary="0"), root, tmp_path / "none")
    with pytest.raises(RecipeError, match=r"input\.region"):
        recipe(input__region="lesion")


def test_lesions_of_masks_make_patches_too(tmp_path: Path) -> None:
    asked = recipe(task="ultrasound", dataset="busi", input__region="whole", patch__epochs="1")

    crossvalidate(asked, busi(tmp_path / "busi", 12), tmp_path / "out")

    patches = listed(tmp_path / "out" / "folds" / "0" / "patch" / "patches.csv")
    assert {patch["label"] for patch in patches} >= {"benign", "malignant"}


def test_a_model_of_lesions_is_trained_on_their_squares(root: Path, tmp_path: Path) -> None:
    asked = parse_recipe(TEXT, {"task": "mammography", "input.region": "lesion", "patch.epochs": "0"})

    found = crossvalidate(asked, root, tmp_path / "out")

    assert len(found.samples) == 9
    assert all(sample.sample_id.endswith("#1") for sample in found.samples.samples)
    assert json.loads((tmp_path / "out" / "run.json").read_text())["data"]
    other = asked.model_copy(update={"task": "density", "calibration": "temperature"})
    plain = mias_densities(tmp_path / "plain")
    with pytest.raises(DatasetError, match="needs outlined lesions"):
        crossvalidate(other, plain, tmp_path / "no")


def test_the_breast_is_for_mammograms(tmp_path: Path) -> None:
    asked = recipe(task="ultrasound", dataset="busi", patch__epochs="0")

    with pytest.raises(RecipeError, match="is for mammograms"):
        crossvalidate(asked, busi(tmp_path / "busi", 12), tmp_path / "out")


def test_a_model_of_lesions_is_evaluated_on_their_squares(tmp_path: Path) -> None:
    root = mias_lesions(tmp_path / "films", each=4)
    asked = parse_recipe(
        TEXT, {"task": "mammography", "input.region": "lesion", "patch.epochs": "0", "split.mode": "holdout"}
    )
    trained = train(asked, root, tmp_path / "out")
    films = DATASETS.get("mini_mias").samples_for(TASKS.get("mammography"), root)

    found = evaluate(load(trained.bundle), films)

    tested, every = ({sample.sample_id for sample in one.samples.samples} for one in (trained.evaluation, found))
    assert tested < every == {f"{film.sample_id}#{lesion}" for film in films.samples for lesion in (1, 2, 3, 4)}
