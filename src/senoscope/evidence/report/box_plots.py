"""The plots of a report on boxes, as SVG that takes its colours from the page around it."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from senoscope.evidence.evaluation.boxes import BoxEvaluation
from senoscope.evidence.metrics.boxes import AT
from senoscope.evidence.metrics.curves import roc_curve
from senoscope.evidence.metrics.detection import RATES, iou, precision_curve
from senoscope.evidence.report.plots import ACCENT, FAINT, SECOND, require, square, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_boxes(evaluation: BoxEvaluation) -> dict[str, str]:
    """Draw every plot of a report on boxes.

    Returns:
        SVG by name: `froc`, `pr`, `overlap`, and `roc` where there are pictures with a lesion and without one.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require()
    plots = {"froc": _froc, "pr": _pr, "overlap": _overlap}
    if "roc_auc" in evaluation.table:
        plots["roc"] = _roc
    return {name: svg(name, partial(plot, evaluation)) for name, plot in plots.items()}


def _froc(evaluation: BoxEvaluation, axes: "Axes") -> None:
    curve = evaluation.curve
    axes.step(curve.rates, curve.sensitivity, where="post", color=ACCENT, linewidth=2)
    table = {rate: evaluation.table[name] for name, rate in AT.items()}
    for rate, found in table.items():
        axes.plot([rate, rate], [found.low, found.high], color=SECOND, linewidth=1)
    axes.plot(list(table), [found.value for found in table.values()], "o", color=SECOND, label="with 95 % interval")
    axes.legend(loc="lower right")
    axes.set(xlabel="false positives an image", ylabel="sensitivity", ylim=(-0.02, 1.02), xscale="log")
    axes.set_xlim(RATES[0] / 2, RATES[-1])
    axes.xaxis.set_major_formatter("{x:g}")


def _pr(evaluation: BoxEvaluation, axes: "Axes") -> None:
    for overlap, colour in ((0.5, ACCENT), (0.75, SECOND)):
        curve = precision_curve(evaluation.boxed.pictures, overlap=overlap)
        axes.plot(curve.x, curve.y, color=colour, linewidth=2, label=f"IoU {overlap:g}")
    axes.legend(loc="lower left")
    square(axes, "share of lesions found (recall)", "share of boxes that are right (precision)")


def _overlap(evaluation: BoxEvaluation, axes: "Axes") -> None:
    best: list[float] = []
    for picture, shown in zip(evaluation.boxed.pictures, evaluation.boxed.shown, strict=True):
        shares = iou(picture.boxes[:shown], picture.truth)
        best += (shares.max(axis=0) if len(shares) else np.zeros(len(picture.truth))).tolist()
    axes.hist(best, np.linspace(0, 1, 21).tolist(), color=ACCENT, alpha=0.6)
    axes.axvline(0.5, color=FAINT, linewidth=1, linestyle="--", label="found from here on")
    axes.legend(loc="upper center")
    axes.set(xlabel="IoU of the best box shown", ylabel="lesions", xlim=(0, 1))


def _roc(evaluation: BoxEvaluation, axes: "Axes") -> None:
    curve = roc_curve(evaluation.labels, evaluation.boxed.probabilities)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    axes.plot(curve.x, curve.y, color=ACCENT, linewidth=2)
    point = 1 - evaluation.table["specificity"].value, evaluation.table["sensitivity"].value
    axes.plot(point[:1], point[1:], "o", color=SECOND, label=evaluation.operating_point or "called")
    axes.legend(loc="lower right")
    square(axes, "1 − specificity", "sensitivity")
