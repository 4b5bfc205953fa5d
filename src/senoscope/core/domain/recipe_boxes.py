"""The part of a recipe that says how boxes are put around lesions."""

from typing import Annotated, Literal

from pydantic import Field

from senoscope.core.domain.recipe_parts import Part


class BoxesRecipe(Part):
    """How boxes are put around lesions, in tasks that ask for them.

    `centres` needs no anchors: on the maps of `model.backbone`, brought together at a `stride` by a pyramid of
    `channels` channels, it tells how surely each place is the middle of a lesion (Zhou et al. 2019, arXiv:1904.07850)
    and how far its edges are (as Tian et al. 2019, arXiv:1904.01355). `fasterrcnn` is torchvision's Faster R-CNN (Ren
    et al. 2015, arXiv:1506.01497) on a pyramid over a ResNet, of which there is no bundle: it is trained and measured.
    `size_weight` is that of the boxes' loss beside that of their middles. Of two boxes that overlap by `overlap` or
    more the surer one is kept, at most `most` a picture; boxes are shown from the score on at which out-of-fold answers
    hold no more than so many `false_positives` an image. With `patch` the network sees overlapping squares of that side
    of the fitted picture, not all of it at once, and boxes are carried from the squares back to the picture.
    """

    architecture: Literal["centres", "fasterrcnn"] = "centres"
    channels: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    stride: Literal[4, 8, 16] = 8
    size_weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    overlap: Annotated[float, Field(gt=0, le=1)] = 0.3
    most: Annotated[int, Field(ge=1, le=100)] = 10
    false_positives: Annotated[float, Field(gt=0, le=20)] = 0.5
    patch: Annotated[int, Field(ge=0, le=1024)] = 0
