"""What a run that gives every pixel a label knows of itself, in words, for reporting checklists."""

from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.metrics.tissue import OF_LABEL, WORDS
from senoscope.evidence.report.disclosed import origins, packages, shown_values
from senoscope.evidence.report.outline_disclosed import of_bundle, of_recipe


def known(evaluation: TissueEvaluation) -> dict[str, str]:
    """Say what is known of an evaluation, by the names in `checklists.CLAIM` and `checklists.TRIPOD`."""
    found = origins(evaluation) | _measured(evaluation) | _results(evaluation)
    if evaluation.recipe is not None:
        found |= of_recipe(evaluation.recipe)
        if not evaluation.abstains:
            found["ensemble"] = "none: each region is answered by the one model that had not seen it"
    if evaluation.manifest is not None:
        found |= of_bundle(evaluation.manifest)
        found["output"] = f"for each pixel the probability of each of {len(evaluation.classes)} labels; the likeliest"
    found["outcome"] = (
        f"what tissue each pixel is ({', '.join(evaluation.classes)}), as the publisher's masks say it; pixels they "
        "say nothing of are in no figure"
    )
    return {name: text for name, text in found.items() if text}


def _measured(evaluation: TissueEvaluation) -> dict[str, str]:
    facts = sorted({group.fact for group in evaluation.subgroups})
    overall = ", ".join(WORDS[name] for name in evaluation.figures.overall)
    return {
        "measures": f"{overall}; of each label {', '.join(OF_LABEL.values())}; pixels of each called as any other",
        "uncertainty": (
            f"95 % intervals by bootstrap over {evaluation.unit} ({evaluation.replicates:,} replicates, seed "
            f"{evaluation.seed}); no hypothesis was tested"
        ),
        "robustness": f"subgroups by {', '.join(facts)}" if facts else "",
        "clusters": "figures site by site, each with its interval" if "site" in facts else "",
        "updating": "none: the model is measured as it is",
        "updating_results": "the model was not updated",
        "software": packages(),
    }


def _results(evaluation: TissueEvaluation) -> dict[str, str]:
    figures, warning = evaluation.figures, "too good to be believed, as they leak: " if evaluation.leaky else ""
    sites = [group for group in evaluation.subgroups if group.fact == "site"]
    wrong = int(evaluation.counts.sum() - evaluation.confusion.trace())
    return {
        "numbers": (
            f"{len(evaluation.samples):,} regions of {evaluation.dataset.patients:,} {evaluation.unit}, "
            f"{int(evaluation.counts.sum()):,} pixels with a label, {len(evaluation.unread):,} regions could not be "
            "measured"
        ),
        "characteristics": shown_values(evaluation, "site", "slide", "microns_per_pixel"),
        "performance": warning + ", ".join(f"{WORDS[name]} {value}" for name, value in figures.overall.items()),
        "accuracy": warning + ", ".join(f"Dice of {label} {found['dice']}" for label, found in figures.labels.items()),
        "cluster_results": "; ".join(
            f"{group.value}: {group.table['pixel_accuracy']} of pixels right" for group in sites
        ),
        "failures": f"{wrong:,} pixels called wrongly, counted label by label; the causes were not looked into",
        "limits": "; ".join([*([evaluation.leak] if evaluation.leak else []), *evaluation.notes]),
        "practice": "research use only: not a medical device, not for diagnosis",
    }
