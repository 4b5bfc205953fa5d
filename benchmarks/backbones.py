"""The frozen recipes by the feature store against the plain loop, backbone by backbone, on few and small pictures."""

import os
import statistics
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Comparison, measure
from benchmarks.training import Case, by_loop, by_store, plain_features, prepared, read_all
from senoscope.learning.data.features import FeatureStore, Wanted

NAMES = ("mobilenetv1_100", "mobilenetv2_100", "tf_efficientnet_lite0", "resnet50", "vgg16")
TRAIN, VALIDATION, SIZE = 12, 12, 112
TURNS = 3
"""Fewer than elsewhere: a large backbone's loop takes most of a minute."""


def backbones(folder: Path, turns: int) -> list[Comparison]:
    """What `training` measures for one backbone, for each; the larger it is, the more it saves to run it once."""
    found = [_compared(prepared(folder / name, name, TRAIN, VALIDATION, SIZE), min(turns, TURNS)) for name in NAMES]
    _show(found)
    return found


def _compared(case: Case, turns: int) -> Comparison:
    equal = _same_features(case)
    ours, peer = measure(lambda turn: by_store(case, turn), lambda turn: by_loop(case, turn), turns, warm_up=False)
    return Comparison(
        f"frozen, {case.backbone.name}",
        "feature store, cold: every picture embedded once, the head fitted on what is stored",
        "plain loop: pictures prepared once, the frozen backbone run on all of them every epoch",
        ours,
        peer,
        required=None,
        checks={"features of both sides equal to a thousandth of their spread": equal},
        notes=(
            f"{case.pictures.origin}: {TRAIN} to train on, {VALIDATION} to validate on, {SIZE} px, "
            f"{case.recipe.fit.epochs} epochs",
            f"{case.backbone.name} ({case.backbone.origin})",
        ),
    )


def _same_features(case: Case) -> bool:
    store = FeatureStore(case.folder / "check.sqlite")
    wanted = [Wanted(path, str(place), case.pipeline) for place, path in enumerate(case.pictures.every)]
    stored = store.embed(case.backbone, wanted)
    store.close()
    plain = plain_features(case, read_all(case)).numpy()
    return bool(np.abs(stored - plain).max() <= 1e-3 * plain.std())


def _show(found: list[Comparison]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=f"frozen recipes by backbone, {os.cpu_count()} cores, medians")
    for heading in ("backbone", "store, s", "loop, s", "ratio", "by CPU time"):
        table.add_column(heading, justify="left" if heading == "backbone" else "right")
    for item in found:
        times = (statistics.median(turn.wall for turn in side) for side in (item.ours_turns, item.peer_turns))
        name = item.title.removeprefix("frozen, ")
        table.add_row(name, *(f"{time:.2f}" for time in times), f"{item.ratio:.1f}", f"{item.cpu_ratio:.1f}")
    Console().print(table)
