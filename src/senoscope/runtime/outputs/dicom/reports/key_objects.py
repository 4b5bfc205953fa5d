"""Key object selection: the images that an answer calls attention to."""

from pydicom.dataset import Dataset

from senoscope.runtime.outputs.dicom.library import highdicom
from senoscope.runtime.outputs.dicom.reports.report import device
from senoscope.runtime.outputs.dicom.subject import NOTICE, Subject

SERIES = 9110


def key_objects(subject: Subject) -> list[Dataset]:
    """Key Object Selection (PS3.3 A.35.4, TID 2010) of the images where the positive label is called; else none.

    Raises:
        MissingExtraError: highdicom is not installed.
    """
    answer = subject.answer
    if answer.abstained or answer.label != answer.positive:
        return []
    hd = highdicom()
    images = [source.header for source in subject.sources]
    content = hd.ko.KeyObjectSelection(
        document_title=hd.sr.CodedConcept("113000", "DCM", "Of Interest"),
        referenced_objects=images,
        observer_device_context=device(hd, subject),
        description=f"{NOTICE}: {answer.task}, {answer.label}, {answer.probability:.3f}",
    )
    maker = {name: value for name, value in subject.maker.items() if name != "content_qualification"}
    made = hd.ko.KeyObjectSelectionDocument(evidence=images, content=content, **subject.place("kos", SERIES), **maker)
    return [subject.finish(made)]
