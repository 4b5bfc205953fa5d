"""A prediction from a cold start against the import of torch alone."""

import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Comparison, measure
from benchmarks.material import pictures


def start(folder: Path, turns: int) -> list[Comparison]:
    """`senoscope predict` on one picture in a fresh process, by the clock, against `python -c "import torch"`."""
    chosen = pictures(folder, 4, 4)
    program = Path(sys.executable).with_name("senoscope")
    predict = [str(program), "predict", "ultrasound", str(chosen.train[0]), "--format", "json"]
    answer = subprocess.run(predict, check=True, capture_output=True, text=True).stdout
    ours, peer = measure(
        lambda turn: subprocess.run(predict, check=True, capture_output=True),
        lambda turn: subprocess.run([sys.executable, "-c", "import torch"], check=True, capture_output=True),
        turns,
    )
    return [
        Comparison(
            "start",
            "senoscope predict on one picture, process started afresh",
            'python -c "import torch", likewise',
            ours,
            peer,
            required=1.0,
            checks={"the prediction is given": '"probability' in answer},
            notes=(chosen.origin, "files are in the page cache on both sides"),
        )
    ]
