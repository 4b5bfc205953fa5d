"""Several models on the same cases: figures side by side, and what the differences are worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import BundleManifest, Interval
from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.evaluation.evaluation import Evaluation, assess
from senoscope.evidence.metrics.delong import PairedTest, delong_test
from senoscope.evidence.metrics.intervals import paired_bootstrap
from senoscope.evidence.metrics.permutation import paired_permutation

PERMUTATIONS = 2000


@dataclass(frozen=True)
class Pair:
    """One model beside the first.

    Args:
        name: of the model.
        differences: its figures less the first's, with 95 % intervals by bootstrap over groups, both models on the same
            replicates.
        delong: difference of the ROC AUC by DeLong's method, clustered; None where it has no answer.
        permutation: the same by exchanging the two models' answers group by group.
        delong_adjusted: p of `delong` after Holm's correction over all pairs that have one.
        permutation_adjusted: p of `permutation` after Holm's correction over all pairs.
    """

    name: str
    differences: dict[str, Interval]
    delong: PairedTest | None
    permutation: PairedTest
    delong_adjusted: float | None
    permutation_adjusted: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several models on the same cases.

    Args:
        names: of the models, each once; the others are compared with the first.
        evaluations: of each model, on the cases that every one of them answered.
        pairs: every other model beside the first.
        left_out: images that some model was asked about and not every one answered, with the reason.
        replicates: bootstrap samples of the differences' intervals.
    """

    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    pairs: tuple[Pair, ...]
    left_out: tuple[tuple[str, str], ...]
    replicates: int

    @property
    def leaks(self) -> tuple[str, ...]:
        """Why figures are too good, model by model, where they are."""
        return tuple(f"{name}: {found.leak}" for name, found in self._named() if found.leak)

    def _named(self) -> list[tuple[str, Evaluation]]:
        return list(zip(self.names, self.evaluations, strict=True))


def compare(
    evaluations: Sequence[Evaluation], names: Sequence[str] = (), *, permutations: int = PERMUTATIONS
) -> Comparison:
    """Lay evaluations of several models beside each other, on the images that every one of them answered.

    Args:
        evaluations: at least two, of the same dataset, positive label and level; each keeps its own threshold.
        names: of the models; the bundles' names where not given.
        permutations: swaps of `Pair.permutation`.

    Raises:
        UsageError: fewer than two, two of one name, or of different questions: another positive label, dataset or
            level.
        DatasetError: they share no images, or images of one class only.
    """
    called = tuple(names) or tuple(found.bundle for found in evaluations)
    _check(evaluations, called)
    shared, left_out = _shared(evaluations)
    order = [name for name in _names(evaluations[0]) if name in shared]
    on_shared = [_narrowed(found, order) for found in evaluations]
    first = on_shared[0]
    if any(not np.array_equal(first.labels, other.labels) for other in on_shared):
        raise DatasetError("the models were given different labels for the same images", "evaluate them again together")
    delongs = [_delong(first, other) for other in on_shared[1:]]
    exchanged = [_permutation(first, other, permutations) for other in on_shared[1:]]
    adjusted = iter(holm([test.p for test in delongs if test is not None]))
    raised = holm([test.p for test in exchanged])
    pairs = tuple(
        Pair(
            name=called[at + 1],
            differences=_differences(first, on_shared[at + 1]),
            delong=delong,
            permutation=exchanged[at],
            delong_adjusted=None if delong is None else next(adjusted),
            permutation_adjusted=raised[at],
        )
        for at, delong in enumerate(delongs)
    )
    return Comparison(called, tuple(on_shared), pairs, left_out, first.replicates)


def check_names(names: Sequence[str]) -> None:
    """Raise `UsageError` where there are fewer than two names, or two are the same."""
    if len(names) < 2:
        raise UsageError("a comparison needs two models or more", "name several bundles")
    # Each gets a folder of its name, and some file systems do not tell cases apart.
    folded = [name.casefold() for name in names]
    twice = next((name for name in names if folded.count(name.casefold()) > 1), "")
    if twice:
        raise UsageError(f"two bundles are called {twice!r}", "call them NAME=BUNDLE, such as old=runs/a new=runs/b")


def check_question(manifests: Sequence[BundleManifest], names: Sequence[str]) -> None:
    """Raise `UsageError` where bundles answer different questions, of different exams, or of more than two labels."""
    if any(len(manifest.labels) > 2 for manifest in manifests):
        raise UsageError("models of more than two labels cannot be compared side by side yet", "evaluate them singly")
    _same("tasks", [manifest.task for manifest in manifests], names)
    _same("positive labels", [manifest.positive for manifest in manifests], names)
    _same("exams", [manifest.exam.by if manifest.exam else "image" for manifest in manifests], names)


def _check(evaluations: Sequence[Evaluation], names: Sequence[str]) -> None:
    check_names(names)
    _same("tasks", [found.manifest.task if found.manifest else "" for found in evaluations], names)
    _same("positive labels", [found.positive for found in evaluations], names)
    _same("datasets", [found.dataset.name for found in evaluations], names)
    _same("levels", [found.pooling for found in evaluations], names)


def _same(what: str, values: Sequence[str], names: Sequence[str]) -> None:
    if len(set(values)) > 1:
        said = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
        raise UsageError(
            f"these bundles cannot be compared: different {what} ({said})", "compare answers to one question"
        )


def _shared(evaluations: Sequence[Evaluation]) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
    """Names of the images that all answered; and those that not all did, with the reason."""
    answered = [{sample.sample_id: sample for sample in found.samples.samples} for found in evaluations]
    shared = frozenset(set.intersection(*(set(names) for names in answered)))
    if not shared:
        raise DatasetError("no image was answered by every model", "they were asked about different parts of the data")
    reasons = {item.path: item.reason for found in evaluations for item in found.unread}
    lost = dict(reasons)
    for samples in answered:
        for name, sample in samples.items():
            if name not in shared:
                lost.setdefault(sample.path, "not every model was asked about it")
    return shared, tuple(sorted(lost.items()))


def _names(found: Evaluation) -> list[str]:
    return [sample.sample_id for sample in found.samples.samples]


def _narrowed(found: Evaluation, order: list[str]) -> Evaluation:
    """The same evaluation on these images only, in this order."""
    if _names(found) == order:
        return found
    images, stated = found.images, found.findings.stated
    position = {name: row for row, name in enumerate(_names(found))}
    rows = np.array([position[name] for name in order], np.int64)
    return assess(
        images.index.take(rows),
        images.probabilities[rows],
        positive=found.positive,
        title=found.title,
        bundle=found.bundle,
        version=found.version,
        threshold=found.threshold,
        thresholds=images.thresholds[rows],
        operating_point=found.operating_point,
        protocol=found.protocol,
        leak=found.leak,
        abstained=images.abstained[rows] if found.abstains else None,
        unread=found.unread,
        replicates=found.replicates,
        seed=found.seed,
        level=found.level,
        rule=found.rule,
        prevalence=stated.prevalence if stated else None,
        manifest=found.manifest,
        recipe=found.recipe,
    )


def _delong(first: Evaluation, other: Evaluation) -> PairedTest | None:
    try:
        return delong_test(first.labels, other.probabilities, first.probabilities, first.groups)
    except DatasetError:
        # Too few groups, or no spread among them: the permutation still answers.
        return None


def _permutation(first: Evaluation, other: Evaluation, permutations: int) -> PairedTest:
    return paired_permutation(
        first.labels,
        other.probabilities,
        first.probabilities,
        first.groups,
        replicates=permutations,
        seed=first.seed,
    )


def _differences(first: Evaluation, other: Evaluation) -> dict[str, Interval]:
    return paired_bootstrap(
        first.labels,
        other.probabilities,
        first.probabilities,
        first.groups,
        (other.thresholds, first.thresholds),
        replicates=first.replicates,
        seed=first.seed,
    )


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p values for their number (Holm 1979, Scandinavian Journal of Statistics 6: 65–70), in the order given."""
    p: NDArray[np.float64] = np.asarray(values, np.float64)
    order = np.argsort(p, kind="stable")
    raised = np.minimum(1.0, np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))))
    result = np.empty(len(p))
    result[order] = raised
    return [float(value) for value in result]
