"""What a report finds beyond its table: other intervals, calibration, usefulness, subgroups, and other prevalences."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import BundleManifest, Interval
from senoscope.core.errors import DatasetError, MissingExtraError, UsageError
from senoscope.evidence.evaluation.answers import Answers
from senoscope.evidence.metrics.calibration import recalibration, shift_prior
from senoscope.evidence.metrics.delong import delong
from senoscope.evidence.metrics.grouping import grouped
from senoscope.evidence.metrics.intervals import draws, percentiles
from senoscope.evidence.metrics.proportions import exact_binomial
from senoscope.evidence.metrics.subgroups import Subgroup, subgroups
from senoscope.evidence.metrics.sums import Values, by_group, call_figures, call_terms
from senoscope.evidence.metrics.usefulness import (
    DecisionCurve,
    Transferred,
    decision_curve,
    predictive_values,
    threshold_transfer,
)

PREVALENCES = (0.005, 0.01, 0.05, 0.1, 0.3, 0.5)
"""Where PPV and NPV are tabled, beside the share of positives in the data: from screening to a biopsy clinic."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Predictive:
    """PPV and NPV where a given share of women has the disease; None where 0/0."""

    prevalence: float
    ppv: Interval | None
    npv: Interval | None


@dataclass(frozen=True, eq=False)
class Stated:
    """What the answers mean at the prevalence the user stated.

    Args:
        prevalence: as stated.
        source: prevalence the probabilities were calibrated at.
        threshold: the operating point's threshold on the shifted probabilities; it calls the same cases.
        values: PPV and NPV there.
        probabilities: (N,) the answers, shifted.
    """

    prevalence: float
    source: float
    threshold: float
    values: Predictive
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything beyond the table of figures.

    Args:
        delong: ROC AUC with DeLong's interval, clustered where groups hold several cases; None where it has none.
        exact: sensitivity and specificity with exact binomial intervals; empty where groups hold several cases.
        recalibration: `calibration_intercept` and `calibration_slope` with sandwich intervals.
        decision: net benefit over thresholds; at a stated prevalence that of the shifted probabilities.
        predictive: PPV and NPV over prevalences.
        subgroups: figures by what the publisher says of the images.
        transfer: what becomes of the threshold here; empty where the model was calibrated on this dataset.
        classes: for each label (label, called positive, not called).
        stated: the same at a prevalence the user stated.
        notes: what had to be left out, one sentence each.
    """

    delong: Interval | None
    exact: dict[str, Interval]
    recalibration: dict[str, Interval]
    decision: DecisionCurve
    predictive: tuple[Predictive, ...]
    subgroups: tuple[Subgroup, ...]
    transfer: tuple[Transferred, ...]
    classes: tuple[tuple[str, int, int], ...]
    stated: Stated | None
    notes: tuple[str, ...]


def check_prevalence(prevalence: float | None) -> None:
    """Raise `UsageError` for a stated prevalence that does not lie between 0 and 1."""
    if prevalence is not None and not 0 < prevalence < 1:
        raise UsageError(f"a prevalence of {prevalence:g} is none", "give a share between 0 and 1, such as 0.006")


def find(
    cases: Answers,
    threshold: float,
    *,
    replicates: int,
    seed: int,
    prevalence: float | None = None,
    manifest: BundleManifest | None = None,
) -> Findings:
    """Look at answers from every side.

    Args:
        cases: the answers by case.
        threshold: the operating point's.
        replicates: bootstrap samples of intervals.
        seed: draws them.
        prevalence: of those the model is meant for, if stated.
        manifest: of the bundle, if there is one.

    Raises:
        UsageError: the prevalence does not lie between 0 and 1.
    """
    check_prevalence(prevalence)
    notes: list[str] = []
    labels, values, groups = cases.labels, cases.probabilities, cases.groups
    shares = dict.fromkeys((*PREVALENCES, float(labels.mean()), *(() if prevalence is None else (prevalence,))))
    predictive = _predictive(cases, tuple(sorted(shares)), replicates, seed)
    stated = None if prevalence is None else _stated(cases, threshold, prevalence, predictive, manifest, notes)
    transfer: tuple[Transferred, ...] = ()
    if manifest is not None and manifest.recipe.dataset != cases.index.dataset:
        transfer = _transfer(cases, threshold, manifest, notes, replicates=replicates, seed=seed)
    return Findings(
        delong=_tried(lambda: delong(labels, values, groups), "DeLong's interval", notes),
        exact=_exact(cases, notes),
        recalibration=_tried(lambda: recalibration(labels, values, groups), "recalibration", notes) or {},
        # Whoever states a prevalence will use the probabilities that are right there.
        decision=decision_curve(labels, values if stated is None else stated.probabilities, prevalence),
        predictive=predictive,
        subgroups=subgroups(cases.index, labels, values, groups, cases.thresholds, replicates=replicates, seed=seed),
        transfer=transfer,
        classes=_classes(cases),
        stated=stated,
        notes=tuple(notes),
    )


def _tried(make: Callable[[], Result], what: str, notes: list[str]) -> Result | None:
    """Make it, or note why there is none: a report without one number beats no report."""
    try:
        return make()
    except (DatasetError, MissingExtraError) as error:
        notes.append(f"no {what}: {error}")
        return None


def _exact(cases: Answers, notes: list[str]) -> dict[str, Interval]:
    if len(np.unique(cases.groups)) < len(cases):
        notes.append(
            "sensitivity and specificity have no exact binomial interval here, as groups hold several cases: the "
            "clustered bootstrap's applies"
        )
        return {}
    called = cases.probabilities >= cases.thresholds
    positive = cases.labels == 1
    counts = {
        "sensitivity": (int((called & positive).sum()), int(positive.sum())),
        "specificity": (int((~called & ~positive).sum()), int((~positive).sum())),
    }
    made = _tried(
        lambda: {name: exact_binomial(hits, count) for name, (hits, count) in counts.items()},
        "exact binomial intervals",
        notes,
    )
    return made or {}


def _transfer(
    cases: Answers, threshold: float, manifest: BundleManifest, notes: list[str], *, replicates: int, seed: int
) -> tuple[Transferred, ...]:
    source = manifest.prevalence
    if not 0 < source < 1:
        notes.append("no transfer of the threshold: the bundle does not say at which prevalence it was calibrated")
        return ()
    return threshold_transfer(
        cases.labels,
        cases.probabilities,
        cases.groups,
        threshold,
        source,
        replicates=replicates,
        seed=seed,
    )


def _predictive(cases: Answers, prevalences: tuple[float, ...], replicates: int, seed: int) -> tuple[Predictive, ...]:
    """PPV and NPV from sensitivity and specificity, with intervals from the same replicates as the table's."""
    members = grouped(cases.groups, len(cases))
    sums = by_group(call_terms(cases.labels, cases.probabilities, cases.thresholds), members)
    point = _rates(sums.sum(axis=0)[None], prevalences)
    drawn = [
        _rates(weights @ sums, prevalences)
        for weights in draws(cases.labels, members, replicates=replicates, seed=seed)
    ]
    ppv, npv = (np.concatenate([chunk[which] for chunk in drawn]) for which in (0, 1))
    return tuple(
        Predictive(prevalence, _interval(point[0][0, at], ppv[:, at]), _interval(point[1][0, at], npv[:, at]))
        for at, prevalence in enumerate(prevalences)
    )


def _rates(sums: Values, prevalences: tuple[float, ...]) -> tuple[Values, Values]:
    """(R, P) PPV and NPV of R replicates at P prevalences."""
    found = call_figures(sums)
    return predictive_values(found["sensitivity"][:, None], found["specificity"][:, None], np.array(prevalences))


def _interval(point: float, sample: Values) -> Interval | None:
    return None if np.isnan(point) else percentiles(float(point), sample)[0]


def _classes(cases: Answers) -> tuple[tuple[str, int, int], ...]:
    called = cases.probabilities >= cases.thresholds
    words = np.array([sample.label for sample in cases.index.samples], dtype=object)
    return tuple(
        (str(word), int((called & (words == word)).sum()), int((~called & (words == word)).sum()))
        for word in sorted(set(words))
    )


def _stated(
    cases: Answers,
    threshold: float,
    prevalence: float,
    predictive: tuple[Predictive, ...],
    manifest: BundleManifest | None,
    notes: list[str],
) -> Stated:
    source = manifest.prevalence if manifest else 0.0
    if not 0 < source < 1:
        source = float(cases.labels.mean())
        notes.append("probabilities are shifted from the share of positives in these data: no other is known")
    shifted = shift_prior(np.append(cases.probabilities, threshold), source, prevalence)
    return Stated(
        prevalence=prevalence,
        source=source,
        threshold=float(shifted[-1]),
        values=next(row for row in predictive if row.prevalence == prevalence),
        probabilities=shifted[:-1],
    )
