"""A model that answers from a table, for tests of what is done with answers."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np

from senoscope.core.domain.bundle import (
    BundleManifest,
    Calibration,
    DatasetFingerprint,
    EmbeddingReference,
    FloatArray,
    Interval,
    ModelFile,
    OperatingPoint,
)
from senoscope.core.domain.geometry import Size
from senoscope.core.domain.prediction import Flag, Prediction, Timings, Trust
from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import SplitRecipe
from senoscope.core.errors import SenoscopeError
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Gray
from senoscope.core.tasks import TASKS
from senoscope.runtime.predictor import Failure, Model
from senoscope.runtime.verdict import called

DOUBT = Flag("out_of_distribution", "unlike what the model knows", "abstain")


def manifest(trained: Iterable[DatasetFingerprint] = (), split: SplitRecipe | None = None) -> BundleManifest:
    """A manifest with nothing behind it."""
    half = Interval(value=0.5, low=0.4, high=0.6)
    points = tuple(
        OperatingPoint(name=name, rule="made up", threshold=threshold, sensitivity=half, specificity=half)
        for name, threshold in (("screening", 0.2), ("balanced", 0.5))
    )
    return BundleManifest(
        name="tiny",
        version="1",
        created="2026-01-01",
        license="Apache-2.0",
        intended_use="tests",
        task="ultrasound",
        labels=("benign", "malignant"),
        positive="malignant",
        model=ModelFile(sha256="0" * 64, mean=(0.5,), std=(0.5,)),
        pipeline=Pipeline((Gray(),), channels=1),
        calibration=Calibration(kind="platt", slope=1, intercept=0, fitted_on="nothing", images=0, prevalence=0.5),
        operating_points=points,
        operating_point="balanced",
        reference=EmbeddingReference(
            mean=FloatArray.of(np.zeros(2)),
            basis=FloatArray.of(np.zeros((2, 1))),
            variance=FloatArray.of(np.ones(1)),
            residual=1,
            quantiles=(0.0,) * 101,
            limit=1,
            fitted_on="nothing",
        ),
        metrics=(),
        datasets=tuple(trained),
        recipe=Recipe(name="tiny", task="ultrasound", dataset="busi", split=split or SplitRecipe()),
    )


class Answers:
    """Reads every image and answers by its name: `probabilities[stem]`, abstaining from `doubted` stems."""

    def __init__(
        self, probabilities: dict[str, float], doubted: Iterable[str] = (), of: BundleManifest | None = None
    ) -> None:
        self.manifest = of or manifest()
        self.task = TASKS.get("ultrasound")
        self.folder = Path("nowhere")
        self.sees = True
        self._probabilities = probabilities
        self._doubted = set(doubted)

    def as_model(self) -> Model:
        """The same, for a type checker."""
        return cast(Model, self)

    def stream(self, sources: Iterable[Path], *, operating_point: str = "") -> Iterator[Prediction | Failure]:
        """Answer in order."""
        point = self.manifest.point(operating_point)
        for path in sources:
            try:
                read(path)
            except SenoscopeError as error:
                yield Failure(str(path), error)
                continue
            chance = self._probabilities[path.stem]
            yield Prediction(
                source=str(path),
                digest="",
                size=Size(1, 1),
                task="ultrasound",
                bundle="tiny",
                version="1",
                probabilities={"benign": 1 - chance, "malignant": chance},
                positive="malignant",
                label=called({"benign": 1 - chance, "malignant": chance}, "malignant", point.threshold),
                operating_point=point.name,
                threshold=point.threshold,
                prevalence=0.5,
                heat=np.zeros((1, 1), np.float32),
                placements=(),
                trust=Trust(50, 0.5, (DOUBT,) if path.stem in self._doubted else ()),
                timings=Timings(0, 0, 0),
            )
