"""Images in, predictions out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Prediction
from senoscope.core.errors import MissingFileError, UnreadableImageError, UsageError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Crop, Flip, Gray, Resize
from senoscope.runtime.predictor import Failure, Model
from senoscope.runtime.session import Session
from senoscope.runtime.store import load
from tests.makers import TINY, colour, pil_bytes, tiff_bytes, ultrasound
from tests.runtime.conftest import picture


@pytest.fixture
def model(bundle: Path) -> Model:
    return load(bundle, threads=1)


def images_of(model: Model) -> Session:
    assert isinstance(model._session, Session)
    return model._session


def written(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"scan {number}.png" for number in range(count)]
    for seed, path in enumerate(paths):
        Pil.fromarray(ultrasound(seed, (96 + seed, 80))).save(path)
    return paths


def test_one_in_one_out(model: Model, tmp_path: Path) -> None:
    (path,) = written(tmp_path, 1)

    answers = [model.predict(path), model.predict(str(path)), model.predict([path])[0], model.predict((path,))[0]]
    image = model.predict(Image(ultrasound(0, (96, 80)), 255.0))

    assert all(isinstance(answer, Prediction) for answer in answers)
    assert {answer.probability for answer in [*answers, image]} == {answers[0].probability}
    assert answers[0].source == str(path)
    assert len(answers[0].digest) == 64
    assert model.predict([]) == []


def test_probability_is_the_calibrated_logit(model: Model) -> None:
    image = picture(1)
    array = model.manifest.pipeline.apply(image).array[None]

    answer = model.predict(image)

    logit = float(images_of(model).run(array).logits[0, 0])
    assert answer.probability == pytest.approx(1 / (1 + np.exp(-(1.5 * logit - 0.5))), abs=1e-6)
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert set(answer.probabilities) == {"benign", "malignant"}


def test_order_is_kept_and_failures_stand_in_their_place(model: Model, tmp_path: Path) -> None:
    paths = written(tmp_path, 21)
    paths[3].write_bytes(b"<html>not found</html>")
    paths[8].unlink()
    paths[20].write_bytes(b"")

    answers = list(model.stream(paths, batch=4, workers=3))

    assert [answer.source for answer in answers] == [str(path) for path in paths]
    failed = [number for number, answer in enumerate(answers) if isinstance(answer, Failure)]
    assert failed == [3, 8, 20]
    errors = [answer.error for answer in answers if isinstance(answer, Failure)]
    assert [type(error) for error in errors] == [UnreadableImageError, MissingFileError, UnreadableImageError]


def test_list_with_a_failure_raises_the_first(model: Model, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"b\.png"):
        model.predict([*written(tmp_path, 2), tmp_path / "b.png", tmp_path / "c.png"])


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_answer_does_not_depend_on_the_company(model: Model, batch: int) -> None:
    images = [picture(seed) for seed in range(9)]
    alone = [model.predict(image) for image in images]

    together = list(model.stream(images, batch=batch))

    assert len({answer.probability for answer in alone}) == 9
    for one, other in zip(alone, together, strict=True):
        assert isinstance(other, Prediction)
        assert other.probability == pytest.approx(one.probability, abs=1e-6)
        assert other.trust.distance == pytest.approx(one.trust.distance, abs=1e-5)
        np.testing.assert_allclose(other.heat, one.heat, atol=1e-6)


def test_stream_holds_only_a_few_batches(model: Model) -> None:
    taken = 0

    def source() -> Iterator[Image]:
        nonlocal taken
        for seed in range(100):
            taken += 1
            yield picture(seed % 3)

    stream = model.stream(source(), batch=4)
    next(stream)

    assert taken <= 16


def test_operating_points(model: Model) -> None:
    images = [picture(seed, malignant=seed % 2 == 0) for seed in range(20)]

    screening = model.predict(images, operating_point="screening")
    balanced = model.predict(images)

    assert {answer.threshold for answer in screening} == {0.2}
    assert {answer.operating_point for answer in balanced} == {"balanced"}
    for answer in [*screening, *balanced]:
        assert answer.threshold is not None
        assert answer.label == ("malignant" if answer.probability >= answer.threshold else "benign")


def test_threshold_itself_is_called_positive(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = model.predict(picture(1)).probability
    point = model.manifest.point().model_copy(update={"threshold": chance})
    monkeypatch.setattr(model, "point", lambda name: point)

    assert model.predict(picture(1)).label == "malignant"


@pytest.mark.parametrize("images", [[], [picture()]])
def test_unknown_operating_point_lists_those_there_are(model: Model, images: list[Image]) -> None:
    with pytest.raises(UsageError, match="hopeful") as caught:
        model.predict(images, operating_point="hopeful")

    assert "screening, balanced" in caught.value.hint


@pytest.mark.parametrize(
    "pixels",
    [ultrasound(2, (97, 71)), colour(50, 70), ultrasound(2, (97, 71)).astype(np.uint16) * 257],
    ids=["grey", "colour", "16 bit"],
)
def test_saliency_has_the_size_of_the_image_as_stored(model: Model, tmp_path: Path, pixels: NDArray[Any]) -> None:
    path = tmp_path / "image"
    path.write_bytes(tiff_bytes(pixels) if pixels.dtype == np.uint16 else pil_bytes(pixels, "PNG"))

    answer = model.predict(path)

    assert answer.saliency.shape == pixels.shape[:2]
    assert answer.saliency.dtype == np.float32
    assert answer.saliency.min() >= 0
    assert answer.saliency.max() == 1
    assert (answer.size.width, answer.size.height) == pixels.shape[1::-1]


def test_sixteen_bit_picture_is_answered_as_its_eight_bit_twin(model: Model) -> None:
    pixels = ultrasound(4, (96, 80))

    eight = model.predict(Image(pixels, 255.0))
    sixteen = model.predict(Image(pixels.astype(np.uint16) * 257, 65535.0))

    assert sixteen.probability == pytest.approx(eight.probability, abs=2e-3)


@pytest.mark.parametrize("spot", [(20, 15), (80, 20), (15, 60), (75, 70)])
@pytest.mark.parametrize(
    "steps",
    [
        (Resize(TINY, TINY, "stretch"),),
        (Resize(TINY, TINY, "pad"),),
        (Flip(), Resize(TINY, TINY, "pad")),
        (Resize(TINY, TINY, "stretch"), Flip()),
        (Crop(0.02, 0.05, 0.95, 0.95), Flip(), Resize(TINY, TINY, "pad")),
    ],
)
def test_evidence_peaks_where_it_is(
    model: Model, monkeypatch: pytest.MonkeyPatch, spot: tuple[int, int], steps: tuple[Resize | Flip | Crop, ...]
) -> None:
    """The tiny network's evidence is darkness, so a dark spot on white must be where the map peaks."""
    pixels = np.full((90, 100), 255, np.uint8)
    x, y = spot
    pixels[y - 12 : y + 12, x - 12 : x + 12] = 0
    pipeline = Pipeline((Gray(), *steps))
    # Padding is black, and darkness would be evidence: a lid of light keeps it from the network.
    prepared = pipeline.apply(Image(pixels, 255.0))
    covered = pipeline.apply(Image(np.full_like(pixels, 255), 255.0)).array
    manifest = model.manifest.model_copy(update={"pipeline": pipeline})
    monkeypatch.setattr(model, "manifest", manifest)
    run = images_of(model).run
    monkeypatch.setattr(model._session, "run", lambda batch: run(batch + 255 - covered))

    saliency = model.predict(Image(pixels, 255.0)).saliency

    assert prepared.placements
    row, column = np.argwhere(saliency > 0.5).mean(axis=0)
    assert abs(column - x) <= 12
    assert abs(row - y) <= 12
    assert saliency[y - 6 : y + 6, x - 6 : x + 6].mean() > 4 * saliency.mean()


def test_cropped_away_has_no_evidence(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline((Gray(), Crop(0.5, 0, 0.5, 1), Resize(TINY, TINY, "stretch")))
    monkeypatch.setattr(model, "manifest", model.manifest.model_copy(update={"pipeline": pipeline}))

    saliency = model.predict(Image(np.zeros((80, 96), np.uint8), 255.0)).saliency

    assert (saliency[:, :48] == 0).all()
    assert (saliency[:, 48:] > 0.9).all()


def test_timings_are_told(model: Model, tmp_path: Path) -> None:
    answer = model.predict(written(tmp_path, 1)[0])

    assert min(answer.timings.read, answer.timings.preprocess, answer.timings.network) > 0
