"""An answer with the DICOM images it is of: what every object written of it has in common."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from senoscope.core.domain.geometry import Size
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import Answer, ExamPrediction, Prediction, Shown
from senoscope.core.errors import InputError
from senoscope.core.version import __version__
from senoscope.runtime.outputs.dicom.identity import alone, finish, header
from senoscope.runtime.outputs.dicom.uids import uid

MAKER = "Senoscope"
NOTICE = "AI, research use, not for diagnosis"
"""Words that every picture and every report carries."""

NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


@dataclass(frozen=True, eq=False)
class Source:
    """One DICOM image that was looked at.

    Args:
        dataset: its attributes, as pydicom read them; pixels are not needed.
        image: what was looked at; only objects that show it ask for it.
        frame: number, from 1, of the frame that was looked at; None of an image of one frame, or of a slide's level.

    Raises:
        InputError: it does not say which study, series and instance it is.
    """

    dataset: Dataset
    image: Image | None = None
    frame: int | None = None

    def __post_init__(self) -> None:
        absent = [name for name in NEEDED if not str(self.dataset.get(name) or "")]
        if absent:
            raise InputError(f"the DICOM image has no {', '.join(absent)}", "results cannot be filed with its study")

    @property
    def header(self) -> Dataset:
        """What objects about it may copy, without whose it is; of one frame, as if it were an image of its own."""
        one = header(self.dataset)
        return alone(one, self.frame) if self.frame else one

    @property
    def size(self) -> Size:
        """Width and height of what was looked at, in pixels: of a slide, its whole level."""
        one = self.dataset
        if self.is_slide:
            return Size(int(one.TotalPixelMatrixColumns), int(one.TotalPixelMatrixRows))
        return Size(int(one.Columns), int(one.Rows))

    @property
    def number(self) -> int:
        """By which objects about it are put in its order: that of the frame, else the image's own; 1 without one."""
        said = str(self.header.get("InstanceNumber") or "")
        return self.frame or max(1, int(said) if said.isdecimal() else 1)

    @property
    def is_slide(self) -> bool:
        """Whether it is a level of a slide, cut in tiles, that was looked at as a whole."""
        return self.frame is None and "TotalPixelMatrixColumns" in self.dataset

    @property
    def of_specimen(self) -> bool:
        """Whether it is of something that was taken out of the body, which has no side any more."""
        return "SpecimenDescriptionSequence" in self.dataset

    @property
    def laterality(self) -> str:
        """`L` or `R`, "" where the image does not say; of the image before that of the series."""
        said = [str(self.dataset.get(name) or "") for name in ("ImageLaterality", "Laterality")]
        return next((side for side in said if side in ("L", "R")), "")


@dataclass(frozen=True, eq=False)
class Subject:
    """What is written about.

    Args:
        answer: to an image or an exam.
        sources: the image, or the exam's images in the order of its views.
        sha256: of the bundle's network, in hex; part of every UID.
        written: when the objects are written.

    Raises:
        InputError: the images are of several studies, are not as many as were looked at, or of another size.
    """

    answer: Answer
    sources: tuple[Source, ...]
    sha256: str
    written: datetime.datetime

    def __post_init__(self) -> None:
        studies = {(str(one.dataset.StudyInstanceUID), str(one.dataset.get("PatientID") or "")) for one in self.sources}
        if len(studies) != 1:
            raise InputError(f"{self.answer.source}: results are of one study, not of {len(studies)}", "ask one by one")
        views = self.views
        if len(views) != len(self.sources):
            raise InputError(f"{self.answer.source}: {len(views)} images were looked at, not {len(self.sources)}")
        for source, shown in zip(self.sources, views, strict=True):
            if source.size != shown.size:
                raise InputError(f"{shown.source}: the image is {source.size}, what was looked at {shown.size}")

    @property
    def views(self) -> tuple[Shown, ...]:
        """What was seen of each image."""
        if isinstance(self.answer, ExamPrediction):
            return self.answer.views
        assert isinstance(self.answer, Prediction)
        return (self.answer,)

    @property
    def maker(self) -> dict[str, Any]:
        """What made an object and what it is for, as highdicom asks for it; the bundle is the model of the machine."""
        return {
            "manufacturer": MAKER,
            "manufacturer_model_name": self.answer.bundle,
            "software_versions": [f"senoscope {__version__}", f"bundle {self.answer.version}"],
            "device_serial_number": self.sha256,
            "series_description": NOTICE,
            "content_qualification": "RESEARCH",
        }

    def pairs(self) -> Iterator[tuple[Source, Shown]]:
        """Each image with what was seen in it."""
        return zip(self.sources, self.views, strict=True)

    def uid(self, kind: str, *sources: Source) -> str:
        """Of the object of a kind about some of the images, all of them where none is named."""
        named = [f"{one.dataset.SOPInstanceUID}/{one.frame or ''}" for one in sources or self.sources]
        return uid(kind, self.sha256, self.answer.operating_point, *named)

    def series(self, kind: str, source: Source) -> str:
        """Of the series of such objects, which lies beside that of the image."""
        return uid("series", kind, self.sha256, source.dataset.SeriesInstanceUID)

    def finish(self, made: Dataset, *sources: Source) -> Dataset:
        """Make an object about some of the images, all of them where none is named, their patient's; returns it."""
        return finish(made, [one.dataset for one in sources or self.sources], self.written)

    def place(self, kind: str, number: int, *sources: Source) -> dict[str, Any]:
        """Where an object belongs, as highdicom asks for it.

        Args:
            kind: of object.
            number: of its series; the same for every object of the kind.
            sources: images it is about, all of them where none is named.
        """
        first = sources[0] if sources else self.sources[0]
        return {
            "series_instance_uid": self.series(kind, first),
            "series_number": number,
            "sop_instance_uid": self.uid(kind, *sources),
            "instance_number": first.number,
        }
