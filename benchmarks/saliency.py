"""An answer with its evidence in closed form, against Grad-CAM by automatic differentiation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.harness import Comparison, measure
from benchmarks.material import backbone, pictures, recipe
from senoscope.core.io import read
from senoscope.core.tasks import TASKS
from senoscope.learning.data.material import pipeline_of
from senoscope.learning.models.build import build
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.export import export
from senoscope.learning.models.heads import LogisticHead
from senoscope.runtime.session import Session

THREADS, IMAGES = 2, 16
Explained = tuple[Tensor, Tensor]
"""Logits (N, 1) and saliency (N, h, w)."""


def saliency(folder: Path, turns: int) -> list[Comparison]:
    """The exported network against the same one in torch eager, single images and batches of 8."""
    asked = recipe("ultrasound")
    base = backbone(asked.model.backbone)
    torch.manual_seed(0)
    head = build(asked.model, base.features)
    if isinstance(head, LogisticHead):
        torch.nn.init.normal_(head.last.weight, std=0.1)  # an unfitted one answers 0 to everything
    classifier = Classifier(base, head).eval()
    session = Session(export(classifier, asked.input.size), THREADS)
    chosen = pictures(folder, IMAGES // 2, IMAGES // 2)
    pipeline = pipeline_of(asked, TASKS.get(asked.task))
    tensors = np.stack([pipeline.apply(read(path)).array for path in chosen.every])
    ground = f"{chosen.origin}, {base.name} ({base.origin}), {asked.input.size} px, {THREADS} threads each"
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        return [
            _compared(classifier, session, np.split(tensors, IMAGES // batch), explain, ground, turns)
            for batch in (1, 8)
            for explain in PEERS
        ]
    finally:
        torch.set_num_threads(before)


def by_backward(classifier: Classifier, image: Tensor) -> Explained:
    """Grad-CAM as most write it, pytorch-grad-cam among them: a hook on the last map, `backward()` from the logit."""
    classifier.requires_grad_(True).zero_grad()
    maps = classifier.features(image)
    maps.retain_grad()
    logits = classifier.head(maps.mean(dim=(2, 3)))
    logits.sum().backward()
    assert maps.grad is not None
    return _weighed(logits, maps, maps.grad)


def by_graph(classifier: Classifier, image: Tensor) -> Explained:
    """As Captum does it: the network records its graph, autograd is asked for the gradient of the last map alone."""
    classifier.requires_grad_(True)
    return _at_last_map(classifier, classifier.features(image))


def by_head(classifier: Classifier, image: Tensor) -> Explained:
    """The leanest that autograd can do: the backbone records nothing, only the head is differentiated."""
    with torch.no_grad():
        maps = classifier.features(image)
    return _at_last_map(classifier, maps.requires_grad_())


PEERS: dict[Callable[[Classifier, Tensor], Explained], tuple[str, str, float | None]] = {
    by_backward: (", usual peer", "backward() through the network", 3.0),
    by_graph: (", lean peer", "graph recorded, gradient of the last map alone", None),
    by_head: (", leanest peer", "backbone without gradient, the head alone differentiated", None),
}
"""Peer → its mark in the title, what it does, and the ratio required; the leaner ones are for orientation."""


def _at_last_map(classifier: Classifier, maps: Tensor) -> Explained:
    logits = classifier.head(maps.mean(dim=(2, 3)))
    (gradient,) = torch.autograd.grad(logits.sum(), maps)
    return _weighed(logits, maps, gradient)


def _weighed(logits: Tensor, maps: Tensor, gradient: Tensor) -> Explained:
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return logits.detach(), torch.relu((weights * maps).sum(dim=1)).detach()


def _compared(
    classifier: Classifier,
    session: Session,
    parts: list[NDArray[np.float32]],
    explain: Callable[[Classifier, Tensor], Explained],
    ground: str,
    turns: int,
) -> Comparison:
    batches = [torch.from_numpy(part) for part in parts]
    ours, peer = measure(
        lambda turn: [session.run(part) for part in parts],
        lambda turn: [explain(classifier, batch) for batch in batches],
        turns,
    )
    found, (logits, heat) = session.run(parts[0]), explain(classifier, batches[0])
    worst = max(_difference(found.logits, logits), _difference(found.saliency, heat))
    size, (mark, words, required) = len(parts[0]), PEERS[explain]
    return Comparison(
        f"saliency, {'one by one' if size == 1 else f'batches of {size}'}{mark}",
        f"{IMAGES} images by ONNX Runtime: logits, saliency and embedding",
        f"{IMAGES} images by torch eager, Grad-CAM by autograd: {words}",
        ours,
        peer,
        required,
        checks={f"same logits and saliency to 1e-3 (largest difference {worst:.0e})": worst <= 1e-3},
        notes=(ground,),
    )


def _difference(found: NDArray[np.float32], expected: Tensor) -> float:
    """Largest difference, relative to the expected values' own size or 1."""
    values = expected.numpy()
    return float(np.abs(found - values).max()) / max(1.0, float(np.abs(values).max()))
