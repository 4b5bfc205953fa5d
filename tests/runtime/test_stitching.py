"""Tiles of a large picture joined to the map that the whole picture gives."""

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from senoscope.core.domain.geometry import Size
from senoscope.core.domain.image import Pixels
from senoscope.core.preprocess.postprocess import probabilities
from senoscope.runtime.stitching import Tiling, starts, stitched, window
from tests.makers import tissue

REACH = 5
"""Pixels to either side that the network sees: two convolutions of 3 × 3 and one of 7 × 7."""


def network(maps: int) -> ort.InferenceSession:
    """A small fully convolutional network, as wide as the picture and with zeros around it."""
    random, nodes, weights, last, channels = np.random.default_rng(0), [], [], "image", 3
    for number, (kernel, made) in enumerate([(3, 6), (7, 6), (3, maps)]):
        values = random.normal(0, 1 / kernel, (made, channels, kernel, kernel)).astype(np.float32)
        weights.append(helper.make_tensor(f"w{number}", TensorProto.FLOAT, values.shape, values.ravel()))
        nodes.append(helper.make_node("Conv", [last, f"w{number}"], [f"c{number}"], pads=[kernel // 2] * 4))
        nodes.append(helper.make_node("Tanh", [f"c{number}"], [f"t{number}"]))
        last, channels = f"t{number}", made
    nodes[-1] = helper.make_node("Identity", ["c2"], ["logits"])
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", maps, "H", "W"])
    graph = helper.make_graph(nodes, "convolutions", [image], [logits], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def asked(maps: int) -> tuple[object, list[int]]:
    """What answers tiles by that network, and how many it was asked about at once."""
    session, counts = network(maps), []

    def answer(tiles: list[Pixels]) -> NDArray[np.float32]:
        counts.append(len(tiles))
        batch = np.stack(tiles).transpose(0, 3, 1, 2).astype(np.float32) / 255
        return probabilities(session.run(None, {"image": batch})[0])

    return answer, counts


@pytest.mark.parametrize(
    ("maps", "parts", "size"),
    [(1, 2, (150, 130)), (5, 2, (65, 113)), (5, 2, (131, 48)), (1, 2, (64, 48)), (5, 4, (100, 72)), (1, 4, (66, 49))],
)
def test_tiles_give_the_map_of_the_whole_picture(maps: int, parts: int, size: tuple[int, int]) -> None:
    pixels = tissue(*size)
    answer, _ = asked(maps)
    tiling = Tiling(Size(64, 48), parts)
    assert tiling.tile.height * (1 - 1 / parts) * 3 / 8 >= REACH

    found = np.concatenate(list(stitched(pixels, tiling, answer)), axis=1)  # type: ignore[arg-type]

    (expected,) = answer([pixels])  # type: ignore[operator]
    assert found.shape == expected.shape == (maps, size[1], size[0])
    assert np.abs(found - expected).max() < 1e-4


def test_a_network_that_sees_further_leaves_no_seam_either() -> None:
    """Its tiles differ along their edges; there one fades into the next, so that no step is left."""
    ramp = np.linspace(0, 1, 64, dtype=np.float32)

    def answer(tiles: list[Pixels]) -> NDArray[np.float32]:
        # Every tile is wrong by as much as it has columns before: side by side that would be steps of 1.
        return np.repeat(np.repeat(ramp[None, None, None], 64, axis=2), len(tiles), axis=0)

    (band, *_) = stitched(np.zeros((64, 256), np.uint8), Tiling(Size(64, 64)), answer)

    assert np.abs(np.diff(band[0, 30])).max() < 0.1


def test_memory_holds_one_row_of_tiles_and_batches_are_bounded() -> None:
    answer, counts = asked(1)

    bands = stitched(tissue(300, 500), Tiling(Size(64, 48)), answer, batch=3)  # type: ignore[arg-type]
    first = next(bands)

    assert first.shape == (1, 24, 300)
    assert len(counts) == 3  # a row of nine tiles
    assert max(counts) == 3
    assert sum(band.shape[1] for band in bands) == 500 - 24


@pytest.mark.parametrize(
    ("length", "expected"), [(64, [0]), (65, [0, 1]), (96, [0, 32]), (100, [0, 32, 36]), (128, [0, 32, 64])]
)
def test_the_last_tile_ends_with_the_picture(length: int, expected: list[int]) -> None:
    assert starts(length, 64, 2) == expected


def test_weights_fall_to_the_edges_and_never_to_nothing() -> None:
    weight = window(Size(64, 48), 2)

    assert weight.shape == (48, 64)
    assert weight[24, 32] == 1
    assert 0 < weight.min() < 1e-20
    assert (np.diff(weight[24, :32]) >= 0).all()
    assert (window(Size(8, 8), 1) == 1).all()


@pytest.mark.parametrize(
    ("size", "large"), [((64, 64), False), ((65, 64), True), ((63, 500), False), ((32, 32), False), ((128, 90), True)]
)
def test_which_pictures_are_cut(size: tuple[int, int], large: bool) -> None:
    assert Tiling(Size(64, 64)).fits(Size(*size)) is large
