"""Bundles that put boxes around lesions: what they answer, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.domain.box_bundle import BoxManifest
from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Image
from senoscope.core.errors import BundleError, MissingFileError, UsageError
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.runtime.detecting import ALWAYS, Detector, Finding, Maps, found_in, shown_of
from senoscope.runtime.reading import Failure
from senoscope.runtime.session import BoxSession
from senoscope.runtime.store import load, load_any, read_manifest, verify
from tests.makers import tiny_box_bundle, tiny_bundle, tiny_network, ultrasound
from tests.makers.boxes import REACH


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_box_bundle(tmp_path_factory.mktemp("boxes") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> Detector:
    found = load_any(folder, threads=1)
    assert isinstance(found, Detector)
    return found


def spotted(*boxes: Box, width: int = 160, height: int = 128) -> Image:
    """A bright picture with dark boxes."""
    pixels = np.full((height, width), 230, np.uint8)
    for left, top, right, bottom in (box.edges for box in boxes):
        pixels[top:bottom, left:right] = 5
    return Image(pixels, 255.0, "spotted.png")


def test_a_dark_spot_is_boxed_in_pixels_of_the_stored_image(model: Detector) -> None:
    # The network's grid of 8 × 8 has places of 20 × 16 stored pixels; this is one of them.
    answer = model.predict(spotted(Box(60, 48, 20, 16)))

    assert answer.label == "lesion"
    (found,) = answer.boxes
    middle = (found.box.left + found.box.width / 2, found.box.top + found.box.height / 2)
    assert middle == pytest.approx((70, 56), abs=1)
    assert found.box.width == pytest.approx(2 * REACH * 160 / 32, abs=1)
    assert found.box.height == pytest.approx(2 * REACH * 128 / 32, abs=1)
    assert found.label == "lesion"
    assert found.score == pytest.approx(answer.probability)
    assert answer.saliency.shape == (128, 160)
    assert np.unravel_index(answer.saliency.argmax(), (128, 160)) == pytest.approx((56, 70), abs=12)


def test_nothing_dark_is_no_lesion_and_no_box(model: Detector) -> None:
    answer = model.predict(spotted())

    assert (answer.label, answer.boxes) == ("tissue", ())
    assert answer.probability < 0.5
    assert answer.probabilities["tissue"] == pytest.approx(1 - answer.probability)


def test_what_is_not_sure_enough_is_kept_apart(model: Detector) -> None:
    dark, dim = Box(20, 16, 20, 16), Box(120, 96, 20, 16)
    picture = spotted(dark)
    picture.pixels[dim.top : dim.top + 16, dim.left : dim.left + 20] = 140

    answer = model.predict(picture)

    assert [one.score >= model.manifest.shown for one in answer.boxes] == [True]
    assert answer.unshown
    scores = [one.score for one in (*answer.boxes, *answer.unshown)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) <= model.manifest.most


@pytest.mark.parametrize(("scores", "count"), [([0.9, 0.7, 0.2], 2), ([0.3, 0.2], 1), ([], 0), ([0.6], 1)])
def test_the_surest_is_shown_in_any_case(scores: list[float], count: int) -> None:
    assert shown_of(np.array(scores), 0.6) == count


def test_another_operating_point_calls_more(model: Detector) -> None:
    picture = spotted()
    picture.pixels[48:64, 60:80] = 130
    balanced, screening = (model.predict(picture, point) for point in ("balanced", "screening"))

    assert 0.2 < balanced.probability < 0.5
    assert (balanced.label, screening.label) == ("tissue", "lesion")
    # Below the score from which boxes are shown, and all the same the one that was called by.
    assert len(screening.boxes) == 1
    with pytest.raises(UsageError, match="no operating point 'strict'"):
        model.predict(picture, "strict")


def test_answers_come_in_order_and_failures_among_them(model: Detector) -> None:
    pictures = [Image(ultrasound(seed, (96, 80)), 255.0, f"{seed}.png") for seed in range(6)]
    asked: list[Image | str] = [*pictures[:3], "gone.png", *pictures[3:]]

    answers = list(model.stream(asked, batch=2))

    assert [answer.source for answer in answers] == [
        *(f"{n}.png" for n in range(3)),
        "gone.png",
        "3.png",
        "4.png",
        "5.png",
    ]
    assert isinstance(answers[3], Failure)
    assert isinstance(answers[3].error, MissingFileError)
    single = [model.predict(picture) for picture in pictures]
    assert [one.boxes for one in single] == [one.boxes for one in answers if not isinstance(one, Failure)]
    with pytest.raises(MissingFileError):
        model.predict("gone.png")


def test_a_bundle_that_knows_no_picture_without_one_calls_by_its_boxes(tmp_path: Path) -> None:
    always = load_any(tiny_box_bundle(tmp_path / "always", always=True), threads=1)
    assert isinstance(always, Detector)

    called, passed = always.predict(spotted(Box(60, 48, 20, 16))), always.predict(spotted())

    assert (called.label, called.operating_point, called.threshold, called.prevalence) == ("lesion", ALWAYS, None, 1.0)
    assert called.probability == called.boxes[0].score
    assert (passed.label, passed.boxes) == ("tissue", ())


def test_a_picture_of_another_kind_gets_no_answer(model: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (128, 160, 3)).astype(np.uint8)

    assert model.predict(Image(noise, 255.0, "noise.png")).abstained


def by_darkness(given: NDArray[np.float32]) -> Maps:
    """As the tiny network does, on squares of any size."""
    grid = given.shape[-1] // 4
    share = given.mean(axis=1).reshape(len(given), grid, 4, grid, 4).mean(axis=(2, 4)) / 255
    sides = np.full((len(given), 4, grid, grid), 5.0, np.float32)
    return (4 - 8 * share[:, None]).astype(np.float32), sides, share.reshape(len(given), -1)[:, :3].astype(np.float32)


@pytest.mark.parametrize("patch", [0, 32, 48])
def test_a_picture_in_squares_is_found_as_the_whole_one(patch: int) -> None:
    array = np.full((3, 96, 96), 230, np.float32)
    spots = [(20, 12), (60, 72), (40, 40)]
    for x, y in spots:
        array[:, y : y + 4, x : x + 4] = 5

    (found,) = found_in([array], by_darkness, Finding(patch, 0.3, 3))

    middles = {tuple(middle) for middle in ((found.rows[:, :2] + found.rows[:, 2:]) / 2).tolist()}
    assert middles == {(x + 2.0, y + 2.0) for x, y in spots}
    assert found.heat.shape == (24, 24)
    assert found.surest == found.logits.max()
    assert {(int(x), int(y)) for y, x in zip(*np.nonzero(found.heat > 0.9), strict=True)} == {
        (x // 4, y // 4) for x, y in spots
    }


def test_a_network_of_other_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="what finds lesions"):
        BoxSession(tiny_network(), 1)
    with pytest.raises(UsageError, match="its answers are not labels"):
        load(tiny_box_bundle(tmp_path / "boxes"))
    assert isinstance(verify(tiny_box_bundle(tmp_path / "more")), BoxManifest)


def changed(folder: Path, target: Path, **values: object) -> Path:
    """A sealed bundle like another but for some fields."""
    manifest = read_manifest(folder)
    target.mkdir()
    (target / "model.onnx").write_bytes((folder / "model.onnx").read_bytes())
    write_manifest(target, manifest.model_copy(update=values))
    return target


def test_parts_that_do_not_fit_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="calibration and its operating points"):
        read_manifest(changed(folder, tmp_path / "one", calibration=None))
    with pytest.raises(BundleError, match="'strict' is not defined"):
        read_manifest(changed(folder, tmp_path / "two", operating_point="strict"))
    with pytest.raises(BundleError, match="overlap"):
        read_manifest(changed(folder, tmp_path / "three", overlap=2.0))
    reference = read_manifest(tiny_bundle(tmp_path / "classifier")).reference
    other = load_any(changed(folder, tmp_path / "four", reference=reference), threads=1)
    with pytest.raises(BundleError, match="do not fit a reference of 16"):
        other.warm_up()


def test_a_manifest_of_one_kind_is_none_of_another(folder: Path, tmp_path: Path) -> None:
    manifest = json.loads((folder / "bundle.json").read_text())
    assert manifest["task"] == "lesions"

    with pytest.raises(BundleError, match=r"damaged|labels|Extra inputs"):
        read_manifest(changed(folder, tmp_path / "five", task="ultrasound"))
