"""TIAToolbox's side of the bench of slides, run by the Python of an environment that has it and nothing of ours.

Takes one JSON object as its argument. Prints a line when it is ready; after that each line it is sent is answered by
one JSON object: the seconds and the processor time of a run over the slide, and what it found.
"""
# mypy: ignore-errors
# What it imports is not there where types are checked.

import json
import logging
import os
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import load_file
from tiatoolbox.models.engine.io_config import IOPatchPredictorConfig
from tiatoolbox.models.engine.patch_predictor import PatchPredictor
from tiatoolbox.models.models_abc import ModelABC
from tiatoolbox.wsicore.wsireader import OpenSlideWSIReader


class Network(ModelABC):
    """The bundle's network in torch: a backbone of timm, and the papers' head without what only training does."""

    def __init__(self, backbone: str, weights: str, side: int) -> None:
        super().__init__()
        found = load_file(weights)
        self.backbone = timm.create_model(backbone, num_classes=0, global_pool="")
        hidden, features = found["head.dense.weight"].shape
        self.head = torch.nn.ModuleDict(
            {
                "dense": torch.nn.Linear(features, hidden),
                "norm": torch.nn.BatchNorm1d(hidden),
                "last": torch.nn.Linear(hidden, 1),
            }
        )
        self.register_buffer("mean", torch.zeros_like(found["mean"]))
        self.register_buffer("std", torch.ones_like(found["std"]))
        self.load_state_dict(found)
        self.side = side
        self.preproc_func = self.laid
        self.eval()

    def laid(self, image: np.ndarray) -> np.ndarray:
        """Scale a tile to the network's input, as the bundle's pipeline does."""
        return np.asarray(Image.fromarray(image).resize((self.side, self.side), Image.Resampling.BILINEAR))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) in [0, 255] → (N, 1) logits."""
        pooled = self.backbone.forward_features((image - self.mean) / self.std).mean(dim=(2, 3))
        return self.head["last"](self.head["norm"](torch.relu(self.head["dense"](pooled))))

    @staticmethod
    def infer_batch(model: torch.nn.Module, batch_data: torch.Tensor, device: str = "cpu") -> np.ndarray:
        """(N, H, W, 3) → (N, 2) logits of both labels."""
        with torch.inference_mode():
            logits = model(batch_data.to(device).permute(0, 3, 1, 2).float())
        return torch.cat([torch.zeros_like(logits), logits], dim=1).numpy()

    @staticmethod
    def postproc(image: np.ndarray) -> np.ndarray:
        """Of two labels the likelier."""
        return np.argmax(image, axis=-1)


def run(engine: PatchPredictor, said: dict[str, Any], threads: int, workers: int) -> dict[str, Any]:
    """Ask about the slide once and write what is found; `workers` processes read beside the one that asks."""
    torch.set_num_threads(threads)
    out = Path(said["out"])
    shutil.rmtree(out, ignore_errors=True)
    config = IOPatchPredictorConfig(
        input_resolutions=[{"units": "mpp", "resolution": said["microns"]}],
        patch_input_shape=said["patch"],
        stride_shape=said["patch"],
    )
    before, start = sum(os.times()[:4]), time.perf_counter()
    # Every tile is asked about, on both sides, so that no tissue mask is needed here.
    # Its own reader of TIFF leaves the level out that is asked about, and would halve the next.
    found = engine.run(
        [OpenSlideWSIReader(said["slide"])],
        patch_mode=False,
        ioconfig=config,
        save_dir=out,
        output_type="zarr",
        batch_size=said["batch"],
        num_workers=workers,
        device="cpu",
        auto_get_mask=False,
        return_probabilities=True,
        verbose=False,
    )
    wall, cpu = time.perf_counter() - start, sum(os.times()[:4]) - before
    return {"wall": wall, "cpu": cpu, **_read(next(iter(found.values())), said)}


def _read(written: Any, said: dict[str, Any]) -> dict[str, Any]:
    import zarr

    logits = np.asarray(zarr.open(str(written), mode="r")["probabilities"])[:, 1].astype(np.float64)
    chances = 1 / (1 + np.exp(-(logits * said["slope"] + said["intercept"])))
    return {"tiles": len(chances), "mean": float(chances.mean())}


def main() -> None:
    """Answer line by line."""
    said = json.loads(sys.argv[1])
    logging.disable(logging.WARNING)
    engine = PatchPredictor(Network(said["backbone"], said["weights"], said["side"]), verbose=False)
    answers, sys.stdout = sys.stdout, sys.stderr  # what the library prints is no answer
    # The fastest of one thread and as many as our side has, reading in the main process and in others.
    ways = [(threads, workers) for threads in {1, said["threads"]} for workers in {0, said["workers"]}]
    best = min(ways, key=lambda way: run(engine, said, *way)["wall"])
    answers.write(json.dumps({"version": version("tiatoolbox"), "threads": best[0], "workers": best[1]}) + "\n")
    answers.flush()
    for _ in sys.stdin:
        answers.write(json.dumps(run(engine, said, *best)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
