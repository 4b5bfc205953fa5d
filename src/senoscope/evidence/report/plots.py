"""The plots of a report, as SVG that takes its colours from the page around it."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from io import StringIO
from itertools import cycle, product
from typing import TYPE_CHECKING, Any

import numpy as np

from senoscope.core.errors import MissingExtraError
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
from senoscope.evidence.metrics.curves import pr_curve, reliability, roc_curve
from senoscope.evidence.metrics.usefulness import predictive_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, ACCENT, SECOND, FAINT = "#010203", "#0a0b0c", "#0d0e0f", "#a0a1a2"
"""Stand-ins that become `currentColor` and the page's own colours."""
THIRD, FOURTH = "#0b0c0d", "#0c0d0e"

COLOURS = {
    INK: "currentColor",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
    THIRD: "var(--third)",
    FOURTH: "var(--fourth)",
    FAINT: "var(--soft)",
}

PREVALENCES = np.geomspace(0.001, 0.9, 120)
"""Where the predictive values are drawn."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "senoscope",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def require() -> None:
    """Raise `MissingExtraError` where nothing can be drawn; asked before a long evaluation, not after it."""
    if find_spec("matplotlib") is None:
        raise MissingExtraError("evaluation report", "report")


def draw(evaluation: Evaluation) -> dict[str, str]:
    """Draw every plot of a report.

    Returns:
        SVG by name: `roc`, `pr`, `reliability`, `histogram`, `decision`, `predictive`, the last only where sensitivity
        and specificity are defined; no outside references, names unique among them.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require()
    plots = {"roc": _roc, "pr": _pr, "reliability": _reliability, "histogram": _histogram, "decision": _decision}
    if {"sensitivity", "specificity"} <= set(evaluation.table):
        plots["predictive"] = _predictive
    return {name: svg(name, partial(plot, evaluation)) for name, plot in plots.items()}


def draw_multiclass(evaluation: MulticlassEvaluation) -> dict[str, str]:
    """Draw the curves of each of several labels against the rest.

    Returns:
        SVG by name: `roc`, `reliability`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require()
    plots = {"roc": _label_rocs, "reliability": _label_reliabilities}
    return {name: svg(name, partial(plot, evaluation)) for name, plot in plots.items()}


def overlay(evaluations: Sequence[Evaluation], names: Sequence[str]) -> dict[str, str]:
    """Draw the curves of several models over each other.

    Returns:
        SVG by name: `roc`, `pr`, `decision`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require()
    plots = {"roc": _rocs, "pr": _prs, "decision": _benefits}
    return {name: svg(name, partial(plot, evaluations, names)) for name, plot in plots.items()}


def svg(name: str, plot: "Callable[[Axes], None]") -> str:
    """Draw one plot as SVG whose identifiers begin with its name."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.6))
        plot(figure.subplots())
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    for stand_in, colour in COLOURS.items():
        text = text.replace(stand_in, colour)
    return text.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)


def square(axes: "Axes", x: str, y: str) -> None:
    """Name both axes, each from 0 to 1."""
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")


def _roc(evaluation: Evaluation, axes: "Axes") -> None:
    curve = roc_curve(evaluation.labels, evaluation.probabilities)
    counts = evaluation.confusion
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    axes.plot(curve.x, curve.y, color=ACCENT, linewidth=2)
    x = counts.false_positives / (counts.false_positives + counts.true_negatives)
    y = counts.true_positives / (counts.true_positives + counts.false_negatives)
    axes.plot([x], [y], "o", color=SECOND, label=f"{evaluation.operating_point}, {evaluation.threshold:.3f}")
    axes.legend(loc="lower right")
    square(axes, "1 − specificity", "sensitivity")


def _pr(evaluation: Evaluation, axes: "Axes") -> None:
    curve = pr_curve(evaluation.labels, evaluation.probabilities)
    share = float(evaluation.labels.mean())
    axes.plot([0, 1], [share, share], color=FAINT, linewidth=1, label=f"share of positives, {share:.3f}")
    axes.step(curve.x, curve.y, where="pre", color=ACCENT, linewidth=2)
    axes.legend(loc="lower left")
    square(axes, "sensitivity (recall)", "PPV (precision)")


def _reliability(evaluation: Evaluation, axes: "Axes") -> None:
    bins = reliability(evaluation.labels, evaluation.probabilities)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    axes.plot(bins.predicted, bins.observed, color=ACCENT, linewidth=1)
    sizes = 12 + 120 * bins.counts / bins.counts.max()
    axes.vlines(bins.predicted, bins.low, bins.high, color=ACCENT, linewidth=1, alpha=0.6)
    axes.scatter(bins.predicted, bins.observed, s=sizes, color=ACCENT, alpha=0.8, linewidths=0)
    square(axes, "mean probability in the bin", f"share {evaluation.positive}")


def _histogram(evaluation: Evaluation, axes: "Axes") -> None:
    edges = np.linspace(0, 1, 21).tolist()
    positives = evaluation.labels == 1
    shown = ((~positives, SECOND, "others"), (positives, ACCENT, evaluation.positive))
    for chosen, colour, name in shown:
        axes.hist(evaluation.probabilities[chosen], edges, color=colour, alpha=0.6, label=name)
    axes.axvline(evaluation.threshold, color=INK, linewidth=1, linestyle="--")
    axes.legend(loc="upper center")
    axes.set(xlabel=f"probability of {evaluation.positive}", ylabel=f"{evaluation.level}s", xlim=(0, 1))


def _decision(evaluation: Evaluation, axes: "Axes") -> None:
    _benefits([evaluation], [evaluation.bundle], axes)


def _benefits(evaluations: Sequence[Evaluation], names: Sequence[str], axes: "Axes") -> None:
    first = evaluations[0].findings.decision
    axes.plot(first.thresholds, first.everyone, color=FAINT, linewidth=1, label="call everyone")
    axes.plot(first.thresholds, first.nobody, color=INK, linewidth=1, label="call nobody")
    highest = float(max(first.everyone[0], 0.0))
    for evaluation, name, (style, colour) in zip(evaluations, names, _styles(), strict=False):
        curve = evaluation.findings.decision
        axes.plot(curve.thresholds, curve.model, color=colour, linestyle=style, linewidth=2, label=name)
        highest = max(highest, float(np.nanmax(curve.model)))
    axes.legend(loc="upper right")
    # Calling everyone falls without end; what lies far below nothing needs no room.
    axes.set(xlabel="threshold", ylabel="net benefit", xlim=(0, 1), ylim=(-0.3 * highest - 0.01, 1.1 * highest + 0.01))


def _predictive(evaluation: Evaluation, axes: "Axes") -> None:
    table = evaluation.table
    ppv, npv = predictive_values(table["sensitivity"].value, table["specificity"].value, PREVALENCES)
    axes.plot(PREVALENCES, ppv, color=ACCENT, linewidth=2, label="PPV")
    axes.plot(PREVALENCES, npv, color=SECOND, linewidth=2, label="NPV")
    axes.axvline(float(evaluation.labels.mean()), color=FAINT, linewidth=1, linestyle="--", label="these data")
    if evaluation.findings.stated is not None:
        axes.axvline(evaluation.findings.stated.prevalence, color=INK, linewidth=1, linestyle=":", label="stated")
    axes.legend(loc="center left")
    axes.set(xlabel="prevalence", ylabel="predictive value", xscale="log", xlim=(0.001, 0.9), ylim=(-0.02, 1.02))
    axes.set_xticks([0.001, 0.01, 0.1, 0.5], labels=["0.1 %", "1 %", "10 %", "50 %"])
    axes.minorticks_off()


def _styles() -> Any:
    """Lines that can be told apart: colours first, then dashes."""
    return cycle(product(("-", "--", ":"), (ACCENT, SECOND, THIRD, FOURTH)))


def _rocs(evaluations: Sequence[Evaluation], names: Sequence[str], axes: "Axes") -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    for evaluation, name, (style, colour) in zip(evaluations, names, _styles(), strict=False):
        curve = roc_curve(evaluation.labels, evaluation.probabilities)
        axes.plot(curve.x, curve.y, color=colour, linestyle=style, linewidth=2, label=name)
    axes.legend(loc="lower right")
    square(axes, "1 − specificity", "sensitivity")


def _prs(evaluations: Sequence[Evaluation], names: Sequence[str], axes: "Axes") -> None:
    share = float(evaluations[0].labels.mean())
    axes.plot([0, 1], [share, share], color=FAINT, linewidth=1)
    for evaluation, name, (style, colour) in zip(evaluations, names, _styles(), strict=False):
        curve = pr_curve(evaluation.labels, evaluation.probabilities)
        axes.step(curve.x, curve.y, where="pre", color=colour, linestyle=style, linewidth=2, label=name)
    axes.legend(loc="lower left")
    square(axes, "sensitivity (recall)", "PPV (precision)")


def _label_rocs(evaluation: MulticlassEvaluation, axes: "Axes") -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    for number, (label, (style, colour)) in enumerate(zip(evaluation.classes, _styles(), strict=False)):
        mine = [int(truth == label) for truth in evaluation.labels]
        curve = roc_curve(mine, evaluation.probabilities[:, number])
        axes.plot(curve.x, curve.y, color=colour, linestyle=style, linewidth=2, label=label)
    axes.legend(loc="lower right")
    square(axes, "1 − specificity", "sensitivity")


def _label_reliabilities(evaluation: MulticlassEvaluation, axes: "Axes") -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    for number, (label, (style, colour)) in enumerate(zip(evaluation.classes, _styles(), strict=False)):
        mine = [int(truth == label) for truth in evaluation.labels]
        bins = reliability(mine, evaluation.probabilities[:, number])
        axes.plot(bins.predicted, bins.observed, color=colour, linestyle=style, linewidth=1, label=label)
        axes.scatter(
            bins.predicted, bins.observed, s=12 + 60 * bins.counts / bins.counts.max(), color=colour, alpha=0.8
        )
    axes.legend(loc="upper left")
    square(axes, "mean probability in the bin", "share of the label")
