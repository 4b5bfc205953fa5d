"""What the REST interface says: the shapes that the browser's client is generated from."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["queued", "running", "done", "failed"]

EXAMPLE_RESULT: dict[str, Any] = {
    "file": "left breast 3 o'clock.png",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "width": 562,
    "height": 471,
    "task": "ultrasound",
    "bundle": "ultrasound",
    "bundle_version": "1.0.0",
    "label": "benign",
    "positive": "malignant",
    "probability": 0.12,
    "probabilities": {"benign": 0.88, "malignant": 0.12},
    "reference_prevalence": 0.32,
    "operating_point": {"name": "balanced", "threshold": 0.35},
    "abstained": False,
    "trust": {"percentile": 41.0, "distance": 0.6, "flags": []},
    "timings_ms": {"read": 6.1, "preprocess": 3.2, "network": 28.4},
    "notice": "Research use only; not for diagnosis.",
}
EXAMPLE_ID = "5f0c6d1e8a4b4c0f9d3a7be21c64f9aa"


class Problem(BaseModel):
    """Why something did not work, and what to do about it."""

    code: str = Field(examples=["unreadable_image"])
    message: str = Field(examples=["scan.png: holds a web page, not a picture"])
    hint: str = Field(examples=["download the picture itself"])


class FlagView(BaseModel):
    """One doubt about an answer; `abstain` withholds it."""

    code: str
    message: str
    severity: Literal["warning", "abstain"]


class TrustView(BaseModel):
    """How far to trust an answer: `percentile` 0–100 and `distance` (above 1 is out of distribution)."""

    percentile: float
    distance: float
    flags: list[FlagView]


class ThresholdView(BaseModel):
    """The threshold in use: the positive label is called from this calibrated probability on.

    Where there are more than two labels it is null, and the most probable one is called.
    """

    name: str
    threshold: float | None


class TimingsView(BaseModel):
    """Milliseconds spent on this image."""

    read: float
    preprocess: float
    network: float


class RegionView(BaseModel):
    """One marked region: `box` is left, top, width and height in pixels of the upload; `share` is of the picture.

    `probability` is the mean over its pixels.
    """

    label: str
    box: Annotated[list[int], Field(min_length=4, max_length=4)]
    pixels: int
    share: float
    probability: float


class FoundView(BaseModel):
    """One box: left, top, width and height in pixels of the upload; `score` is its calibrated probability."""

    label: str
    box: Annotated[list[int], Field(min_length=4, max_length=4)]
    score: float


class MeasureView(BaseModel):
    """What was measured of the lesion that was answered for.

    `usual` is the mean of each label's lesions in training; `contribution` is by how much the logit of the positive
    label is higher than if the measure were that of the average lesion.
    """

    name: str
    title: str
    unit: str
    value: float
    usual: dict[str, float]
    contribution: float


class ContourView(BaseModel):
    """Closed lines around what is marked with one label, (x, y) along the edges of the upload's pixels.

    `code` is the label's place among those of the bundle, by which its colour goes.
    """

    label: str
    code: int
    rings: list[list[Annotated[list[int], Field(min_length=2, max_length=2)]]]


class Answer(BaseModel):
    """The answer to one image; the same object that `senoscope predict --format json` prints.

    `probability` is of the label `positive`; `probabilities` holds every label. Where `abstained` is true, `label` is
    null; the probability is there for audit and must not be used. `regions` are what a bundle marks, the largest first,
    and absent where it gives labels only; `boxes` are what it finds, the surest first, and absent likewise. A bundle
    that outlines first gives the box of the `lesion` it answers for, its `measures`, and by `presence` the probability
    that there is one.
    """

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE_RESULT})

    file: str
    sha256: str
    width: int
    height: int
    task: str
    bundle: str
    bundle_version: str
    label: str | None
    positive: str
    probability: float
    probabilities: dict[str, float]
    regions: list[RegionView] | None = None
    boxes: list[FoundView] | None = None
    presence: float | None = None
    lesion: list[int] | None = None
    measures: list[MeasureView] | None = None
    reference_prevalence: float
    operating_point: ThresholdView
    abstained: bool
    trust: TrustView
    timings_ms: TimingsView
    notice: str


class WorkView(BaseModel):
    """How far a slide is: tiles answered `of` those that wait, their rate, and the seconds that are left at it."""

    tiles: int
    of: int
    per_second: float
    seconds_left: float | None


class HotSpotView(BaseModel):
    """A place of high probability, in pixels of the slide's finest level."""

    x: int
    y: int
    probability: float


class SlideView(BaseModel):
    """What a whole slide comes to.

    `microns` are µm per pixel of the finest level, across and down. Areas count tissue; `fraction` is positive by
    answered, null where nothing was answered. `tiles` says how many met which end. The probability map covers
    `map_width` by `map_height` pixels from the upper left corner on, which may reach beyond the slide. Deep-zoom tiles
    have zooms from 0 to `zooms` − 1, a side of `tile` pixels and an overlap of `overlap`.
    """

    width: int
    height: int
    microns: Annotated[list[float], Field(min_length=2, max_length=2)]
    task: str
    bundle: str
    bundle_version: str
    positive: str
    operating_point: ThresholdView
    tissue_mm2: float
    answered_mm2: float
    positive_mm2: float
    fraction: float | None
    mean: float | None
    highest: float | None
    tiles: dict[str, int]
    hot_spots: list[HotSpotView]
    regions: int
    warnings: list[str]
    map_width: float
    map_height: float
    zooms: int
    tile: int
    overlap: int
    seconds: float
    notice: str


class PredictionView(BaseModel):
    """One uploaded file and how far it has come: `result` or, of a slide, `slide` when done, `error` when failed."""

    id: str = Field(examples=[EXAMPLE_ID])
    filename: str = Field(examples=["left breast 3 o'clock.png"])
    bytes: int
    task: str
    bundle: str
    operating_point: str
    state: State
    progress: float = Field(ge=0, le=1)
    created: datetime
    finished: datetime | None
    result: Answer | None
    slide: SlideView | None
    work: WorkView | None
    error: Problem | None


class FigureView(BaseModel):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class OperatingPointView(BaseModel):
    """A named threshold, with what it reached on the validation data it was chosen on."""

    name: str
    rule: str
    threshold: float
    sensitivity: FigureView
    specificity: FigureView


class MostProbableView(BaseModel):
    """What stands in a threshold's place where there are more than two labels: the most probable one is called.

    `sensitivities` are the shares of each label that were called by its name, on validation data.
    """

    name: str
    rule: str
    sensitivities: dict[str, FigureView]


class MetricsView(BaseModel):
    """Figures of one evaluation, with the protocol that produced them; a leaky protocol flatters."""

    dataset: str
    protocol: str
    leaky: bool
    images: int
    patients: int
    positives: int
    values: dict[str, FigureView]


class ModelView(BaseModel):
    """A bundle that answers here."""

    name: str = Field(examples=["ultrasound"])
    version: str
    task: str
    title: str = Field(examples=["Breast ultrasound: is the lesion benign or malignant?"])
    labels: list[str]
    positive: str
    license: str
    intended_use: str
    operating_point: str
    operating_points: list[OperatingPointView | MostProbableView]
    metrics: list[MetricsView]


class ModelCardView(ModelView):
    """A bundle with its card, in Markdown."""

    card: str


class HealthView(BaseModel):
    """Whether the service works: its version, the jobs that wait, the bundles that answer."""

    status: Literal["ok"]
    version: str
    waiting: int
    bundles: list[str]
