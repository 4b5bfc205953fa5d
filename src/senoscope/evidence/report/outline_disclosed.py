"""What a run that marks regions knows of itself, in words, for reporting checklists."""

from itertools import chain

from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.domain.recipe import Recipe
from senoscope.core.tasks import TASKS
from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.metrics.outlines import FOUND, WORDS
from senoscope.evidence.report.disclosed import origins, packages, shown_values
from senoscope.evidence.report.training_words import epochs, selection


def known(evaluation: OutlineEvaluation) -> dict[str, str]:
    """Say what is known of an evaluation, by the names in `checklists.CLAIM` and `checklists.TRIPOD`."""
    found = origins(evaluation) | _measured(evaluation) | _results(evaluation)
    if evaluation.recipe is not None:
        found |= of_recipe(evaluation.recipe)
    if evaluation.manifest is not None:
        found |= of_bundle(evaluation.manifest)
    if evaluation.recipe is not None and not evaluation.abstains:
        found["ensemble"] = "none: each image is answered by the one model that had not seen it"
    found["outcome"] = (
        f"where a {evaluation.positive} is, as the publisher's masks mark it, a pixel from half of full scale on; who "
        "marked it is not known here"
    )
    return {name: text for name, text in found.items() if text}


def _measured(evaluation: OutlineEvaluation) -> dict[str, str]:
    facts = sorted({group.fact for group in evaluation.subgroups})
    shown = ", ".join(WORDS[name] for name in evaluation.table)
    return {
        "measures": f"{shown}; Dice image by image and against the size of the true region",
        "uncertainty": (
            f"95 % intervals by bootstrap over {evaluation.unit} ({evaluation.replicates:,} replicates, seed "
            f"{evaluation.seed}); no hypothesis was tested"
        ),
        "robustness": f"subgroups by {', '.join(facts)}" if facts else "",
        "clusters": "figures site by site, each with its interval" if "site" in facts else "",
        "fairness": f"figures by {', '.join(facts)}; the model was not changed for it" if "age" in facts else "",
        "updating": "none: the model is measured as it is",
        "updating_results": "the model was not updated",
        "software": packages(),
    }


def _results(evaluation: OutlineEvaluation) -> dict[str, str]:
    table, positives = evaluation.table, int(evaluation.labels.sum())
    withheld = f", {int(evaluation.abstained.sum()):,} abstained from" if evaluation.abstains else ""
    warning = "too good to be believed, as they leak: " if evaluation.leaky else ""
    missed = sum(one.truth > 0 and one.dice < FOUND for one in evaluation.fits)
    calls = ("sensitivity", "specificity")
    sites = [group for group in evaluation.subgroups if group.fact == "site" and "dice" in group.table]
    return {
        "numbers": (
            f"{len(evaluation.samples):,} images of {evaluation.dataset.patients:,} {evaluation.unit}, {positives:,} "
            f"with a true {evaluation.positive}{withheld}, {len(evaluation.unread):,} could not be measured"
        ),
        "characteristics": shown_values(evaluation, "pathology", "age", "birads", "lesion"),
        "performance": warning + ", ".join(f"{WORDS[name]} {value}" for name, value in table.items()),
        "accuracy": warning + ", ".join(f"{WORDS[name]} {table[name]}" for name in calls if name in table)
        if set(calls) & set(table)
        else "",
        "cluster_results": "; ".join(f"{group.value}: Dice {group.table['dice']}" for group in sites),
        "failures": (
            f"{missed:,} of {positives:,} with a Dice below {FOUND}, each in predictions.csv, the worst by name; their "
            "causes were not looked into"
        ),
        "limits": "; ".join(chain([evaluation.leak] if evaluation.leak else [], evaluation.notes)),
        "practice": "research use only: not a medical device, not for diagnosis",
    }


def of_recipe(recipe: Recipe) -> dict[str, str]:
    """What a recipe says of how a network that outlines was trained."""
    model, tuned, outline = recipe.model, recipe.finetune, recipe.outline
    return {
        "technology": f"deep learning: {outline.architecture} on {model.backbone}",
        "start": f"encoder: {'pretrained' if model.pretrained else 'random'} weights of {model.backbone}; decoder: "
        "random weights",
        "training": (
            f"{epochs(recipe)}, {tuned.optimizer}, batches of {tuned.batch * tuned.accumulate}, rate "
            f"{tuned.rate:g} ({tuned.schedule}), Dice and {tuned.loss} loss"
        ),
        "selection": selection(recipe),
        "detail": f"recipe {recipe.name}, every key of it in the bundle's bundle.json and the run's recipe.toml",
    }


def of_bundle(manifest: OutlineManifest) -> dict[str, str]:
    """What the bundle of such a network says of itself."""
    steps = ", ".join(type(step).__name__.lower() for step in manifest.pipeline.steps)
    trained = "; ".join(f"{data.title}: {data.images:,} images of {data.patients:,}" for data in manifest.datasets)
    size, point, task = manifest.recipe.input.size, manifest.point(), TASKS.get(manifest.task)
    presence = ""
    if manifest.calibration is not None and point is not None:
        presence = (
            f"; probability that there is one at all, calibrated ({manifest.calibration.kind}) on "
            f"{manifest.calibration.fitted_on}, {manifest.prevalence:.1%} with one; threshold {point.name}: "
            f"{point.rule}"
        )
    return {
        "use": manifest.intended_use,
        "preparation": (
            f"{steps}; intensity divided by the full scale its file declares; file, size and likeness to the training "
            "images are checked before an answer"
        ),
        "model": (
            f"{manifest.recipe.outline.architecture} on {manifest.recipe.model.backbone} at {size} × {size} pixels, "
            f"{manifest.pipeline.channels} channels; model.onnx SHA-256 {manifest.model.sha256[:16]}"
        ),
        "scaling": f"full scale to {manifest.pipeline.scale:g}, then less mean and by standard deviation, in the graph",
        "explanation": "the outline itself is the answer, and it was measured here",
        "calculation": "senoscope.evaluate, ONNX Runtime on model.onnx",
        "output": (
            f"probability of {manifest.positive} for each pixel, marked from {manifest.threshold:.3g} on; regions "
            f"below {manifest.smallest:.2%} of the picture are left out{presence}"
        ),
        "analyses": f"training: {trained}",
        "specification": "the bundle: network, preparation, thresholds and calibration in files",
        "availability": f"software Apache-2.0; model: {manifest.license}",
        "poor_input": (
            f"pictures below {task.smallest_side} pixels, of another kind or unlike the training images get no answer"
        ),
    }
