"""A run that puts boxes first and outlines what lies in them."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.domain.recipe import Recipe, dump_recipe, parse_recipe
from senoscope.core.errors import RecipeError, RunError
from senoscope.core.recipes import recipe_text
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.learning.boxes.run import train_boxes
from senoscope.learning.outlines.run import opened
from senoscope.learning.runs.kinds import train_any
from senoscope.runtime.outlining import BoxedOutliner
from senoscope.runtime.store import load_any, read_manifest, verify
from tests.learning.boxes.test_run import small as small_boxes
from tests.learning.outlines.test_run import SMALL
from tests.makers import busi_outlined


def small(**changes: str) -> Recipe:
    own = {"outline.by": "lesions", "split.validation": "none", "input.fit": "stretch", "jitter.crop": "1.0"}
    asked = SMALL | own | {key.replace("__", "."): value for key, value in changes.items()}
    return parse_recipe(recipe_text("ultrasound_outline"), asked)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("busi")
    busi_outlined(folder, 8)
    return folder


@pytest.fixture(scope="module")
def boxes(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("boxes") / "boxes"
    train_boxes(small_boxes(**{"finetune.epochs": "8"}), root, out)
    return out


@pytest.fixture(scope="module")
def run(root: Path, boxes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    out.mkdir()
    (out / "boxes").symlink_to(boxes)
    train_any(small(), root, out)
    return out


def test_the_bundle_holds_both_networks_and_says_so(run: Path, boxes: Path) -> None:
    manifest, first = verify(run), read_manifest(boxes / "bundle")

    assert isinstance(manifest, OutlineManifest)
    assert manifest.within is not None
    assert manifest.within.pipeline == first.pipeline
    assert manifest.reference == first.reference
    assert (run / "bundle" / "boxes.onnx").read_bytes() == (boxes / "bundle" / "model.onnx").read_bytes()
    assert {path.name for path in (run / "bundle").iterdir()} == {"bundle.json", "card.md", "model.onnx", "boxes.onnx"}
    assert "box" in (run / "bundle" / "card.md").read_text()


def test_every_picture_was_outlined_in_a_box_of_a_network_that_had_not_seen_it(run: Path, root: Path) -> None:
    ground = opened(small(), root, run)
    assert ground.boxing is not None

    for fold in range(3):
        kept = json.loads((run / "folds" / str(fold) / "scores.json").read_text())
        told = json.loads((run / "boxes" / "folds" / str(fold) / "scores.json").read_text())
        surest = {
            ground.index.samples[position].sample_id: score
            for position, score in zip(ground.parted.tested(fold), kept["tested"], strict=True)
        }
        assert surest == {name: ground.boxing.look(name).surest for name in surest}
        assert sorted(surest.values()) == sorted(one["surest"] for one in told["tested"])


def test_the_bundle_answers_as_the_run_did_where_the_network_is_the_same(run: Path, root: Path) -> None:
    """The maps of a fold are laid into pictures exactly as the bundle lays its own."""
    model = load_any(run, threads=1)
    assert isinstance(model, BoxedOutliner)
    index = DATASETS.get("busi").samples_for(TASKS.get("ultrasound_outline"), root)

    for path in index.paths()[:6]:
        answer = model.predict(path)
        assert answer.codes.shape == (answer.size.height, answer.size.width)
        assert all(0 <= region.probability <= 1 for region in answer.regions)
        inside = answer.placements[0].source_box
        x0, y0, x1, y1 = inside.edges
        outside = answer.codes.copy()
        outside[y0:y1, x0:x1] = 0
        assert not outside.any()


def test_a_second_start_changes_nothing(run: Path, root: Path) -> None:
    before = {path: path.read_bytes() for path in run.glob("folds/*/*.safetensors")}

    train_any(small(), root, run)

    assert before
    for path, content in before.items():
        assert path.read_bytes() == content
    maps = load_file(run / "folds" / "0" / "maps.safetensors")["maps"]
    assert maps.dtype == np.uint8


def test_where_nothing_was_found_nothing_is_outlined(run: Path, root: Path) -> None:
    for fold in range(3):
        maps = load_file(run / "folds" / str(fold) / "maps.safetensors")["maps"]
        told = json.loads((run / "boxes" / "folds" / str(fold) / "scores.json").read_text())["tested"]
        for one, look in zip(maps, told, strict=True):
            assert look["boxes"] or not one.any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outline__by": "ultrasound"}, "puts no boxes"),
        ({"outline__by": "film_lesions"}, "puts no boxes"),
        ({"input__region": "scan"}, "input.region must be 'whole'"),
        ({"split__protocol": "paper"}, "divided by patient"),
    ],
)
def test_what_cannot_come_first_is_said_before_anything_is_trained(
    changes: dict[str, str], words: str, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=words):
        train_any(small(**changes), root, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_boxes_square_by_square_cannot_come_first(root: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "boxes").mkdir(parents=True)
    patchy = small_boxes(**{"input.size": "96", "boxes.patch": "64"})
    (tmp_path / "run" / "boxes" / "recipe.toml").write_text(dump_recipe(patchy))

    with pytest.raises(RecipeError, match="cannot come first"):
        train_any(small(), root, tmp_path / "run")


def test_a_picture_that_was_not_asked_for_boxes_is_named(run: Path, root: Path) -> None:
    ground = opened(small(), root, run)
    assert ground.boxing is not None

    with pytest.raises(RunError, match="nothing was asked for boxes in elsewhere"):
        ground.boxing.look("elsewhere")
