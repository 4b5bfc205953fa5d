"""The founding papers' frozen recipe by the feature store, against the loop that runs the backbone every epoch."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from benchmarks.harness import Comparison, measure
from benchmarks.material import Pictures, backbone, pictures, recipe
from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import FitRecipe
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.tasks import TASKS
from senoscope.evidence.metrics.classification import roc_auc
from senoscope.learning.data.features import FeatureStore, Wanted
from senoscope.learning.data.material import pipeline_of
from senoscope.learning.fitting.fit import Examples, fit_head
from senoscope.learning.models.build import build
from senoscope.learning.models.heads import PapersHead
from senoscope.learning.models.weights import Backbone

TRAIN, VALIDATION = 64, 64
SIZE = 224


@dataclass(frozen=True, eq=False)
class Case:
    """Pictures, recipe and backbone that both sides begin with."""

    pictures: Pictures
    recipe: Recipe
    backbone: Backbone
    pipeline: Pipeline
    folder: Path

    def fit(self, turn: int) -> FitRecipe:
        """Every turn has a seed of its own."""
        return self.recipe.fit.model_copy(update={"seed": turn})

    def head(self, turn: int) -> PapersHead:
        """Both sides begin a turn with the same weights."""
        torch.manual_seed(turn)
        head = build(self.recipe.model, self.backbone.features)
        assert isinstance(head, PapersHead)
        return head


def training(folder: Path, turns: int) -> list[Comparison]:
    """Both sides begin with files on disk and a loaded backbone, and end with the best head and its validation AUC."""
    case = prepared(folder, recipe("ultrasound").model.backbone, TRAIN, VALIDATION, SIZE)
    plain_features(case, torch.zeros(8, 3, SIZE, SIZE))
    ours: list[float] = []
    peer: list[float] = []
    ours_turns, peer_turns = measure(
        lambda turn: ours.append(by_store(case, turn)),
        lambda turn: peer.append(by_loop(case, turn)),
        turns,
        warm_up=False,
    )
    # A change of 1e-6 in the features moves the AUC of so short a fit by up to 0.03: only means over seeds compare.
    means = float(np.mean(ours)), float(np.mean(peer))
    widest = max(abs(first - second) for first, second in zip(ours, peer, strict=True))
    return [
        Comparison(
            "training, frozen backbone",
            "feature store, cold: every picture embedded once, the head fitted on what is stored",
            "plain loop: pictures prepared once, the frozen backbone run on all of them every epoch",
            ours_turns,
            peer_turns,
            required=15.0,
            checks={_claim(*means): abs(means[0] - means[1]) <= 0.01},
            notes=(
                f"{case.pictures.origin}: {TRAIN} to train on, {VALIDATION} to validate on, {SIZE} px",
                f"{case.backbone.name} ({case.backbone.origin})",
                f"papers' head, {case.recipe.fit.epochs} epochs, batches of {case.recipe.fit.batch}, no early stopping",
                f"validation AUC of one seed differs by up to {widest:.4f} between the two",
            ),
        )
    ]


def prepared(folder: Path, name: str, train: int, validation: int, size: int) -> Case:
    """Choose pictures and build a backbone, in the layout in which it is fastest."""
    asked = recipe(
        "ultrasound_efficientnetb2", model_backbone=name, input_size=str(size), fit_epochs="30", fit_patience="30"
    )
    chosen = pictures(folder / "pictures", train, validation)
    base = backbone(name)
    base.network.to(memory_format=torch.channels_last)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    return Case(chosen, asked, base, pipeline_of(asked, TASKS.get(asked.task)), folder)


def _claim(ours: float, peer: float) -> str:
    return f"validation AUC, mean of the turns' seeds, equal to 0.01 ({ours:.4f} and {peer:.4f})"


def by_store(case: Case, turn: int) -> float:
    """Validation AUC of the head fitted on features from a store that starts empty."""
    folder = case.folder / f"turn-{turn}"
    store = FeatureStore(folder / "features.sqlite")
    paths = case.pictures.every
    features = store.embed(case.backbone, [Wanted(path, _digest(path), case.pipeline) for path in paths])
    assert store.computed == len(paths)
    store.close()
    count = len(case.pictures.train)
    train = Examples(features[:count], case.pictures.train_labels)
    validation = Examples(features[count:], case.pictures.validation_labels)
    fitted = fit_head(case.head(turn), train, validation, case.fit(turn), folder / "head")
    auc = fitted.rows[fitted.best_epoch - 1].validation_auc
    assert auc is not None
    return auc


def by_loop(case: Case, turn: int) -> float:
    """Validation AUC of the head fitted as a plain script does it: same batches, same seeds, nothing saved."""
    images, count = read_all(case), len(case.pictures.train)
    labels = torch.from_numpy(case.pictures.train_labels).float()
    fit, head = case.fit(turn), case.head(turn)
    optimizer = torch.optim.Adam(head.parameters(), lr=fit.rate)
    best, best_auc = float("inf"), 0.0
    for epoch in range(1, fit.epochs + 1):
        torch.manual_seed(fit.seed * 100_003 + epoch)
        head.train()
        for batch in torch.split(torch.randperm(count), fit.batch):
            loss = cross_entropy(head(plain_features(case, images[:count][batch]))[:, 0], labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch
            optimizer.step()
        validation, auc = _validated(case, head, images[count:])
        if validation < best:
            best, best_auc = validation, auc
    return best_auc


def read_all(case: Case) -> Tensor:
    """(N, 3, S, S) pictures as the backbone takes them."""
    arrays = np.stack([case.pipeline.apply(read(path)).array for path in case.pictures.every])
    mean = torch.tensor(case.backbone.mean).reshape(1, -1, 1, 1)
    std = torch.tensor(case.backbone.std).reshape(1, -1, 1, 1)
    found: Tensor = ((torch.from_numpy(arrays) / case.pipeline.scale - mean) / std).to(
        memory_format=torch.channels_last
    )
    return found


def plain_features(case: Case, images: Tensor) -> Tensor:
    """(N, C) mean-pooled features of pictures."""
    with torch.no_grad():
        maps: Tensor = case.backbone.network.forward_features(images)  # type: ignore[operator] # timm
        return maps.mean(dim=(2, 3))


def _validated(case: Case, head: nn.Module, images: Tensor) -> tuple[float, float]:
    head.eval()
    with torch.no_grad():
        logits = torch.cat([head(plain_features(case, part)) for part in torch.split(images, 16)])[:, 0]
    labels = case.pictures.validation_labels
    return float(cross_entropy(logits, torch.from_numpy(labels).float())), roc_auc(labels, logits.double().numpy())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
