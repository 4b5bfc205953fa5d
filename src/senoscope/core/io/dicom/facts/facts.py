"""What a header knows of a picture, typed; see the modules beside this one for where each fact comes from."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from senoscope.core.io.dicom.facts.breast import BreastView, breast_view, orientation_of
from senoscope.core.io.dicom.facts.flips import Flip, hanging_flip
from senoscope.core.io.dicom.facts.spacing import Spacing, spacing_of
from senoscope.core.io.dicom.facts.times import Times, times_of
from senoscope.core.io.dicom.facts.ultrasound import Mode, UltrasoundRegion, modes_of, regions_of
from senoscope.core.io.dicom.parsing import Parsed
from senoscope.core.io.dicom.values import item, number, text, whole, words

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Making = Literal["plain", "tomosynthesis", "projection", "synthetic"]
"""How a picture came about: as it was taken, as slices made from projections, as one of these projections, or as a
picture in two dimensions that was computed from slices."""

Intent = Literal["presentation", "processing", ""]

_TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"
_PROJECTIONS = ("1.2.840.10008.5.1.4.1.1.13.1.4", "1.2.840.10008.5.1.4.1.1.13.1.5")
_SYNTHETIC_NAMES = ("C-VIEW", "CVIEW", "INTELLIGENT 2D", "INTELLIGENT2D", "V-PREVIEW", "INSIGHT 2D", "S-VIEW", "SYNTH")


@dataclass(frozen=True)
class Ids:
    """Whose picture it is and where it belongs; "" where a header does not say it.

    Args:
        patient: PatientID.
        study: StudyInstanceUID.
        series: SeriesInstanceUID.
        instance: SOPInstanceUID.
        series_number: SeriesNumber.
        instance_number: InstanceNumber.
    """

    patient: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    series_number: int | None = None
    instance_number: int | None = None


@dataclass(frozen=True)
class Facts:
    """What a header knows of a picture.

    Args:
        ids: whose it is and where it belongs.
        sop_class: UID of the kind of object.
        syntax: UID of the transfer syntax.
        modality: DICOM's word: MG, US, MR, SM.
        body_part: BodyPartExamined, else the meaning of the anatomic region's code.
        maker: manufacturer.
        model: of the machine.
        study_text: StudyDescription.
        series_text: SeriesDescription.
        image_type: values of ImageType.
        rows: of a frame, 0 where there is no picture.
        columns: of a frame, likewise.
        frames: how many, 0 where there is no picture.
        intent: for presentation or for processing; "" where that is not said.
        making: how the picture came about.
        breast: which and from where.
        orientation: where rows and columns run, in DICOM's letters.
        spacing: size of a pixel.
        regions: of ultrasound.
        modes: of ultrasound.
        times: when it was taken.
    """

    ids: Ids = field(default_factory=Ids)
    sop_class: str = ""
    syntax: str = ""
    modality: str = ""
    body_part: str = ""
    maker: str = ""
    model: str = ""
    study_text: str = ""
    series_text: str = ""
    image_type: tuple[str, ...] = ()
    rows: int = 0
    columns: int = 0
    frames: int = 0
    intent: Intent = ""
    making: Making = "plain"
    breast: BreastView = field(default_factory=BreastView)
    orientation: tuple[str, str] = ("", "")
    spacing: Spacing | None = None
    regions: tuple[UltrasoundRegion, ...] = ()
    modes: frozenset[Mode] = frozenset()
    times: Times = field(default_factory=Times)

    @property
    def flip(self) -> Flip | None:
        """How to mirror a mammogram so that it hangs as usual."""
        return hanging_flip(self.orientation, self.breast)


def facts_of(parsed: Parsed) -> Facts:
    """Read everything; what a header does not say, or says in a way that does not parse, is left out."""
    header = parsed.header
    regions, pictured = regions_of(header), parsed.pixels is not None
    return Facts(
        ids=_ids(header),
        sop_class=parsed.sop_class,
        syntax=parsed.syntax,
        modality=text(header, "Modality"),
        body_part=_body_part(header),
        maker=text(header, "Manufacturer"),
        model=text(header, "ManufacturerModelName"),
        study_text=text(header, "StudyDescription"),
        series_text=text(header, "SeriesDescription"),
        image_type=words(header, "ImageType"),
        rows=(whole(header, "Rows") or 0) if pictured else 0,
        columns=(whole(header, "Columns") or 0) if pictured else 0,
        frames=int(number(header, "NumberOfFrames") or 1) if pictured else 0,
        intent=_intent(header),
        making=_making(header, parsed.sop_class),
        breast=breast_view(header),
        orientation=orientation_of(header),
        spacing=spacing_of(header, regions),
        regions=regions,
        modes=modes_of(header, regions),
        times=times_of(header),
    )


def _ids(header: "Dataset") -> Ids:
    return Ids(
        patient=text(header, "PatientID"),
        study=text(header, "StudyInstanceUID"),
        series=text(header, "SeriesInstanceUID"),
        instance=text(header, "SOPInstanceUID"),
        series_number=whole(header, "SeriesNumber"),
        instance_number=whole(header, "InstanceNumber"),
    )


def _body_part(header: "Dataset") -> str:
    region = item(header, "AnatomicRegionSequence")
    return text(header, "BodyPartExamined") or (text(region, "CodeMeaning") if region else "")


def _intent(header: "Dataset") -> Intent:
    said = text(header, "PresentationIntentType").upper()
    return "presentation" if said == "FOR PRESENTATION" else "processing" if said == "FOR PROCESSING" else ""


def _making(header: "Dataset", sop_class: str) -> Making:
    """Tell by ImageType (PS3.3 C.8.11.7.1.4, C.8.21.6.1.1) and SOP class, last by the names that makers sell under."""
    kind = {word.upper() for word in words(header, "ImageType")}
    if "GENERATED_2D" in kind:
        return "synthetic"
    if sop_class in _PROJECTIONS or "TOMO_PROJ" in kind:
        return "projection"
    if sop_class == _TOMOSYNTHESIS or "TOMOSYNTHESIS" in kind:
        return "tomosynthesis"
    described = text(header, "SeriesDescription").upper()
    named = text(header, "Modality") == "MG" and any(name in described for name in _SYNTHETIC_NAMES)
    return "synthetic" if named else "plain"
