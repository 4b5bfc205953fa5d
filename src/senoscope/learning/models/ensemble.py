"""Several networks that answer as one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from senoscope.learning.models.classifier import Classifier, Look
from senoscope.learning.models.heads import highest


class Ensemble(nn.Module):
    """The mean of the logits of several whole networks.

    The saliency is the mean of theirs for the same label, since the answer rests on all of them. The embedding is the
    first one's: it tells pictures of another kind, for which one network is enough; those of several would be as many
    times as long.

    Args:
        members: classifiers that take the same picture and give maps of the same size.
    """

    def __init__(self, members: Sequence[Classifier]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def answers(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1) or (N, K), and embedding (N, D)."""
        logits, _, embedding = self(image)
        return logits, embedding

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) in [0, scale] → logits (N, 1) or (N, K), saliency (N, h, w), embedding (N, D)."""
        looks: list[Look] = [member.look(image) for member in self.members]  # type: ignore[operator] # torch
        logits = torch.stack([look.logits for look in looks]).mean(dim=0)
        of = highest(logits)
        parts = [member.evidence(look, of) for member, look in zip(self.members, looks, strict=True)]  # type: ignore[operator] # torch
        return logits, torch.stack(parts).mean(dim=0), looks[0].embedding
