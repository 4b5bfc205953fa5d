"""The same slide and the same network by TIAToolbox's patch engine, in a process of an environment of its own."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from benchmarks.harness import Comparison, Turn, timed
from senoscope.core.domain.bundle import Calibration
from senoscope.learning.models.classifier import Classifier
from senoscope.runtime.slides.loop import BATCH
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.tiles import PatchClassifier

PEER = "SENOSCOPE_TIATOOLBOX"
"""Names the Python of an environment that has it."""

ABSENT = f"""TIAToolbox is left out: {PEER} names no Python that has it.
  python3 -m venv TIA && TIA/bin/pip install tiatoolbox openslide-bin
  {PEER}=TIA/bin/python make bench ARGS=slides"""


@dataclass(frozen=True)
class Setting:
    """What both sides are given.

    Args:
        slide: the slide's file.
        folder: for what the other side writes.
        network: in torch, as it was exported.
        backbone: its name in timm.
        side: of its input in pixels.
        asked: our side of it.
        calibration: of its logits.
    """

    slide: Path
    folder: Path
    network: Classifier
    backbone: str
    side: int
    asked: PatchClassifier
    calibration: Calibration


def against(setting: Setting, ours: Callable[[int], SlideSummary], turns: int) -> list[Comparison]:
    """Run both sides in turns; an empty list, and a line that says how to install it, where there is no other side."""
    python = os.environ.get(PEER, "")
    if not python:
        print(ABSENT)  # a line of a bench
        return []
    with _side(python, setting) as (ready, run):
        pairs = [(timed(lambda turn: ours(turn + 100), turn), run()) for turn in range(turns)]
    found = [answer for _, answer in pairs]
    summary = ours(-2)
    return [
        Comparison(
            "slides, TIAToolbox",
            f"a slide of {found[0]['tiles']} tiles: read, tissue sought, answered, judged, stitched, written",
            f"TIAToolbox {ready['version']}: PatchPredictor on the same tiles, the same weights, no tissue sought",
            tuple(turn for turn, _ in pairs),
            tuple(Turn(answer["wall"], answer["cpu"]) for answer in found),
            required=1.5,
            checks={
                "both ask about as many tiles": summary.tiles["answered"] == found[0]["tiles"],
                "the mean probability is the same to 1e-3": abs((summary.mean or 0) - found[0]["mean"]) < 1e-3,
            },
            notes=(
                f"{setting.backbone} in torch, {ready['threads']} threads, {ready['workers']} processes that read: the "
                "fastest of four ways; what it imports is not counted",
            ),
        )
    ]


@contextmanager
def _side(python: str, setting: Setting) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    with tempfile.TemporaryDirectory(dir=setting.folder) as folder:
        weights = Path(folder) / "network.safetensors"
        save_file({name: value.contiguous() for name, value in setting.network.state_dict().items()}, weights)
        patch = setting.asked.patch
        said = {
            "slide": str(setting.slide),
            "weights": str(weights),
            "backbone": setting.backbone,
            "side": setting.side,
            "out": str(Path(folder) / "out"),
            "microns": setting.asked.microns,
            "patch": [patch.height, patch.width],
            "batch": BATCH,
            "threads": len(os.sched_getaffinity(0)),
            "workers": 2,
            "slope": setting.calibration.slope,
            "intercept": setting.calibration.intercept,
        }
        command = [python, str(Path(__file__).with_name("tiatoolbox_side.py")), json.dumps(said)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline() or "null")
            if ready is None:
                raise SystemExit(f"{python} does not run TIAToolbox; what it said stands above.\n{ABSENT}")
            yield ready, lambda: _asked(process)
            process.stdin.close()  # upon which it ends


def _asked(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    found: dict[str, Any] = json.loads(process.stdout.readline())
    assert np.isfinite(found["mean"])
    return found
