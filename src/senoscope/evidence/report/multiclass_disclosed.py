"""What a run of several labels knows of itself, in words, for reporting checklists."""

from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.evidence.metrics.classification import TITLES
from senoscope.evidence.metrics.multiclass import OF_CLASS, WORDS
from senoscope.evidence.report.disclosed import circumstances, packages, shown_values


def known(evaluation: MulticlassEvaluation) -> dict[str, str]:
    """Say what is known of an evaluation, by the names in `checklists.CLAIM` and `checklists.TRIPOD`."""
    found = circumstances(evaluation) | _measured(evaluation) | _results(evaluation)
    return {name: text for name, text in found.items() if text}


def _measured(evaluation: MulticlassEvaluation) -> dict[str, str]:
    overall = ", ".join(words for name, words in WORDS.items() if name in evaluation.figures.overall)
    single = ", ".join(TITLES[name] for name in OF_CLASS)
    return {
        "measures": f"{overall}; of each label against the rest {single}; ROC and reliability curves",
        "uncertainty": (
            f"95 % intervals by bootstrap over {evaluation.unit} ({evaluation.replicates:,} replicates, seed "
            f"{evaluation.seed}); no hypothesis was tested"
        ),
        "updating": "none: the model is measured as it is",
        "updating_results": "the model was not updated",
        "software": packages(),
    }


def _results(evaluation: MulticlassEvaluation) -> dict[str, str]:
    labels, classes, figures = evaluation.labels, evaluation.classes, evaluation.figures
    withheld = f", {int(evaluation.abstained.sum()):,} abstained from" if evaluation.abstains else ""
    warning = "too good to be believed, as they leak: " if evaluation.leaky else ""
    shares = ", ".join(f"{labels.count(label):,} {label}" for label in classes)
    wrong = sum(truth != called for truth, called in zip(labels, evaluation.called, strict=True))
    return {
        "numbers": (
            f"{len(labels):,} images of {evaluation.dataset.patients:,} {evaluation.unit}: {shares}{withheld}, "
            f"{len(evaluation.unread):,} could not be read"
        ),
        "characteristics": shown_values(evaluation, "age", "birads", "subtype", "receptor", "lesion"),
        "performance": warning + ", ".join(f"{WORDS[name]} {value}" for name, value in figures.overall.items()),
        "accuracy": warning
        + ", ".join(
            f"sensitivity for {label} {figures.classes[label]['sensitivity']}"
            for label in classes
            if "sensitivity" in figures.classes[label]
        ),
        "failures": f"{wrong:,} images called wrongly, each in predictions.csv; the causes were not looked into",
        "limits": "; ".join([*([evaluation.leak] if evaluation.leak else []), *evaluation.notes]),
        "practice": "research use only: not a medical device, not for diagnosis",
    }
