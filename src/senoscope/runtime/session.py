"""The only module that knows ONNX Runtime."""

import os
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from senoscope.core.errors import BundleError

OUTPUTS = ("logits", "saliency", "embedding")


@dataclass(frozen=True, eq=False)
class Activations:
    """What the network says of a batch: logits (N, 1), saliency (N, h, w), embedding (N, D); all float32."""

    logits: NDArray[np.float32]
    saliency: NDArray[np.float32]
    embedding: NDArray[np.float32]


class Session:
    """A network in memory.

    Args:
        model: the ONNX file's bytes. Bytes, not a path: what was hashed is what runs, and a network that points to
            further files on disk does not load.
        threads: threads within one operator; 0 takes every core this process may use.

    Raises:
        BundleError: not a network ONNX Runtime can run, or one with other inputs and outputs than a bundle's.
    """

    def __init__(self, model: bytes, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except (ort.capi.onnxruntime_pybind11_state.Fail, RuntimeError, ValueError) as error:
            raise BundleError("model.onnx cannot be run", _first_line(error)) from error
        inputs = [value.name for value in self._session.get_inputs()]
        outputs = {value.name for value in self._session.get_outputs()}
        if inputs != ["image"] or not outputs.issuperset(OUTPUTS):
            raise BundleError(
                f"model.onnx takes {inputs} and gives {sorted(outputs)}",
                f"a classifier takes ['image'] and gives {sorted(OUTPUTS)}",
            )
        self.input_shape: tuple[int | str | None, ...] = tuple(self._session.get_inputs()[0].shape)

    def run(self, batch: NDArray[np.float32]) -> Activations:
        """Run a batch of (N, C, H, W) float32; raises `BundleError` where its shape does not suit the network."""
        try:
            return Activations(*self._session.run(OUTPUTS, {"image": batch}))
        except (ort.capi.onnxruntime_pybind11_state.InvalidArgument, RuntimeError) as error:
            raise BundleError(f"the network refuses an input of shape {batch.shape}", _first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
