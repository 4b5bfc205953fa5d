"""The only module that knows ONNX Runtime."""

import os
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from senoscope.core.errors import BundleError

OUTPUTS = ("logits", "saliency", "embedding")


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)


# ONNX Runtime's own errors share no base below Exception.
_ERRORS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(ort.capi.onnxruntime_pybind11_state).values() if _is_error(kind)),
    *(RuntimeError, ValueError),
)


@dataclass(frozen=True, eq=False)
class Activations:
    """What the network says of a batch: logits (N, 1) or (N, K), saliency (N, h, w), embedding (N, D); all float32."""

    logits: NDArray[np.float32]
    saliency: NDArray[np.float32]
    embedding: NDArray[np.float32]

    @property
    def finite(self) -> NDArray[np.bool_]:
        """(N,) whether all that is said of an image is a number."""
        count = len(self.logits)
        parts = (self.logits, self.saliency, self.embedding)
        found: NDArray[np.bool_] = np.all([np.isfinite(part.reshape(count, -1)).all(axis=1) for part in parts], axis=0)
        return found


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
        options.intra_op_num_threads = threads or _usable_cores()
        options.log_severity_level = 4
        # A waiting thread that spins takes the core from the threads that read and prepare the next images.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Without this, a network given as bytes may read further files below the current directory.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except _ERRORS as error:
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
        """Run a batch of (N, C, H, W) float32; raises `BundleError` where network and batch do not suit each other."""
        try:
            values = self._session.run(OUTPUTS, {"image": batch})
            logits, saliency, embedding = (np.asarray(value, np.float32) for value in values)
        except _ERRORS as error:
            raise BundleError(f"the network refuses an input of shape {batch.shape}", _first_line(error)) from error
        count = len(batch)
        if logits.ndim != 2 or saliency.ndim != 3 or embedding.ndim != 2 or min((*logits.shape, *saliency.shape)) < 1:
            shapes = f"logits {logits.shape}, saliency {saliency.shape}, embedding {embedding.shape}"
            raise BundleError(f"of {count} images the network gives {shapes}", "retrain the bundle")
        if len(logits) != count:
            raise BundleError(f"of {count} images the network gives logits {logits.shape}", "retrain the bundle")
        if len(saliency) != count or len(embedding) != count:
            raise BundleError(f"of {count} images the network explains {len(saliency)}", "retrain the bundle")
        return Activations(logits, saliency, embedding)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
