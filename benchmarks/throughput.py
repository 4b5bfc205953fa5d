"""From files on disk to answers, against the bare network on tensors that are ready."""

from pathlib import Path

import numpy as np

from benchmarks.harness import Comparison, measure
from benchmarks.material import pictures
from senoscope.core.domain.prediction import Prediction
from senoscope.core.io import read
from senoscope.runtime.session import Session
from senoscope.runtime.store import load

BATCH, IMAGES = 8, 128


def throughput(folder: Path, turns: int) -> list[Comparison]:
    """`Model.stream` from PNG files against a bare session, equally set, on the same pictures prepared."""
    chosen = pictures(folder, IMAGES * 3 // 4, IMAGES // 4)
    model = load("ultrasound")
    session = Session((model.folder / model.manifest.model.path).read_bytes())
    tensors = np.stack([model.manifest.pipeline.apply(read(path)).array for path in chosen.every])
    parts = [tensors[first : first + BATCH] for first in range(0, IMAGES, BATCH)]

    def stream(turn: int) -> list[float]:
        answers = model.stream(chosen.every, batch=BATCH)
        return [answer.probability for answer in answers if isinstance(answer, Prediction)]

    def bare(turn: int) -> list[float]:
        logits = [session.run(part).logits[:, 0] for part in parts]
        return [float(chance) for chance in model.manifest.calibration.apply(np.concatenate(logits))]

    same = np.allclose(stream(0), bare(0), rtol=0, atol=1e-4)
    ours, peer = measure(stream, bare, turns)
    return [
        Comparison(
            "throughput",
            f"Model.stream of {IMAGES} PNG files: read, prepared, run, judged",
            f"bare session on {IMAGES} prepared tensors, all outputs, same options",
            ours,
            peer,
            required=0.7,
            checks={"probabilities are the same to 1e-4": bool(same)},
            notes=(f"{chosen.origin}, bundle {model.manifest.name} {model.manifest.version}, batches of {BATCH}",),
        )
    ]
