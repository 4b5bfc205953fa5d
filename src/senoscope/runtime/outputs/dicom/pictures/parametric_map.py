"""Parametric map: the evidence for an answer as numbers, for images that have a place in the patient."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from senoscope.core.errors import UsageError
from senoscope.runtime.outputs.dicom import codes
from senoscope.runtime.outputs.dicom.identity import name_frame
from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.subject import Subject

SERIES = 9108
SALIENCY = Code("130404", "DCM", "Saliency")


def parametric_map(subject: Subject) -> list[Dataset]:
    """Parametric Map (PS3.3 A.75) of each image, 32-bit floats in [0, 1]; none of an answer that is withheld.

    Raises:
        UsageError: an image has no place in the patient, as films and ultrasound have none; the fractional
            segmentation says the same of those.
        MissingExtraError: highdicom is not installed.
    """
    if subject.answer.abstained:
        return []
    for source in subject.sources:
        if "ImagePositionPatient" not in source.header:
            kind = source.dataset.get("Modality")
            said = f"a parametric map needs an image with a place in the patient, as MRI has; {kind}"
            raise UsageError(f"{said} has none", "write the evidence as a segmentation: --dicom evidence")
    hd = highdicom()
    made = []
    for source, shown in subject.pairs():
        mapping = hd.pm.RealWorldValueMapping(
            lut_label="EVIDENCE",
            lut_explanation=codes.EVIDENCE.meaning[:64],
            unit=codes.UNITLESS,
            value_range=(0.0, 1.0),
            slope=1.0,
            intercept=0.0,
            quantity_definition=SALIENCY,
        )
        one = hd.pm.ParametricMap(
            source_images=[source.header],
            pixel_array=np.asarray(shown.saliency, np.float32)[None],
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[hd.VOILUTTransformation(window_center=0.5, window_width=1.0)],
            content_label="EVIDENCE",
            **subject.place("pmap", SERIES, source),
            **subject.maker,
        )
        one.Laterality = source.laterality
        name_frame(one, source.frame)
        made.append(subject.finish(one, source))
    return made
