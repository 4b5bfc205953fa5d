"""Fine-tuning from files on disk, against a plain timm loop and against tensors that lie in memory already.

An epoch is of eight batches, which is a small dataset's: the checkpoint after it takes less than a fiftieth of it. Of
two batches, which no run has, it would be a fifteenth.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pil
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.harness import Comparison, measure
from benchmarks.material import Pictures, backbone, pictures, recipe
from senoscope.core.domain.recipe import Recipe
from senoscope.core.tasks import TASKS
from senoscope.learning.data import pictures as own
from senoscope.learning.data.material import pipeline_of
from senoscope.learning.fitting.finetune import finetune
from senoscope.learning.fitting.loop import Plan
from senoscope.learning.models.build import build
from senoscope.learning.models.classifier import Classifier

IMAGES, EPOCHS, BATCH = 128, 2, 16


@dataclass(frozen=True, eq=False)
class _Case:
    pictures: Pictures
    recipe: Recipe
    folder: Path

    def network(self) -> Classifier:
        """The same weights on every side, for every turn."""
        base = backbone(self.recipe.model.backbone)
        torch.manual_seed(0)
        return Classifier(base, build(self.recipe.model, base.features))


def finetuning(folder: Path, turns: int) -> list[Comparison]:
    """All sides train the same network with the same optimiser on as many pictures of the same size."""
    changes = {
        "input_size": "224",
        "finetune_epochs": str(EPOCHS),
        "finetune_warmup": "0",
        "finetune_layer_decay": "1.0",
    }
    asked = recipe("idc_mobilenetv2", jitter_turn="false", jitter_stain="0.0", **changes)
    case = _Case(pictures(folder / "pictures", IMAGES, 2), asked, folder)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    notes = (
        f"{case.pictures.origin}: {IMAGES} pictures, {EPOCHS} epochs, {asked.input.size} px, batches of {BATCH}",
        f"{asked.model.backbone}, AdamW, batch-norm statistics held; crop, mirror image, brightness, contrast drawn",
    )
    by_files = "from files: read and changed in threads ahead, prepared once and held, a checkpoint an epoch"
    return [
        Comparison(
            "fine-tuning, plain timm loop",
            by_files,
            "torch's DataLoader with two processes, torchvision's transforms, no checkpoint",
            *measure(lambda turn: ours(case, turn), lambda turn: plain(case), turns),
            required=1.0,
            notes=notes,
        ),
        Comparison(
            "fine-tuning, no data to wait for",
            by_files,
            "the same steps, weights in the same layout, on one batch in memory: nothing read, changed or saved",
            *measure(lambda turn: ours(case, turn + 1000), lambda turn: in_memory(case), turns),
            required=0.9,
            notes=notes,
        ),
    ]


def ours(case: _Case, turn: int) -> None:
    """What a run does, validation aside."""
    pipeline = pipeline_of(case.recipe, TASKS.get(case.recipe.task))
    train = own.Pictures(case.pictures.train, pipeline, case.pictures.train_labels)
    plan = Plan(EPOCHS, EPOCHS, 0, case.folder / f"turn-{turn}")
    fitted = finetune(case.network(), train, None, case.recipe.finetune, case.recipe.jitter, plan)
    assert len(fitted.rows) == EPOCHS


class _Files(Dataset[tuple[Tensor, float]]):
    def __init__(self, case: _Case) -> None:
        size = case.recipe.input.size
        self.paths, self.labels = case.pictures.train, case.pictures.train_labels
        self.change = v2.Compose(
            [
                v2.PILToTensor(),
                v2.RandomResizedCrop(size, scale=(0.6, 1.0), ratio=(0.8, 1.25), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ColorJitter(brightness=0.2, contrast=0.2),
                v2.ToDtype(torch.float32),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, float]:
        return self.change(Pil.open(self.paths[row]).convert("RGB")), float(self.labels[row])


def plain(case: _Case) -> None:
    """Train as a script does it."""
    loader = DataLoader(_Files(case), BATCH, shuffle=True, num_workers=2, persistent_workers=True, drop_last=True)
    _train(case.network(), case, (batch for _ in range(EPOCHS) for batch in loader))


def in_memory(case: _Case) -> None:
    """Train on one batch again and again."""
    size = case.recipe.input.size
    images = torch.rand(BATCH, 3, size, size, generator=torch.Generator().manual_seed(0)) * 255
    batch = images.contiguous(memory_format=torch.channels_last), torch.from_numpy(np.arange(BATCH) % 2)
    _train(case.network().to(memory_format=torch.channels_last), case, (batch for _ in range(EPOCHS * IMAGES // BATCH)))


def _train(classifier: Classifier, case: _Case, batches: Iterator[tuple[Tensor, Tensor]]) -> None:
    classifier.train()
    classifier.backbone.eval().requires_grad_(True)
    asked, steps = case.recipe.finetune, 0
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=asked.rate, weight_decay=asked.decay)
    for images, labels in batches:
        images = images.to(memory_format=torch.channels_last)
        loss = cross_entropy(classifier.logits(images)[:, 0], labels.float())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch
        optimizer.step()
        assert np.isfinite(float(loss.detach()))
        steps += 1
    assert steps == EPOCHS * IMAGES // BATCH
