"""Runs of a network that has no frozen stage, on a miniature of BUSI."""

import json
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import RecipeError
from senoscope.core.recipes import recipe_text
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.learning.runs.run import crossvalidate, train
from senoscope.runtime.store import load, verify
from tests.makers import busi

CHANGES = {"task": "ultrasound", "dataset": "busi", "input.size": "32", "split.folds": "3", "finetune.epochs": "3"}
RECIPE = parse_recipe(recipe_text("idc_smallcnn"), {**CHANGES, "finetune.batch": "8"})


class CutShort(Exception):  # noqa: N818 # no error: it stands for a kill
    """The process was killed."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi(tmp_path_factory.mktemp("data"), 18)


def changed(**changes: str) -> Recipe:
    return parse_recipe(recipe_text("idc_smallcnn"), {**CHANGES, "finetune.batch": "8", **changes})


def test_nothing_is_embedded_and_no_head_is_fitted(root: Path, tmp_path: Path) -> None:
    stages: set[str] = set()

    found = crossvalidate(RECIPE, root, tmp_path / "out", lambda stage, done, total: stages.add(stage))

    assert "embedding" not in stages
    assert not list((tmp_path / "out").rglob("head"))
    assert sorted(path.parent.parent.name for path in (tmp_path / "out").rglob("log.csv")) == ["0", "1", "2"]
    assert len(found.samples) == 36
    scores = json.loads((tmp_path / "out" / "folds" / "0" / "scores.json").read_text())
    assert scores["head_epoch"] == 0
    assert 1 <= scores["backbone_epoch"] <= 3


@pytest.mark.parametrize("stage", ["1: backbone", "2: backbone"])
def test_cut_short_and_run_again_is_the_same(root: Path, tmp_path: Path, stage: str) -> None:
    def cut(said: str, done: int, total: int) -> None:
        if (said, done) == (stage, 2):
            raise CutShort

    expected = crossvalidate(RECIPE, root, tmp_path / "whole")
    with pytest.raises(CutShort):
        crossvalidate(RECIPE, root, tmp_path / "cut", cut)

    found = crossvalidate(RECIPE, root, tmp_path / "cut")

    assert isinstance(found, Evaluation)
    assert isinstance(expected, Evaluation)
    assert found.table == expected.table
    assert np.array_equal(found.images.probabilities, expected.images.probabilities)


def test_holdout_gives_a_bundle_that_answers_as_its_report_says(root: Path, tmp_path: Path) -> None:
    recipe = changed(**{"split.mode": "holdout", "finetune.epochs": "12"})

    found = train(recipe, root, tmp_path / "out").evaluation

    assert isinstance(found, Evaluation)
    manifest = verify(tmp_path / "out")
    assert manifest.recipe == recipe
    assert manifest.reference.mean.shape == (128,)
    assert "trained from scratch" in (tmp_path / "out" / "bundle" / "card.md").read_text("utf-8")
    paths = found.samples.paths()
    answers = load(tmp_path / "out").predict(paths)
    assert [answer.probability for answer in answers] == pytest.approx(list(found.images.probabilities), abs=1e-5)


def test_grey_pictures_have_no_stain(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no stain"):
        train(changed(**{"jitter.stain": "0.1"}), root, tmp_path / "out")
