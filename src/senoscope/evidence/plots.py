"""The plots of a report, as SVG that takes its colours from the page around it."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from senoscope.core.errors import MissingExtraError
from senoscope.evidence.evaluation import Evaluation
from senoscope.evidence.metrics.curves import pr_curve, reliability, roc_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, ACCENT, SECOND, FAINT = "#010203", "#0a0b0c", "#0d0e0f", "#a0a1a2"
"""Stand-ins that become `currentColor` and the page's own colours."""

COLOURS = {INK: "currentColor", ACCENT: "var(--accent)", SECOND: "var(--second)", FAINT: "var(--soft)"}

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
        SVG by name: `roc`, `pr`, `reliability`, `histogram`; no outside references, names unique among them.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require()
    plots = {"roc": _roc, "pr": _pr, "reliability": _reliability, "histogram": _histogram}
    return {name: _svg(name, plot, evaluation) for name, plot in plots.items()}


def _svg(name: str, plot: "Callable[[Evaluation, Axes], None]", evaluation: Evaluation) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.6))
        plot(evaluation, figure.subplots())
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    for stand_in, colour in COLOURS.items():
        text = text.replace(stand_in, colour)
    return text.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)


def _square(axes: "Axes", x: str, y: str) -> None:
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
    _square(axes, "1 − specificity", "sensitivity")


def _pr(evaluation: Evaluation, axes: "Axes") -> None:
    curve = pr_curve(evaluation.labels, evaluation.probabilities)
    share = float(evaluation.labels.mean())
    axes.plot([0, 1], [share, share], color=FAINT, linewidth=1, label=f"share of positives, {share:.3f}")
    axes.step(curve.x, curve.y, where="pre", color=ACCENT, linewidth=2)
    axes.legend(loc="lower left")
    _square(axes, "sensitivity (recall)", "PPV (precision)")


def _reliability(evaluation: Evaluation, axes: "Axes") -> None:
    bins = reliability(evaluation.labels, evaluation.probabilities)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    axes.plot(bins.predicted, bins.observed, color=ACCENT, linewidth=1)
    sizes = 12 + 120 * bins.counts / bins.counts.max()
    axes.scatter(bins.predicted, bins.observed, s=sizes, color=ACCENT, alpha=0.8, linewidths=0)
    _square(axes, "mean probability in the bin", f"share {evaluation.positive}")


def _histogram(evaluation: Evaluation, axes: "Axes") -> None:
    edges = np.linspace(0, 1, 21).tolist()
    positives = evaluation.labels == 1
    shown = ((~positives, SECOND, "others"), (positives, ACCENT, evaluation.positive))
    for chosen, colour, name in shown:
        axes.hist(evaluation.probabilities[chosen], edges, color=colour, alpha=0.6, label=name)
    axes.axvline(evaluation.threshold, color=INK, linewidth=1, linestyle="--")
    axes.legend(loc="upper center")
    axes.set(xlabel=f"probability of {evaluation.positive}", ylabel="images", xlim=(0, 1))
