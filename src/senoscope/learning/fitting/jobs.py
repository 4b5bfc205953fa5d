"""What is fine-tuned, as words and tensors: all that the leader hands to the other processes."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from torch import nn

from senoscope.core.domain.coding import RecordCoding
from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import FinetuneRecipe, ModelRecipe, Part
from senoscope.core.errors import RunError
from senoscope.learning.data.pictures import PictureSource
from senoscope.learning.exams.head import build_exam_head
from senoscope.learning.exams.network import ExamClassifier
from senoscope.learning.exams.packing import Packing
from senoscope.learning.exams.source import ExamSource
from senoscope.learning.fitting.company import Message, State
from senoscope.learning.fitting.loop import Plan
from senoscope.learning.models.build import asked_for, build
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.weights import unfilled

Number = Annotated[int, Field(ge=1, le=2**24)]


class _OfPictures(Part):
    """What a `Classifier` is built of."""

    kind: Literal["pictures"] = "pictures"
    architecture: str
    head: ModelRecipe
    features: Number
    answers: Number
    views: Number

    def built(self) -> Classifier:
        head = build(self.head, self.features, answers=self.answers)
        return Classifier(unfilled(self.architecture), head, views=self.views)


class _OfExams(Part):
    """What an `ExamClassifier` is built of."""

    kind: Literal["exams"] = "exams"
    architecture: str
    recipe: Recipe
    packing: Packing
    coding: RecordCoding
    answers: Number

    def built(self) -> ExamClassifier:
        head = build_exam_head(self.recipe, self.packing, self.coding, self.answers)
        return ExamClassifier(unfilled(self.architecture), head)


Some = Annotated[PictureSource | ExamSource, Field(discriminator="kind")]


@dataclass(frozen=True, eq=False)
class Job:
    """One fine-tuning.

    Args:
        network: what its network is built of.
        train: what to train on.
        validation: what to be judged on, if on anything.
        recipe: how.
        plan: how long.
    """

    network: Annotated[_OfPictures | _OfExams, Field(discriminator="kind")]
    train: Some
    validation: Some | None
    recipe: FinetuneRecipe
    plan: Plan

    def network_of(self, state: State) -> Classifier | ExamClassifier:
        """Build the network and give it its weights."""
        network = self.network.built()
        network.load_state_dict(state)
        return network


_JOBS = TypeAdapter(Job)


def message(network: nn.Module, train: Any, validation: Any, recipe: FinetuneRecipe, plan: Plan) -> Message:
    """Put a fine-tuning into words, as `Company.told` hands them over, and the network's state.

    Raises:
        RunError: nobody has said how such a network is built anew.
        RecipeError: likewise of its head.
    """
    made: _OfPictures | _OfExams
    if isinstance(network, Classifier):
        head, features, answers = asked_for(network.head)
        made = _OfPictures(
            architecture=network.architecture, head=head, features=features, answers=answers, views=network.views
        )
    elif isinstance(network, ExamClassifier):
        exam = network.head
        made = _OfExams(
            architecture=network.architecture,
            recipe=exam.recipe,
            packing=exam.packing,
            coding=exam.coding,
            answers=exam.head.last.out_features,
        )
    else:
        raise RunError(f"a {type(network).__name__} is not trained by several processes", "start one process")
    return _JOBS.dump_python(Job(made, train, validation, recipe, plan), mode="json"), network.state_dict()


def job_of(words: Any) -> Job:
    """Read what `message` put into words.

    Raises:
        RunError: it is no such thing, or one of another version.
    """
    try:
        return _JOBS.validate_python(words)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise RunError(
            f"what was handed over cannot be read: {place}", "install the same version wherever a process runs"
        ) from error
