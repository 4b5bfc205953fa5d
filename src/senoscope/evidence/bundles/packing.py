"""What lies beside the network in a bundle: the manifest, and the card a person reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from senoscope.core.domain.box_bundle import BoxManifest
from senoscope.core.domain.bundle import BundleBase, BundleManifest, MetricTable, MostProbable, OperatingPoint
from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.domain.recipe import Recipe
from senoscope.evidence.metrics.boxes import WORDS as BOXES
from senoscope.evidence.metrics.classification import TITLES
from senoscope.evidence.metrics.multiclass import WORDS as OVERALL
from senoscope.evidence.metrics.outlines import WORDS as OUTLINES
from senoscope.evidence.metrics.tissue import OF_LABEL
from senoscope.evidence.metrics.tissue import WORDS as TISSUE
from senoscope.evidence.tables.rows import write_text
from senoscope.runtime.seal import sealed

Manifest = TypeVar("Manifest", bound=BundleBase)

WORDS = TITLES | {"pr_auc": "PR AUC", "ece": "ECE"}
"""Words for figures in a card; they stay as they are, so that the card of a bundle that ships is what `card` writes."""


def write_manifest(folder: Path, manifest: BundleBase) -> None:
    """Write `bundle.json` and `card.md` into a bundle's folder, each whole or not at all."""
    write_text(folder / "bundle.json", sealed(manifest.model_dump_json(indent=1)))
    write_text(folder / "card.md", card(manifest))


def record(folder: Path, manifest: Manifest, table: MetricTable) -> Manifest:
    """Add the figures of an evaluation to a bundle; figures of the same dataset and protocol are replaced."""
    others = tuple(old for old in manifest.metrics if (old.dataset, old.protocol) != (table.dataset, table.protocol))
    updated = manifest.model_copy(update={"metrics": (*others, table)})
    write_manifest(folder, updated)
    return updated


def card(manifest: BundleBase) -> str:
    """Say in Markdown what a bundle is for, what it was made of, and how well it does; after Mitchell et al. 2019."""
    parts = [
        f"# {manifest.name} {manifest.version}",
        manifest.intended_use,
        "**Research use only; not for diagnosis.**",
        *(_chance(table) for table in manifest.metrics),
        "## Answer",
        *_answer(manifest),
        "## Model",
        _model(manifest),
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


def _model(manifest: BundleBase) -> str:
    recipe = manifest.recipe
    seen = f"`{recipe.model.backbone}` at {recipe.input.size} × {recipe.input.size} pixels ({recipe.input.fit}), "
    if isinstance(manifest, OutlineManifest):
        return f"{seen}`{recipe.outline.architecture}` decoder. Recipe: `{recipe.name}`. {recipe.about}"
    if isinstance(manifest, BoxManifest):
        parts = f"in overlapping squares of {manifest.patch} pixels" if manifest.patch else "all of it at once"
        return f"{seen}{parts}, boxes without anchors. Recipe: `{recipe.name}`. {recipe.about}"
    return (
        f"{seen}{recipe.model.head} head, {recipe.augment.views} extra views, {_trained(recipe)}. "
        f"Recipe: `{recipe.name}`. {recipe.about}"
    )


def _answer(manifest: BundleBase) -> list[str]:
    match manifest:
        case BundleManifest():
            return [_classes(manifest), _points(manifest)]
        case OutlineManifest():
            return [_regions(manifest), _thresholds(manifest) if manifest.operating_points else ""]
        case BoxManifest():
            return [_boxes(manifest), _thresholds(manifest) if manifest.operating_points else ""]
    raise TypeError(type(manifest))


def _regions(manifest: OutlineManifest) -> str:
    if len(manifest.labels) > 2:
        return (
            f"Task `{manifest.task}`: every pixel is called one of {len(manifest.labels)} labels, the likeliest. "
            f"Share and outline are given of each: {', '.join(manifest.labels)}."
        )
    first = ""
    if manifest.within:
        first = (
            "A first network puts a box around the likeliest lesion; marked is what lies in and around it, the box's "
            f"sides {manifest.within.context:g} times as long. "
        )
    marked = first + (
        f"Task `{manifest.task}`: pixels are marked *{manifest.positive}* from a probability of "
        f"{manifest.threshold:.2f} on, regions below {manifest.smallest:.2%} of the picture left out. "
    )
    found = manifest.calibration
    if found is None:
        return marked + "Every picture it was trained on shows one: whether there is any is not answered."
    told = "likeliest place" if manifest.within else "likeliest pixels"
    return marked + (
        f"The probability that there is one at all comes from the {told}, calibrated ({found.kind}) on "
        f"{found.fitted_on}, {found.images} images, {found.prevalence:.1%} with one."
    )


def _boxes(manifest: BoxManifest) -> str:
    own = manifest.box_calibration
    shown = (
        f"Task `{manifest.task}`: boxes around each *{manifest.positive}*, at most {manifest.most}; of two that "
        f"overlap by {manifest.overlap:.0%} or more the surer one. A box's score is the probability that it marks one, "
        f"calibrated ({own.kind}) on {own.fitted_on}, {own.images} boxes, {own.prevalence:.1%} of them right; boxes "
        f"are shown from {manifest.shown:.2f} on. "
    )
    found = manifest.calibration
    if found is None:
        return shown + "Every picture it was trained on shows one: whether there is any is told by its surest box."
    return shown + (
        f"The probability that there is one at all comes from the likeliest place, calibrated ({found.kind}) on "
        f"{found.fitted_on}, {found.images} images, {found.prevalence:.1%} with one."
    )


def _classes(manifest: BundleManifest) -> str:
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


def _thresholds(manifest: BundleManifest | OutlineManifest | BoxManifest) -> str:
    rows = [
        f"| {point.name}{' (default)' if point.name == manifest.operating_point else ''} | {point.threshold:.3f} "
        f"| {point.rule} | {point.sensitivity} | {point.specificity} |"
        for point in manifest.operating_points
        if isinstance(point, OperatingPoint)
    ]
    head = "| operating point | threshold | rule | sensitivity there | specificity there |"
    known = manifest.calibration.fitted_on if manifest.calibration else ""
    chosen = (
        f"Thresholds were chosen on {known}; sensitivity and specificity *there* are of the "
        "same answers and therefore somewhat too good. Those under Figures are of answers on which no threshold was "
        "chosen, unless marked leaky."
    )
    return "\n".join([chosen, "", head, "|---|---|---|---|---|", *rows])


def _dataset(manifest: BundleBase, number: int) -> str:
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
    if "dice" in table.values:
        title += " Overlap and distance are over the positive ones."
    if table.leaky:
        title += " **Leaky: too good to be believed.**"
    if table.abstained is not None:
        title += f" It abstained from {table.abstained} of them."
    kinds = {"macro_auc": OVERALL, "dice": OUTLINES, "ap50": BOXES, "macro_dice": TISSUE | OF_LABEL}
    titles = WORDS | next((words for name, words in kinds.items() if name in table.values), {})
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
    return f"{label}: {WORDS.get(figure) or titles.get(figure, figure)}" if dot else titles.get(name, name)


def _limits(manifest: BundleBase) -> str:
    return (
        f"Images unlike those it was trained on ({manifest.reference.fitted_on}) are called out and get no answer; the "
        "limit lets through 99 % of held-out images of the same kind. It reads one still picture and knows nothing of "
        "the patient. It was trained on few women and few machines: expect it to do worse elsewhere, and measure it "
        "there (`senoscope evaluate`) before you believe it."
    )
