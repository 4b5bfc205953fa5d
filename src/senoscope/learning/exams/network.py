"""Backbone and exam head as one network that answers one exam, and says what its answer rests on."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from senoscope.learning.exams.head import ExamHead
from senoscope.learning.models.weights import Backbone


class ExamClassifier(nn.Module):
    """The images of one exam and their coded records → one answer.

    Grad-CAM in closed form as in `Classifier`: behind mean pooling, the gradient of the logit by an image's map is the
    exam head's gradient by its features, divided by the map's area; the head's own includes what the image gains by
    drawing attention to itself.

    Args:
        backbone: with its weights; None where no picture is looked at.
        head: of the exam.
        scale: the number full scale has in the input.
    """

    def __init__(self, backbone: Backbone | None, head: ExamHead, scale: float = 255.0) -> None:
        super().__init__()
        self.backbone = backbone.network if backbone else None
        self.architecture = backbone.architecture if backbone else ""
        self.head = head
        self.mean: Tensor
        self.std: Tensor
        mean, std = (backbone.mean, backbone.std) if backbone else ((0.0,) * 3, (1.0,) * 3)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1) * scale)
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1) * scale)

    def maps(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, scale] → last feature maps (N, C, h, w)."""
        assert self.backbone is not None
        found: Tensor = self.backbone.forward_features((image - self.mean) / self.std)  # type: ignore[operator] # timm
        return found

    def embeddings(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, scale] → (N, D)."""
        return self.maps(image).mean(dim=(2, 3))

    def answers(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → (N, D) twice: images by themselves have no logit, and each its embedding."""
        found = self.embeddings(image)
        return found, found

    def logits(self, image: Tensor, records: Tensor, counts: Tensor) -> Tensor:
        """Answer several exams at once, for training.

        Args:
            image: (n, 3, H, W) of all their images, exam after exam.
            records: (n, M) coded.
            counts: (E,) images of each exam.

        Returns:
            (E, 1) or (E, K).
        """
        logits: Tensor = self.head(self.head.packing.joined(self.embeddings(image), records, counts))
        return logits

    def answer(self, maps: Tensor | None, records: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One exam, of maps (N, C, h, w) and coded records (N, M): logits, saliency, embedding and shares."""
        views = maps.mean(dim=(2, 3)) if maps is not None else records[:, :0]
        # More places than the head has cannot come: whoever asks thins the exam first. Three are there at least, since
        # an exporter that traces one or two images takes their number for fixed.
        count, spare = records.shape[0], max(self.head.packing.views, 3)
        parts = (views, records, records.new_ones(count, 1))
        places, known, mask = (pad(part, (0, 0, 0, spare))[None, :spare] for part in parts)
        taken = mask[..., 0]
        logits = self.head.head(self.head.join(places, known, taken))
        shares = self.head.shares(places, taken)[0, :count]
        if maps is None:
            assert self.head.records is not None
            return logits, records.new_zeros(1, 1, 1), self.head.records(known, taken), shares
        weights = self.head.gradient(places, known, taken)[0, :count] / (maps.shape[2] * maps.shape[3])
        saliency = torch.relu((maps * weights[:, :, None, None]).sum(dim=1))
        return logits, saliency, views, shares


class PicturesAndRecords(nn.Module):
    """An exam's network as it is exported, of images and records."""

    def __init__(self, network: ExamClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, metadata: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, 3, H, W) and (N, M) → logits (1, K), saliency (N, h, w), embedding (N, D), attention (N,)."""
        return self.network.answer(self.network.maps(image), metadata)


class Pictures(nn.Module):
    """An exam's network as it is exported, of images alone."""

    def __init__(self, network: ExamClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, 3, H, W) → as `PicturesAndRecords`."""
        return self.network.answer(self.network.maps(image), image[:, 0, 0, :0])


class Records(nn.Module):
    """An exam's network as it is exported, of records alone."""

    def __init__(self, network: ExamClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, metadata: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, M) → as `PicturesAndRecords`, with a saliency of (1, 1, 1) zeros and the records' state (1, D)."""
        return self.network.answer(None, metadata)
