"""Bundles that mark regions, with a network that has learned nothing: what is dark is the lesion."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.makers.bundles import TINY, synthetic, tiny_pipeline, tiny_reference
from tests.makers.exams import tiny_exam_network
from tests.makers.pictures import outlined_ultrasound, ultrasound

if TYPE_CHECKING:
    from senoscope.runtime.outlining import Outliner

DARK = 0.84
"""Darkness, 0 to 1, at which a pixel is as likely of the lesion as not."""


def tiny_outline_network(maps: int = 1, side: int = TINY) -> bytes:
    """Build a network without torch: logits from darkness, smoothed a little, and the mean darkness of a 4 × 4 grid.

    Args:
        maps: how many; more than one are of bands of darkness, the first the brightest.
        side: of its input, in pixels, a multiple of 4.
    """
    from onnx import TensorProto, helper

    marks = [DARK] if maps == 1 else [number / (maps - 1) for number in range(maps)]
    numbers = {
        "full": ([1], [255.0]),
        "one": ([1], [1.0]),
        "steep": ([1], [40.0 if maps == 1 else -40.0]),
        "marks": ([1, maps, 1, 1], marks),
    }
    made = [helper.make_tensor(name, TensorProto.FLOAT, shape, values) for name, (shape, values) in numbers.items()]
    made.append(helper.make_tensor("axis1", TensorProto.INT64, [1], [1]))
    nodes = [
        helper.make_node("Div", ["image", "full"], ["share"]),
        helper.make_node("Sub", ["one", "share"], ["each"]),
        helper.make_node("ReduceMean", ["each", "axis1"], ["dark"], keepdims=1),
        helper.make_node("AveragePool", ["dark"], ["smooth"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Sub", ["smooth", "marks"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["steeply"]),
        # Of several, the band that is nearest in darkness is the likeliest.
        helper.make_node(*("Identity", ["steeply"]) if maps == 1 else ("Mul", ["steeply", "above"]), ["mask_logits"]),
        helper.make_node("AveragePool", ["dark"], ["grid"], kernel_shape=[side // 4] * 2, strides=[side // 4] * 2),
        helper.make_node("Flatten", ["grid"], ["embedding"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, side, side])
    shapes: dict[str, list[str | int]] = {"mask_logits": ["N", maps, side, side], "embedding": ["N", 16]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "tiny_outline", [image], outputs, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def tiny_outline_bundle(
    folder: Path, name: str = "tiny_outline", task: str = "ultrasound_outline", *, calibrated: bool = True
) -> Path:
    """Write a valid bundle whose network marks what is dark; its reference is of synthetic ultrasound.

    Args:
        folder: where.
        name: of the bundle.
        task: of two labels or more.
        calibrated: of two labels, whether it answers if there is a region at all.
    """
    from senoscope.core.domain.bundle import Calibration, Interval, ModelFile, OperatingPoint
    from senoscope.core.domain.image import Image
    from senoscope.core.domain.outline_bundle import OutlineManifest
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.bundles.packing import write_manifest
    from senoscope.runtime.session import OutlineSession

    asked = TASKS.get(task)
    several = len(asked.labels) > 2
    content, pipeline = tiny_outline_network(len(asked.labels) if several else 1), tiny_pipeline()
    pictures = [ultrasound(seed, (96, 80), malignant=seed % 2 == 0) for seed in range(40)]
    arrays = np.stack([pipeline.apply(Image(pixels, 255.0)).array for pixels in pictures])
    share = Interval(value=0.9, low=0.8, high=0.95)
    points = (("screening", 0.2), ("balanced", 0.5)) if calibrated and not several else ()
    manifest = OutlineManifest(
        name=name,
        version="1",
        created="2026-01-01",
        license="made for tests",
        intended_use="For tests only.",
        task=asked.name,
        labels=asked.labels,
        positive=asked.positive,
        model=ModelFile(sha256=hashlib.sha256(content).hexdigest(), mean=(0.0,), std=(1.0,)),
        pipeline=pipeline,
        reference=tiny_reference(OutlineSession(content, 1).run(arrays)[1]),
        metrics=(),
        datasets=(synthetic(),),
        recipe=Recipe(name=name, task=task, dataset="busi"),
        threshold=0.5,
        smallest=0.005,
        calibration=Calibration(
            kind="platt", slope=1.5, intercept=-1.0, fitted_on="synthetic pictures", images=40, prevalence=0.8
        )
        if points
        else None,
        operating_points=tuple(
            OperatingPoint(name=point, rule="set by hand", threshold=limit, sensitivity=share, specificity=share)
            for point, limit in points
        ),
        operating_point="balanced" if points else "",
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    write_manifest(folder, manifest)
    return folder


def tiny_chain_bundle(folder: Path, name: str = "tiny_chain") -> Path:
    """Write a valid bundle that outlines what is dark and answers for the largest lesion by its six measures."""
    from senoscope.core.domain.bundle import Calibration, Interval, ModelFile, OperatingPoint
    from senoscope.core.domain.chain import ChainManifest, ChainSpec, MeasureSpec
    from senoscope.core.domain.coding import fit_coding
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.preprocess.descriptors import DESCRIPTORS
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.bundles.packing import write_manifest
    from senoscope.runtime.session import ExamSession
    from senoscope.runtime.store import read_manifest

    marks = read_manifest(tiny_outline_bundle(folder, name))
    (folder / "model.onnx").rename(folder / "outline.onnx")
    records = _measured()
    coding = fit_coding([one.name for one in DESCRIPTORS], [record for record, _ in records])
    content = tiny_exam_network(coding.width, sees=False)
    session = ExamSession(content, coding.width, 1)
    known = np.concatenate([session.run(None, coding.encode([record])).embedding for record, _ in records])
    asked = TASKS.get("ultrasound")
    usual = {
        one.name: {
            label: float(np.mean([float(record[one.name]) for record, said in records if said == label]))
            for label in asked.labels
        }
        for one in DESCRIPTORS
    }
    share = Interval(value=0.9, low=0.8, high=0.95)
    chain = ChainSpec(
        outline=ModelFile(path="outline.onnx", **marks.model.model_dump(exclude={"path"})),
        pipeline=marks.pipeline,
        reference=marks.reference,
        threshold=0.5,
        smallest=0.005,
        calibration=marks.calibration,  # type: ignore[arg-type]
        called_from=0.5,
        context=1.5,
        least=0.1,
        measures=tuple(MeasureSpec(name=fact.name, usual=usual[fact.name]) for fact in coding.facts),
        coding=coding,
    )
    manifest = ChainManifest(
        name=name,
        version="1",
        created="2026-01-01",
        license="made for tests",
        intended_use="For tests only.",
        task=asked.name,
        labels=asked.labels,
        positive=asked.positive,
        model=ModelFile(sha256=hashlib.sha256(content).hexdigest(), mean=(0.0,), std=(1.0,)),
        pipeline=tiny_pipeline(),
        calibration=Calibration(
            kind="platt", slope=0.1, intercept=0.0, fitted_on="synthetic pictures", images=40, prevalence=0.5
        ),
        operating_points=(
            OperatingPoint(name="balanced", rule="set by hand", threshold=0.5, sensitivity=share, specificity=share),
        ),
        operating_point="balanced",
        reference=tiny_reference(known),
        metrics=(),
        datasets=(synthetic(),),
        recipe=Recipe(name=name, task="ultrasound", dataset="busi"),
        chain=chain,
    )
    (folder / "model.onnx").write_bytes(content)
    write_manifest(folder, manifest)
    return folder


def _measured() -> list[tuple[dict[str, str], str]]:
    """Measures of forty synthetic lesions, and which kind each is."""
    from senoscope.core.preprocess.descriptors import describe

    found = []
    for seed in range(40):
        pixels, mask = outlined_ultrasound(seed, (160, 128), malignant=seed % 2 == 0)
        values = describe(mask, pixels / 255)
        assert values is not None
        record = {name: repr(value) for name, value in values.items()}
        found.append((record, "malignant" if seed % 2 == 0 else "benign"))
    return found


def patch_outliner(
    folder: Path,
    *,
    labels: tuple[str, ...] = ("tissue", "lesion"),
    patch: tuple[int, int] = (TINY, TINY),
    square: int = TINY,
    microns: float = 2.0,
) -> "Outliner":
    """Load a bundle whose task is asked about patches of tissue, as those of slides are; its network marks the dark.

    Args:
        folder: where the bundle is written.
        labels: two, or more; the last is the positive one.
        patch: width and height of a patch in pixels.
        square: side of what it was trained on, in pixels.
        microns: of a pixel.
    """
    from dataclasses import replace

    from senoscope.core.domain.outline_bundle import OutlineManifest
    from senoscope.core.tasks import TASKS
    from senoscope.runtime.outlining import Outliner
    from senoscope.runtime.session import OutlineSession
    from senoscope.runtime.store import read_manifest

    manifest = read_manifest(tiny_outline_bundle(folder))
    assert isinstance(manifest, OutlineManifest)
    several = len(labels) > 2
    none = {"calibration": None, "operating_points": (), "operating_point": ""} if several else {}
    known = manifest.reference.model_copy(update={"limit": 1e6})
    recipe = manifest.recipe.model_copy(update={"input": manifest.recipe.input.model_copy(update={"size": square})})
    known_by = {"labels": labels, "positive": labels[-1], "reference": known, "recipe": recipe, **none}
    asked = TASKS.get("ultrasound_outline")
    task = replace(asked, labels=labels, positive=labels[-1], microns_per_pixel=microns, patch=patch)
    session = OutlineSession(tiny_outline_network(len(labels) if several else 1), 1)
    return Outliner(manifest.model_copy(update=known_by), task, session, folder)
