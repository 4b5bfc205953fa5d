"""Bundles on disk: found by name or path, and verified before anything in them is used."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from senoscope.core.domain.box_bundle import BoxManifest
from senoscope.core.domain.bundle import (
    FORMAT,
    BundleBase,
    BundleManifest,
    EmbeddingReference,
    ModelFile,
    MostProbable,
    SoftmaxCalibration,
)
from senoscope.core.domain.chain import ChainManifest
from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.errors import BundleError, UsageError
from senoscope.core.preprocess.descriptors import DESCRIPTORS
from senoscope.core.preprocess.heat import Torso
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Breast, Gray, Resize, Scan
from senoscope.core.registry import Registry
from senoscope.core.tasks import TASKS
from senoscope.runtime.chain import ChainModel
from senoscope.runtime.detecting import Detector
from senoscope.runtime.marking import BoxMarker, Marker, WholeMarker
from senoscope.runtime.outlining import BoxedOutliner, Outliner
from senoscope.runtime.predictor import Model
from senoscope.runtime.seal import is_intact
from senoscope.runtime.session import BoxSession, ExamSession, OutlineSession, Session

LARGEST_MANIFEST = 20_000_000
LARGEST_MODEL = 1_000_000_000
ZOO = Path(__file__).resolve().parents[1] / "zoo"

Manifest = BundleManifest | OutlineManifest | BoxManifest
KINDS: dict[str, type[BundleManifest] | type[OutlineManifest] | type[BoxManifest]] = {
    "classify": BundleManifest,
    "segment": OutlineManifest,
    "detect": BoxManifest,
}
"""What a bundle says of itself, by the kind of its task."""


def shipped(zoo: Path = ZOO) -> list[Manifest]:
    """Manifests of the bundles that ship with the package, in order; raises `BundleError` for a damaged one."""
    return in_order(read_manifest(folder) for folder in _folders(zoo))


def in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Which first: what says which before what says where, and what outlines first before what does not.

    Of several that answer a task the first is asked where nothing else is said.
    """
    kinds = list(KINDS)
    return sorted(
        manifests, key=lambda one: (kinds.index(TASKS.get(one.task).kind), not isinstance(one, ChainManifest))
    )


def _folders(zoo: Path) -> list[Path]:
    return [folder for folder in sorted(zoo.iterdir()) if _holds_manifest(folder)]


def _holds_manifest(folder: Path) -> bool:
    # Unlike Path.is_file, this is False for a name too long, or in a folder that may not be entered.
    return os.path.isfile(folder / "bundle.json")


def find_for_task(task: str) -> str:
    """Return the name of the first shipped bundle that answers a task; raises `UsageError` where there is none."""
    TASKS.get(task)
    for manifest in shipped():
        if manifest.task == task:
            return manifest.name
    raise UsageError(f"no bundle ships for task {task!r}", "train one, then give it with --bundle RUN")


def locate(name: str | Path) -> Path:
    """Return the folder of a bundle: a shipped name, a bundle folder, or a run folder that holds one."""
    names = Registry("bundle", [(folder.name, folder) for folder in _folders(ZOO)])
    if str(name) in names.names():
        return names.get(str(name))
    path = Path(name)
    for folder in (path, path / "bundle"):
        if _holds_manifest(folder):
            return folder
    if os.path.exists(path):
        raise BundleError(f"{path} holds no bundle", "a bundle is a folder with bundle.json, model.onnx and card.md")
    return names.get(str(name))


def read_manifest(folder: Path) -> Manifest:
    """Read `bundle.json` alone; raises `BundleError` where it is damaged, foreign or of another format version."""
    path = folder / "bundle.json"
    try:
        if not path.is_file():
            raise BundleError(f"{path} is not a file", "a bundle is a folder with bundle.json, model.onnx and card.md")
        if path.stat().st_size > LARGEST_MANIFEST:
            raise BundleError(f"{path} is larger than {LARGEST_MANIFEST:,} bytes", "this is not a bundle's manifest")
        content = path.read_bytes()
        values = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read: {error}", "fetch the bundle again") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = values.get("format") if isinstance(values, dict) else None
        raise BundleError(f"{path} has format {found!r}; this version reads {FORMAT}", "use a matching Senoscope")
    if not is_intact(content):
        raise BundleError(f"{path} is damaged: its seal does not match", "fetch the bundle again")
    task = values.get("task")
    if not isinstance(task, str) or task not in TASKS.names():
        raise BundleError(f"{path}: unknown task {str(task)[:60]!r}", f"tasks here: {', '.join(TASKS.names())}")
    try:
        kind = ChainManifest if "chain" in values else KINDS[TASKS.get(task).kind]
        manifest = kind.model_validate({key: value for key, value in values.items() if key != "seal"})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{path}: {where}: {first['msg']}", "fetch the bundle again") from error
    _check(manifest, path)
    return manifest


def _check(manifest: Manifest, path: Path) -> None:
    task = TASKS.get(manifest.task)
    if manifest.labels != task.labels or manifest.positive != task.positive:
        raise BundleError(f"{path}: labels {manifest.labels} are not the task's {task.labels}", "retrain the bundle")
    names = [point.name for point in manifest.operating_points]
    if manifest.operating_point not in (names or [""]):
        raise BundleError(f"{path}: operating point {manifest.operating_point!r} is not defined", "retrain the bundle")
    if isinstance(manifest, BundleManifest):
        _check_labels(manifest, path)
        if isinstance(manifest, ChainManifest):
            _check_chain(manifest, path)
    elif (manifest.calibration is None) != (not names) or (names and len(task.labels) > 2):
        raise BundleError(f"{path}: its calibration and its operating points do not fit", "retrain the bundle")
    elif isinstance(manifest, OutlineManifest) and manifest.within:
        _check_pipeline(manifest.within.pipeline, path)
        if len(task.labels) > 2:
            raise BundleError(f"{path}: a box first is for two labels", "retrain the bundle")
    _check_pipeline(manifest.pipeline, path)
    _check_reference(manifest.reference, path)


def _check_chain(manifest: ChainManifest, path: Path) -> None:
    """What is measured is known here, and coded as it is declared."""
    chain = manifest.chain
    names, known = [measure.name for measure in chain.measures], {one.name for one in DESCRIPTORS}
    coded = [(fact.name, fact.kind) for fact in chain.coding.facts]
    if manifest.exam is not None or TASKS.get(manifest.task).kind != "classify":
        raise BundleError(f"{path}: what outlines first answers a picture with a label", "retrain the bundle")
    if coded != [(name, "number") for name in names] or not known.issuperset(names):
        raise BundleError(f"{path}: it goes by measures that are not taken here", f"known: {', '.join(sorted(known))}")
    if any(set(measure.usual) != set(manifest.labels) for measure in chain.measures):
        raise BundleError(f"{path}: a measure is not told of every label", "retrain the bundle")
    for pipeline in (chain.pipeline, *((chain.within.pipeline,) if chain.within else ())):
        _check_pipeline(pipeline, path)
    _check_reference(chain.reference, path)


def _check_pipeline(pipeline: Pipeline, path: Path) -> None:
    if not any(isinstance(step, Resize) for step in pipeline.steps):
        raise BundleError(
            f"{path}: the pipeline has no resize, so pictures do not fit the network", "retrain the bundle"
        )
    # What is cut by what the picture shows has a size of its own, and a batch needs one size.
    cutting = (place for place, step in enumerate(pipeline.steps) if isinstance(step, Breast | Scan | Torso))
    found = max(cutting, default=0)
    if not any(isinstance(step, Resize) for step in pipeline.steps[found:]):
        raise BundleError(f"{path}: the pipeline cuts pictures to any size after its resize", "retrain the bundle")
    if pipeline.channels == 1 and not any(isinstance(step, Gray) for step in pipeline.steps):
        raise BundleError(f"{path}: the pipeline has one channel and takes colour", "retrain the bundle")


def _check_labels(manifest: BundleManifest, path: Path) -> None:
    """Two labels have one logit and thresholds; more have a logit each, and the likeliest is called."""
    several, labels = len(manifest.labels) > 2, set(manifest.labels)
    calibration, points = manifest.calibration, manifest.operating_points
    if isinstance(calibration, SoftmaxCalibration) != several:
        raise BundleError(
            f"{path}: calibration {calibration.kind!r} is not for {len(labels)} labels", "retrain the bundle"
        )
    named = [set(point.sensitivities) for point in points if isinstance(point, MostProbable)]
    if isinstance(calibration, SoftmaxCalibration):
        named.append(set(calibration.shares))
    if any(isinstance(point, MostProbable) != several for point in points):
        raise BundleError(f"{path}: its operating points are not for {len(labels)} labels", "retrain the bundle")
    if any(names != labels for names in named):
        raise BundleError(f"{path}: a label is missing where each has its share", "retrain the bundle")


def _check_reference(reference: EmbeddingReference, path: Path) -> None:
    try:
        mean, basis, variance = reference.mean.numpy(), reference.basis.numpy(), reference.variance.numpy()
    except ValueError as error:
        raise BundleError(f"{path}: embedding reference: {error}", "fetch the bundle again") from error
    shapes_fit = mean.ndim == variance.ndim == 1 and basis.shape == (len(mean), len(variance))
    numbers = all(np.isfinite(values).all() for values in (mean, basis, variance)) and (variance > 0).all()
    quantiles = np.array(reference.quantiles)
    if not shapes_fit or not numbers or len(quantiles) != 101 or (np.diff(quantiles) < 0).any():
        raise BundleError(f"{path}: the parts of the embedding reference do not fit together", "retrain the bundle")


def read_model(folder: Path, manifest: BundleBase, file: ModelFile | None = None) -> bytes:
    """Read the bytes of a bundle's network, or of another `file` of it; raises `BundleError` where they are others."""
    file = file or manifest.model
    path = folder / file.path
    try:
        if path.is_symlink() or path.resolve().parent != folder.resolve():
            raise BundleError(f"{path} lies outside the bundle", "a bundle holds its own files")
        if not path.is_file():
            raise BundleError(f"{path} is not there", "fetch the bundle again")
        if path.stat().st_size > LARGEST_MODEL:
            raise BundleError(f"{path} is larger than {LARGEST_MODEL:,} bytes", "this is not a bundle's network")
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", "fetch the bundle again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise BundleError(
            f"{path} is not the network of this bundle (sha256 {found[:12]}…, not {file.sha256[:12]}…)",
            "fetch the bundle again",
        )
    return content


def load_any(name: str | Path, threads: int = 0) -> Model | Outliner | Detector:
    """Load a bundle, whatever the kind of its answers, ready to predict.

    Args:
        name: a shipped bundle's name, a bundle folder, or a run folder.
        threads: threads within the network; 0 takes every core this process may use.

    Raises:
        UsageError: no such bundle.
        BundleError: the bundle is damaged, foreign, or of another format version.
    """
    folder = locate(name)
    manifest = read_manifest(folder)
    content, task = read_model(folder, manifest), TASKS.get(manifest.task)
    if isinstance(manifest, OutlineManifest):
        outline = OutlineSession(content, threads)
        if manifest.within is None:
            return Outliner(manifest, task, outline, folder)
        boxes = BoxSession(read_model(folder, manifest, manifest.within.boxes), threads)
        return BoxedOutliner(manifest, task, outline, boxes, folder)
    if isinstance(manifest, BoxManifest):
        return Detector(manifest, task, BoxSession(content, threads), folder)
    if isinstance(manifest, ChainManifest):
        session = ExamSession(content, manifest.chain.coding.width, threads)
        return ChainModel(manifest, task, _marker(folder, manifest, threads), session, folder)
    if manifest.exam:
        return Model(manifest, task, ExamSession(content, manifest.exam.coding.width, threads), folder)
    return Model(manifest, task, Session(content, threads), folder)


def _marker(folder: Path, manifest: ChainManifest, threads: int) -> Marker:
    """What marks lesions for a classifier that outlines first."""
    chain = manifest.chain
    outline = OutlineSession(read_model(folder, manifest, chain.outline), threads)
    width = len(chain.reference.mean.numpy())
    if chain.within is None:
        return WholeMarker(manifest.name, outline, chain.pipeline, chain.smallest, width)
    boxes = BoxSession(read_model(folder, manifest, chain.within.boxes), threads)
    return BoxMarker(manifest.name, outline, boxes, chain.within, chain.pipeline, width)


def load(name: str | Path, threads: int = 0) -> Model:
    """Load a classifier as `load_any` does; raises `UsageError` where the bundle's answers are not labels."""
    found = load_any(name, threads)
    if isinstance(found, Model):
        return found
    raise UsageError(
        f"{found.manifest.name} says where something is: its answers are not labels", "give a bundle of a classifier"
    )


def verify(name: str | Path) -> Manifest:
    """Load a bundle and run its network once on a blank input; raises `BundleError` as `load_any` does."""
    model = load_any(name)
    model.warm_up()
    return model.manifest
