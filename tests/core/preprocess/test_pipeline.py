"""Every step against a reference, there and back."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil
from pydantic import TypeAdapter, ValidationError

from senoscope.core.domain.image import Image, Pixels
from senoscope.core.preprocess.pipeline import Pipeline, Prepared
from senoscope.core.preprocess.steps import Crop, Flip, Gray, Resize, Rotate
from tests import makers

PIPELINE = TypeAdapter(Pipeline)


def _applied(pixels: Pixels, *steps: Any) -> Prepared:
    return Pipeline(steps, 3 if pixels.ndim == 3 else 1).apply(Image(pixels, 255))


def _back(prepared: Prepared, values: NDArray[np.float32]) -> NDArray[np.float32]:
    for placement in reversed(prepared.placements):
        values = placement.invert(values)
    return values


def test_gray_is_pillows_luminance() -> None:
    pixels = makers.colour()

    expected = np.asarray(Pil.fromarray(pixels).convert("L"))
    np.testing.assert_array_equal(Gray().apply(pixels), expected)
    deep = Gray().apply(pixels.astype(np.uint16) * 257)
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 257, expected, atol=0.51)


@pytest.mark.parametrize("pixels", [makers.ultrasound(1, (60, 40)), makers.colour(60, 40)], ids=["grey", "rgb"])
def test_stretch_is_pillows_antialiased_resize(pixels: Pixels) -> None:
    result = _applied(pixels, Resize(24, 32, "stretch")).array

    expected = np.atleast_3d(np.asarray(Pil.fromarray(pixels).resize((32, 24), Pil.Resampling.BILINEAR)))
    np.testing.assert_array_equal(result, expected.transpose(2, 0, 1))


def test_sixteen_bits_resize_like_eight() -> None:
    pixels = makers.ultrasound(1, (60, 40))
    step = Resize(24, 32)

    deep = Pipeline((step,), 1).apply(Image(pixels.astype(np.uint16) * 257, 65535)).array
    shallow = Pipeline((step,), 1).apply(Image(pixels, 255)).array

    np.testing.assert_allclose(deep, shallow, atol=1.0)  # eight bits are rounded twice, once an axis


@pytest.mark.parametrize(("width", "height", "box"), [(60, 40, (0, 5, 32, 21)), (40, 60, (5, 0, 21, 32))])
def test_pad_keeps_the_aspect_and_centres(width: int, height: int, box: tuple[int, int, int, int]) -> None:
    prepared = _applied(np.full((height, width), 200, np.uint8), Resize(32, 32, "pad"))

    left, top, wide, high = box
    target = prepared.placements[0].target_box
    assert (target.left, target.top, target.width, target.height) == box
    assert np.all(prepared.array[0, top : top + high, left : left + wide] == 200)
    assert prepared.array.sum() == 200 * wide * high


def test_flip_and_crop() -> None:
    pixels = makers.grey(24, 16)

    np.testing.assert_array_equal(_applied(pixels, Flip()).array[0], pixels[:, ::-1])
    np.testing.assert_array_equal(_applied(pixels, Crop(0.25, 0.5, 0.5, 0.25)).array[0], pixels[8:12, 6:18])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_crop_keeps_at_least_one_pixel(share: float) -> None:
    prepared = _applied(makers.grey(3, 2), Crop(share, share, 0.001, 0.001))

    assert prepared.array.shape == (1, 1, 1)
    assert prepared.placements[0].source_box.edges[2] <= 3


@pytest.mark.parametrize(
    "steps",
    [
        (Resize(96, 96, "stretch"),),
        (Resize(96, 96, "pad"),),
        (Flip(), Resize(96, 96, "pad")),
        (Crop(0.1, 0.2, 0.8, 0.7), Resize(96, 96, "pad")),
        (Crop(0.1, 0.2, 0.8, 0.7), Flip(), Resize(64, 96, "stretch")),
        (Rotate(25), Resize(96, 96, "pad")),
        (Resize(96, 64, "stretch"), Rotate(-160), Flip()),
    ],
    ids=["stretch", "pad", "flip", "crop", "all", "turn", "turn last"],
)
def test_a_spot_returns_to_its_place(steps: tuple[Any, ...]) -> None:
    pixels = np.zeros((80, 120), np.uint8)
    pixels[30:38, 70:78] = 255

    prepared = Pipeline(steps, 1).apply(Image(pixels, 255))
    back = _back(prepared, prepared.array[0])

    assert back.shape == pixels.shape
    y, x = np.mgrid[0:80, 0:120]
    assert abs((back * x).sum() / back.sum() - 73.5) < 0.8
    assert abs((back * y).sum() / back.sum() - 33.5) < 0.8


def test_a_coarse_map_returns_to_the_whole_picture() -> None:
    pipeline = Pipeline((Resize(64, 64, "pad"),), 1)
    prepared = pipeline.apply(Image(makers.grey(120, 60), 255))
    coarse = np.zeros((4, 4), np.float32)
    coarse[1:3] = 1.0

    back = _back(prepared, coarse)

    rows = np.interp(1 + 2 * (np.arange(60) + 0.5) / 60, [0.5, 1.5, 2.5, 3.5], [0, 1, 1, 0])  # between cells' centres
    np.testing.assert_allclose(back, np.tile(rows[:, None], (1, 120)), atol=1e-6)


@pytest.mark.parametrize("deep", [False, True])
def test_a_quarter_turn_goes_against_the_clock(deep: bool) -> None:
    pixels = makers.grey(32, 32, deep=deep)

    maximum = float(np.iinfo(pixels.dtype).max)
    turned = Pipeline((Rotate(90),), 1, scale=1.0).apply(Image(pixels, maximum)).array[0]

    np.testing.assert_allclose(turned, np.rot90(pixels) / maximum, atol=1e-5)


def test_a_turn_keeps_the_size_and_blackens_corners() -> None:
    array = _applied(np.full((80, 120), 200, np.uint8), Rotate(30)).array[0]

    assert array.shape == (80, 120)
    assert array[0, 0] == 0
    assert array[40, 60] == 200


@pytest.mark.parametrize("maximum", [255, 1023, 65535])
def test_full_scale_is_what_the_file_declares(maximum: int) -> None:
    pixels = np.array([[0, maximum // 3, maximum]], np.uint16)

    array = Pipeline((), 1, scale=1.0).apply(Image(pixels, maximum)).array

    np.testing.assert_allclose(array[0], [[0, maximum // 3 / maximum, 1]], atol=1e-6)


def test_a_dark_picture_is_not_brightened() -> None:
    dark = Image(np.full((8, 8), 3, np.uint16), 65535)

    assert Pipeline((), 1).apply(dark).array.max() < 0.02


def test_channels() -> None:
    grey, colour = Image(makers.grey(), 255), Image(makers.colour(), 255)

    assert Pipeline((), 3).apply(grey).array.shape == (3, 16, 24)
    np.testing.assert_array_equal(Pipeline((), 3).apply(colour).array, makers.colour().transpose(2, 0, 1))
    assert Pipeline((Gray(),), 1).apply(colour).array.shape == (1, 16, 24)
    with pytest.raises(ValueError, match="Gray"):
        Pipeline((), 1).apply(colour)


def test_applying_changes_nothing_in_the_image() -> None:
    image = Image(makers.grey(), 255)

    Pipeline((Flip(), Resize(8, 8)), 3).apply(image)

    np.testing.assert_array_equal(image.pixels, makers.grey())


def test_a_pipeline_survives_json() -> None:
    pipeline = Pipeline((Gray(), Crop(0.1, 0.1, 0.5, 0.5), Flip(), Resize(64, 64, "pad")), 3, scale=1.0)

    again = PIPELINE.validate_json(PIPELINE.dump_json(pipeline))

    assert again == pipeline
    assert again.fingerprint() == pipeline.fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"steps": (Gray(), Resize(65, 64))},
        {"steps": (Resize(64, 64), Gray())},
        {"channels": 1},
        {"scale": 1.0},
    ],
)
def test_the_fingerprint_tells_everything_that_matters(change: dict[str, Any]) -> None:
    plain: dict[str, Any] = {"steps": (Gray(), Resize(64, 64)), "channels": 3, "scale": 255.0}

    assert Pipeline(**plain).fingerprint() != Pipeline(**{**plain, **change}).fingerprint()


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "shear"},
        {"kind": "rotate", "degrees": 181},
        {"kind": "crop", "left": 2, "top": 0, "width": 1, "height": 1},
        {},
    ],
)
def test_an_unknown_step_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PIPELINE.validate_python({"steps": [step]})
