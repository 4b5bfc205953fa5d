"""The leakage gap of a recipe on a miniature in which leaking must show."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.errors import DatasetError, RecipeError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.splits import read_split
from senoscope.evidence.report.gap import Gap, leakage_gap
from senoscope.learning.data.augment import COPY, multiplied
from senoscope.learning.data.material import indexed
from senoscope.learning.runs.gap import measure_gap
from tests.makers import bus_bra

TEXT = """
name = "mini"
task = "ultrasound"
dataset = "bus_bra"

[split]
folds = 3
mode = "crossval"

[input]
size = 64
fit = "stretch"

[model]
backbone = "test_resnet"
pretrained = false
head = "logistic"

[augment]
views = 5
flip = false
smallest_crop = 1.0
rotate = 4.0
before_split = true

[fit]
solver = "lbfgs"
epochs = 200
decay = 1e-4
"""
RECIPE = parse_recipe(TEXT)


def noise(folder: Path, patients: int = 18) -> Path:
    """BUS-BRA whose pictures are smooth noise: nothing in them tells the label, but each tells which picture it is."""
    root = bus_bra(folder, patients)
    for number, path in enumerate(sorted((root / "Images").iterdir())):
        coarse = np.random.default_rng(number).integers(0, 256, (5, 5), np.uint8)
        Pil.fromarray(coarse).resize((160, 128), Pil.Resampling.BICUBIC).save(path)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return noise(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gap")


@pytest.fixture(scope="module")
def gap(root: Path, out: Path) -> Gap:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENOSCOPE_CACHE", str(out / "cache"))
        return measure_gap(RECIPE, root, out)


def test_copies_on_both_sides_are_recognised_and_patients_are_not(gap: Gap) -> None:
    assert gap.paper.table["roc_auc"].value > 0.8
    assert gap.honest.table["roc_auc"].value < 0.75
    assert gap.differences["roc_auc"].low > 0.1


def test_difference_is_paper_minus_honest(gap: Gap) -> None:
    for name in ("roc_auc", "accuracy", "brier"):
        difference = gap.paper.table[name].value - gap.honest.table[name].value
        assert gap.differences[name].value == pytest.approx(difference, abs=1e-12)
        assert gap.differences[name].low <= difference <= gap.differences[name].high


def test_only_the_paper_s_side_is_marked_leaky(gap: Gap, out: Path) -> None:
    found = json.loads((out / "leakage.json").read_text("utf-8"))

    assert gap.paper.leaky
    assert not gap.honest.leaky
    assert found["paper"]["leaky"] is True
    assert found["honest"]["leaky"] is False
    assert found["leakage_gap"]["roc_auc"]["value"] == gap.differences["roc_auc"].value
    assert "LEAKY" in (out / "leakage.html").read_text("utf-8")
    assert "LEAKY" in (out / "paper" / "report" / "report.html").read_text("utf-8")
    assert "LEAKY" not in (out / "patient" / "report" / "report.html").read_text("utf-8")


def test_both_divide_the_same_pictures(gap: Gap, root: Path, out: Path) -> None:
    index = indexed(RECIPE, root).index

    assert gap.honest.sample_ids == gap.paper.sample_ids == [sample.sample_id for sample in index.samples]
    honest = read_split(out / "patient" / "split.csv", index)
    paper = read_split(out / "paper" / "split.csv", index, protocol="paper")
    with pytest.raises(DatasetError, match="lies on both sides"):
        read_split(out / "paper" / "split.csv", index)
    groups = index.groups()
    assert all(len(set(honest.folds[groups == group])) == 1 for group in set(groups))
    assert max(len(set(paper.folds[groups == group])) for group in set(groups)) == 3


def test_second_call_reads_what_the_first_one_left(gap: Gap, root: Path, out: Path) -> None:
    stages: list[str] = []

    again = measure_gap(RECIPE, root, out, lambda stage, done, total: stages.append(stage))

    assert again.differences == gap.differences
    assert not [stage for stage in stages if "head" in stage]


def test_a_gap_needs_one_of_each(gap: Gap) -> None:
    with pytest.raises(DatasetError, match="one evaluation divided by patient"):
        leakage_gap(gap.paper, gap.paper)


def test_every_view_is_a_sample_of_its_own(root: Path) -> None:
    index = DATASETS.get("bus_bra").index(root)

    found = multiplied(index, RECIPE.augment)

    assert len(found) == 6 * len(index)
    assert [sample.facts[COPY] for sample in found.samples[:6]] == list("012345")
    assert {sample.group for sample in found.samples[:6]} == {index.samples[0].group}
    assert "6 times" in found.notes[-1]


@pytest.mark.parametrize("change", [{"split.mode": "holdout"}, {"finetune.epochs": "1"}])
def test_views_before_the_split_need_a_frozen_cross_validation(change: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match="before_split"):
        parse_recipe(TEXT, change)


def test_answers_that_rank_nothing_are_published(tmp_path: Path) -> None:
    root = noise(tmp_path / "data")
    plain = parse_recipe(TEXT, {"augment.before_split": "false", "augment.views": "0"})

    found = measure_gap(plain, root, tmp_path / "out")

    assert isinstance(plain, Recipe)
    assert 0 <= found.honest.table["roc_auc"].value <= 1
    assert (found.honest.probabilities > 0).all()
