"""Whole slides: tiles a second against the bare network, memory on a very large one, and TIAToolbox's patch engine.

TIAToolbox pins packages that ours must not, so it is measured in an environment of its own, where one is named:

    python3 -m venv TIA && TIA/bin/pip install tiatoolbox openslide-bin
    SENOSCOPE_TIATOOLBOX=TIA/bin/python make bench ARGS=slides
"""

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pil
from tests.makers import tissue
from tests.makers.bundles import pack_tiny

from benchmarks.harness import Comparison, Turn, measure
from benchmarks.material import backbone, recipe
from benchmarks.slides_peer import Setting, against
from senoscope.core.domain.bundle import Calibration
from senoscope.core.domain.image import Image
from senoscope.core.domain.recipe import Recipe
from senoscope.core.io.slide import open_slide
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Resize
from senoscope.evidence.bundles.packing import write_manifest
from senoscope.learning.models.build import build
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.export import export
from senoscope.runtime.session import Session
from senoscope.runtime.slides.job import Settings, run_slides
from senoscope.runtime.slides.loop import BATCH
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.plan import Grid, make_grid
from senoscope.runtime.slides.tiles import PatchClassifier
from senoscope.runtime.store import load

RECIPE, BACKBONE, SIDE = "idc_stages", "tf_efficientnet_lite0", 96
MICRONS, LEVELS, FILE_TILE = 0.25, (1, 4, 16, 32), 512
"""Of a slide scanned at 40×, with the levels that scanners write."""

TILES_A_SIDE, LARGE = 40, 100_000
FEW = 3
"""Turns at most of the recommended network, which takes as long as some twenty light ones."""

MOST_MEMORY = 1.5e9


@dataclass(frozen=True, eq=False)
class Asked:
    """A network that slides are asked by.

    Args:
        name: what it is.
        classifier: in torch; its head has learned nothing.
    """

    name: str
    classifier: Classifier


def slides(folder: Path, turns: int) -> list[Comparison]:
    """A slide from file to results against its tiles in memory, and the memory that a large one takes."""
    slide = pyramid(folder / "slide.tif", TILES_A_SIDE * 50 * 32)
    light = _light()
    found = [
        _through(folder / "recommended", slide, _recommended(), "slides", min(turns, FEW)),
        _through(folder / "light", slide, light, "slides, a light network", turns),
    ]
    bundle = folder / "light" / "bundle"
    asked, calibration = PatchClassifier(load(bundle)), load(bundle).manifest.calibration
    assert isinstance(calibration, Calibration)
    setting = Setting(slide, folder, light.classifier, BACKBONE, SIDE, asked, calibration)
    found += against(setting, lambda turn: _asked(slide, asked, folder / f"out{turn}"), turns)
    return [*found, _memory(folder, bundle)]


def _through(folder: Path, slide: Path, network: Asked, title: str, turns: int) -> Comparison:
    """One network over the slide, and over the same tiles in memory."""
    bundle = packed(folder / "bundle", network)
    asked = PatchClassifier(load(bundle))
    session = Session((bundle / "model.onnx").read_bytes())
    with open_slide(slide) as reader:
        grid = make_grid(reader, asked.microns, asked.patch)
        ready = np.stack([asked.prepare(reader.scaled(grid.level, box, grid.scale)) for box in _boxes(grid)])

    def ours(turn: int) -> SlideSummary:
        return _asked(slide, asked, folder / f"out{turn}")

    def bare(turn: int) -> NDArray[np.float32]:
        return np.concatenate([session.run(ready[at : at + BATCH]).logits for at in range(0, len(ready), BATCH)])

    mean = float(load(bundle).manifest.probabilities(bare(0))[:, 1].mean())
    summary = ours(-1)
    ours_turns, bare_turns = measure(ours, bare, turns)
    rate = len(ready) / sorted(turn.wall for turn in ours_turns)[turns // 2]
    return Comparison(
        title,
        f"a slide of {len(ready)} tiles: read, tissue sought, answered, judged, stitched, written",
        f"bare session on {len(ready)} prepared tiles in memory, all outputs, batches of {BATCH}",
        ours_turns,
        bare_turns,
        required=0.85,
        checks={
            "every tile is answered": summary.tiles["answered"] == len(ready),
            "the mean probability is the same to 1e-3": abs((summary.mean or 0) - mean) < 1e-3,
        },
        notes=(f"{network.name}; {SIDE} px, tiles of 50 px at 8 µm, level {grid.level}; {rate:.0f} tiles/s",),
    )


def _asked(slide: Path, asked: PatchClassifier, out: Path) -> SlideSummary:
    (found,) = run_slides([slide], asked, Settings(), out)
    assert isinstance(found, SlideSummary), found
    return found


def _boxes(grid: Grid):  # type: ignore[no-untyped-def] # boxes of core.domain.geometry
    return [grid.box(row, column) for row in range(grid.shape[0]) for column in range(grid.shape[1])]


def pyramid(path: Path, side: int) -> Path:
    """Write a square slide that is all tissue: a few tiles, encoded once and repeated at every level."""
    from tifffile import TiffWriter

    pictures = [tissue(FILE_TILE, FILE_TILE, seed, share=3.0) for seed in range(4)]
    with TiffWriter(path, bigtiff=True) as file:
        for level in LEVELS:
            length = side // level
            # The question is asked at the coarse levels; the fine ones only have to be there.
            encoded = [_jpeg(picture, 80 if level > 8 else 2) for picture in pictures]
            count = -(-length // FILE_TILE)
            file.write(
                _repeated(encoded, count),
                shape=(length, length, 3),
                dtype=np.uint8,
                tile=(FILE_TILE, FILE_TILE),
                compression="jpeg",
                photometric="ycbcr",
                subsampling=(2, 2),
                subfiletype=1 if level > 1 else 0,
                resolution=(1e4 / MICRONS / level,) * 2,
                resolutionunit="CENTIMETER",
                metadata=None,
            )
    return path


def _repeated(encoded: list[bytes], count: int) -> Iterator[bytes]:
    for row in range(count):
        for column in range(count):
            yield encoded[(row + 2 * column) % len(encoded)]


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    buffer = io.BytesIO()
    Pil.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def packed(folder: Path, network: Asked) -> Path:
    """A bundle for `idc` with a real network whose head has learned nothing."""
    content = export(network.classifier, SIDE)
    pipeline = Pipeline((Resize(SIDE, SIDE, "stretch"),))
    pictures = [tissue(50, 50, seed, share=3.0) for seed in range(24)]
    ready = np.stack([pipeline.apply(Image(pixels, 255.0)).array for pixels in pictures])
    pack_tiny(folder, "slide_bench", "idc", content, Session(content).run(ready).embedding)
    manifest = load(folder).manifest
    known = manifest.reference.model_copy(update={"limit": 1e6})
    write_manifest(folder, manifest.model_copy(update={"pipeline": pipeline, "reference": known}))
    return folder


def _light() -> Asked:
    """The lightest backbone at hand, with the papers' head: most of the time goes by beside the network."""
    return _network(recipe("idc_xception", model_backbone=BACKBONE, input_size=str(SIDE)), BACKBONE)


def _recommended() -> Asked:
    """The network of the recipe that answers patches best."""
    asked = recipe(RECIPE)
    return _network(asked, f"that of {RECIPE}: {asked.model.backbone} in {asked.input.views} turns")


def _network(asked: Recipe, name: str) -> Asked:
    torch.manual_seed(0)  # before the backbone too: without weights on this machine it is a random one
    base = backbone(asked.model.backbone)
    return Asked(name, Classifier(base, build(asked.model, base.features), views=asked.input.views).eval())


RUN = """
import sys, time
from pathlib import Path
from senoscope.runtime.slides.job import Settings, run_slides
from senoscope.runtime.slides.tiles import PatchClassifier
from senoscope.runtime.store import load
start = time.perf_counter()
(found,) = run_slides([Path(sys.argv[1])], PatchClassifier(load(sys.argv[2])), Settings(), Path(sys.argv[3]))
seconds = time.perf_counter() - start
# Of this program alone: the resource usage of a process counts what it was forked from.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) * 1024, found.tiles["answered"], seconds)
"""


def _memory(folder: Path, bundle: Path) -> Comparison:
    """One run in a process of its own; its peak stands where a time would, against the bound."""
    slide = pyramid(folder / "large.tif", LARGE)
    command = [sys.executable, "-c", RUN, str(slide), str(bundle), str(folder / "large")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    peak, tiles, seconds = (float(one) for one in done.stdout.split())
    slide.unlink()
    return Comparison(
        "slides, memory",
        f"GB at the peak (not seconds), a slide of {LARGE:,} × {LARGE:,} pixels, {int(tiles)} tiles in {seconds:.0f} s",
        f"{MOST_MEMORY / 1e9:g} GB",
        (Turn(peak / 1e9, peak / 1e9),),
        (Turn(MOST_MEMORY / 1e9, MOST_MEMORY / 1e9),),
        required=1.0,
        checks={"tiles over the whole slide are answered": tiles > 3800},
        notes=(f"peak resident memory of the whole process: {peak / 1e6:.0f} MB",),
    )
