"""Encapsulated PDF: one sheet an answer, for archives and readers that know no structured reports."""

import datetime
import io
from typing import Any

from PIL import Image as Pil
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from senoscope.core.errors import MissingExtraError
from senoscope.core.version import __version__
from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.pictures.capture import LONGEST, caption, picture
from senoscope.runtime.outputs.dicom.reports.items import coded
from senoscope.runtime.outputs.dicom.subject import NOTICE, Subject

SERIES = 9109
TITLE = Code("126000", "DCM", "Imaging Measurement Report")
MARGIN, LINE = 50, 14
"""Points, 1/72 inch."""


def encapsulated_pdf(subject: Subject) -> list[Dataset]:
    """Encapsulated PDF (PS3.3 A.45.1). The sheet names no patient: whoever takes the name off the object is done.

    Raises:
        InputError: an image's pixels were not given.
        MissingExtraError: highdicom or reportlab is not installed.
    """
    hd, first, content = highdicom(), subject.sources[0].dataset, sheet(subject)
    made: Dataset = hd.SOPClass(
        study_instance_uid=str(first.StudyInstanceUID),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1",
        modality="DOC",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        **subject.place("pdf", SERIES),
        **subject.maker,
    )
    made.ConversionType, made.BurnedInAnnotation, made.AcquisitionDateTime = "WSD", "NO", None
    made.DocumentTitle = f"{NOTICE}: {subject.answer.task}"[:1024]
    made.ConceptNameCodeSequence = [coded(TITLE)]
    made.SourceInstanceSequence = [_reference(source.dataset) for source in subject.sources]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(content)
    made.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return [subject.finish(made)]


def sheet(subject: Subject) -> bytes:
    """The sheet itself as a PDF file, A4: what is answered, the doubts, each picture with its evidence, the bundle.

    Raises:
        InputError: an image's pixels were not given.
        MissingExtraError: reportlab is not installed.
    """
    try:
        from reportlab.lib.pagesizes import A4
        from reportlab.pdfgen.canvas import Canvas
    except ImportError as error:
        raise MissingExtraError("writing PDF", "dicom") from error
    buffer = io.BytesIO()
    page = Canvas(buffer, pagesize=A4, invariant=1)
    page.setTitle(f"{NOTICE}: {subject.answer.task}")
    width, height = A4[0] - 2 * MARGIN, A4[1] - MARGIN
    height = _words(page, _lines(subject, subject.written), width, height)
    for source, shown in subject.pairs():
        height = _shown(page, Pil.fromarray(picture(source, shown)), width, height, A4[1] - MARGIN)
    page.save()
    return buffer.getvalue()


def _lines(subject: Subject, written: datetime.datetime) -> list[str]:
    answer = subject.answer
    chances = [f"{label}: {chance:.4f}" for label, chance in answer.probabilities.items()]
    threshold = "" if answer.threshold is None else f"; called from {answer.threshold:.4f}"
    return [
        *caption(answer),
        "",
        "Calibrated probabilities" + (" (the answer is withheld)" if answer.abstained else ""),
        *chances,
        f"Calibrated to a prevalence of {answer.prevalence:.4f}{threshold}",
        f"More unusual than {answer.trust.percentile:.1f} % of reference images",
        "",
        f"Study {subject.sources[0].dataset.StudyInstanceUID}",
        *(f"Image {source.dataset.SOPInstanceUID}" for source in subject.sources),
        f"Network {subject.sha256}",
        f"Senoscope {__version__}, {written:%Y-%m-%d %H:%M:%S}",
    ]


def _words(page: Any, lines: list[str], width: float, height: float) -> float:
    from reportlab.lib.utils import simpleSplit

    for place, line in enumerate(lines):
        face, size = ("Helvetica-Bold", 12) if place < 2 else ("Helvetica", 10)
        page.setFont(face, size)
        for row in simpleSplit(line, face, size, width) or [""]:
            height -= LINE
            page.drawString(MARGIN, height, row)
    return height - LINE


def _shown(page: Any, image: Pil.Image, width: float, height: float, top: float) -> float:
    """A picture in what is left of the page, or on a new one where that would be less than half its width high."""
    from reportlab.lib.utils import ImageReader

    image.thumbnail((LONGEST // 2, LONGEST // 2))
    if height - MARGIN < width / 2:
        page.showPage()
        height = top
    scale = min(width / image.width, (height - MARGIN) / image.height)
    wide, high = image.width * scale, image.height * scale
    page.drawImage(ImageReader(image), MARGIN, height - high, wide, high)
    return height - high - LINE


def _reference(image: Dataset) -> Dataset:
    one = Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return one
