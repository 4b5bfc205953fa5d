"""`python -m docs.slides DATASETS`: BreakHis divided by slide, as its publisher counts patients, and by case.

The same frozen features and the same linear unit, six divisions into five folds each. The publisher's "patients" are
slide folders; two women have several, and with them on both sides a woman is tested by what was trained on her.
"""

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from senoscope.core.domain.recipe import parse_recipe
from senoscope.core.recipes import recipe_text
from senoscope.evidence.index import Index
from senoscope.evidence.index.splits import folds
from senoscope.evidence.metrics.classification import roc_auc
from senoscope.learning.data.material import Material, gather, indexed
from senoscope.learning.fitting.fit import fit_head
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.models.weights import resolve

CHANGES = {
    "model.backbone": "tf_efficientnet_lite0",
    "model.head": "logistic",
    "input.size": "320",
    "fit.solver": "lbfgs",
    "fit.epochs": "500",
    "fit.decay": "1.2",
    "fit.balance": "true",
}
SEEDS = range(6)


def gathered(data: Path) -> Material:
    """Features of all pictures, from the store where they are known."""
    recipe = parse_recipe(recipe_text("biopsy_efficientnetb3"), CHANGES)
    backbone = resolve(recipe.model.backbone, size=recipe.input.size)
    return gather(recipe, indexed(recipe, data), backbone, lambda stage, done, total: None)


def by_slide(index: Index) -> Index:
    """The same pictures, each in the group of its slide folder."""
    return replace(
        index, samples=tuple(replace(s, group=f"{s.facts['subtype']} {s.facts['slide']}") for s in index.samples)
    )


def answers(material: Material, folded: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) logits, each by a linear unit that was fitted on the other folds."""
    found = np.empty(len(folded))
    for fold in np.unique(folded):
        tested = folded == fold
        head = LogisticHead(material.plain.shape[1])
        with TemporaryDirectory() as folder:
            fit_head(head, material.plain_examples(np.flatnonzero(~tested)), None, material.recipe.fit, Path(folder))
        with torch.inference_mode():
            found[tested] = head(torch.from_numpy(material.plain[tested]))[:, 0].numpy()
    return found


def main(data: str) -> None:
    """Print ROC AUC by picture and by group, and accuracy by picture: mean of the divisions, least and greatest."""
    material = gathered(Path(data))
    for name, index in (("case", material.index), ("slide", by_slide(material.index))):
        groups, rows = index.groups(), []
        for seed in SEEDS:
            values = answers(material, folds(index, folds=5, seed=seed))
            labels, means = zip(
                *((material.labels[groups == one][0], values[groups == one].mean()) for one in np.unique(groups)),
                strict=True,
            )
            right = float(((values > 0) == material.labels).mean())
            rows.append((roc_auc(material.labels, values), right, roc_auc(np.array(labels), np.array(means))))
        figures = zip(("AUC by picture", "accuracy by picture", f"AUC by {name}"), np.array(rows).T, strict=True)
        said = ", ".join(f"{words} {part.mean():.3f} ({part.min():.3f}–{part.max():.3f})" for words, part in figures)
        sys.stdout.write(f"{index.dataset} by {name}, {index.units} of them: {said}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
