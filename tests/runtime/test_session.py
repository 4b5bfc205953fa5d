"""The border to ONNX Runtime."""

import os

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from senoscope.core.errors import BundleError
from senoscope.runtime.session import ExamSession, Session
from tests.makers import TINY, tiny_exam_network, tiny_network


def test_outputs_come_by_name_whatever_their_order() -> None:
    images = np.random.default_rng(0).uniform(0, 255, (3, 3, TINY, TINY)).astype(np.float32)

    found = Session(tiny_network(), 1).run(images)

    expected = (1 - images / 255).mean(axis=1).reshape(3, 4, 8, 4, 8).mean(axis=(2, 4))
    np.testing.assert_allclose(found.saliency, expected, atol=1e-5)
    np.testing.assert_allclose(found.embedding, expected.reshape(3, 16), atol=1e-5)
    assert found.logits.shape == (3, 1)


@pytest.mark.parametrize("shape", [(1, 1, TINY, TINY), (1, 3, TINY, TINY + 1), (3, TINY, TINY)])
def test_batch_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(BundleError, match="refuses an input of shape") as caught:
        Session(tiny_network(), 1).run(np.zeros(shape, np.float32))

    assert "\n" not in caught.value.hint


def test_batch_of_another_type() -> None:
    with pytest.raises(BundleError, match="refuses"):
        Session(tiny_network(), 1).run(np.zeros((1, 3, TINY, TINY), np.float64))


def test_machine_that_does_not_say_which_cores_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")

    assert Session(tiny_network()).input_shape[1:] == (3, TINY, TINY)


def sharing(*shift: float) -> bytes:
    """Build the tiny network of exams, with its shares of the images shifted by these."""
    model = onnx.load_from_string(tiny_exam_network(0))
    (last,) = (node for node in model.graph.node if "attention" in node.output)
    last.output[0] = "honest"
    model.graph.node.append(helper.make_node("Add", ["honest", "shift"], ["attention"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array(shift, np.float32), "shift"))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("shift", [(0.5, 0.5), (-0.1, -0.1), (1e9, -1e9), (2.0, -2.0), (0.001, 0.001)])
def test_shares_of_an_exam_that_are_none(shift: tuple[float, float]) -> None:
    images = np.full((2, 3, TINY, TINY), 100, np.float32)

    with pytest.raises(BundleError, match="of an exam of 2 the network gives shares that are none"):
        ExamSession(sharing(*shift), 0, 1).run(images, np.zeros((2, 0), np.float32))


def test_shares_of_an_exam_may_be_rounded() -> None:
    images = np.full((2, 3, TINY, TINY), 100, np.float32)

    found = ExamSession(sharing(0.5004, -0.5004), 0, 1).run(images, np.zeros((2, 0), np.float32))

    np.testing.assert_allclose(found.attention, [1.0004, -0.0004], atol=1e-5)


def test_shares_that_are_no_numbers_are_left_to_who_asked() -> None:
    images = np.full((2, 3, TINY, TINY), 100, np.float32)

    assert not ExamSession(sharing(np.nan, 0), 0, 1).run(images, np.zeros((2, 0), np.float32)).finite
