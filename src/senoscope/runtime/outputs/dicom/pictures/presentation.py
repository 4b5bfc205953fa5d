"""Presentation state: boxes and outlines that a viewer lays over the image and can take away again."""

import io
from typing import Any

import numpy as np
from PIL import ImageCms
from pydicom.dataset import Dataset

from senoscope.core.domain.prediction import Shown
from senoscope.runtime.outputs.dicom.identity import name_frame
from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.pictures.capture import caption
from senoscope.runtime.outputs.dicom.regions import Outlined, regions_of
from senoscope.runtime.outputs.dicom.subject import Source, Subject

SERIES = 9107
LAYER = "SENOSCOPE"
BAND = 0.05
"""Share of the display's height that a line of the caption takes."""


def presentation(subject: Subject) -> list[Dataset]:
    """Grayscale or Color Softcopy Presentation State (PS3.3 A.33) of each image: caption, boxes, outlines.

    Grey levels are shown as the image says; a MONOCHROME1 image is inverted here, for a presentation state overrides
    what the image says of it (PS3.4 N.2.1.2).

    Raises:
        MissingExtraError: highdicom is not installed.
    """
    return [_made(subject, source, shown) for source, shown in subject.pairs()]


def _made(subject: Subject, source: Source, shown: Shown) -> Dataset:
    hd, one = highdicom(), source.header
    layer = hd.pr.GraphicLayer(LAYER, order=1, description="Boxes and outlines of the answer")
    colour = not str(one.PhotometricInterpretation).startswith("MONOCHROME")
    if colour:
        # Palettes too are colours, of one number a pixel, which the library does not expect.
        one.SamplesPerPixel = 3
        kind, tones = hd.pr.ColorSoftcopyPresentationState, {"icc_profile": profile(source.dataset)}
    else:
        shape = "INVERSE" if one.PhotometricInterpretation == "MONOCHROME1" else "IDENTITY"
        kind = hd.pr.GrayscaleSoftcopyPresentationState
        tones = {"presentation_lut_transformation": hd.PresentationLUTTransformation(presentation_lut_shape=shape)}
    made = kind(
        referenced_images=[one],
        content_label=LAYER,
        graphic_layers=[layer],
        graphic_annotations=[_annotation(hd, subject, source, shown, layer)],
        **subject.place("gsps", SERIES, source),
        **subject.maker,
        **tones,
    )
    if not source.of_specimen:
        made.Laterality = source.laterality
    name_frame(made, source.frame)
    return subject.finish(made, source)


def profile(image: Dataset) -> bytes:
    """The image's own colours as an ICC profile; sRGB where it says nothing that can be used."""
    paths = image.get("OpticalPathSequence") or [image]
    own = bytes(paths[0].get("ICCProfile") or b"")
    try:
        known = ImageCms.ImageCmsProfile(io.BytesIO(own)).profile.device_class in ("scnr", "spac")
    except OSError:
        known = False
    if known:
        return own
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # As that of an input device (PS3.3 C.11.15), without the time at which it was made, lest one image have two.
    return made[:12] + b"scnr" + made[16:24] + bytes(12) + made[36:]


def _annotation(hd: Any, subject: Subject, source: Source, shown: Shown, layer: Any) -> Any:
    units = "MATRIX" if source.is_slide else "PIXEL"
    drawn, texts = [], [_caption(hd, subject)]
    for region in regions_of(shown):
        drawn.append(_shape(hd, region, units))
        texts.append(_word(hd, region, units))
    return hd.pr.GraphicAnnotation(
        referenced_images=[source.header],
        graphic_layer=layer,
        graphic_objects=drawn or None,
        text_objects=texts,
    )


def _caption(hd: Any, subject: Subject) -> Any:
    lines = caption(subject.answer)
    box = (0.0, 0.0, 1.0, min(1.0, BAND * len(lines)))
    return hd.pr.TextObject("\r\n".join(lines), units="DISPLAY", bounding_box=box, text_justification="LEFT")


def _shape(hd: Any, region: Outlined, units: str) -> Any:
    return hd.pr.GraphicObject(graphic_type="POLYLINE", graphic_data=np.asarray(region.corners, float), units=units)


def _word(hd: Any, region: Outlined, units: str) -> Any:
    left, top = (float(edge) for edge in region.corners.min(axis=0))
    said = f"{region.label} {region.probability:.2f}"
    return hd.pr.TextObject(said, units=units, anchor_point=(left, top), anchor_point_visible=False)
