"""Segmentations: what is marked, pixel by pixel (binary), and the evidence for an answer (fractional)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.domain.prediction import Answer, Shown
from senoscope.runtime.outputs.dicom import codes
from senoscope.runtime.outputs.dicom.identity import name_frame, orient
from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.subject import MAKER, Source, Subject

SERIES = 9104
SERIES_EVIDENCE = 9105
LEVELS = 255
"""Steps of the evidence; 255 is its peak."""


def segmentation(subject: Subject) -> list[Dataset]:
    """Binary segmentation (PS3.3 A.51) of each image with marked regions, a segment a label; of others none.

    Raises:
        MissingExtraError: highdicom is not installed.
    """
    made = []
    for source, shown in subject.pairs():
        if isinstance(shown, OutlinePrediction) and not shown.trust.abstained and shown.codes.any():
            present = [code for code in range(1, len(shown.labels)) if (shown.codes == code).any()]
            masks = np.stack([shown.codes == code for code in present], axis=-1)
            names = [shown.labels[code] for code in present]
            described = [(name, codes.category_of(name), codes.label_code(name)) for name in names]
            made.append(_made(subject, source, "seg", SERIES, masks.astype(np.uint8), described))
    return made


def evidence(subject: Subject) -> list[Dataset]:
    """Fractional segmentation of each image: how much each place speaks for the answer, its own peak at 255.

    None of an answer that is withheld: the picture would say what the report does not.

    Raises:
        MissingExtraError: highdicom is not installed.
    """
    if subject.answer.abstained:
        return []
    described = [(f"evidence for {subject.answer.explained}", codes.SPATIAL, codes.EVIDENCE)]
    return [
        _made(subject, source, "evidence", SERIES_EVIDENCE, evidence_of(shown)[..., None], described)
        for source, shown in subject.pairs()
        if shown.saliency.any()
    ]


def evidence_of(shown: Shown) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: the saliency, of regions and boxes the probability of each place."""
    return np.asarray(shown.saliency, np.float32)


def _made(
    subject: Subject,
    source: Source,
    kind: str,
    number: int,
    values: NDArray[Any],
    described: list[tuple[str, Code, Code]],
) -> Dataset:
    hd = highdicom()
    fractional, one = values.dtype == np.float32, source.header
    if "SliceThickness" not in one and "PixelSpacing" in one:
        # A spacing asks for a thickness beside it, and a projection has none.
        del one.PixelSpacing
    made = hd.seg.Segmentation(
        source_images=[one],
        pixel_array=values[None],
        segmentation_type="FRACTIONAL" if fractional else "BINARY",
        segment_descriptions=[_segment(hd, subject, source, place, *words) for place, words in enumerate(described, 1)],
        max_fractional_value=LEVELS,
        **subject.place(kind, number, source),
        **subject.maker,
        content_label="EVIDENCE" if fractional else "REGIONS",
        tile_pixel_array=source.is_slide,
    )
    orient(made, source.dataset)
    name_frame(made, source.frame)
    return subject.finish(made, source)


def _segment(hd: Any, subject: Subject, source: Source, place: int, label: str, category: Code, kind: Code) -> Any:
    answer: Answer = subject.answer
    return hd.seg.SegmentDescription(
        segment_number=place,
        segment_label=label[:64],
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=answer.bundle, version=answer.version, family=codes.ARTIFICIAL_INTELLIGENCE, source=MAKER
        ),
        tracking_uid=subject.uid(f"segment {place}", source),
        tracking_id=f"{answer.task} {label}"[:64],
        anatomic_regions=[codes.BREAST],
    )
