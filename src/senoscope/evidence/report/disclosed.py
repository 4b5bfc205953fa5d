"""What a run knows of itself, in words, for reporting checklists; what it does not know is not there."""

from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from itertools import chain

from senoscope import __version__
from senoscope.core.domain.bundle import BundleManifest, Interval
from senoscope.core.domain.recipe import Recipe
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.boxes import BoxEvaluation
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.metrics.classification import FIGURES, TITLES

AnyEvaluation = Evaluation | MulticlassEvaluation | OutlineEvaluation | TissueEvaluation | BoxEvaluation

LIBRARIES = ("numpy", "scipy", "onnxruntime", "pillow")
"""Packages that the figures rest on."""

MOST_VALUES = 6
"""Values of a fact that are named in one line."""


def known(evaluation: Evaluation) -> dict[str, str]:
    """Say what is known of an evaluation, by the names in `checklists.CLAIM` and `checklists.TRIPOD`."""
    found = circumstances(evaluation) | _measured(evaluation) | _results(evaluation)
    return {name: text for name, text in found.items() if text}


def origins(evaluation: AnyEvaluation) -> dict[str, str]:
    """Say what is known of data and parts, whatever was measured."""
    return _data(evaluation) | _parts(evaluation)


def circumstances(evaluation: Evaluation | MulticlassEvaluation) -> dict[str, str]:
    """Say what is known of data, parts, recipe and bundle of a classifier, whatever was measured."""
    found = origins(evaluation)
    if evaluation.recipe is not None:
        found |= _recipe(evaluation.recipe)
    if evaluation.manifest is not None:
        found |= _bundle(evaluation.manifest)
    if evaluation.manifest is not None and evaluation.abstains:
        split = evaluation.manifest.recipe.split
        many = f"the mean logit of the networks of {split.folds} folds answers"
        found["ensemble"] = many if split.ensemble else "none: one network answers"
    elif evaluation.recipe is not None:
        found["ensemble"] = "none: each image is answered by the one model that had not seen it"
    return found


def _data(evaluation: AnyEvaluation) -> dict[str, str]:
    data, index = evaluation.dataset, evaluation.samples
    published = data.name in DATASETS.names()
    url = DATASETS.get(data.name).url if published else ""
    lost = len(index.dropped) + len(evaluation.unread)
    rest = "the publisher's own criteria are not repeated here"
    licence = "" if data.licence == "not stated" else f" Licence: {data.licence}."
    return {
        "source": f"{data.title}.{licence} Cite: {data.citation}. Fingerprint {data.sha256[:16]}." if published else "",
        "design": "looking back: images that were published before this evaluation" if published else "",
        "left_out": f"of the files here {lost:,} were left out as unusable or unreadable; {rest}",
        "subset": "; ".join((evaluation.protocol, *(note for note in index.notes if note.startswith("left out")))),
        "missing": (
            f"{len(evaluation.unread):,} images without an answer were left out and are named; nothing was imputed"
        ),
        "acquisition": shown_values(evaluation, "machine", "magnification"),
        "dates": shown_values(evaluation, "year", "date"),
        "centres": shown_values(evaluation, "site"),
        "outcome": f"{_asked(evaluation)} as the publisher gives it; how it was established is not known here",
        "predictors": "the pixels of the image alone" if evaluation.manifest else "",
        "judged": "none needs judgement: the predictors are pixels" if evaluation.manifest else "",
        "data_available": f"{data.licence}; {url}" if url else "",
        "code_available": f"Senoscope {__version__}, Apache-2.0",
    }


def shown_values(evaluation: AnyEvaluation, *facts: str) -> str:
    """Say which values of facts the publisher gives, commonest first."""
    said = []
    for fact in facts:
        counts = Counter(value for sample in evaluation.samples.samples if (value := sample.facts.get(fact, "")))
        if counts:
            shown = ", ".join(f"{value} ({count:,})" for value, count in counts.most_common(MOST_VALUES))
            more = f" and {len(counts) - MOST_VALUES} more" if len(counts) > MOST_VALUES else ""
            said.append(f"{fact}: {shown}{more}")
    return "; ".join(said)


def _asked(evaluation: AnyEvaluation) -> str:
    if isinstance(evaluation, MulticlassEvaluation | TissueEvaluation):
        return f"labels {', '.join(f'“{label}”' for label in evaluation.classes)}"
    return f"label “{evaluation.positive}”"


def _parts(evaluation: AnyEvaluation) -> dict[str, str]:
    manifest, leak = evaluation.manifest, evaluation.leak
    external = evaluation.protocol.startswith("external")
    asked = _asked(evaluation).partition(" ")[2]
    recipe = evaluation.recipe
    drawn = f"; drawn with seed {recipe.split.seed}, {recipe.split.folds} folds" if recipe and not external else ""
    divided = "images, whoever they show" if recipe and recipe.split.protocol == "paper" else evaluation.unit
    apart = "datasets, by their names; whether a woman is in both was not looked into"
    trained = ", ".join(data.title for data in manifest.datasets) if manifest else ""
    return {
        "goal": "evaluation of a trained model",
        "evaluated": f"evaluation of {evaluation.bundle} {evaluation.version} for {asked}",
        "partitions": evaluation.protocol + drawn,
        "disjoint": f"leaky: {leak}" if leak else (apart if external else divided),
        "internal": "" if external else f"{'leaky: ' if leak else ''}{evaluation.protocol}",
        "external": f"{evaluation.dataset.title}: {evaluation.protocol}" if external else "",
        "differences": f"trained on {trained}, evaluated on {evaluation.dataset.title}" if external and trained else "",
        "size": (
            f"no size was calculated: all that could be used were taken, {len(evaluation.samples):,} images of "
            f"{evaluation.dataset.patients:,} {evaluation.unit}"
        ),
    }


def _measured(evaluation: Evaluation) -> dict[str, str]:
    findings = evaluation.findings
    facts = sorted({group.fact for group in findings.subgroups})
    shown = f"subgroups by {', '.join(facts)}" if facts else ""
    moved = "what becomes of the threshold on these data" if findings.transfer else ""
    exact = ", exact binomial for sensitivity and specificity" if findings.exact else ""
    delong = ", DeLong for the ROC AUC" if findings.delong else ""
    sites = "site" in facts
    return {
        "measures": (
            f"{', '.join(TITLES[name] for name in FIGURES)}; ROC, precision–recall, reliability, decision and "
            f"predictive-value curves; {evaluation.pooling}"
        ),
        "uncertainty": (
            f"95 % intervals by bootstrap over {evaluation.unit} ({evaluation.replicates:,} replicates, seed "
            f"{evaluation.seed}){delong}{exact}; no hypothesis was tested"
        ),
        "robustness": "; ".join(part for part in (shown, moved) if part),
        "clusters": "figures site by site, each with its interval" if sites else "",
        "fairness": f"figures by {', '.join(facts)}; the model was not changed for it" if "age" in facts else "",
        "updating": "none: the model is measured as it is",
        "updating_results": "the model was not updated",
        "software": packages(),
    }


def packages() -> str:
    """Name the packages that the figures rest on, with their versions."""
    found = [f"{name} {known}" for name in LIBRARIES if (known := _version(name))]
    return ", ".join([*found, f"senoscope {__version__}"])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _results(evaluation: Evaluation) -> dict[str, str]:
    table, counts, findings = evaluation.table, evaluation.confusion, evaluation.findings
    images, cases = evaluation.images, evaluation.cases
    withheld = f", {int(images.abstained.sum()):,} abstained from" if evaluation.abstains else ""
    subgroups = f"; {len(findings.subgroups)} subgroups on this page" if findings.subgroups else ""
    pooled = (
        "" if evaluation.level == "image" else f"; {len(cases):,} {evaluation.level}s, {cases.labels.sum():,} positive"
    )
    accuracy = _figures(table, "sensitivity", "specificity", "ppv", "npv")
    sites = [group for group in findings.subgroups if group.fact == "site"]
    warning = "too good to be believed, as they leak: " if evaluation.leaky else ""
    return {
        "numbers": (
            f"{len(images):,} images of {evaluation.dataset.patients:,} {evaluation.unit}, {images.labels.sum():,} "
            f"{evaluation.positive}{withheld}, {len(evaluation.unread):,} could not be read{pooled}"
        ),
        "characteristics": shown_values(evaluation, "age", "density", "birads", "subtype", "receptor", "lesion"),
        "performance": warning + _figures(table, "roc_auc", "pr_auc", "brier", "calibration_slope") + subgroups,
        "accuracy": f"{warning}{accuracy}, at {evaluation.operating_point} ({evaluation.threshold:.4g})",
        "cluster_results": "; ".join(
            f"{group.value}: {_figures(group.table, 'roc_auc')}" for group in sites if group.table
        ),
        "failures": (
            f"{counts.false_negatives:,} positives missed, {counts.false_positives:,} false alarms, each in "
            "predictions.csv; their causes were not looked into"
        ),
        "limits": "; ".join(chain([evaluation.leak] if evaluation.leak else [], evaluation.notes)),
        "practice": "research use only: not a medical device, not for diagnosis",
    }


def _figures(table: dict[str, Interval], *names: str) -> str:
    return ", ".join(f"{TITLES[name]} {table[name]}" for name in names if name in table)


def _recipe(recipe: Recipe) -> dict[str, str]:
    fit, model, tuned = recipe.fit, recipe.model, recipe.finetune
    training, selection = [], []
    if not model.from_scratch:
        steps = {
            "lbfgs": "all examples at once (L-BFGS)",
            "libsvm": f"all examples at once (LIBSVM), cost {fit.cost:g}",
            "adam": f"Adam, batches of {fit.batch}, rate {fit.rate:g}, at most {fit.epochs} epochs, {fit.loss} loss",
        }[fit.solver]
        training.append(f"{steps}, weight decay {fit.decay:g}, {recipe.augment.views} extra views an image")
        lowest = f"lowest validation loss, patience {fit.patience} epochs"
        selection.append(f"head: {lowest if fit.solver == 'adam' else 'optimum'}")
    if tuned.epochs:
        whole = "the whole network from random weights" if model.from_scratch else "then the backbone"
        training.append(
            f"{whole}, at most {tuned.epochs} epochs, {tuned.optimizer}, batches of {tuned.batch * tuned.accumulate}, "
            f"rate {tuned.rate:g} ({tuned.schedule}), {tuned.loss} loss"
        )
        selection.append(f"whole network: lowest validation loss, patience {tuned.patience} epochs")
    else:
        training.append("frozen backbone")
    if recipe.split.mode == "crossval":
        selection.append("after cross-validation fitted again on all samples")
    start = f"pretrained weights of {model.backbone}" if model.pretrained else f"random weights, seed {fit.seed}"
    return {
        "technology": f"deep learning: {model.backbone} with a {model.head} head",
        "start": start,
        "training": f"{'; '.join(training)}; seed {fit.seed}",
        "selection": "; ".join(selection),
        "imbalance": _imbalance(recipe),
        "detail": f"recipe {recipe.name}, every key of it in the bundle's bundle.json and the run's recipe.toml",
    }


def _imbalance(recipe: Recipe) -> str:
    weighed, drawn = "both classes weighed alike in the loss", "as many of either class drawn"
    found = [weighed] if recipe.fit.balance and not recipe.model.from_scratch else []
    if recipe.finetune.epochs and recipe.finetune.balance != "none":
        found.append(f"in training the whole network, {weighed if recipe.finetune.balance == 'weights' else drawn}")
    return "; ".join(found) or "none was used"


def _bundle(manifest: BundleManifest) -> dict[str, str]:
    calibration = manifest.calibration
    steps = ", ".join(type(step).__name__.lower() for step in manifest.pipeline.steps)
    trained = "; ".join(f"{data.title}: {data.images:,} images of {data.patients:,}" for data in manifest.datasets)
    task = TASKS.get(manifest.task) if manifest.task in TASKS.names() else None
    point = manifest.point()
    logits = "one logit" if len(manifest.labels) == 2 else f"{len(manifest.labels)} logits"
    output = manifest.positive if len(manifest.labels) == 2 else " and ".join(manifest.labels)
    return {
        "use": manifest.intended_use,
        "preparation": (
            f"{steps}; intensity divided by the full scale its file declares; file, size and likeness to the training "
            "images are checked before an answer"
        ),
        "model": (
            f"{manifest.recipe.model.backbone} at {manifest.recipe.input.size} × {manifest.recipe.input.size} pixels, "
            f"{manifest.pipeline.channels} channels, to {logits}; model.onnx SHA-256 {manifest.model.sha256[:16]}"
        ),
        "scaling": f"full scale to {manifest.pipeline.scale:g}, then less mean and by standard deviation, in the graph",
        "explanation": "a map of the evidence from the forward pass; whether it is right was not checked here",
        "calculation": "senoscope.evaluate, ONNX Runtime on model.onnx",
        "output": (
            f"probability of {output}, calibrated ({calibration.kind}) on {calibration.fitted_on}, "
            f"{manifest.prevalence:.1%} positive; threshold {point.name}: {point.rule}"
        ),
        "analyses": (
            f"training: {trained}; calibration and thresholds: {calibration.images:,} images of {calibration.fitted_on}"
        ),
        "against_training": f"{manifest.prevalence:.1%} positive where it was calibrated; nothing else was compared",
        "specification": "the bundle: network, preparation, calibration and thresholds in files",
        "availability": f"software Apache-2.0; model: {manifest.license}",
        "poor_input": (
            f"pictures below {task.smallest_side} pixels, of another kind or unlike the training images get no answer"
            if task
            else ""
        ),
    }
