"""One recipe cross-validated twice, by patient and image by image, to print what the second adds."""

from pathlib import Path

from senoscope.core.domain.recipe import Recipe
from senoscope.evidence.report.gap import Gap, leakage_gap, write_gap
from senoscope.learning.data.material import Progress
from senoscope.learning.runs.run import crossvalidate


def measure_gap(recipe: Recipe, root: Path, out: Path, progress: Progress = lambda stage, done, total: None) -> Gap:
    """Run both protocols on a dataset and write the gap; run it again to resume.

    Args:
        recipe: what to do; its `split.mode` and `split.protocol` do not count.
        root: folder of the dataset.
        out: gets `patient/` and `paper/`, run folders with a report each, and `leakage.html` and `leakage.json`.
        progress: told what goes on.

    Raises:
        SenoscopeError: as `learning.run.crossvalidate`.
    """
    honest, paper = (
        crossvalidate(
            recipe.model_copy(update={"split": recipe.split.model_copy(update={"protocol": protocol})}),
            root,
            out / protocol,
            lambda stage, done, total, protocol=protocol: progress(f"{protocol}: {stage}", done, total),  # type: ignore[misc] # mypy does not see defaults
        )
        for protocol in ("patient", "paper")
    )
    found = leakage_gap(honest, paper)
    write_gap(found, out)
    return found
