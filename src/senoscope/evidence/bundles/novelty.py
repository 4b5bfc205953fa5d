"""What embeddings of a task's own images look like, so that foreign ones can be told apart."""

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import EmbeddingReference, FloatArray
from senoscope.core.errors import DatasetError
from senoscope.runtime.trust import distances

DIRECTIONS = 32
"""Principal directions kept at most; fewer where there are few images."""
PARTS = 5
ACCEPTED = 0.99
"""Share of held-out images of the task that lie within the limit."""
FEWEST = 20


def fit_reference(
    embeddings: NDArray[np.float32],
    groups: NDArray[np.int64],
    *,
    fitted_on: str,
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> EmbeddingReference:
    """Fit the reference of a bundle.

    The quantiles and the limit come from images held out of the fit, group by group, so that a new image of the same
    kind is as unusual as they were.

    Args:
        embeddings: (N, D) of images of the task, plain views only.
        groups: (N,) patient or duplicate cluster of each.
        fitted_on: which images, for the card.
        directions: principal directions kept at most.
        seed: draws the parts that are held out in turn.

    Raises:
        DatasetError: fewer than 20 images or 5 groups.
    """
    names = np.unique(groups)
    if len(embeddings) < FEWEST or len(names) < PARTS:
        raise DatasetError(f"{len(embeddings)} images of {len(names)} groups are too few to know what is usual")
    part_of = np.random.default_rng(seed).permutation(len(names)) % PARTS
    parts = part_of[np.searchsorted(names, groups)]
    held_out = np.empty(len(embeddings))
    for part in range(PARTS):
        statistics = _statistics(embeddings[parts != part], directions)
        held_out[parts == part] = distances(embeddings[parts == part], *statistics)
    mean, basis, variance, residual = _statistics(embeddings, directions)
    return EmbeddingReference(
        mean=FloatArray.of(mean),
        basis=FloatArray.of(basis, "<f2"),
        variance=FloatArray.of(variance),
        residual=residual,
        quantiles=tuple(float(value) for value in np.quantile(held_out, np.linspace(0, 1, 101))),
        limit=float(np.quantile(held_out, ACCEPTED)),
        fitted_on=fitted_on,
    )


def _statistics(
    embeddings: NDArray[np.float32], most: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], float]:
    """Mean (D,), basis (D, k), variance (k,) and mean squared length of the rest."""
    mean = embeddings.mean(axis=0, dtype=np.float64)
    centred = embeddings - mean
    kept = min(most, len(embeddings) // 4, embeddings.shape[1] - 1)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    variance = lengths**2 / (len(embeddings) - 1)
    floor = float(variance[:kept].mean()) * 1e-6
    residual = max(float(variance[kept:].sum()), floor)
    # Rounded as the bundle stores it, so that the held-out distances are those the runtime will compute.
    basis = directions[:kept].T.astype(np.float16).astype(np.float32)
    return mean.astype(np.float32), basis, np.maximum(variance[:kept], floor).astype(np.float32), residual
