"""The only module that knows ONNX Runtime."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from senoscope.core.errors import BundleError

OUTPUTS = ("logits", "saliency", "embedding")
PARTS = (*OUTPUTS, "attention")
"""What the network of an exam gives."""

OUTLINE = ("mask_logits", "embedding")
"""What the network of a task that marks regions gives."""

BOXES = ("heat_logits", "sides", "embedding")
"""What the network of a task that asks for boxes gives."""

ROUNDING = 1e-3
"""By which shares may miss zero and their sum one."""


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


@dataclass(frozen=True, eq=False)
class ExamActivations:
    """What the network says of one exam of N images, all float32.

    Args:
        logits: (1, 1) or (1, K).
        saliency: (N, h, w); without meaning where no picture is looked at.
        embedding: (N, D) of each image, or (1, D) where no picture is looked at.
        attention: (N,) share of each image, or of each record, in the answer.
    """

    logits: NDArray[np.float32]
    saliency: NDArray[np.float32]
    embedding: NDArray[np.float32]
    attention: NDArray[np.float32]

    @property
    def finite(self) -> bool:
        """Whether all that is said is numbers."""
        parts = (self.logits, self.saliency, self.embedding, self.attention)
        return all(bool(np.isfinite(part).all()) for part in parts)


class _Network:
    """A network in memory; see `Session`, `ExamSession` and `OutlineSession`."""

    def __init__(self, model: bytes, threads: int) -> None:
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
        self.shapes: dict[str, tuple[int | str | None, ...]] = {
            value.name: tuple(value.shape) for value in self._session.get_inputs()
        }

    def _expect(self, inputs: Collection[str], outputs: Sequence[str], kind: str) -> None:
        found = {value.name for value in self._session.get_outputs()}
        if set(self.shapes) != set(inputs) or not found.issuperset(outputs):
            raise BundleError(
                f"model.onnx takes {list(self.shapes)} and gives {sorted(found)}",
                f"{kind} takes {sorted(inputs)} and gives {sorted(outputs)}",
            )

    def _run(self, outputs: Sequence[str], given: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        try:
            return [np.asarray(value, np.float32) for value in self._session.run(outputs, given)]
        except _ERRORS as error:
            shapes = " and ".join(str(array.shape) for array in given.values())
            raise BundleError(f"the network refuses an input of shape {shapes}", _first_line(error)) from error


class Session(_Network):
    """A network that answers image by image.

    Args:
        model: the ONNX file's bytes. Bytes, not a path: what was hashed is what runs, and a network that points to
            further files on disk does not load.
        threads: threads within one operator; 0 takes every core this process may use.

    Raises:
        BundleError: not a network ONNX Runtime can run, or one with other inputs and outputs than a bundle's.
    """

    def __init__(self, model: bytes, threads: int = 0) -> None:
        super().__init__(model, threads)
        self._expect(("image",), OUTPUTS, "a classifier")
        self.input_shape = self.shapes["image"]

    def run(self, batch: NDArray[np.float32]) -> Activations:
        """Run a batch of (N, C, H, W) float32; raises `BundleError` where network and batch do not suit each other."""
        logits, saliency, embedding = self._run(OUTPUTS, {"image": batch})
        count = len(batch)
        if logits.ndim != 2 or saliency.ndim != 3 or embedding.ndim != 2 or min((*logits.shape, *saliency.shape)) < 1:
            shapes = f"logits {logits.shape}, saliency {saliency.shape}, embedding {embedding.shape}"
            raise BundleError(f"of {count} images the network gives {shapes}", "retrain the bundle")
        if len(logits) != count:
            raise BundleError(f"of {count} images the network gives logits {logits.shape}", "retrain the bundle")
        if len(saliency) != count or len(embedding) != count:
            raise BundleError(f"of {count} images the network explains {len(saliency)}", "retrain the bundle")
        return Activations(logits, saliency, embedding)


class OutlineSession(_Network):
    """A network that marks regions; see `core.domain.outline_bundle`.

    Args:
        model: the ONNX file's bytes, as `Session` takes them.
        threads: threads within one operator; 0 takes every core this process may use.

    Raises:
        BundleError: not a network ONNX Runtime can run, or one with other inputs and outputs than such a bundle's.
    """

    def __init__(self, model: bytes, threads: int = 0) -> None:
        super().__init__(model, threads)
        self._expect(("image",), OUTLINE, "what marks regions")

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (N, K, H, W) and embeddings (N, D) of (N, C, H, W); raises `BundleError` where they do not fit."""
        logits, embedding = self._run(OUTLINE, {"image": batch})
        fits = logits.ndim == 4 and logits.shape[2:] == batch.shape[2:] and embedding.ndim == 2
        if not fits or len(logits) != len(batch) or len(embedding) != len(batch):
            raise BundleError(
                f"of images {batch.shape} the network gives maps {logits.shape} and embeddings {embedding.shape}",
                "retrain the bundle",
            )
        return logits, embedding


class BoxSession(_Network):
    """A network that says where lesions are; see `core.domain.box_bundle`.

    Args:
        model: the ONNX file's bytes, as `Session` takes them.
        threads: threads within one operator; 0 takes every core this process may use.

    Raises:
        BundleError: not a network ONNX Runtime can run, or one with other inputs and outputs than such a bundle's.
    """

    def __init__(self, model: bytes, threads: int = 0) -> None:
        super().__init__(model, threads)
        self._expect(("image",), BOXES, "what finds lesions")

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Heat logits (N, 1, h, w), sides (N, 4, h, w) and embeddings (N, D) of (N, C, H, W).

        Raises:
            BundleError: network and batch, or what it gives, do not suit each other.
        """
        heat, sides, embedding = self._run(BOXES, {"image": batch})
        count, places = len(batch), heat.shape[2:]
        fits = heat.shape == (count, 1, *places) and sides.shape == (count, 4, *places) and len(places) == 2
        if not fits or min(places) < 1 or embedding.ndim != 2 or len(embedding) != count:
            raise BundleError(
                f"of {count} images the network gives heat {heat.shape}, sides {sides.shape} and embeddings "
                f"{embedding.shape}",
                "retrain the bundle",
            )
        return heat, sides, embedding


class ExamSession(_Network):
    """A network that answers exam by exam; see `core.domain.bundle`.

    Args:
        model: the ONNX file's bytes, as `Session` takes them.
        columns: numbers of a coded record; 0 where no fact is gone by.
        threads: threads within one operator; 0 takes every core this process may use.

    Raises:
        BundleError: not a network ONNX Runtime can run, or one with other inputs and outputs than the manifest's exam
            needs.
    """

    def __init__(self, model: bytes, columns: int, threads: int = 0) -> None:
        super().__init__(model, threads)
        self.sees = "image" in self.shapes or not columns
        self._expect([name for name, there in (("image", self.sees), ("metadata", columns)) if there], PARTS, "an exam")
        last = self.shapes["metadata"][-1:] if columns else ()
        if last and isinstance(last[0], int) and last[0] != columns:
            raise BundleError(
                f"model.onnx takes records of {last[0]} numbers, and the manifest codes {columns}", "retrain the bundle"
            )

    def run(self, images: NDArray[np.float32] | None, records: NDArray[np.float32]) -> ExamActivations:
        """Run one exam.

        Args:
            images: (N, C, H, W), or None where no picture is looked at.
            records: (N, M) coded, M = `columns`.

        Raises:
            BundleError: network and exam do not suit each other, or the shares of the images do not sum to one.
        """
        given = {"image": images, "metadata": records}
        found = self._run(PARTS, {name: value for name in self.shapes if (value := given[name]) is not None})
        logits, saliency, embedding, attention = found
        count, seen = len(records), len(records) if self.sees else 1
        ranks = (logits.ndim, saliency.ndim, embedding.ndim) == (2, 3, 2)
        if not ranks or attention.shape != (count,) or len(logits) != 1 or min((*logits.shape, *saliency.shape)) < 1:
            shapes = ", ".join(f"{name} {value.shape}" for name, value in zip(PARTS, found, strict=True))
            raise BundleError(f"of an exam of {count} the network gives {shapes}", "retrain the bundle")
        if len(embedding) != seen or (self.sees and len(saliency) != seen):
            raise BundleError(f"of an exam of {count} the network explains {len(saliency)}", "retrain the bundle")
        if (attention < -ROUNDING).any() or abs(float(attention.sum(dtype=np.float64)) - 1) >= ROUNDING:
            raise BundleError(f"of an exam of {count} the network gives shares that are none", "retrain the bundle")
        return ExamActivations(logits, saliency, embedding, attention)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
