"""A run that gives every pixel a label: cut into squares, trained, measured and packed."""

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from senoscope.core.domain.geometry import Size
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.domain.recipe import Recipe, parse_recipe
from senoscope.core.domain.recipe_parts import FinetuneRecipe, JitterRecipe
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Resize
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.codes import UNNAMED
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.report.files import report_files
from senoscope.learning.data.source import parts_of
from senoscope.learning.models.weights import resolve
from senoscope.learning.outlines.fit import loss_of
from senoscope.learning.outlines.network import build
from senoscope.learning.outlines.source import MarkedSource
from senoscope.learning.outlines.tissue import laid_back
from senoscope.learning.runs.kinds import train_any
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.store import load_any, verify
from tests.makers.training_sets import training_set

TASK = TASKS.get("tissue_outline")
SMALL = {
    "split.folds": "3",
    "input.size": "64",
    "model.backbone": "test_resnet",
    "model.pretrained": "false",
    "outline.channels": "[16, 8, 8, 8, 8]",
    "finetune.epochs": "4",
    "finetune.warmup": "0",
    "finetune.rate": "0.01",
}


def small(**changes: str) -> Recipe:
    asked = SMALL | {key.replace("__", "."): value for key, value in changes.items()}
    return parse_recipe(recipe_text("tissue_unet_resnet34"), asked)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training_set("bcss", "tissue_outline", tmp_path_factory.mktemp("bcss"))


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENOSCOPE_CACHE", str(place / "cache"))
        train_any(small(), root, place / "run")
    return place / "run"


def test_the_papers_network_has_its_parameters() -> None:
    recipe = parse_recipe(recipe_text("tissue_unet_resnet34"))
    backbone = resolve(recipe.model.backbone, pretrained=False, seed=0, size=224)

    network = build(recipe, backbone, len(TASK.labels))

    assert sum(weights.numel() for weights in network.parameters()) == 24_439_269


def test_figures_are_of_every_label_that_is_there(run: Path) -> None:
    report = json.loads((run / "report" / "report.json").read_text())

    assert report["protocol"] == "3-fold cross-validation by hospital"
    assert not report["leaky"]
    labels = report["figures"]["labels"]
    known = {label for label, figures in labels.items() if figures["dice"] is not None}
    assert known == {"tumor", "stroma", "fat", "necrosis_or_debris"}
    assert labels["stroma"]["dice"]["value"] > 0.5
    assert report["figures"]["overall"]["pixel_accuracy"]["value"] > 0.5
    assert "NaN" not in (run / "report" / "report.json").read_text()
    notes = " ".join(report["notes"])
    assert "no square taught necrosis_or_debris: pixels of these were missed there" in notes
    assert "no pixel is truly exclude" in notes
    assert labels["necrosis_or_debris"]["dice"]["value"] == 0
    # Ignored are the rim outside of the region and what is to be excluded: no pixel counts twice.
    codes = [np.asarray(Pil.open(path)) for path in sorted(run.parent.glob("cache/tiles/*/*.codes.png"))]
    assert report["counts"]["pixels"] == sum(int((code != UNNAMED).sum()) for code in codes)
    assert sum(sum(row.values()) for row in report["confusion"].values()) == report["counts"]["pixels"]


def test_every_pixel_with_a_label_is_counted_once(run: Path, root: Path) -> None:
    report = json.loads((run / "report" / "report.json").read_text())
    masks = [np.asarray(Pil.open(path)) for path in (root / "masks").iterdir()]

    assert report["counts"]["pixels"] == sum(int(((mask != 0) & (mask != 7)).sum()) for mask in masks)
    rows = (run / "report" / "confusion.csv").read_text().splitlines()
    assert rows[0] == "truth," + ",".join(TASK.labels)
    assert len(rows) == 22
    assert len((run / "report" / "predictions.csv").read_text().splitlines()) == 10


def test_folds_hold_hospitals_whole(run: Path) -> None:
    rows = [line.split(",") for line in (run / "split.csv").read_text().splitlines()]
    fold, name = rows[0].index("fold"), rows[0].index("sample_id")
    sites: dict[str, set[str]] = {}
    for row in rows[1:]:
        sites.setdefault(row[name][5:7], set()).add(row[fold])

    assert len(sites) == 5
    assert all(len(folds) == 1 for folds in sites.values())


def test_the_bundle_answers_with_shares(run: Path, root: Path) -> None:
    manifest = verify(run)
    assert isinstance(manifest, OutlineManifest)
    assert manifest.labels == TASK.labels
    assert (manifest.calibration, manifest.operating_points) == (None, ())
    assert manifest.datasets[0].images == 9
    assert "Dice" in (run / "bundle" / "card.md").read_text()
    model = load_any(run)
    assert isinstance(model, Outliner)
    path = DATASETS.get("bcss").index(root).paths()[0]
    pixels = np.asarray(Pil.open(path))[:64, :64]

    answer = model.predict(Image(pixels, 255.0))

    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.codes.shape == (64, 64)
    shares = np.bincount(answer.codes.ravel(), minlength=21) / 64**2
    assert [answer.probabilities[label] for label in TASK.labels] == pytest.approx(shares.tolist())


def test_it_is_evaluated_region_by_region(run: Path, root: Path) -> None:
    model = load_any(run, threads=1)
    assert isinstance(model, Outliner)
    index = DATASETS.get("bcss").samples_for(TASK, root)

    found = evaluate(model, index)

    assert isinstance(found, TissueEvaluation)
    # The bundle was trained on just these regions, and knows them again.
    assert found.leaky
    assert found.counts.shape == (9, 21, 21)
    report = json.loads((run / "report" / "report.json").read_text())
    assert found.counts.sum() == report["counts"]["pixels"]
    assert found.table["pixel_accuracy"].value > 0.6
    assert {"report.html", "report.json", "predictions.csv", "confusion.csv"} == set(report_files(found))


def test_image_by_image_is_called_leaky(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_CACHE", str(tmp_path / "cache"))

    found = train_any(small(split__protocol="paper", finetune__epochs="1"), root, tmp_path / "run")

    assert found.evaluation.leaky
    assert found.evaluation.protocol == "3-fold cross-validation by image, as papers do"


def test_numbers_move_with_their_picture_and_are_never_mixed(tmp_path: Path) -> None:
    levels = np.full((48, 48), 3, np.uint8)
    levels[10:30, 5:40], levels[20:28, 20:48], levels[:4] = 9, 200, UNNAMED
    for name in ("picture", "codes"):
        Pil.fromarray(levels).save(tmp_path / f"{name}.png")
    index = Index("bcss", tmp_path, (Sample("a", "", "a", "picture.png", "tissue", ("codes.png",)),))
    jitter = JitterRecipe(crop=0.5, turn=True, light=0.0)
    source = MarkedSource(index, Pipeline((Resize(48, 48),)), jitter, 0, 21)

    turned = 0
    for epoch in range(12):
        images, marks = next(iter(source.batches(parts_of(np.arange(1), 1), epoch)))
        assert marks.dtype == torch.uint8
        assert set(np.unique(marks.numpy())) <= {3, 9, 200, UNNAMED}
        # Away from edges, where the picture is blended and the numbers are not, both say the same.
        assert (np.abs(images.numpy()[0, 0] - marks.numpy()[0, 0]) < 1).mean() > 0.85
        turned += int((marks.numpy()[0, 0] != levels).any())
    assert turned > 8


def test_outside_of_a_small_picture_there_is_no_label(tmp_path: Path) -> None:
    Pil.fromarray(np.full((20, 40, 3), 200, np.uint8)).save(tmp_path / "picture.png")
    Pil.fromarray(np.zeros((20, 40), np.uint8)).save(tmp_path / "codes.png")
    index = Index("bcss", tmp_path, (Sample("a", "", "a", "picture.png", "tissue", ("codes.png",)),))
    source = MarkedSource(index, Pipeline((Resize(64, 64),)), JitterRecipe(), 0, 21)

    _, marks = next(iter(source.batches(parts_of(np.arange(1), 1), None)))

    assert set(np.unique(marks.numpy())) == {0, UNNAMED}
    assert (marks.numpy() == 0).mean() == pytest.approx(0.5)


@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_pixels_without_a_label_teach_nothing(loss: Literal["bce", "focal"]) -> None:
    found = loss_of(FinetuneRecipe(loss=loss))
    logits = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    marks = torch.randint(0, 5, (2, 1, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    marks[:, :, :3] = UNNAMED
    other = logits.clone()
    other[:, :, :3] += torch.randn(2, 5, 3, 8, generator=torch.Generator().manual_seed(2)) * 5

    assert float(found(logits, marks)) == pytest.approx(float(found(other, marks)))
    asked = logits.clone().requires_grad_()
    (slope,) = torch.autograd.grad(found(asked, marks), asked)
    assert not slope[:, :, :3].any()
    assert slope[:, :, 3:].any()
    nothing = found(logits, torch.full_like(marks, UNNAMED))
    assert float(nothing) == 0


def test_cross_entropy_and_dice_are_the_loss() -> None:
    logits = torch.full((1, 3, 2, 2), -20.0)
    logits[:, 1] = 20.0

    right = float(loss_of(FinetuneRecipe())(logits, torch.ones(1, 1, 2, 2, dtype=torch.uint8)))
    wrong = float(loss_of(FinetuneRecipe())(logits, torch.full((1, 1, 2, 2), 2, dtype=torch.uint8)))

    assert right == pytest.approx(0, abs=0.01)
    # Of the one label that is there four pixels are missed: Dice (0 + 1) / (4 / 2 + 1); and 40 nats at every pixel.
    assert wrong == pytest.approx(40 + 1 - 1 / 3, abs=0.01)


def test_numbers_are_laid_back_over_the_stored_picture() -> None:
    image = Image(np.zeros((30, 60, 3), np.uint8), 255.0)
    placements = Pipeline((Resize(64, 64),)).apply(image).placements
    codes = np.full((64, 64), 7, np.uint8)
    codes[16:48, :32], codes[16:48, 32:] = 3, 12

    found = laid_back(codes, placements, Size(60, 30))

    assert found.shape == (30, 60)
    assert (found[:, :29] == 3).all()
    assert (found[:, 31:] == 12).all()
