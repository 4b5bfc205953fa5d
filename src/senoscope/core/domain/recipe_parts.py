"""The parts of a recipe: data, split, input, exam, record, model, outline, augmentation, fit, fine-tuning, jitter."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

SMALLCNN = "smallcnn"
"""Name of the one backbone that is no network of timm's."""

NONE = "none"
"""Backbone of a model that looks at no picture and goes by the record alone."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]

FactName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
"""A fact of a dataset, `laterality` and `view` among them."""


def _listed(values: object) -> object:
    """One value counts as a list of one, and a whole number as its digits: facts are words."""
    several = values if isinstance(values, list | tuple) else (values,)
    return tuple(str(value) if type(value) is int else value for value in several)


Wanted = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=256),
]


class Part(BaseModel):
    """What all parts share: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataRecipe(Part):
    """Which part of the dataset: the samples whose facts have the values named, or all of them.

    `only = {year = ["2013", "2014"]}` keeps two years; of several facts, each must have one of its values.
    """

    only: dict[FactName, Wanted] = {}


class SplitRecipe(Part):
    """How patients are divided.

    `mode = "holdout"` keeps one fold for test and one for validation and trains on the rest. `"crossval"` tests every
    fold in turn, with calibration, operating point and epochs from within the other folds (nested where the backbone is
    frozen, on the following fold where it is fine-tuned), reports all folds together, and refits on all patients for
    the bundle, calibrated on the out-of-fold answers; with `ensemble` the bundle answers with the mean logit of all the
    folds' networks instead, and nothing is fitted again. `protocol = "paper"` ignores who the patient is: it is leaky,
    says so in every report, and exists to print the gap. `"site"` divides no hospital
    either, where the dataset says which one an image is of.

    `validation` is for tasks that ask where. With `"fold"` the following fold says when to stop, and calibrates. With
    `"none"` that fold is trained on too: all epochs are run, and each fold is calibrated by the out-of-fold answers of
    the other folds, as the bundle is by all of them.
    """

    mode: Literal["holdout", "crossval"] = "holdout"
    protocol: Literal["patient", "paper", "site"] = "patient"
    folds: Annotated[int, Field(ge=3, le=20)] = 5
    test_fold: Annotated[int, Field(ge=0)] = 0
    seed: Seed = 0
    ensemble: bool = False
    validation: Literal["fold", "none"] = "fold"


class InputRecipe(Part):
    """What the network sees: square side in pixels, how the picture is fitted in.

    The answer is the mean logit over `views` of it: as it is (1), and mirrored (2), or turned by quarters and mirrored
    (8), all within the network. Calibration, thresholds and figures are of that mean; the loss that stops training
    early is of the picture as it is.

    `region` is the part of the picture that is looked at: the `whole`, the `breast` of a mammogram, found in every
    picture and laid with the chest wall to the left, the `breast_without_muscle` behind it, for oblique views only, the
    `scan` of an ultrasound picture without the flat margins around it, or in training every outlined `lesion`, cut out
    as `[patch]` says; whoever asks such a model hands over the lesion's square.

    `heat` is for thermograms: temperatures as the file has them (`plain`), those of the torso in relation to its own
    median and spread (`relative`), or these, their mirror image and how far the two are apart (`asymmetry`).
    """

    size: Annotated[int, Field(ge=32, le=1024)] = 224
    fit: Literal["stretch", "pad"] = "pad"
    views: Literal[1, 2, 8] = 1
    region: Literal["whole", "breast", "breast_without_muscle", "scan", "lesion"] = "whole"
    heat: Literal["plain", "relative", "asymmetry"] = "plain"


class ExamRecipe(Part):
    """What one answer is of: every image by itself, or all images of a breast or of a patient together.

    `pool` joins the images' features: their `mean`, or gated `attention` (Ilse et al. 2018, arXiv:1802.04712) with
    `hidden` units, which weighs them. Whatever images there are, in any number up to `most`, make an exam; of more, so
    many evenly spaced ones. Training leaves out a share `drop` of an exam's images at random, never all, so that an
    answer from a part of them has been practised. Pooled features are multiplied by `gain`/√D, D being their number,
    where a gain is given: with 1, all of the pictures together weigh as much as one standardised fact of the record.
    """

    by: Literal["image", "breast", "patient"] = "image"
    pool: Literal["mean", "attention"] = "mean"
    hidden: Annotated[int, Field(ge=1, le=1024)] = 64
    most: Annotated[int, Field(ge=1, le=64)] = 8
    drop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    gain: Annotated[float, Field(ge=0, le=1000)] = 0.0

    @property
    def joins(self) -> bool:
        """Whether an exam may hold several images."""
        return self.by != "image"


class RecordRecipe(Part):
    """What is known beside the pixels: facts of the dataset by name, `laterality` and `view` among them.

    Numbers are standardised, words one-hot; a missing value and a word that training did not see are states of their
    own. `table` takes the mean of an exam's records; `gru` and `lstm` read them one after the other, image by image,
    into `hidden` units. What comes out joins the images' features before the head. Training forgets a share `drop` of
    the facts at random, so that what was never missing there has an effect of its own when it is missing later.
    """

    facts: tuple[FactName, ...] = ()
    network: Literal["table", "gru", "lstm"] = "table"
    hidden: Annotated[int, Field(ge=1, le=1024)] = 16
    drop: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @field_validator("facts")
    @classmethod
    def _once(cls, facts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(facts)) < len(facts):
            raise ValueError("a fact is named twice")
        return facts


class PatchRecipe(Part):
    """A first stage: the backbone learns patches of the training part: its annotated lesions, and ordinary tissue.

    A patch is a square of `context` times the lesion's longer side, at least `smallest` of the picture's shorter side;
    from every picture without a lesion `ordinary` squares of the lesions' sizes are drawn. `epochs = 0` leaves it out.
    """

    epochs: Annotated[int, Field(ge=0, le=1000)] = 0
    context: Annotated[float, Field(ge=1, le=8)] = 1.5
    smallest: Annotated[float, Field(gt=0, le=1)] = 0.1
    ordinary: Annotated[int, Field(ge=0, le=64)] = 2
    size: Annotated[int, Field(ge=32, le=1024)] = 224


class OutlineRecipe(Part):
    """How regions are marked, in tasks that ask where: `model.backbone` is then the encoder.

    `architecture` is one of segmentation_models_pytorch by its name there, such as `unet`, `fpn` or `deeplabv3plus`;
    `channels` are those of a U-Net's decoder, deepest first, and the library's own where none are given. The loss is
    Dice and what `finetune.loss` names, in equal parts. A pixel is marked from a probability of `threshold` on, and a
    region smaller than a share `smallest` of the picture is left out.

    `by`, in a task that asks which, names the recipe that outlines first: the classifier then answers for the largest
    lesion, cut out as `[patch]` says, and may go by what is measured of it (`record.facts`). In a task that asks where,
    it names the recipe that puts boxes first: what is outlined then lies in and around the surest box, its sides
    `context` times as long. Trained is on the boxes of the true lesions, moved and resized by a normal draw with a
    standard deviation of `astray` of their sides, as those that are found are astray.
    """

    architecture: str = "unet"
    channels: Annotated[tuple[Annotated[int, Field(ge=1, le=2048)], ...], Field(max_length=5)] = ()
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    smallest: Annotated[float, Field(ge=0, lt=1)] = 0.001
    by: Annotated[str, Field(pattern=r"^[a-z0-9_]{0,64}$")] = ""
    context: Annotated[float, Field(ge=1, le=8)] = 1.6
    astray: Annotated[float, Field(ge=0, le=1)] = 0.25


class ModelRecipe(Part):
    """Any timm backbone by name, several joined by "+", or none; and a head on the pooled features.

    `papers` is Gaussian noise → dense 256 ReLU → dropout → batch norm → 1 logit, with `standardise` on standardised
    features; `logistic` is a standardised linear unit; `svm_linear` and `svm_rbf` are support vector machines on
    standardised features. `pretrained = false` starts from random weights. `smallcnn` is no network of timm's: three
    small convolutions that have no weights to begin with, under a `dense` head (dense ReLU → 2 logits) on the flattened
    map, or another on its mean; it has no frozen stage, and what `[finetune]` says is its whole training.

    Weights are `stored` in the bundle in single precision, or in half of it, at half the size; the network computes in
    single precision either way.
    """

    backbone: str = "mobilenetv2_100"
    pretrained: bool = True
    head: Literal["papers", "logistic", "svm_linear", "svm_rbf", "dense"] = "papers"
    noise: Annotated[float, Field(ge=0)] = 0.25
    hidden: Annotated[int, Field(ge=1, le=4096)] = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.25
    standardise: bool = False
    stored: Literal["single", "half"] = "single"

    @property
    def from_scratch(self) -> bool:
        """Whether nothing of the network can be computed before it is trained."""
        return SMALLCNN in self.backbone.split("+")

    @property
    def sees(self) -> bool:
        """Whether it looks at pictures at all."""
        return self.backbone != NONE


class AugmentRecipe(Part):
    """Extra views of training images only: `views` an image beside the plain one, drawn once from the seed.

    With `geometric` they are not drawn: mirrored, three quarter turns, upside down, the first `views` of them.
    With `before_split` every view counts as a picture of its own, trained on, divided and tested on: how papers
    multiply a small set before they divide it. Under `split.protocol = "patient"` a woman's views stay together.
    `answering` trains on the `input.views` of the answer too: what an answer averages over has then been learnt.
    """

    views: Annotated[int, Field(ge=0, le=64)] = 0
    flip: bool = True
    smallest_crop: Annotated[float, Field(gt=0, le=1)] = 0.8
    rotate: Annotated[float, Field(ge=-180, le=180)] = 0.0
    geometric: bool = False
    before_split: bool = False
    answering: bool = False


class FitRecipe(Part):
    """Fitting the head on stored features.

    `adam` goes through batches, with early stopping on the validation loss. `lbfgs` (the logistic head only) takes all
    examples at once to the optimum of loss + decay/2 × weights²; `epochs` then bounds its iterations, and `batch`,
    `rate` and `patience` do not apply. `libsvm` (the support vector machines only) solves for the `cost` of a margin
    that is crossed; `gamma` is the kernel's, over the number of features. `balance` weighs both classes alike.
    `loss = "focal"` (with `adam` only) turns from examples that are answered well already, the more so the greater
    `focus` (γ of Lin et al. 2017, doi:10.1109/ICCV.2017.324).
    """

    solver: Literal["adam", "lbfgs", "libsvm"] = "adam"
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    batch: Annotated[int, Field(ge=2, le=4096)] = 8
    rate: Annotated[float, Field(gt=0)] = 1e-3
    decay: Annotated[float, Field(ge=0)] = 0.0
    patience: Annotated[int, Field(ge=1)] = 10
    balance: bool = False
    loss: Literal["bce", "focal"] = "bce"
    focus: Annotated[float, Field(ge=0, le=10)] = 2.0
    cost: Annotated[float, Field(gt=0)] = 1.0
    gamma: Annotated[float, Field(gt=0)] = 1.0
    seed: Seed = 0


class FinetuneRecipe(Part):
    """Training the backbone too, from the best frozen head; `epochs = 0` leaves it frozen.

    The learning rate climbs over the first `warmup` epochs; then it falls to zero along a cosine, or to a tenth after
    every `wait` epochs without a lower loss (`plateau`), or stays. Every layer below the head has `layer_decay` times
    the rate of the one above it. `accumulate` batches make a step. `smoothing` moves labels that far towards one half.
    `balance` weighs both classes alike in the loss (`weights`), or draws as many of either (`sampling`). Batch
    normalisation goes by the `statistics` that came with the weights (`kept`), or by those of the batches (`learnt`),
    which is what weights drawn at random need.
    """

    epochs: Annotated[int, Field(ge=0, le=1000)] = 0
    batch: Annotated[int, Field(ge=2, le=1024)] = 16
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    rate: Annotated[float, Field(gt=0)] = 1e-4
    decay: Annotated[float, Field(ge=0)] = 1e-2
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    warmup: Annotated[int, Field(ge=0, le=1000)] = 0
    wait: Annotated[int, Field(ge=1)] = 2
    accumulate: Annotated[int, Field(ge=1, le=1024)] = 1
    loss: Literal["bce", "focal"] = "bce"
    focus: Annotated[float, Field(ge=0, le=10)] = 2.0
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    balance: Literal["none", "weights", "sampling"] = "none"
    statistics: Literal["kept", "learnt"] = "kept"
    patience: Annotated[int, Field(ge=1)] = 5


class JitterRecipe(Part):
    """Changes of training pictures in fine-tuning, drawn anew for every picture of every epoch.

    A part of the picture of at least `crop` of its area fills the square; it is mirrored half the time, and with `turn`
    turned by 0, 90, 180 or 270 degrees. Brightness and contrast change by up to a share of `light`. `stain`, for tasks
    in colour, changes how much haematoxylin and eosin a slide took up: each stain × (1 ± stain) ± stain / 10.
    """

    crop: Annotated[float, Field(gt=0, le=1)] = 0.6
    flip: bool = True
    turn: bool = False
    light: Annotated[float, Field(ge=0, lt=1)] = 0.2
    stain: Annotated[float, Field(ge=0, lt=1)] = 0.0
