"""Run a model over a dataset and measure it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from senoscope.core.domain.bundle import BundleManifest
from senoscope.core.domain.prediction import ExamPrediction, Prediction
from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.evaluation.answers import check_level
from senoscope.evidence.evaluation.boxes import BoxEvaluation
from senoscope.evidence.evaluation.evaluate_boxes import evaluate_boxes
from senoscope.evidence.evaluation.evaluate_outlines import evaluate_outlines
from senoscope.evidence.evaluation.evaluate_tissue import evaluate_tissue
from senoscope.evidence.evaluation.evaluation import Evaluation, Unread, assess
from senoscope.evidence.evaluation.findings import check_prevalence
from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation, assess_multiclass
from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.evaluation.provenance import PAPER_LEAK, provenance
from senoscope.evidence.evaluation.tissue import TissueEvaluation
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.exams import Exams, exam_of, exams_for
from senoscope.evidence.index.patches import as_trained
from senoscope.evidence.metrics.aggregation import Level, Rule
from senoscope.runtime.detecting import Detector
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.predictor import Failure, Model

__all__ = ["PAPER_LEAK", "evaluate", "provenance"]


@overload
def evaluate(
    model: Outliner,
    index: Index,
    *,
    operating_point: str = "",
    held_out: str = "",
    progress: Callable[[], None] | None = None,
) -> OutlineEvaluation | TissueEvaluation: ...


@overload
def evaluate(
    model: Detector,
    index: Index,
    *,
    operating_point: str = "",
    held_out: str = "",
    progress: Callable[[], None] | None = None,
) -> BoxEvaluation: ...


@overload
def evaluate(
    model: Model,
    index: Index,
    *,
    operating_point: str = "",
    held_out: str = "",
    level: Level = "image",
    rule: Rule = "mean",
    prevalence: float | None = None,
    progress: Callable[[], None] | None = None,
) -> Evaluation | MulticlassEvaluation: ...


def evaluate(
    model: Model | Outliner | Detector,
    index: Index,
    *,
    operating_point: str = "",
    held_out: str = "",
    level: Level = "image",
    rule: Rule = "mean",
    prevalence: float | None = None,
    progress: Callable[[], None] | None = None,
) -> Evaluation | MulticlassEvaluation | OutlineEvaluation | TissueEvaluation | BoxEvaluation:
    """Measure a model on the samples whose labels its task knows; one that answers exams, exam by exam.

    Images that cannot be read are left out of the figures, counted and named. Where the bundle's fingerprints say that
    it was trained on this dataset, and `held_out` does not say otherwise, the evaluation is marked as leaking. A task
    of more than two labels gives figures image by image, each label against the rest. Of a bundle that marks regions,
    see `evaluate_outlines` and `evaluate_tissue`; of one that puts boxes around lesions, `evaluate_boxes`.

    Args:
        model: a loaded bundle.
        index: the samples, image by image; other labels than the task's are left out and said. A bundle of exams joins
            them as it was trained to, and for one of lesions' squares these are cut out.
        operating_point: name of the threshold; the bundle's default where empty.
        held_out: how the caller knows that the samples were not trained on, such as "part test of split.csv".
        level: what the figures count: images (or exams), breasts or patients.
        rule: how a breast's or patient's probability comes from its images' (or exams').
        prevalence: share of positives among those the model is meant for, if it is known.
        progress: called once per image, or per exam.

    Raises:
        UsageError: the bundle has no such operating point, the prevalence is none, or `level` or `prevalence` is asked
            for where there are more than two labels or none.
        DatasetError: no sample can be used, all usable ones have the same label, or of more than two one is missing;
            the dataset does not say what `level` needs; or an answer is no probability (names the sample).
    """
    if isinstance(model, Outliner | Detector):
        _check_places(model, level, prevalence)
    if isinstance(model, Detector):
        return evaluate_boxes(model, index, operating_point=operating_point, held_out=held_out, progress=progress)
    if isinstance(model, Outliner) and model.task.by_pixel:
        return evaluate_tissue(model, index, held_out=held_out, progress=progress)
    if isinstance(model, Outliner):
        return evaluate_outlines(model, index, operating_point=operating_point, held_out=held_out, progress=progress)
    spec = model.manifest.exam
    index = as_trained(index, model.manifest.recipe)
    asked = exams_for(index.with_labels(model.task.labels), spec)
    # Said before an hour of answers, not after it.
    _check_classes(asked.index, model.manifest)
    _check_asked(model.manifest, level, prevalence)
    check_level(asked.index, level)
    check_prevalence(prevalence)
    given = _ask(model, asked, operating_point, progress)
    if not given.kept:
        what = "exams" if spec else "images"
        raise DatasetError(f"none of the {len(asked)} {what} of {index.dataset} can be read", given.unread[0].reason)
    judge = _several if model.manifest.point(operating_point).threshold is None else _two
    return judge(model, asked, given, held_out, _Wanted(operating_point, level, rule, prevalence))


@dataclass(frozen=True)
class _Wanted:
    """How figures of two labels are asked for."""

    operating_point: str
    level: Level
    rule: Rule
    prevalence: float | None


def _several(
    model: Model, asked: Exams, given: "_Given", held_out: str, wanted: _Wanted
) -> Evaluation | MulticlassEvaluation:
    manifest, answered = model.manifest, asked.index.take(given.kept)
    protocol, leak = _provenance(manifest, asked, given, held_out)
    return assess_multiclass(
        answered,
        np.array(given.probabilities),
        task=model.task,
        title=f"{manifest.name} on {answered.dataset}",
        bundle=manifest.name,
        version=manifest.version,
        protocol=protocol,
        leak=leak,
        abstained=given.abstained,
        unread=given.unread,
        manifest=manifest,
    )


def _two(
    model: Model, asked: Exams, given: "_Given", held_out: str, wanted: _Wanted
) -> Evaluation | MulticlassEvaluation:
    manifest, point = model.manifest, model.manifest.point(wanted.operating_point)
    assert point.threshold is not None
    answered = asked.index.take(given.kept)
    protocol, leak = _provenance(manifest, asked, given, held_out)
    return assess(
        answered,
        np.array(given.probabilities)[:, manifest.labels.index(manifest.positive)],
        positive=manifest.positive,
        title=f"{manifest.name} on {answered.dataset}",
        bundle=manifest.name,
        version=manifest.version,
        threshold=point.threshold,
        operating_point=point.name,
        protocol=protocol,
        leak=leak,
        abstained=given.abstained,
        unread=given.unread,
        level=wanted.level,
        rule=wanted.rule,
        prevalence=wanted.prevalence,
        manifest=manifest,
    )


@dataclass
class _Given:
    """Answers as they come: positions of the samples that got one, and what it was, label by label."""

    kept: list[int] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)
    abstained: list[bool] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def _ask(model: Model, asked: Exams, operating_point: str, progress: Callable[[], None] | None) -> _Given:
    given, samples = _Given(), asked.index.samples
    answers: Iterator[Prediction | ExamPrediction | Failure]
    if model.manifest.exam:
        every = (exam_of(asked, position) for position in range(len(asked)))
        answers = model.stream_exams(every, operating_point=operating_point)
    else:
        answers = model.stream(asked.index.paths(), operating_point=operating_point)
    for position, answer in enumerate(answers):
        if isinstance(answer, Failure):
            what = samples[position].sample_id if model.manifest.exam else samples[position].path
            given.unread.append(Unread(what, answer.error.message))
        else:
            given.kept.append(position)
            given.probabilities.append(_probabilities(model, samples[position], answer.probabilities))
            given.abstained.append(answer.abstained)
        if progress is not None:
            progress()
    return given


def _provenance(manifest: BundleManifest, asked: Exams, given: _Given, held_out: str) -> tuple[str, str]:
    """As `provenance`, from the images behind what was answered, which are said where they are joined."""
    behind = asked.read(given.kept)
    protocol, leak = provenance(manifest, behind.fingerprint(), held_out)
    count = f"; {len(given.kept):,} exams of {len(behind):,} images" if manifest.exam else ""
    return f"{protocol}{count}", leak


def _check_places(model: Outliner | Detector, level: Level, prevalence: float | None) -> None:
    if level != "image" or prevalence is not None:
        what = "a prevalence" if prevalence is not None else f"figures by {level}"
        raise UsageError(
            f"{model.manifest.name} says where something is, picture by picture: {what} would be of labels",
            "leave it out",
        )


def _check_asked(manifest: BundleManifest, level: Level, prevalence: float | None) -> None:
    if len(manifest.labels) > 2 and (level != "image" or prevalence is not None):
        what = "a prevalence" if prevalence is not None else f"figures by {level}"
        raise UsageError(
            f"{manifest.name} tells {len(manifest.labels)} labels apart: {what} would be of two", "leave it out"
        )


def _check_classes(asked: Index, manifest: BundleManifest) -> None:
    counts, positive = asked.counts(), manifest.positive
    absent = [label for label in manifest.labels if not counts.get(label)]
    if len(manifest.labels) > 2 and absent:
        raise DatasetError(
            f"figures need every label, and none of the {len(asked):,} samples of {asked.dataset} is "
            f"{' or '.join(absent)}",
            "choose another part with --split, or another dataset",
        )
    positives = int(asked.labels_as(positive).sum())
    if positives in (0, len(asked)):
        raise DatasetError(
            f"figures need both classes, and of the {len(asked):,} samples of {asked.dataset} {positives:,} are "
            f"{positive}",
            "choose another part with --split, or another dataset",
        )


def _probabilities(model: Model, sample: Sample, values: dict[str, float]) -> list[float]:
    wrong = [value for value in (values[model.manifest.positive], *values.values()) if not 0 <= value <= 1]
    if wrong:
        raise DatasetError(
            f"{model.manifest.name} answered sample {sample.sample_id!r} with {wrong[0]}, which is no probability",
            "the bundle is broken: see senoscope models verify",
        )
    return list(values.values())
