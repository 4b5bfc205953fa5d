"""What lies beside the network in a bundle: the manifest, and the card a person reads."""

from collections.abc import Mapping
from pathlib import Path

from senoscope.core.domain.bundle import BundleManifest, MetricTable, MostProbable, OperatingPoint
from senoscope.core.domain.recipe import Recipe
from senoscope.evidence.metrics.classification import TITLES
from senoscope.evidence.metrics.multiclass import WORDS as OVERALL
from senoscope.evidence.tables.rows import write_text
from senoscope.runtime.seal import sealed

WORDS = TITLES | {"pr_auc": "PR AUC", "ece": "ECE"}
"""Words for figures in a card; they stay as they are, so that the card of a bundle that ships is what `card` writes."""


def write_manifest(folder: Path, manifest: BundleManifest) -> None:
    """Write `bundle.json` and `card.md` into a bundle's folder, each whole or not at all."""
    write_text(folder / "bundle.json", sealed(manifest.model_dump_json(indent=1)))
    write_text(folder / "card.md", card(manifest))


def record(folder: Path, manifest: BundleManifest, table: MetricTable) -> BundleManifest:
    """Add the figures of an evaluation to a bundle; figures of the same dataset and protocol are replaced."""
    others = tuple(old for old in manifest.metrics if (old.dataset, old.protocol) != (table.dataset, table.protocol))
    updated = manifest.model_copy(update={"metrics": (*others, table)})
    write_manifest(folder, updated)
    return updated


def card(manifest: BundleManifest) -> str:
    """Say in Markdown what a bundle is for, what it was made of, and how well it does; after Mitchell et al. 2019."""
    recipe = manifest.recipe
    parts = [
        f"# {manifest.name} {manifest.version}",
        manifest.intended_use,
        "**Research use only; not for diagnosis.**",
        *(_chance(table) for table in manifest.metrics),
        "## Answer",
        _answer(manifest),
        _points(manifest),
        "## Model",
        f"`{recipe.model.backbone}` at {recipe.input.size} × {recipe.input.size} pixels ({recipe.input.fit}), "
        f"{recipe.model.head} head, {recipe.augment.views} extra views, "
        f"{_trained(recipe)}. Recipe: `{recipe.name}`. {recipe.about}",
        "## Data",
        *(_dataset(manifest, number) for number in range(len(manifest.datasets))),
        "## Figures",
        *(_figures(table) for table in manifest.metrics),
        "## Limits",
        _limits(manifest),
        "## Licence",
        manifest.license,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _answer(manifest: BundleManifest) -> str:
    calibration, several = manifest.calibration, len(manifest.labels) > 2
    asked = "each has its probability" if several else f"the probability is of *{manifest.positive}*"
    rarer = "a label" if several else "the disease"
    return (
        f"Task `{manifest.task}`: {' or '.join(manifest.labels)}; {asked}. "
        f"Probabilities are calibrated ({calibration.kind}) on {calibration.fitted_on}, {calibration.images} images, "
        f"{manifest.prevalence:.1%} {manifest.positive}. Where {rarer} is rarer, the same picture "
        "means a lower probability."
    )


def _trained(recipe: Recipe) -> str:
    if recipe.model.from_scratch:
        return "trained from scratch"
    return "fine-tuned" if recipe.trains_backbone else "frozen backbone"


def _chance(table: MetricTable) -> str:
    """Say first where a bundle was not shown to be better than a coin."""
    auc = table.values.get("roc_auc") or table.values.get("macro_auc")
    if auc is None or auc.low > 0.5:
        return ""
    return (
        f"**Not better than chance on {table.dataset}** ({table.protocol}): ROC AUC {auc}, {table.images} images of "
        f"{table.patients} patients or duplicate groups. What it does well at home did not carry over."
    )


def _points(manifest: BundleManifest) -> str:
    calling = [point for point in manifest.operating_points if isinstance(point, MostProbable)]
    return _calling(manifest, calling[0]) if calling else _thresholds(manifest)


def _calling(manifest: BundleManifest, point: MostProbable) -> str:
    rows = [f"| {label} | {share} |" for label, share in point.sensitivities.items()]
    chosen = (
        f"No threshold: called is {point.rule}. The sensitivities *there* are of {manifest.calibration.fitted_on}, on "
        "which the probabilities were calibrated."
    )
    return "\n".join([chosen, "", "| label | sensitivity there |", "|---|---|", *rows])


def _thresholds(manifest: BundleManifest) -> str:
    rows = [
        f"| {point.name}{' (default)' if point.name == manifest.operating_point else ''} | {point.threshold:.3f} "
        f"| {point.rule} | {point.sensitivity} | {point.specificity} |"
        for point in manifest.operating_points
        if isinstance(point, OperatingPoint)
    ]
    head = "| operating point | threshold | rule | sensitivity there | specificity there |"
    chosen = (
        f"Thresholds were chosen on {manifest.calibration.fitted_on}; sensitivity and specificity *there* are of the "
        "same answers and therefore somewhat too good. Those under Figures are of answers on which no threshold was "
        "chosen, unless marked leaky."
    )
    return "\n".join([chosen, "", head, "|---|---|---|---|---|", *rows])


def _dataset(manifest: BundleManifest, number: int) -> str:
    data = manifest.datasets[number]
    return (
        f"{data.title}: {data.images} images, {data.patients} patients or duplicate groups. Licence: {data.licence}. "
        f"Cite: {data.citation}. Fingerprint `{data.sha256[:16]}`."
    )


def _figures(table: MetricTable) -> str:
    title = (
        f"### {table.dataset}: {table.protocol}\n\n{table.images} images ({table.positives} positive), "
        f"{table.patients} patients or duplicate groups; 95 % bootstrap intervals clustered by them."
    )
    if table.leaky:
        title += " **Leaky: too good to be believed.**"
    if table.abstained is not None:
        title += f" It abstained from {table.abstained} of them."
    titles = WORDS | OVERALL if "macro_auc" in table.values else WORDS
    answered = {name: str(interval) for name, interval in table.answered.items()}
    rows = [
        f"| {_title(name, titles)} | {interval} | {answered.get(name, '–')} |"
        for name, interval in table.values.items()
    ]
    head = ["| figure | all images (95 % interval) | without abstained |", "|---|---|---|"]
    return "\n".join([title, "", *head, *rows])


def _title(name: str, titles: Mapping[str, str]) -> str:
    """Words of a figure; one of a single label against the rest is `label.figure`."""
    label, dot, figure = name.rpartition(".")
    return f"{label}: {WORDS.get(figure, figure)}" if dot else titles.get(name, name)


def _limits(manifest: BundleManifest) -> str:
    return (
        f"Images unlike those it was trained on ({manifest.reference.fitted_on}) are called out and get no answer; the "
        "limit lets through 99 % of held-out images of the same kind. It reads one still picture and knows nothing of "
        "the patient. It was trained on few women and few machines: expect it to do worse elsewhere, and measure it "
        "there (`senoscope evaluate`) before you believe it."
    )
