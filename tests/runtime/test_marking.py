"""A box first, and what lies in and around it outlined."""

from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.chain import ChainPrediction
from senoscope.core.domain.geometry import Box
from senoscope.core.domain.image import Image
from senoscope.core.errors import BundleError
from senoscope.runtime.detecting import Detector
from senoscope.runtime.outlining import BoxedOutliner
from senoscope.runtime.predictor import Model
from senoscope.runtime.reading import Failure
from senoscope.runtime.store import load, load_any, read_manifest, verify
from tests.makers import (
    box_first,
    outlined_ultrasound,
    tiny_box_bundle,
    tiny_chain_bundle,
    tiny_outline_bundle,
    tiny_outline_network,
)
from tests.runtime.conftest import spoil


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return box_first(tiny_outline_bundle(tmp_path_factory.mktemp("first") / "tiny"))


@pytest.fixture(scope="module")
def outliner(folder: Path) -> BoxedOutliner:
    found = load_any(folder, threads=1)
    assert isinstance(found, BoxedOutliner)
    return found


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    found = load_any(tiny_box_bundle(tmp_path_factory.mktemp("boxes")), threads=1)
    assert isinstance(found, Detector)
    return found


def picture(seed: int = 1, *, lesion: bool = True) -> Image:
    return Image(outlined_ultrasound(seed, (160, 128), lesion=lesion)[0], 255.0, f"{seed}.png")


def test_what_is_marked_is_the_lesion_and_lies_about_its_box(outliner: BoxedOutliner, detector: Detector) -> None:
    answered = 0
    for seed in range(1, 9):
        pixels, truth = outlined_ultrasound(seed, (160, 128))

        answer = outliner.predict(Image(pixels, 255.0, "scan.png"))

        first = detector.predict(Image(pixels, 255.0, "scan.png"))
        box = (*first.boxes, *first.unshown)[0].box
        grown = Box(
            round(box.left - 0.75 * box.width) - 1,
            round(box.top - 0.75 * box.height) - 1,
            round(2.5 * box.width) + 2,
            round(2.5 * box.height) + 2,
        )
        for region in answer.regions:
            assert region.box.left >= grown.left
            assert region.box.top >= grown.top
            assert region.box.edges[2] <= grown.edges[2]
            assert region.box.edges[3] <= grown.edges[3]
        if answer.label == "lesion":
            marked = answer.codes > 0
            answered += bool(2 * (truth & marked).sum() / (truth.sum() + marked.sum()) > 0.5)
    assert answered >= 6


def test_the_chance_of_a_lesion_is_that_of_the_surest_place(outliner: BoxedOutliner, detector: Detector) -> None:
    for seed in range(4):
        image = picture(seed, lesion=bool(seed % 2))

        assert outliner.predict(image).probability == detector.predict(image).probability
        assert outliner.predict(image).trust.percentile == detector.predict(image).trust.percentile


def test_a_bar_at_the_side_moves_the_answer_and_nothing_else(tmp_path: Path) -> None:
    cut = {"kind": "scan"}
    folder = box_first(tiny_outline_bundle(tmp_path / "tiny"))
    spoil(folder, lambda values: values["within"]["pipeline"].update(steps=[{"kind": "gray"}, cut, RESIZE]))
    model = load_any(folder, threads=1)
    assert isinstance(model, BoxedOutliner)
    image = picture(3)
    barred = Image(np.pad(image.pixels, ((0, 0), (50, 0)), constant_values=70), 255.0, "barred.png")

    plain, moved = model.predict(image), model.predict(barred)

    assert moved.probabilities == plain.probabilities
    np.testing.assert_array_equal(moved.codes[:, 50:], plain.codes)
    assert not moved.codes[:, :50].any()


RESIZE = {"kind": "resize", "height": 32, "width": 32, "fit": "stretch"}


def test_several_pictures_at_once_are_answered_as_one_by_one(outliner: BoxedOutliner) -> None:
    images = [picture(seed, lesion=bool(seed % 3)) for seed in range(5)]

    for one, answer in zip(images, outliner.stream(images, batch=3), strict=True):
        alone = outliner.predict(one)
        assert not isinstance(answer, Failure)
        assert answer.probabilities == pytest.approx(alone.probabilities)
        np.testing.assert_array_equal(answer.codes, alone.codes)


def test_a_picture_that_cannot_be_read_keeps_its_place(outliner: BoxedOutliner, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")

    found = list(outliner.stream([picture(1), tmp_path / "broken.png", picture(2)]))

    assert [isinstance(answer, Failure) for answer in found] == [False, True, False]


def test_a_chain_measures_what_lies_about_the_box(tmp_path: Path) -> None:
    plain = load(tiny_chain_bundle(tmp_path / "plain"), threads=1)
    model = load(box_first(tiny_chain_bundle(tmp_path / "tiny")), threads=1)
    assert isinstance(model, Model)
    agreed = 0
    for seed in range(6):
        answer, other = model.predict(picture(seed)), plain.predict(picture(seed))
        assert isinstance(answer, ChainPrediction)
        assert isinstance(other, ChainPrediction)
        if answer.box and other.box:
            both = ((answer.codes > 0) & (other.codes > 0)).sum()
            agreed += bool(2 * both / ((answer.codes > 0).sum() + (other.codes > 0).sum()) > 0.6)
    assert agreed >= 4


def test_the_box_network_is_verified_like_the_other(tmp_path: Path) -> None:
    folder = box_first(tiny_outline_bundle(tmp_path / "tiny"))
    manifest = read_manifest(folder)
    assert verify(folder) == manifest

    (folder / "boxes.onnx").write_bytes(b"other bytes")
    with pytest.raises(BundleError, match=r"boxes\.onnx"):
        load_any(folder)
    (folder / "boxes.onnx").unlink()
    with pytest.raises(BundleError, match="not there"):
        load_any(folder)


def test_a_box_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    import hashlib

    folder = box_first(tiny_outline_bundle(tmp_path / "tiny"))
    content = tiny_outline_network()
    (folder / "boxes.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    spoil(folder, lambda values: values["within"]["boxes"].update(sha256=digest))

    with pytest.raises(BundleError, match="what finds lesions"):
        load_any(folder)


def test_a_network_whose_embeddings_do_not_fit_is_refused(tmp_path: Path) -> None:
    folder = box_first(tiny_outline_bundle(tmp_path / "tiny"))
    own = read_manifest(tiny_outline_bundle(tmp_path / "other"))
    spoil(folder, lambda values: values.update(reference=own.reference.model_dump(mode="json")))

    with pytest.raises(BundleError, match="does not fit the bundle"):
        load_any(folder).predict(picture())
