"""`python -m benchmarks [NAME ...]`."""

import os
import tempfile
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.harness import Comparison, show, write

FOLDER = Path(__file__).resolve().parents[1] / "build" / "benchmarks"


class Name(StrEnum):
    """Benchmarks: each is a module of this package with a function of its name."""

    TRAINING = "training"
    BACKBONES = "backbones"
    FINETUNING = "finetuning"
    SALIENCY = "saliency"
    THROUGHPUT = "throughput"
    START = "start"
    BOOTSTRAP = "bootstrap"
    DUPLICATES = "duplicates"
    SLIDES = "slides"
    DICOM = "dicom"


def main(
    names: Annotated[list[Name] | None, typer.Argument(help="Which to run; all of them where none is named.")] = None,
    turns: Annotated[int, typer.Option(min=5, help="Times each side is measured.")] = 5,
    out: Annotated[Path, typer.Option(help="Folder for the figures as JSON.")] = FOLDER,
) -> None:
    """Measure Senoscope side by side with its peers, and print whether the required ratios are reached.

    The exit status is 0 either way: a machine that is busy with other work may miss a ratio. Set SENOSCOPE_DATA and
    SENOSCOPE_WEIGHTS to measure on real pictures and pretrained weights.
    """
    # Torch's waiting threads spin, which on a machine with other work to do would slow the peers down several times.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    console = Console()
    every: list[Comparison] = []
    for name in names or list(Name):
        with console.status(f"measuring {name.value}"), tempfile.TemporaryDirectory() as folder:
            found = getattr(import_module(f"benchmarks.{name.value}"), name.value)(Path(folder), turns)
        write(name.value, found, out)
        every += found
    show(every, console)


if __name__ == "__main__":
    typer.run(main)
