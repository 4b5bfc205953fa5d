"""`python -m docs.protocols DATASETS [RUNS]`: every dataset by a paper's protocol and honestly, as the table of a page.

Each row is one command, `senoscope evaluate RECIPE --protocol paper`, which the page names. Runs are kept in RUNS and
taken up again; the table of docs/explanation/protocols.md is written anew from what they left.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from senoscope.cli.gap import show_gap

PAGE = Path(__file__).resolve().parent / "explanation" / "protocols.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
SUBSTITUTE = ("model.backbone=mobilenetv2_100",)
HEADINGS = ("data here", "published", "paper's protocol here: **leaky**", "honest here", "leakage gap", "command")


@dataclass(frozen=True)
class Row:
    """One dataset: who claimed what, and the command that measures it here."""

    dataset: str
    claim: str
    recipe: str
    changes: tuple[str, ...] = ()
    other: str = ""

    @property
    def command(self) -> str:
        """As one would type it, but for the places on disk."""
        words = ["senoscope evaluate", self.recipe, "--protocol paper"]
        words += [f"--dataset {self.other}"] if self.other else []
        return " ".join(words + [f"--set {change}" for change in self.changes])


ROWS = (
    Row("busi", "accuracy 0.884 ± 0.038, image by image [1]", "ultrasound_efficientnetb2", SUBSTITUTE),
    Row("bus_bra", "accuracy 0.828 ± 0.023 [1]", "ultrasound_efficientnetb2", SUBSTITUTE, "bus_bra"),
    Row("mini_mias", "–", "mammography_inceptionv3", SUBSTITUTE),
    Row("mini_mias", "turned copies first: accuracy 0.976; by film 0.513 [2]", "mammography_leakage"),
    Row("breakhis", "accuracy 0.927 ± 0.044, by patient [3]", "biopsy_efficientnetb3", SUBSTITUTE),
    Row("idc", "balanced accuracy 0.842 [4], 0.847 [5], by slide", "idc_xception", SUBSTITUTE),
    Row("dmr_ir", "accuracy 0.957 [6]; 0.92, 57 women [7]", "thermography_mobilenetv2"),
    Row("breastdcedl", "ROC AUC 0.72 [8], 0.75–0.82 [9], other hospitals", "response_mobilenet"),
)


def measure(row: Row, data: Path, runs: Path) -> dict[str, Any]:
    """Run a row's command, or take up what it left, and return its `leakage.json`."""
    out = runs / f"{row.dataset}-{row.recipe}"
    show_gap(row.recipe, data, out, row.other, row.changes)
    found: dict[str, Any] = json.loads((out / "leakage.json").read_text("utf-8"))
    return found


def line(row: Row, found: dict[str, Any]) -> str:
    """One line of the table."""
    size = f"{found['images']:,} images, {found['groups']:,} {found['unit']}"
    cells = (
        f"[{row.dataset}](../datasets/{row.dataset}.md), {size}",
        row.claim,
        *(_figures(found[side]["figures"]) for side in ("paper", "honest")),
        _figures(found["leakage_gap"]),
        f"`{row.command}`",
    )
    return f"| {' | '.join(cells)} |"


def _figures(table: dict[str, Any]) -> str:
    return "; ".join(
        f"{title} {table[name]['value']:.3f} ({table[name]['low']:.3f} to {table[name]['high']:.3f})"
        for name, title in (("roc_auc", "AUC"), ("accuracy", "accuracy"))
        if table[name] is not None
    )


def main(data: str, runs: str = "build/protocols") -> None:
    """Measure all rows and write the table into the page."""
    measured = [line(row, measure(row, Path(data), Path(runs))) for row in ROWS]
    lines = [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|", *measured]
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}" + "\n".join(lines) + f"\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
