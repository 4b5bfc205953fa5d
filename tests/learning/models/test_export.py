"""The exported network against torch, and the evidence in it against autograd."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from senoscope.core.errors import BundleError
from senoscope.learning.models import export as exporting
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.export import export
from senoscope.learning.models.half import SMALLEST, halve
from senoscope.learning.models.weights import Backbone
from senoscope.runtime.session import OUTPUTS, Session
from tests.learning.conftest import HEADS, SEVERAL

SIDE = 64


class Pair:
    """A classifier in torch and the same in ONNX Runtime."""

    def __init__(self, backbone: Backbone, head: str) -> None:
        self.classifier = Classifier(backbone, (HEADS | SEVERAL)[head](backbone.features)).eval()
        self.content = export(self.classifier, SIDE)
        self.session = Session(self.content, 1)


@pytest.fixture(scope="module", params=[name for name in (*HEADS, *SEVERAL) if name != "dense"])
def pair(request: pytest.FixtureRequest, backbone: Backbone) -> Pair:
    return Pair(backbone, request.param)


def images(count: int, seed: int = 0) -> Tensor:
    """Noise of several contrasts, so that outputs differ from image to image."""
    random = torch.Generator().manual_seed(seed)
    contrast = torch.linspace(0.1, 1, count)[:, None, None, None]
    return torch.rand(count, 3, SIDE, SIDE, generator=random) * contrast * 255


def autograd_grad_cam(classifier: Classifier, image: Tensor) -> Tensor:
    """Grad-CAM by its definition (Selvaraju et al. 2017, equations 1 and 2): mean gradient × map, summed, rectified."""
    normalised = (image - classifier.mean) / classifier.std
    maps = classifier.backbone.forward_features(normalised).detach().requires_grad_(True)  # type: ignore[operator]
    (gradient,) = torch.autograd.grad(classifier.head(maps.mean(dim=(2, 3))).amax(dim=1).sum(), maps)
    importance = gradient.mean(dim=(2, 3), keepdim=True)
    return torch.relu((importance * maps).sum(dim=1)).detach()


@pytest.mark.parametrize("count", [1, 2, 3, 17])
def test_exported_network_answers_as_torch_does(pair: Pair, count: int) -> None:
    batch = images(count, seed=count)

    with torch.inference_mode():
        logits, saliency, embedding = (value.numpy() for value in pair.classifier(batch))
    found = pair.session.run(batch.numpy())

    assert np.ptp(logits) > 0.01 or count == 1
    np.testing.assert_allclose(found.logits, logits, atol=1e-4)
    np.testing.assert_allclose(found.saliency, saliency, atol=1e-4)
    np.testing.assert_allclose(found.embedding, embedding, atol=1e-4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_saliency_is_grad_cam(pair: Pair, seed: int) -> None:
    batch = images(6, seed)

    expected = autograd_grad_cam(pair.classifier, batch).numpy()
    found = pair.session.run(batch.numpy()).saliency

    assert expected.shape == (6, 2, 2)
    assert expected.max() > 0.005
    assert (expected == 0).any()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_batch_is_free_and_picture_is_not(pair: Pair) -> None:
    assert pair.session.input_shape[1:] == (3, SIDE, SIDE)
    assert not isinstance(pair.session.input_shape[0], int)


def test_export_says_nothing_of_the_machine(pair: Pair) -> None:
    assert str(Path(__file__).resolve().parents[3]).encode() not in pair.content
    assert b".py" not in pair.content


def test_export_that_differs_from_torch_is_refused(pair: Pair) -> None:
    example = images(2)
    pair.classifier.mean.add_(5)
    try:
        with torch.inference_mode():
            expected = [value.numpy() for value in pair.classifier(example)]
        found = pair.session.run(example.numpy())
        with pytest.raises(BundleError, match="differs from torch"):
            exporting.compare(OUTPUTS, expected, [getattr(found, name) for name in OUTPUTS])
    finally:
        pair.classifier.mean.sub_(5)


def test_weights_in_half_precision_take_half_the_room_and_answer_alike(pair: Pair) -> None:
    batch = images(5, seed=3).numpy()
    weights = sum(
        numpy_helper.to_array(tensor).nbytes
        for tensor in onnx.load_model_from_string(pair.content).graph.initializer
        if np.prod(tensor.dims) >= SMALLEST
    )

    content = export(pair.classifier, SIDE, stored="half")
    found, expected = Session(content, 1).run(batch), pair.session.run(batch)

    assert len(pair.content) - len(content) > 0.4 * weights
    for name in OUTPUTS:
        one, other = getattr(found, name), getattr(expected, name)
        assert other.dtype == one.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=5e-3 * max(1, np.abs(other).max()))
    assert not np.array_equal(found.embedding, expected.embedding)


def test_weights_that_half_precision_cannot_hold_stay_as_they_are() -> None:
    values = np.full(SMALLEST, 1e5, np.float32)
    graph = helper.make_graph(
        [helper.make_node("Add", ["image", "weights"], ["sum"])],
        "sum",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [SMALLEST])],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, [SMALLEST])],
        [numpy_helper.from_array(values, "weights")],
    )
    model = helper.make_model(graph)

    halve(model)

    assert [tensor.name for tensor in model.graph.initializer] == ["weights"]
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), values)
