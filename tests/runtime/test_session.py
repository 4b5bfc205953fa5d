"""The border to ONNX Runtime."""

import os

import numpy as np
import pytest

from senoscope.core.errors import BundleError
from senoscope.runtime.session import Session
from tests.makers import TINY, tiny_network


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
