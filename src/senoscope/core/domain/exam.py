"""Several images and what is known beside them, answered together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from senoscope.core.domain.image import Image


@dataclass(frozen=True)
class View:
    """One image of an exam and its record.

    Args:
        source: the image or its path; None for a record without a picture.
        facts: what is known of it by name, `laterality` and `view` among them; what is not known is left out.
    """

    source: Image | Path | str | None
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """How messages call the image; "" where there is none."""
        return self.source.source if isinstance(self.source, Image) else str(self.source or "")


@dataclass(frozen=True)
class Exam:
    """What one answer is of: a breast's or a woman's images, in the order in which they are read, at least one.

    Args:
        name: how messages and tables call it.
        views: its images and records.
    """

    name: str
    views: tuple[View, ...]

    def __post_init__(self) -> None:
        if not self.views:
            raise ValueError(f"exam {self.name!r} has no image and no record")


def evenly(count: int, most: int) -> list[int]:
    """Positions of at most `most` of `count` things, in order: all, or the middles of so many equal parts."""
    return list(range(count)) if count <= most else [(2 * part + 1) * count // (2 * most) for part in range(most)]
