"""A classifier to a bundle's `model.onnx`, checked against torch before it is believed."""

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from senoscope.core.errors import BundleError
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.ensemble import Ensemble
from senoscope.learning.models.half import halve
from senoscope.runtime.session import OUTPUTS, Session

OPSET = 18
Stored = Literal["single", "half"]
"""Precision of the weights in the file."""

TOLERANCES: dict[Stored, float] = {"single": 1e-4, "half": 1e-2}
"""Largest difference between torch and ONNX Runtime, relative to the output's own size or 1."""


def export(classifier: Classifier | Ensemble, size: int, scale: float = 255.0, stored: Stored = "single") -> bytes:
    """Write the network as ONNX with a free batch, and run it against torch on noise.

    Args:
        classifier: in evaluation mode.
        size: side of the square input.
        scale: the number full scale has in the input.
        stored: precision of the weights in the file.

    Raises:
        BundleError: the exported network does not answer as torch does.
    """
    classifier.eval()
    example = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * scale
    content = written(classifier, {"image": example}, OUTPUTS, stored=stored)
    with torch.inference_mode():
        expected = [value.numpy() for value in classifier(example)]
    found = Session(content).run(example.numpy())
    compare(OUTPUTS, expected, [getattr(found, name) for name in OUTPUTS], stored)
    return content


def written(
    network: nn.Module,
    given: Mapping[str, Tensor],
    outputs: Sequence[str],
    *,
    most: int = 4096,
    stored: Stored = "single",
) -> bytes:
    """Write a network as ONNX, the first axis of all its inputs free from 1 to `most`; nothing is compared yet.

    Args:
        network: in evaluation mode.
        given: an example of each input by name, in the order of `forward`.
        outputs: names of what it returns.
        most: rows it takes at once.
        stored: precision of the weights in the file.
    """
    count = torch.export.Dim("N", min=1, max=most)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            network,
            tuple(given.values()),
            input_names=list(given),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=tuple({0: count} for _ in given),
            verbose=False,
        )
    assert program is not None
    model, buffer = lean(program.model_proto), io.BytesIO()
    if stored == "half":
        halve(model)
    onnx.save_model(model, buffer)
    return buffer.getvalue()


def lean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Leave out what only describes the machine and the source that exported it."""
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.value_info[:]
    return model


def compare(
    names: Sequence[str],
    expected: Sequence[NDArray[np.floating]],
    found: Sequence[NDArray[np.floating]],
    stored: Stored = "single",
) -> None:
    """Raise `BundleError` where what was exported does not answer as torch does."""
    for name, value, other in zip(names, expected, found, strict=True):
        difference = float(np.abs(other - value).max()) / max(1.0, float(np.abs(value).max()))
        if not difference <= TOLERANCES[stored]:
            hint = "try another backbone" + (", or model.stored = 'single'" if stored == "half" else "")
            raise BundleError(f"exported {name} differs from torch by {difference:.1e}", hint)
