"""The plots of a report on outlines, as SVG that takes its colours from the page around it."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.metrics.curves import roc_curve
from senoscope.evidence.metrics.outlines import FOUND
from senoscope.evidence.report.plots import ACCENT, FAINT, INK, SECOND, require, square, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_outlines(evaluation: OutlineEvaluation) -> dict[str, str]:
    """Draw every plot of a report on outlines.

    Returns:
        SVG by name: `dice`, `size`, and `roc` where there are pictures with a true region and without one, and it was
        asked whether there is any.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require()
    plots = {"dice": _dice, "size": _size}
    if "roc_auc" in evaluation.table:
        plots["roc"] = _roc
    return {name: svg(name, partial(plot, evaluation)) for name, plot in plots.items()}


def _dice(evaluation: OutlineEvaluation, axes: "Axes") -> None:
    values = [one.dice for one in evaluation.fits if one.truth]
    axes.hist(values, np.linspace(0, 1, 21).tolist(), color=ACCENT, alpha=0.6)
    mean = evaluation.table["dice"].value
    axes.axvline(mean, color=SECOND, linewidth=2, label=f"mean, {mean:.3f}")
    axes.axvline(FOUND, color=INK, linewidth=1, linestyle="--", label=f"found, {FOUND}")
    axes.legend(loc="upper left")
    axes.set(xlabel="Dice", ylabel="images", xlim=(0, 1))


def _size(evaluation: OutlineEvaluation, axes: "Axes") -> None:
    inside = [one for one in evaluation.fits if one.truth]
    shares = [100 * one.truth / (one.width * one.height) for one in inside]
    axes.scatter(shares, [one.dice for one in inside], s=10, color=ACCENT, alpha=0.5, linewidths=0)
    axes.axhline(FOUND, color=FAINT, linewidth=1, linestyle="--")
    axes.set(xlabel="share of the picture that is truly marked, %", ylabel="Dice", xscale="log", ylim=(-0.02, 1.02))
    axes.xaxis.set_major_formatter("{x:g}")


def _roc(evaluation: OutlineEvaluation, axes: "Axes") -> None:
    assert evaluation.pictures.probabilities is not None
    curve = roc_curve(evaluation.labels, evaluation.pictures.probabilities)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    axes.plot(curve.x, curve.y, color=ACCENT, linewidth=2)
    point = 1 - evaluation.table["specificity"].value, evaluation.table["sensitivity"].value
    axes.plot(point[:1], point[1:], "o", color=SECOND, label=evaluation.operating_point or "called")
    axes.legend(loc="lower right")
    square(axes, "1 − specificity", "sensitivity")
