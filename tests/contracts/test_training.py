"""What every shipped recipe promises: it trains, on a miniature of its dataset, to a bundle that answers."""

from pathlib import Path
from typing import Any

import pytest

from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.recipes import names, recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.exams import exam_of, exams
from senoscope.learning.data.material import indexed
from senoscope.learning.outlines.before import BOXES
from senoscope.learning.outlines.chaining import OUTLINES
from senoscope.learning.runs.calling import calibrated
from senoscope.learning.runs.kinds import train_any
from senoscope.runtime.store import load, load_any, verify
from tests.makers.training_sets import training_set

SMALLEST = {"inception_v3": 107, "smallcnn": 32}
"""Sides in pixels; others take 64."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where miniatures and stored features are kept, shared by all recipes."""
    return tmp_path_factory.mktemp("miniatures")


def small(name: str) -> Recipe:
    """Build the recipe with the least of everything that still goes through all its stages, from random weights."""
    recipe = parse_recipe(recipe_text(name))
    size = max(SMALLEST.get(member, 64) for member in recipe.model.backbone.split("+"))
    changes: dict[str, object] = {"split.folds": 3, "input.size": size, "model.pretrained": "false"}
    changes |= {"fit.epochs": min(recipe.fit.epochs, 3), "augment.views": min(recipe.augment.views, 2)}
    changes |= {"finetune.epochs": min(recipe.finetune.epochs, 1), "finetune.warmup": 0}
    changes |= {"patch.epochs": min(recipe.patch.epochs, 1), "patch.size": min(recipe.patch.size, 64)}
    if recipe.boxes.patch:
        changes["boxes.patch"] = size // 2
    classifies = TASKS.get(recipe.task).kind == "classify" and not recipe.outline.by
    if classifies and not (recipe.split.ensemble or recipe.augment.before_split):
        changes["split.mode"] = "holdout"
    return parse_recipe(recipe_text(name), {key: str(value) for key, value in changes.items()})


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_recipe_trains_to_a_bundle_that_answers(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENOSCOPE_CACHE", str(folder / "cache"))
    # One step from random weights may rank worse than chance, for which a bundle is refused.
    monkeypatch.setattr("senoscope.learning.runs.bundling.fitted", calibrated)
    recipe = small(name)
    root = training_set(recipe.dataset, name if recipe.outline.by else recipe.task, folder)

    _train_before(recipe, root, tmp_path / "run")

    found = train_any(recipe, root, tmp_path / "run")

    report = _run_of(recipe, tmp_path / "run") / "report"
    assert {path.name for path in report.iterdir()} >= {"report.html", "report.json", "predictions.csv"}
    if recipe.boxes.architecture == "fasterrcnn":
        assert found.bundle is None
        return
    assert found.bundle is not None
    manifest = verify(found.bundle)
    assert manifest.name == name
    assert manifest.recipe == recipe
    answers = _answers(recipe, root, found.bundle)
    assert answers
    for answer in answers:
        assert set(answer.probabilities) == set(manifest.labels)
        assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert name in (found.bundle / "card.md").read_text("utf-8")


def _train_before(recipe: Recipe, root: Path, out: Path) -> None:
    """Train what comes first, and what comes before that, as small as the rest."""
    if recipe.outline.by:
        first = small(recipe.outline.by)
        folder = out / (BOXES if TASKS.get(first.task).kind == "detect" else OUTLINES)
        _train_before(first, root, folder)
        train_any(first, root, folder)


def _run_of(recipe: Recipe, out: Path) -> Path:
    chained = recipe.outline.by and TASKS.get(recipe.task).kind == "classify"
    return out / "classifier" if chained else out


def _answers(recipe: Recipe, root: Path, bundle: Path) -> list[Any]:
    if TASKS.get(recipe.task).kind != "classify" or recipe.outline.by:
        listed = DATASETS.get(recipe.dataset).samples_for(TASKS.get(recipe.task), root).with_files()
        return list(load_any(bundle, threads=1).stream(listed.paths()[:3]))
    model, images = load(bundle, threads=1), indexed(recipe, root).images
    if not recipe.by_exam:
        return list(model.predict(list(images.paths()[:3])))
    joined = exams(images, recipe.exam.by, recipe.exam.most)
    return list(model.predict([exam_of(joined, place) for place in range(3)]))
