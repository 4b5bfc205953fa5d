"""From logits to what every answer says."""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import BundleManifest, Point
from senoscope.core.errors import BundleError


class Verdict(TypedDict):
    """Fields of `Answer` that come from the bundle and its probabilities alone."""

    task: str
    bundle: str
    version: str
    probabilities: dict[str, float]
    positive: str
    label: str
    operating_point: str
    threshold: float | None
    prevalence: float


def verdict(manifest: BundleManifest, share: NDArray[np.float64], point: Point) -> Verdict:
    """Call a label from the (K,) calibrated probabilities of one image or exam."""
    chances = {label: float(chance) for label, chance in zip(manifest.labels, share, strict=True)}
    return {
        "task": manifest.task,
        "bundle": manifest.name,
        "version": manifest.version,
        "probabilities": chances,
        "positive": manifest.positive,
        "label": called(chances, manifest.positive, point.threshold),
        "operating_point": point.name,
        "threshold": point.threshold,
        "prevalence": manifest.prevalence,
    }


def called(chances: dict[str, float], positive: str, threshold: float | None) -> str:
    """Of two labels the positive one from the threshold on; without a threshold the likeliest, the first of equals."""
    if threshold is None:
        return max(chances, key=chances.__getitem__)
    return positive if chances[positive] >= threshold else next(label for label in chances if label != positive)


def check_fit(
    manifest: BundleManifest, logits: NDArray[np.float32], embedding: NDArray[np.float32], size: int, asked: str
) -> None:
    """Refuse a network whose answers do not suit the manifest's labels, or its reference of `size` numbers.

    Args:
        manifest: of the bundle.
        logits: (N, 1) or (N, K).
        embedding: (N, D).
        size: D of the reference.
        asked: what was asked about, for the message.

    Raises:
        BundleError: they do not.
    """
    wanted = 1 if len(manifest.labels) == 2 else len(manifest.labels)
    if logits.shape[1] != wanted:
        raise BundleError(
            f"{manifest.name}: of {asked} the network gives logits {logits.shape}, where "
            f"{' or '.join(manifest.labels)} need {wanted}",
            "retrain the bundle",
        )
    if embedding.shape[1] != size:
        raise BundleError(
            f"{manifest.name}: embeddings of {embedding.shape[1]} numbers do not fit a reference of {size}",
            "retrain the bundle",
        )
